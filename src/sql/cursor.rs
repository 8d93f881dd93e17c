//! The words of a statement, read from the front, and the names in them as an engine compares them.

use std::fmt;

use super::lex::Kind;
use super::script;
use crate::dialect::Dialect;

/// So many words hold the head of any statement, up to the name of what it makes or fills.
const HEAD: usize = 48;

/// How an engine names and drops things, as far as engines differ.
#[derive(Debug)]
pub struct Grammar {
    /// How names compare.
    pub names: Names,
    /// So many parts has a name whose first part is a database.
    pub parts: usize,
    /// First parts of such a name that never mean another database.
    pub own: &'static [&'static str],
    /// Where temporary tables are.
    pub temporary: Option<&'static str>,
    /// Statements that open or close another database.
    pub attaching: &'static [&'static str],
    /// SCHEMA is another word for DATABASE.
    pub schema_is_database: bool,
    /// Behind `ALTER TABLE … DROP` these words begin something else than a column.
    pub not_columns: &'static [&'static str],
}

/// When two names are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// When they are written alike.
    Exact,
    /// Whatever their case.
    AnyCase,
    /// Unquoted ones are in lower case.
    LowerUnlessQuoted,
}

/// A name as the engine compares it, with its qualifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub parts: Vec<String>,
}

impl Name {
    /// The name as SQL.
    #[must_use]
    pub fn sql(&self, dialect: &dyn Dialect) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| dialect.quote(part)).collect();
        parts.join(".")
    }

    /// The name without its qualifiers.
    #[must_use]
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// What the name is qualified with, if it is.
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        let before = self.parts.len().checked_sub(2)?;
        self.parts.get(before).map(String::as_str)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.parts.join("."))
    }
}

/// One word of code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

impl Word<'_> {
    /// Whether it is this keyword or sign.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.text.eq_ignore_ascii_case(keyword)
    }

    pub(crate) fn is_one_of(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Whether it could be a name: a word, or anything in the quotes of one.
    pub(crate) fn is_name(&self) -> bool {
        let word = self.kind == Kind::Word && !self.text.starts_with(|c: char| c.is_ascii_digit());
        word || self.kind == Kind::QuotedName
    }
}

/// The words of a statement, read from the front.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    pub(crate) grammar: &'static Grammar,
    pub(crate) all: Vec<Word<'a>>,
    pub(crate) at: usize,
}

impl<'a> Words<'a> {
    /// All words of a statement whose end matters, else its head.
    pub(crate) fn of(dialect: &dyn Dialect, sql: &'a str) -> Self {
        let mut words = Words::cut(dialect, sql, 1);
        let whole = ["DROP", "ALTER", "RENAME", "TRUNCATE", "DELETE", "WITH"];
        let most = if whole.contains(&words.first().as_str()) {
            usize::MAX
        } else {
            HEAD
        };
        words = Words::cut(dialect, sql, most);
        words
    }

    /// All words of a statement.
    pub fn whole(dialect: &dyn Dialect, sql: &'a str) -> Self {
        Words::cut(dialect, sql, usize::MAX)
    }

    /// The first words of a statement.
    pub fn cut(dialect: &dyn Dialect, sql: &'a str, most: usize) -> Self {
        let code = script::code(dialect.lexis(), sql).take(most);
        let all = code.map(|token| Word {
            kind: token.kind,
            text: sql.get(token.start..token.end).unwrap_or_default(),
        });
        Words {
            grammar: dialect.grammar(),
            all: all.collect(),
            at: 0,
        }
    }

