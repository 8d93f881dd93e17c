//! The code of a statement as tokens, and the one spelling in which texts are compared.

use std::collections::HashMap;

use super::keywords::is_keyword;
use crate::dialect::sqlite::LEXIS;
use crate::sql::cursor::unquoted;
use crate::sql::lex::{Kind, Lexer};

/// A token of code; an operator of several signs is one.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: usize,
    pub end: usize,
}

const OPERATORS: &[&str] = &["||", "<=", ">=", "==", "!=", "<>", "<<", ">>", "->", "->>"];

impl Token<'_> {
    pub fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.text.eq_ignore_ascii_case(word)
    }

    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// The name that it is; the engine takes a string literal for one, too.
    pub fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_owned()),
            Kind::QuotedName | Kind::Text => Some(unquoted(self.text)),
            _ => None,
        }
    }
}

/// All code of a text, or nothing where it cannot be cut.
pub fn tokens(sql: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    for token in Lexer::new(&LEXIS, sql) {
        let token = token.ok()?;
        if matches!(token.kind, Kind::Blank | Kind::Comment | Kind::Hint) {
            continue;
        }
        let (start, end) = (token.start, token.end);
        let joined = tokens
            .last()
            .filter(|last| last.end == start)
            .and_then(|last| {
                let text = sql.get(last.start..end)?;
                let kind = glued(last, token.kind, text)?;
                Some(Token {
                    kind,
                    text,
                    start: last.start,
                    end,
                })
            });
        match joined {
            Some(joined) => {
                tokens.pop();
                tokens.push(joined);
            }
            None => tokens.push(Token {
                kind: token.kind,
                text: sql.get(start..end)?,
                start,
                end,
            }),
        }
    }
    Some(tokens)
}

/// What two tokens that touch make together, if they make one.
fn glued(last: &Token<'_>, kind: Kind, text: &str) -> Option<Kind> {
    match (last.kind, kind) {
        (Kind::Symbol, Kind::Symbol) if OPERATORS.contains(&text) => Some(Kind::Symbol),
        // `.5` and `1.`
        (Kind::Symbol, Kind::Number) if last.text == "." => Some(Kind::Number),
        (Kind::Number, Kind::Symbol) if text.ends_with('.') => Some(Kind::Number),
        _ => None,
    }
}

/// The columns that an expression may mean, by their names in lower case.
#[derive(Debug, Clone, Default)]
pub struct Known(HashMap<String, String>);

impl Known {
    pub fn new<'n>(names: impl Iterator<Item = &'n str>) -> Known {
        Known(
            names
                .map(|name| (name.to_lowercase(), name.to_owned()))
                .collect(),
        )
    }

    /// A name as the column is declared.
    pub fn resolve(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_lowercase()).map(String::as_str)
    }
}

/// Tokens in one spelling. Where the columns are known, what is not one of them keeps its double
/// quotes, because the engine may take it for a string; where nobody knows them the spelling is good
/// for comparing alone.
pub fn canonical(tokens: &[Token<'_>], known: Option<&Known>) -> String {
    let mut text = String::new();
    let mut before: Option<Token<'_>> = None;
    let mut unary = false;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let types =
            before.is_some_and(|before| before.is("COLLATE") || known.is_some() && before.is("AS"));
        let spelled = if types && token.kind == Kind::Word {
            token.text.to_ascii_uppercase()
        } else {
            spelled(token, next, known)
        };
        if let Some(before) = &before
            && (spaced(before, token, unary) || text.ends_with('-') && spelled.starts_with('-'))
        {
            text.push(' ');
        }
        unary = is_sign(token) && before.is_none_or(|before| !ends_operand(&before));
        text.push_str(&spelled);
        before = Some(*token);
    }
    text
}

fn is_sign(token: &Token<'_>) -> bool {
    token.is_one_of(&["-", "+", "~"])
}

/// Whether a value may end with this token, so that a sign behind it stands between two values.
fn ends_operand(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Symbol => token.text == ")",
        Kind::Word => !is_keyword(token.text) || token.is_one_of(&["NULL", "END"]),
        _ => true,
    }
}

fn spaced(before: &Token<'_>, token: &Token<'_>, unary: bool) -> bool {
    if unary || before.is("(") || before.is(".") || token.is_one_of(&[")", ",", ".", ";"]) {
        return false;
    }
    if token.is("(") {
        return match before.kind {
            Kind::Word => {
                is_keyword(before.text) && !before.is_one_of(&["CAST", "RAISE", "REPLACE"])
            }
            Kind::QuotedName => false,
            _ => true,
        };
    }
    true
}

