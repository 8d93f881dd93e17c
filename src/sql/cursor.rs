//! The cursor: reads the code of a statement token by token, from the front.
//!
//! Comments, blanks and hints are left out. A cursor is cheap to clone and to cut: all cursors of a
//! statement share its tokens.

use std::ops::Range;
use std::sync::Arc;

use super::lex::{Kind, Token};
use super::name::Name;
use super::script;
use super::syntax::{Grammar, Names, Syntax};
pub use super::token::{CodeToken, unquoted};

/// The number of tokens that hold the head of any statement, up to the name of its object.
const HEAD: usize = 48;

/// A token in 12 bytes: a statement with rows may have millions of them.
#[derive(Debug, Clone, Copy)]
struct Span {
    kind: Kind,
    start: u32,
    end: u32,
}

/// The tokens of a statement's code, or of a part of it, read from the front.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    syntax: &'static Syntax,
    sql: &'a str,
    spans: Arc<[Span]>,
    /// The index of the first token of the part.
    start: usize,
    /// The index of the next token.
    at: usize,
    /// The index behind the last token of the part.
    end: usize,
}

/// Constructors.
impl<'a> Cursor<'a> {
    /// All code of a statement. It ends where the text cannot be cut into tokens.
    #[must_use]
    pub fn new(syntax: &'static Syntax, sql: &'a str) -> Self {
        Cursor::of(syntax, sql, script::code(syntax, sql))
    }

    /// The first tokens of a statement, at most this number.
    #[must_use]
    pub fn cut(syntax: &'static Syntax, sql: &'a str, most: usize) -> Self {
        Cursor::of(syntax, sql, script::code(syntax, sql).take(most))
    }

    /// All code of a statement whose end matters to what it does, else its head.
    #[must_use]
    pub fn head(syntax: &'static Syntax, sql: &'a str) -> Self {
        const WHOLE: &[&str] = &["DROP", "ALTER", "RENAME", "TRUNCATE", "DELETE", "WITH"];
        let first = Cursor::cut(syntax, sql, 1).first();
        if WHOLE.contains(&first.as_str()) {
            Cursor::new(syntax, sql)
        } else {
            Cursor::cut(syntax, sql, HEAD)
        }
    }

    /// The code of a statement without its numbers, which name nothing.
    #[must_use]
    pub fn without_numbers(syntax: &'static Syntax, sql: &'a str) -> Self {
        let code = script::code(syntax, sql);
        Cursor::of(syntax, sql, code.filter(|token| token.kind != Kind::Number))
    }

    /// These tokens of a text, in their order.
    #[must_use]
    pub fn of(
        syntax: &'static Syntax,
        sql: &'a str,
        tokens: impl IntoIterator<Item = Token>,
    ) -> Self {
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let spans = tokens.into_iter().map(|token| Span {
            kind: token.kind,
            start: small(token.start),
            end: small(token.end),
        });
        let spans: Arc<[Span]> = spans.collect();
        Cursor {
            syntax,
            sql,
            start: 0,
            at: 0,
            end: spans.len(),
            spans,
        }
    }

    /// The tokens that are left and pass a test, which also gets their position.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(usize, CodeToken<'a>) -> bool) -> Self {
        let tokens = self.tokens().enumerate();
        let kept = tokens.filter(|(at, token)| keep(*at, *token));
        Cursor::of(self.syntax, self.sql, kept.map(|(_, token)| token.into()))
    }

    /// A part of the same tokens.
    fn part_of(&self, start: usize, end: usize) -> Self {
        Cursor {
            start,
            at: start,
            end,
            ..self.clone()
        }
    }
}

