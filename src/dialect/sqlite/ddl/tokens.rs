//! The code of SQLite's statements, and the canonical spelling in which texts are compared.

use std::collections::HashMap;

use super::keywords::is_keyword;
use crate::dialect::sqlite::SYNTAX;
use crate::sql::Cursor;
use crate::sql::cursor::{CodeToken, unquoted};
use crate::sql::lex::{Kind, Lexer, Token};

const OPERATORS: &[&str] = &["||", "<=", ">=", "==", "!=", "<>", "<<", ">>", "->", "->>"];

/// The code of a text. `None` if it cannot be cut into tokens.
pub fn code(sql: &str) -> Option<Cursor<'_>> {
    let mut code: Vec<Token> = Vec::with_capacity(sql.len() / 4);
    for token in Lexer::new(&SYNTAX, sql) {
        let token = token.ok()?;
        if matches!(token.kind, Kind::Blank | Kind::Comment | Kind::Hint) {
            continue;
        }
        let last = code.last_mut().filter(|last| last.end == token.start);
        let joined = last.and_then(|last| Some((join(sql, *last, token)?, last)));
        match joined {
            Some((joined, last)) => *last = joined,
            None => code.push(token),
        }
    }
    Some(Cursor::of(&SYNTAX, sql, code))
}

/// The tokens of a text; none if it cannot be cut into tokens.
pub fn tokens(sql: &str) -> Vec<CodeToken<'_>> {
    code(sql).map_or_else(Vec::new, |code| code.tokens().collect())
}

/// The name that a token is; the engine also takes a string literal for one.
pub fn name_of(token: &CodeToken<'_>) -> Option<String> {
    if token.kind == Kind::Text {
        return Some(unquoted(token.text));
    }
    token.identifier()
}

/// Reads a name.
pub fn name(cursor: &mut Cursor<'_>) -> Option<String> {
    let name = name_of(&cursor.peek()?)?;
    cursor.skip(1);
    Some(name)
}

/// The token that two adjacent tokens make together, if they make one.
fn join(sql: &str, last: Token, token: Token) -> Option<Token> {
    let (before, text) = (
        sql.get(last.start..last.end)?,
        sql.get(last.start..token.end)?,
    );
    let kind = match (last.kind, token.kind) {
        (Kind::Symbol, Kind::Symbol) if OPERATORS.contains(&text) => Kind::Symbol,
        // `.5` and `1.`
        (Kind::Symbol, Kind::Number) if before == "." => Kind::Number,
        (Kind::Number, Kind::Symbol) if text.ends_with('.') => Kind::Number,
        _ => return None,
    };
    Some(Token {
        kind,
        start: last.start,
        end: token.end,
    })
}

/// The columns that an expression may refer to, by their names in lower case.
#[derive(Debug, Clone, Default)]
pub struct ColumnNames(HashMap<String, String>);

impl ColumnNames {
    pub fn new<'n>(names: impl Iterator<Item = &'n str>) -> ColumnNames {
        ColumnNames(
            names
                .map(|name| (name.to_lowercase(), name.to_owned()))
                .collect(),
        )
    }

    /// The name of a column as it is declared.
    pub fn resolve(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_lowercase()).map(String::as_str)
    }
}

/// The canonical spelling of code. If the columns are known, a name that is not one of them keeps its
/// double quotes, because the engine may take it for a string. If they are not known, the spelling
/// is only good for comparisons.
pub fn canonical(code: &Cursor<'_>, known: Option<&ColumnNames>) -> String {
    let mut text = String::new();
    let mut before: Option<CodeToken<'_>> = None;
    let mut unary = false;
    for (at, token) in code.tokens().enumerate() {
        let next = code.get(at + 1);
        let types =
            before.is_some_and(|before| before.is("COLLATE") || known.is_some() && before.is("AS"));
        let spelled = if types && token.kind == Kind::Word {
            token.text.to_ascii_uppercase()
        } else {
            spelled(&token, next.as_ref(), known)
        };
        if let Some(before) = &before
            && (spaced(before, &token, unary) || text.ends_with('-') && spelled.starts_with('-'))
        {
            text.push(' ');
        }
        unary = is_sign(&token) && before.is_none_or(|before| !ends_operand(&before));
        text.push_str(&spelled);
        before = Some(token);
    }
    text
}

fn is_sign(token: &CodeToken<'_>) -> bool {
    token.is_one_of(&["-", "+", "~"])
}

/// Whether a value may end with this token, so that a sign behind it is a binary operator.
fn ends_operand(token: &CodeToken<'_>) -> bool {
    match token.kind {
        Kind::Symbol => token.text == ")",
        Kind::Word => !is_keyword(token.text) || token.is_one_of(&["NULL", "END"]),
        _ => true,
    }
}

fn spaced(before: &CodeToken<'_>, token: &CodeToken<'_>, unary: bool) -> bool {
    if unary || before.is("(") || before.is(".") || token.is_one_of(&[")", ",", "."]) {
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

fn spelled(
    token: &CodeToken<'_>,
    next: Option<&CodeToken<'_>>,
    known: Option<&ColumnNames>,
) -> String {
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

/// A name, quoted only if it needs quotes.
pub fn plain(name: &str) -> String {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let simple = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    if begins && name.chars().all(simple) && !is_keyword(name) && !is_value(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}
