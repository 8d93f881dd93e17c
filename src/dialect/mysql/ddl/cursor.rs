//! A definition as the server prints it, read token by token, with the text of every token at
//! hand.

use std::ops::Range;

use super::super::SYNTAX;
use crate::sql::lex::{Kind, Lexer};

/// One token of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// The tokens of a text, read from the front. Comments and the marks of executed comments are
/// passed over.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    pub text: &'a str,
    tokens: std::rc::Rc<[Token]>,
    at: usize,
    end: usize,
}

/// The code tokens of a text; a text that cannot be cut ends where it cannot.
fn cut(text: &str) -> impl Iterator<Item = Token> + '_ {
    let tokens = Lexer::new(&SYNTAX, text).map_while(Result::ok);
    tokens
        .filter(|token| {
            !matches!(
                token.kind,
                Kind::Blank | Kind::Comment | Kind::Hint | Kind::Conditional
            )
        })
        .map(|token| Token {
            kind: token.kind,
            start: token.start,
            end: token.end,
        })
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        let tokens: std::rc::Rc<[Token]> = cut(text).collect();
        let end = tokens.len();
        Cursor {
            text,
            tokens,
            at: 0,
            end,
        }
    }

    /// The tokens that are left.
    pub fn rest(&self) -> &[Token] {
        self.tokens.get(self.at..self.end).unwrap_or_default()
    }

    pub fn is_over(&self) -> bool {
        self.at >= self.end
    }

    fn ahead(&self, by: usize) -> Option<Token> {
        self.rest().get(by).copied()
    }

    pub fn peek(&self) -> Option<Token> {
        self.ahead(0)
    }

    pub fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    pub fn word(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The text of the next token.
    pub fn sight(&self) -> &'a str {
        self.peek().map_or("", |token| self.word(token))
    }

    fn is(&self, token: Option<Token>, keyword: &str) -> bool {
        token.is_some_and(|token| {
            !matches!(token.kind, Kind::QuotedName | Kind::Text)
                && self.word(token).eq_ignore_ascii_case(keyword)
        })
    }

    /// Whether these keywords or signs are next.
    pub fn sees(&self, keywords: &[&str]) -> bool {
        let mut keywords = keywords.iter().enumerate();
        keywords.all(|(by, keyword)| self.is(self.ahead(by), keyword))
    }

    /// Passes these keywords or signs, if they are next.
    pub fn eat(&mut self, keywords: &[&str]) -> bool {
        let seen = self.sees(keywords);
        if seen {
            self.at += keywords.len();
        }
        seen
    }

    /// A name, quoted or not.
    pub fn name(&mut self) -> Option<String> {
        let token = self.peek()?;
        let text = self.word(token);
        let name = match token.kind {
            Kind::QuotedName => unquoted(text),
            Kind::Word => text.to_owned(),
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    /// A string literal's value.
    pub fn string(&mut self) -> Option<String> {
        let token = self.peek().filter(|token| token.kind == Kind::Text)?;
        self.at += 1;
        Some(value(self.word(token)))
    }

    /// What stands between the parentheses that open here.
    pub fn group(&mut self) -> Option<Cursor<'a>> {
        if !self.sees(&["("]) {
            return None;
        }
        let mut depth = 0_usize;
        for (by, token) in self.rest().iter().enumerate() {
            match self.word(*token) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let inner = Cursor {
                    at: self.at + 1,
                    end: self.at + by,
                    ..self.clone()
                };
                self.at += by + 1;
                return Some(inner);
            }
        }
        None
    }

    /// What is left, cut at the commas outside of parentheses.
    pub fn clauses(&self) -> Vec<Cursor<'a>> {
        let (mut clauses, mut depth, mut start) = (Vec::new(), 0_usize, self.at);
        let part = |start, end| Cursor {
            at: start,
            end,
            ..self.clone()
        };
        for (by, token) in self.rest().iter().enumerate() {
            match self.word(*token) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    clauses.push(part(start, self.at + by));
                    start = self.at + by + 1;
                }
                _ => {}
            }
        }
        if start < self.end {
            clauses.push(part(start, self.end));
        }
        clauses
    }

    /// The bytes of what is left.
    pub fn range(&self) -> Range<usize> {
        match (self.rest().first(), self.rest().last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }

    /// What is left as it is written.
    pub fn source(&self) -> &'a str {
        self.text.get(self.range()).unwrap_or_default()
    }

    /// What is left, with one blank wherever there are some, and no comments.
    pub fn flat(&self) -> String {
        let mut flat = String::new();
        let mut end = None;
        for token in self.rest() {
            if end.is_some_and(|end| end < token.start) {
                flat.push(' ');
            }
            flat.push_str(self.word(*token));
            end = Some(token.end);
        }
        flat
    }

    /// Where the cursor stands, so that it can be cut or come back.
    pub fn mark(&self) -> usize {
        self.at
    }

    /// What was read since a mark.
    pub fn since(&self, mark: usize) -> Cursor<'a> {
        Cursor {
            at: mark,
            end: self.at,
            ..self.clone()
        }
    }
}