/// Positions and single tokens.
impl<'a> Cursor<'a> {
    #[must_use]
    pub fn syntax(&self) -> &'static Syntax {
        self.syntax
    }

    #[must_use]
    pub fn grammar(&self) -> &'static Grammar {
        &self.syntax.grammar
    }

    /// The whole text that the tokens are cut from.
    #[must_use]
    pub fn sql(&self) -> &'a str {
        self.sql
    }

    #[inline]
    fn token(&self, index: usize) -> Option<CodeToken<'a>> {
        let span = self.spans.get(index)?;
        let (start, end) = (span.start as usize, span.end as usize);
        Some(CodeToken {
            kind: span.kind,
            text: self.sql.get(start..end).unwrap_or_default(),
            start,
            end,
        })
    }

    /// All tokens, before the cursor and behind it.
    fn all(&self) -> impl Iterator<Item = CodeToken<'a>> + '_ {
        (self.start..self.end).filter_map(|index| self.token(index))
    }

    /// The tokens that are left.
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = CodeToken<'a>> + Clone + '_ {
        (self.at..self.end).filter_map(|index| self.token(index))
    }

    /// The texts of the tokens that are left.
    #[must_use]
    pub fn texts(&self) -> Vec<&'a str> {
        self.tokens().map(|token| token.text).collect()
    }

    /// The number of tokens that are left.
    #[must_use]
    #[inline]
    pub fn count(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    #[must_use]
    #[inline]
    pub fn is_over(&self) -> bool {
        self.at >= self.end
    }

    /// A token by its position among those that are left.
    #[must_use]
    #[inline]
    pub fn get(&self, position: usize) -> Option<CodeToken<'a>> {
        let index = self.at + position;
        self.token(index).filter(|_| index < self.end)
    }

    /// The token before a position among those that are left.
    #[must_use]
    #[inline]
    pub fn before(&self, position: usize) -> Option<CodeToken<'a>> {
        self.get(position.checked_sub(1)?)
    }

    /// The token that is left, if it is one.
    #[must_use]
    pub fn only(&self) -> Option<CodeToken<'a>> {
        self.peek().filter(|_| self.count() == 1)
    }

    /// The tokens that are left but the last one, and that one.
    #[must_use]
    pub fn split_last(&self) -> Option<(Self, CodeToken<'a>)> {
        let last = self.end.checked_sub(1).filter(|last| *last >= self.at)?;
        Some((self.part_of(self.at, last), self.token(last)?))
    }

    /// The next token, which stays.
    #[must_use]
    #[inline]
    pub fn peek(&self) -> Option<CodeToken<'a>> {
        self.get(0)
    }

    /// The text of the next token; empty at the end.
    #[must_use]
    #[inline]
    pub fn peek_text(&self) -> &'a str {
        self.peek().map_or("", |token| token.text)
    }

    /// Passes the next token.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's adapters would consume the cursor"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<CodeToken<'a>> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    /// Passes a number of tokens, or all that are left.
    #[inline]
    pub fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.end);
    }

    /// The token that was passed last.
    #[must_use]
    pub fn passed(&self) -> Option<CodeToken<'a>> {
        let index = self.at.checked_sub(1)?;
        self.token(index).filter(|_| index >= self.start)
    }

    /// The position of the cursor, for [`Cursor::since`] and [`Cursor::back_to`].
    #[must_use]
    pub fn mark(&self) -> usize {
        self.at
    }

    /// The tokens that were passed since a mark.
    #[must_use]
    pub fn since(&self, mark: usize) -> Self {
        self.part_of(mark.clamp(self.start, self.at), self.at)
    }

    /// The tokens that are left, as a part of their own.
    #[must_use]
    pub fn rest(&self) -> Self {
        self.part_of(self.at, self.end)
    }

    /// Goes back to a mark.
    pub fn back_to(&mut self, mark: usize) {
        self.at = mark.clamp(self.start, self.end);
    }

    /// Goes back to the first token.
    pub fn rewind(&mut self) {
        self.at = self.start;
    }

    /// The first token, in capitals, wherever the cursor is.
    #[must_use]
    pub fn first(&self) -> String {
        let first = self.token(self.start).filter(|_| self.start < self.end);
        first.map_or_else(String::new, |token| token.text.to_ascii_uppercase())
    }

    /// Whether this keyword or sign is anywhere, before the cursor or behind it.
    #[must_use]
    pub fn has(&self, keyword: &str) -> bool {
        self.all().any(|token| token.is(keyword))
    }

    /// The word that says what a statement does. Behind WITH that is the first such word outside of
    /// parentheses, and the cursor goes there.
    pub fn verb(&mut self) -> String {
        const VERBS: &[&str] = &["INSERT", "REPLACE", "UPDATE", "DELETE"];
        let first = self.first();
        if first != "WITH" {
            return first;
        }
        let mut depth = 0_usize;
        let verb = self.all().enumerate().find(|(_, token)| {
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && token.is_one_of(VERBS)
        });
        let Some((position, verb)) = verb else {
            return first;
        };
        self.at = self.start + position;
        verb.text.to_ascii_uppercase()
    }
}

/// Keywords and signs.
impl<'a> Cursor<'a> {
    /// Whether this keyword or sign is next.
    #[must_use]
    pub fn sees(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|token| token.is(keyword))
    }

    /// Whether these keywords or signs are next.
    #[must_use]
    pub fn sees_all(&self, keywords: &[&str]) -> bool {
        self.sees_at(0, keywords)
    }

    /// Whether these keywords or signs stand at a position among the tokens that are left.
    #[must_use]
    #[inline]
    pub fn sees_at(&self, position: usize, keywords: &[&str]) -> bool {
        let mut keywords = keywords.iter().enumerate();
        keywords.all(|(more, keyword)| {
            let token = self.get(position + more);
            token.is_some_and(|token| token.is(keyword))
        })
    }

    /// Passes this keyword or sign if it is next.
    #[inline]
    pub fn eat(&mut self, keyword: &str) -> bool {
        let sees = self.sees(keyword);
        self.at += usize::from(sees);
        sees
    }

    /// Passes these keywords or signs if all of them are next.
    pub fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let sees = self.sees_all(keywords);
        self.at += if sees { keywords.len() } else { 0 };
        sees
    }

    /// Passes the next token if it is one of these.
    pub fn eat_any(&mut self, keywords: &[&str]) -> bool {
        self.eat_one(keywords).is_some()
    }

    /// Passes the next token if it is one of these, and gives the one that it is.
    pub fn eat_one<'w>(&mut self, keywords: &[&'w str]) -> Option<&'w str> {
        keywords.iter().copied().find(|keyword| self.eat(keyword))
    }

    /// Passes this keyword or sign. `None` if something else is next.
    pub fn expect(&mut self, keyword: &str) -> Option<()> {
        self.eat(keyword).then_some(())
    }

    /// Passes `IF EXISTS` or `IF NOT EXISTS`.
    pub fn eat_if_exists(&mut self) -> bool {
        self.eat_all(&["IF", "EXISTS"]) || self.eat_all(&["IF", "NOT", "EXISTS"])
    }
}

