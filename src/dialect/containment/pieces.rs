//! The code of a statement with the places of its words, so that single words can be replaced.

use crate::dialect::Dialect;
use crate::sql::cursor::unquoted;
use crate::sql::lex::Kind;
use crate::sql::script;

/// A piece of text that is to be put in place of some bytes.
pub type Edit = (usize, usize, String);

/// One word of code and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: usize,
    pub end: usize,
}

/// The words of a statement.
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    pub sql: &'a str,
    /// Kind, beginning and end: rows may go on for megabytes.
    all: Vec<(Kind, u32, u32)>,
}

impl Piece<'_> {
    /// Whether it is this keyword or sign.
    pub fn is(&self, keyword: &str) -> bool {
        let code = matches!(self.kind, Kind::Word | Kind::Symbol | Kind::Terminator);
        code && self.text.eq_ignore_ascii_case(keyword)
    }

    pub fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Whether it could be a name.
    pub fn is_name(&self) -> bool {
        let word = self.kind == Kind::Word && !self.text.starts_with(|c: char| c.is_ascii_digit());
        word || self.kind == Kind::QuotedName
    }

    /// The name that it is, in lower case: one that two could mean counts as both.
    pub fn name(&self) -> String {
        let text = match self.kind {
            Kind::QuotedName | Kind::Text => unquoted(self.text),
            _ => self.text.to_owned(),
        };
        text.to_lowercase()
    }

    /// The word without quotes of any kind, in capitals.
    pub fn bare(&self) -> String {
        let text = self.text.trim_matches(['\'', '"', '`', '[', ']']);
        text.to_ascii_uppercase()
    }

    /// A name in its place, quoted as this one is where it is.
    pub fn renamed(&self, dialect: &dyn Dialect, name: &str) -> Edit {
        // Unquoted it may mean another one, unless it is plain itself.
        let plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_');
        let bare = self.kind == Kind::Word
            && name.chars().all(plain)
            && !name.starts_with(|first: char| first.is_ascii_digit());
        let text = if bare {
            name.to_owned()
        } else {
            dialect.quote(name)
        };
        (self.start, self.end, text)
    }
}

impl<'a> Pieces<'a> {
    pub fn of(dialect: &dyn Dialect, sql: &'a str) -> Self {
        // What numbers say leads nowhere.
        let code = script::code(dialect.lexis(), sql).filter(|token| token.kind != Kind::Number);
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let all = code.map(|token| (token.kind, small(token.start), small(token.end)));
        Pieces {
            sql,
            all: all.collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn get(&self, at: usize) -> Option<Piece<'a>> {
        let (kind, start, end) = self.all.get(at).copied()?;
        let (start, end) = (start as usize, end as usize);
        let text = self.sql.get(start..end).unwrap_or_default();
        Some(Piece {
            kind,
            text,
            start,
            end,
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = Piece<'a>> + '_ {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The piece before.
    pub fn before(&self, at: usize) -> Option<Piece<'a>> {
        self.get(at.checked_sub(1)?)
    }

    /// Whether these words stand there.
    pub fn are(&self, at: usize, words: &[&str]) -> bool {
        let mut words = words.iter().enumerate();
        words.all(|(more, word)| self.get(at + more).is_some_and(|piece| piece.is(word)))
    }

    /// As [`Pieces::are`], where `OR REPLACE` behind the first word counts for nothing.
    pub fn head(&self, at: usize, words: &[&str]) -> bool {
        let Some((first, rest)) = words.split_first() else {
            return false;
        };
        if !self.are(at, &[first]) {
            return false;
        }
        let skipped = if self.are(at + 1, &["OR", "REPLACE"]) {
            2
        } else {
            0
        };
        self.are(at + 1 + skipped, rest)
    }

    /// Where the statement ends that stands there.
    pub fn end(&self, at: usize) -> usize {
        let mut rest = at..self.len();
        let end = rest.find(|at| self.get(*at).is_some_and(|piece| piece.text == ";"));
        end.unwrap_or(self.len())
    }

    /// The source of some pieces.
    pub fn text(&self, from: usize, end: usize) -> &'a str {
        let start = self.get(from).map_or(self.sql.len(), |piece| piece.start);
        let last = end.checked_sub(1).and_then(|last| self.get(last));
        let end = last.map_or(start, |piece| piece.end).max(start);
        self.sql.get(start..end).unwrap_or_default()
    }
}

/// Whether a statement begins with one of these words.
pub fn leads(dialect: &dyn Dialect, sql: &str, words: &[&str]) -> bool {
    let first = script::words(dialect.lexis(), sql).next();
    first.is_some_and(|first| words.iter().any(|word| word.eq_ignore_ascii_case(first)))
}

/// A text with its edits; nothing where there are none.
pub fn edited(sql: &str, mut edits: Vec<Edit>) -> Option<String> {
    if edits.is_empty() {
        return None;
    }
    edits.sort();
    let (mut text, mut at) = (String::with_capacity(sql.len()), 0);
    for (start, end, new) in edits {
        text.push_str(sql.get(at..start).unwrap_or_default());
        text.push_str(&new);
        at = end.max(at);
    }
    text.push_str(sql.get(at..).unwrap_or_default());
    Some(text)
}