fn spelled(token: &Token<'_>, next: Option<&Token<'_>>, known: Option<&Known>) -> String {
    let calls = next.is_some_and(|next| next.is("("));
    match token.kind {
        Kind::Word if is_keyword(token.text) => token.text.to_ascii_uppercase(),
        Kind::Word if calls => token.text.to_ascii_lowercase(),
        Kind::Word => match known.and_then(|known| known.resolve(token.text)) {
            Some(column) => plain(column),
            None if is_value(token.text) => token.text.to_ascii_uppercase(),
            None if next.is_some_and(|next| next.is(".")) && token.is_one_of(&["NEW", "OLD"]) => {
                token.text.to_ascii_uppercase()
            }
            None => token.text.to_owned(),
        },
        Kind::QuotedName => {
            let name = unquoted(token.text);
            match known {
                Some(known) => match known.resolve(&name) {
                    Some(column) => plain(column),
                    None if token.text.starts_with('"') => token.text.to_owned(),
                    None => plain(&name),
                },
                None if calls => plain(&name).to_ascii_lowercase(),
                None => plain(&name),
            }
        }
        Kind::Text if token.text.starts_with(['x', 'X']) => token.text.to_ascii_lowercase(),
        Kind::Number => token.text.to_ascii_lowercase(),
        _ => match token.text {
            "==" => "=".to_owned(),
            "!=" => "<>".to_owned(),
            text => text.to_owned(),
        },
    }
}

fn is_value(word: &str) -> bool {
    ["TRUE", "FALSE"]
        .iter()
        .any(|value| word.eq_ignore_ascii_case(value))
}

/// A name without quotes where it needs none.
pub fn plain(name: &str) -> String {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let simple = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    if begins && name.chars().all(simple) && !is_keyword(name) && !is_value(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Tokens, read from the front.
#[derive(Debug, Clone)]
pub struct Cursor<'t, 'a> {
    all: &'t [Token<'a>],
    at: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    pub fn new(all: &'t [Token<'a>]) -> Self {
        Cursor { all, at: 0 }
    }

    pub fn peek(&self) -> Option<Token<'a>> {
        self.all.get(self.at).copied()
    }

    pub fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    pub fn sees(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is(word))
    }

    pub fn eat(&mut self, word: &str) -> bool {
        let sees = self.sees(word);
        self.at += usize::from(sees);
        sees
    }

    /// Goes past these words if all of them come next.
    pub fn eat_all(&mut self, words: &[&str]) -> bool {
        let rest = self.rest();
        let all = rest.len() >= words.len()
            && std::iter::zip(rest, words).all(|(token, word)| token.is(word));
        self.at += if all { words.len() } else { 0 };
        all
    }

    /// Which of these words comes next; it is passed.
    pub fn eat_one<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.iter().copied().find(|word| self.eat(word))
    }

    pub fn name(&mut self) -> Option<String> {
        let name = self.peek()?.name()?;
        self.at += 1;
        Some(name)
    }

    /// What stands in the parentheses that open here; they are passed.
    pub fn group(&mut self) -> Option<&'t [Token<'a>]> {
        if !self.sees("(") {
            return None;
        }
        let mut depth = 0_usize;
        let end = self.rest().iter().position(|token| {
            depth += usize::from(token.is("("));
            depth -= usize::from(token.is(")"));
            depth == 0
        })?;
        let inside = self.rest().get(1..end)?;
        self.at += end + 1;
        Some(inside)
    }

    /// The token that was passed last.
    pub fn passed(&self) -> Option<Token<'a>> {
        self.all.get(self.at.checked_sub(1)?).copied()
    }

    pub fn rest(&self) -> &'t [Token<'a>] {
        self.all.get(self.at..).unwrap_or_default()
    }

    pub fn is_over(&self) -> bool {
        self.at >= self.all.len()
    }
}

/// Tokens, cut at the commas outside of parentheses.
pub fn clauses<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_usize;
    tokens
        .split(|token| {
            depth += usize::from(token.is("("));
            depth = depth.saturating_sub(usize::from(token.is(")")));
            depth == 0 && token.is(",")
        })
        .collect()
}

/// Tokens without the parentheses around all of them.
pub fn bare<'t, 'a>(mut tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    loop {
        let mut cursor = Cursor::new(tokens);
        match cursor.group() {
            Some(inside) if cursor.is_over() && !inside.is_empty() => tokens = inside,
            _ => return tokens,
        }
    }
}