/// Names.
impl Cursor<'_> {
    /// A name as it is written, without its quotes.
    pub fn identifier(&mut self) -> Option<String> {
        let name = self.peek()?.identifier()?;
        self.at += 1;
        Some(name)
    }

    /// One part of a name, as the engine compares names. A literal counts as a quoted name.
    pub fn part(&mut self) -> Option<String> {
        let token = self.peek()?;
        let quoted = match token.kind {
            Kind::Word => false,
            Kind::QuotedName | Kind::Text => true,
            _ => return None,
        };
        self.at += 1;
        let text = if quoted {
            unquoted(token.text)
        } else {
            token.text.to_owned()
        };
        Some(match self.grammar().names {
            Names::Exact => text,
            Names::LowerUnlessQuoted if quoted => text,
            Names::AnyCase | Names::LowerUnlessQuoted => text.to_ascii_lowercase(),
        })
    }

    /// One part of a name, in lower case.
    pub fn any_case(&mut self) -> Option<String> {
        self.part().map(|part| part.to_lowercase())
    }

    /// A name with its qualifiers.
    pub fn name(&mut self) -> Option<Name> {
        let mut parts = vec![self.part()?];
        while self.eat(".") {
            parts.push(self.part()?);
        }
        Some(Name { parts })
    }

    /// Names with commas between them; `ONLY` before one and `*` behind it are passed.
    pub fn names(&mut self) -> Vec<Name> {
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
}

/// Parts of a statement, and its text.
impl<'a> Cursor<'a> {
    /// The content of the parentheses that open here; they are passed.
    pub fn group(&mut self) -> Option<Cursor<'a>> {
        if !self.sees("(") {
            return None;
        }
        let mut depth = 0_usize;
        for index in self.at..self.end {
            match self.token(index)?.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let inside = self.part_of(self.at + 1, index);
                self.at = index + 1;
                return Some(inside);
            }
        }
        None
    }

    /// The tokens that are left, cut at the commas outside of parentheses. No tokens are one empty
    /// clause.
    #[must_use]
    pub fn clauses(&self) -> Vec<Cursor<'a>> {
        let (mut clauses, mut depth, mut start) = (Vec::new(), 0_usize, self.at);
        for (position, token) in self.tokens().enumerate() {
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    let index = self.at + position;
                    clauses.push(self.part_of(start, index));
                    start = index + 1;
                }
                _ => {}
            }
        }
        clauses.push(self.part_of(start, self.end.max(start)));
        clauses
    }

    /// The tokens that are left, without the parentheses around all of them.
    #[must_use]
    pub fn bare(&self) -> Cursor<'a> {
        let mut cursor = self.clone();
        loop {
            let mut outside = cursor.clone();
            match outside.group() {
                Some(inside) if outside.is_over() && !inside.is_over() => cursor = inside,
                _ => return cursor,
            }
        }
    }

    /// The bytes of the tokens that are left.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        match (self.tokens().next(), self.tokens().next_back()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }

    /// The text of the tokens that are left, with everything between them.
    #[must_use]
    pub fn source(&self) -> &'a str {
        self.sql.get(self.range()).unwrap_or_default()
    }

    /// The text of some of the tokens that are left, by their positions.
    #[must_use]
    pub fn source_of(&self, positions: Range<usize>) -> &'a str {
        let start = self.get(positions.start);
        let start = start.map_or(self.sql.len(), |token| token.start);
        let last = self.before(positions.end);
        let end = last.map_or(start, |token| token.end).max(start);
        self.sql.get(start..end).unwrap_or_default()
    }

    /// The text of the tokens that are left, without comments and with one blank for several.
    #[must_use]
    pub fn flat(&self) -> String {
        let mut flat = String::new();
        let mut end = None;
        for token in self.tokens() {
            if end.is_some_and(|end| end < token.start) {
                flat.push(' ');
            }
            flat.push_str(token.text);
            end = Some(token.end);
        }
        flat
    }
}