/// A name without its quotes.
pub fn unquoted(text: &str) -> String {
    let inner = text
        .strip_prefix('`')
        .and_then(|text| text.strip_suffix('`'));
    inner.map_or_else(|| text.to_owned(), |inner| inner.replace("``", "`"))
}

/// The value of a string literal.
pub fn value(literal: &str) -> String {
    let Some(quote) = literal.chars().next() else {
        return String::new();
    };
    let inner = literal.get(1..literal.len().saturating_sub(1));
    let mut value = String::new();
    let mut signs = inner.unwrap_or_default().chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some('0') => value.push('\0'),
                Some('Z') => value.push('\u{1a}'),
                Some('b') => value.push('\u{8}'),
                Some(other) => value.push(other),
                None => {}
            },
            sign if sign == quote => {
                value.push(sign);
                signs.next();
            }
            sign => value.push(sign),
        }
    }
    value
}

/// An expression without the parentheses that enclose the whole of it.
pub fn bare(expression: &str) -> String {
    let mut cursor = Cursor::new(expression);
    loop {
        let mut inside = cursor.clone();
        match inside.group() {
            Some(inner) if inside.is_over() && !inner.is_over() => cursor = inner,
            _ => return cursor.flat(),
        }
    }
}

/// A definition without the own database's name, as far as it qualifies something.
pub fn without_own(text: &str, database: &str) -> String {
    let own = format!("`{}`", database.replace('`', "``"));
    if !text.contains(&own) {
        return text.to_owned();
    }
    let cursor = Cursor::new(text);
    let tokens = cursor.rest();
    let word = |at: usize| tokens.get(at).map_or("", |token| cursor.word(*token));
    // Where the name is also an alias, only what cannot be a column of it is the database.
    let alias = (0..tokens.len()).any(|at| word(at) == own && word(at + 1) != ".");
    let (mut out, mut from) = (String::new(), 0);
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", word);
        if word(at) != own || word(at + 1) != "." || before == "." {
            continue;
        }
        let certain = word(at + 3) == "."
            || word(at + 3) == "("
            || ["FROM", "JOIN", "INTO", "UPDATE", "ON", "REFERENCES"]
                .iter()
                .any(|keyword| before.eq_ignore_ascii_case(keyword));
        let sequence = before == "(" && at >= 2 && {
            let function = word(at - 2);
            ["nextval", "lastval", "setval"]
                .iter()
                .any(|name| function.eq_ignore_ascii_case(name))
        };
        let listed = !alias && matches!(before, "(" | ",");
        if certain || sequence || listed {
            out.push_str(text.get(from..token.start).unwrap_or_default());
            from = tokens.get(at + 2).map_or(token.end, |next| next.start);
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
