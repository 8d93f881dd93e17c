//! Code that outlives the text it was cut from: expressions and values of definitions.

use super::text::literal;
use crate::dialect::Literals as _;
use crate::dialect::mysql::MySql;
use crate::sql::cursor::{CodeToken, Cursor, unquoted};
use crate::sql::lex::Kind;

/// A token with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    /// Whether anything stands between it and the token before it.
    pub spaced: bool,
}

/// Tokens in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    pub tokens: Vec<Token>,
}

impl Code {
    /// The tokens that are left of a cursor.
    pub fn of(cursor: &Cursor<'_>) -> Code {
        let mut end = None;
        let tokens = cursor.tokens().map(|token| {
            let spaced = end.is_some_and(|end| end < token.start);
            end = Some(token.end);
            Token {
                kind: token.kind,
                text: token.text.to_owned(),
                spaced,
            }
        });
        Code {
            tokens: tokens.collect(),
        }
    }

    /// The tokens as those of a text.
    pub fn words(&self) -> impl Iterator<Item = CodeToken<'_>> {
        self.tokens.iter().map(|token| CodeToken {
            kind: token.kind,
            text: &token.text,
            start: 0,
            end: 0,
        })
    }

    /// A single word.
    pub fn word(text: &str) -> Code {
        Code {
            tokens: vec![Token {
                kind: Kind::Word,
                text: text.to_owned(),
                spaced: false,
            }],
        }
    }

    /// Appends the tokens that are left of a cursor.
    pub fn extend(&mut self, cursor: &Cursor<'_>) {
        let more = Code::of(cursor).tokens.into_iter();
        let spaced = !self.is_empty();
        self.tokens.extend(more.map(|token| Token {
            spaced: token.spaced || spaced,
            ..token
        }));
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The code with one blank wherever something stood between two tokens.
    pub fn text(&self) -> String {
        flat(&self.tokens)
    }

    /// The value of a setting: a literal's content, a name without its quotes, or the code itself.
    pub fn value(&self) -> String {
        match self.tokens.as_slice() {
            [token] if token.kind == Kind::Text => literal(&token.text),
            [token] if token.kind == Kind::QuotedName => unquoted(&token.text),
            [open, inside @ .., _] if open.text == "(" => format!("({})", flat(inside)),
            tokens => flat(tokens),
        }
    }

    /// Renames the tokens that are names, given in lower case, to other names.
    pub fn rename(&mut self, new_name: impl Fn(&str) -> Option<String>) {
        for token in &mut self.tokens {
            if let Some(new) = token.name().and_then(|name| new_name(&name)) {
                token.kind = Kind::QuotedName;
                token.text = MySql.quote(&new);
            }
        }
    }
}

impl Token {
    /// Whether it is this keyword or sign.
    pub fn is(&self, keyword: &str) -> bool {
        let quoted = matches!(self.kind, Kind::QuotedName | Kind::Text);
        !quoted && self.text.eq_ignore_ascii_case(keyword)
    }

    /// The name that it may be, in lower case.
    pub fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_lowercase()),
            Kind::QuotedName => Some(unquoted(&self.text).to_lowercase()),
            _ => None,
        }
    }
}

/// Takes a string literal, and gives its content.
pub fn string(cursor: &mut Cursor<'_>) -> Option<String> {
    let token = cursor.peek().filter(|token| token.kind == Kind::Text)?;
    cursor.next();
    Some(literal(token.text))
}

fn flat(tokens: &[Token]) -> String {
    let mut text = String::new();
    for (position, token) in tokens.iter().enumerate() {
        if token.spaced && position > 0 {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}
