//! Texts in printed definitions: string literals, enclosed expressions, qualified names.

use crate::dialect::Literals as _;
use crate::dialect::mysql::{MySql, SYNTAX};
use crate::sql::Cursor;

/// The content of a string literal.
pub fn literal(literal: &str) -> String {
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

/// An expression without the parentheses around all of it.
pub fn bare(expression: &str) -> String {
    Cursor::new(&SYNTAX, expression).bare().flat()
}

/// A definition without the own database's name, as far as it qualifies something.
pub fn without_own(text: &str, database: &str) -> String {
    let own = MySql.quote(database);
    if !text.contains(&own) {
        return text.to_owned();
    }
    let cursor = Cursor::new(&SYNTAX, text);
    let word = |at: usize| cursor.get(at).map_or("", |token| token.text);
    // Where the name is also an alias, only what cannot be a column of it is the database.
    let alias = (0..cursor.count()).any(|at| word(at) == own && word(at + 1) != ".");
    let (mut out, mut from) = (String::new(), 0);
    for (at, token) in cursor.tokens().enumerate() {
        let before = at.checked_sub(1).map_or("", word);
        if token.text != own || word(at + 1) != "." || before == "." {
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
            from = cursor.get(at + 2).map_or(token.end, |next| next.start);
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