    /// As they are written, from the first one on.
    pub fn texts(&self) -> Vec<&'a str> {
        self.all.iter().map(|word| word.text).collect()
    }

    /// Other words of the same engine, read from their front.
    pub(crate) fn inside(&self, all: Vec<Word<'a>>) -> Self {
        Words {
            grammar: self.grammar,
            all,
            at: 0,
        }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &[Word<'a>] {
        self.all.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.at >= self.all.len()
    }

    /// The first word, in capitals.
    pub(crate) fn first(&self) -> String {
        self.all
            .first()
            .map(|word| word.text.to_ascii_uppercase())
            .unwrap_or_default()
    }

    /// The word that says what is done; behind WITH that is the first one outside of parentheses.
    /// It is passed where it is not the first.
    pub(crate) fn verb(&mut self) -> String {
        let first = self.first();
        if first != "WITH" {
            return first;
        }
        let mut depth = 0_usize;
        for (at, word) in self.all.iter().enumerate() {
            match word.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ if depth == 0 && word.is_one_of(&["INSERT", "REPLACE", "UPDATE", "DELETE"]) => {
                    self.at = at;
                    return word.text.to_ascii_uppercase();
                }
                _ => {}
            }
        }
        first
    }

    pub(crate) fn peek(&self) -> Option<Word<'a>> {
        self.all.get(self.at).copied()
    }

    pub(crate) fn next(&mut self) -> Option<Word<'a>> {
        let word = self.peek();
        self.at += 1;
        word
    }

    pub(crate) fn sees(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|word| word.is(keyword))
    }

    pub(crate) fn eat(&mut self, keyword: &str) -> bool {
        let sees = self.sees(keyword);
        self.at += usize::from(sees);
        sees
    }

    pub(crate) fn eat_any(&mut self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.eat(keyword))
    }

    /// Goes past these words if all of them come next.
    pub(crate) fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let rest = self.rest();
        let all = rest.len() >= keywords.len()
            && std::iter::zip(rest, keywords).all(|(word, keyword)| word.is(keyword));
        self.at += if all { keywords.len() } else { 0 };
        all
    }

    /// What stands in the parentheses that open here; they are passed.
    pub(crate) fn group(&mut self) -> Option<Words<'a>> {
        if !self.sees("(") {
            return None;
        }
        let mut depth = 0_usize;
        let end = self.rest().iter().position(|word| {
            depth += usize::from(word.is("("));
            depth -= usize::from(word.is(")"));
            depth == 0
        })?;
        let inside = self.rest().get(1..end).unwrap_or_default().to_vec();
        self.at += end + 1;
        Some(self.inside(inside))
    }

    /// `IF EXISTS` or `IF NOT EXISTS`.
    pub(crate) fn eat_if_exists(&mut self) -> bool {
        let at = self.at;
        let whole = self.eat("IF") && {
            self.eat("NOT");
            self.eat("EXISTS")
        };
        if !whole {
            self.at = at;
        }
        whole
    }

    pub(crate) fn has(&self, keyword: &str) -> bool {
        self.all.iter().any(|word| word.is(keyword))
    }

    pub(crate) fn part(&mut self) -> Option<String> {
        let word = self.peek()?;
        let quoted = match word.kind {
            Kind::Word => false,
            Kind::QuotedName | Kind::Text => true,
            _ => return None,
        };
        self.at += 1;
        let text = if quoted {
            unquoted(word.text)
        } else {
            word.text.to_owned()
        };
        Some(match self.grammar.names {
            Names::Exact => text,
            Names::LowerUnlessQuoted if quoted => text,
            Names::AnyCase | Names::LowerUnlessQuoted => text.to_ascii_lowercase(),
        })
    }

    /// A part of a name, whatever its letter case.
    pub(crate) fn any_case(&mut self) -> Option<String> {
        self.part().map(|part| part.to_lowercase())
    }

    pub(crate) fn name(&mut self) -> Option<Name> {
        let mut parts = vec![self.part()?];
        while self.sees(".") {
            self.at += 1;
            parts.push(self.part()?);
        }
        Some(Name { parts })
    }

    /// Names with commas between them; what may stand around each is passed.
    pub(crate) fn names(&mut self) -> Vec<Name> {
        let mut names = Vec::new();
        loop {
            self.eat("ONLY");
            names.extend(self.name());
            self.eat("*");
            if !self.eat(",") {
                return names;
            }
        }
    }

    /// The rest, cut at the commas outside of parentheses.
    pub(crate) fn clauses(&self) -> Vec<Words<'a>> {
        let (mut clauses, mut clause, mut depth) = (Vec::new(), Vec::new(), 0_usize);
        for word in self.rest() {
            match word.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 && word.kind == Kind::Symbol => {
                    clauses.push(std::mem::take(&mut clause));
                    continue;
                }
                _ => {}
            }
            clause.push(*word);
        }
        clauses.push(clause);
        let clauses = clauses.into_iter();
        clauses.map(|all| self.inside(all)).collect()
    }
}

/// A name without its quotes.
pub(crate) fn unquoted(text: &str) -> String {
    let text = match text.find('"') {
        // `U&"name"`
        Some(at) if text.starts_with(['u', 'U']) => text.get(at..).unwrap_or(text),
        _ => text,
    };
    let close = match text.chars().next() {
        Some('[') => ']',
        Some(open) => open,
        None => return String::new(),
    };
    let inner = text
        .get(1..text.len().saturating_sub(1))
        .unwrap_or_default();
    inner.replace(&format!("{close}{close}"), &close.to_string())
}
