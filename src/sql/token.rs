//! Tokens of code with their text: keywords, signs, names and literals.

use super::lex::{Kind, Token};

/// A token of code with its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeToken<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// The offset of its first byte in the text.
    pub start: usize,
    /// The offset behind its last byte.
    pub end: usize,
}

impl CodeToken<'_> {
    /// Whether it is this keyword or sign, in any letter case. Quoted it is neither.
    #[must_use]
    #[inline]
    pub fn is(&self, keyword: &str) -> bool {
        let quoted = matches!(self.kind, Kind::QuotedName | Kind::Text);
        !quoted && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of these keywords or signs.
    #[must_use]
    #[inline]
    pub fn is_one_of(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Whether it could be a name: a word, or a name in quotes.
    #[must_use]
    #[inline]
    pub fn is_name(&self) -> bool {
        let word = self.kind == Kind::Word && !self.text.starts_with(|c: char| c.is_ascii_digit());
        word || self.kind == Kind::QuotedName
    }

    /// Its text without the quotes of a name or a literal, in lower case. Two names that the engine
    /// tells apart by their case are one here.
    #[must_use]
    pub fn folded(&self) -> String {
        match self.kind {
            Kind::QuotedName | Kind::Text => unquoted(self.text).to_lowercase(),
            _ => self.text.to_lowercase(),
        }
    }

    /// The name that it is, without its quotes. `None` if it is neither a word nor a quoted name.
    #[must_use]
    pub fn identifier(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_owned()),
            Kind::QuotedName => Some(unquoted(self.text)),
            _ => None,
        }
    }
}

impl From<CodeToken<'_>> for Token {
    fn from(token: CodeToken<'_>) -> Self {
        Token {
            kind: token.kind,
            start: token.start,
            end: token.end,
        }
    }
}

/// A name or a literal without its quotes.
#[must_use]
pub fn unquoted(text: &str) -> String {
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
