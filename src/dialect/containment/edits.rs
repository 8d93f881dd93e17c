//! Edits of a statement's text, and the heads and ends of the statements in it.

use crate::sql::cursor::CodeToken;
use crate::sql::lex::Kind;
use crate::sql::{Cursor, Syntax, script};

/// A replacement: its first byte, the byte behind its last one, and the new text.
pub type Edit = (usize, usize, String);

/// The token without quotes of any kind, in capitals.
pub fn bare(token: &CodeToken<'_>) -> String {
    let text = token.text.trim_matches(['\'', '"', '`', '[', ']']);
    text.to_ascii_uppercase()
}

/// Puts another name in the place of a name; it is quoted if the old one is.
pub fn renamed(token: &CodeToken<'_>, syntax: &Syntax, name: &str) -> Edit {
    // Unquoted it may mean another one, unless it is plain itself.
    let plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_');
    let bare = token.kind == Kind::Word
        && name.chars().all(plain)
        && !name.starts_with(|first: char| first.is_ascii_digit());
    let text = if bare {
        name.to_owned()
    } else {
        syntax.quoted(name)
    };
    (token.start, token.end, text)
}

/// Whether these words stand at a position, where `OR REPLACE` behind the first one is ignored.
pub fn is_head(code: &Cursor<'_>, position: usize, words: &[&str]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    if !code.sees_at(position, &[first]) {
        return false;
    }
    let skipped = if code.sees_at(position + 1, &["OR", "REPLACE"]) {
        2
    } else {
        0
    };
    code.sees_at(position + 1 + skipped, rest)
}

/// The position of the semicolon that ends the statement at a position, or of the end of the code.
pub fn statement_end(code: &Cursor<'_>, position: usize) -> usize {
    let mut rest = position..code.count();
    let end = rest.find(|at| code.get(*at).is_some_and(|token| token.text == ";"));
    end.unwrap_or(code.count())
}

/// Whether a statement starts with one of these words.
pub fn starts_with(syntax: &Syntax, sql: &str, words: &[&str]) -> bool {
    let first = script::words(syntax, sql).next();
    first.is_some_and(|first| words.iter().any(|word| word.eq_ignore_ascii_case(first)))
}

/// Applies edits to a text. `None` if there are none.
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
