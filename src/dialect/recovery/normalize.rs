//! Normalizes code, to compare what a statement says with what a server prints.
//!
//! Servers print expressions with other quotes, parentheses and qualifiers than people write, so
//! these do not count; the words and their order do. A missed match costs a question to a person,
//! a false match would hide that a statement never ran.

use crate::sql::cursor::{CodeToken, unquoted};
use crate::sql::lex::Kind;

/// Synonyms; they are compared as the first of them.
const SYNONYMS: &[&[&str]] = &[
    &["current_timestamp", "now", "localtime", "localtimestamp"],
    &["octet_length", "length"],
    &["char_length", "character_length"],
    &["lower", "lcase"],
    &["upper", "ucase"],
    &["substr", "substring"],
    &["utf8mb3", "utf8"],
];

/// The normal form of tokens: names in lower case without quotes, string literals as their content
/// behind an apostrophe, without the character set before them.
pub fn plain<'a>(words: impl IntoIterator<Item = CodeToken<'a>>) -> Vec<String> {
    let mut plain: Vec<String> = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let next = words.peek().map(|next| next.kind);
        match word.kind {
            Kind::Word if word.text.starts_with('_') && next == Some(Kind::Text) => {}
            Kind::Word => {
                let lower = word.text.to_lowercase();
                let known = SYNONYMS.iter().find(|all| all.contains(&lower.as_str()));
                let first = known.and_then(|all| all.first());
                plain.push(first.map_or(lower, |first| (*first).to_owned()));
            }
            Kind::QuotedName => plain.push(unquoted(word.text).to_lowercase()),
            Kind::Text => plain.push(text(word.text)),
            // `!=` is `<>`.
            Kind::Symbol if word.text == "=" && plain.last().is_some_and(|last| last == "!") => {
                plain.pop();
                plain.extend(["<".to_owned(), ">".to_owned()]);
            }
            _ => plain.push(word.text.to_lowercase()),
        }
    }
    plain
}

/// As [`plain`], without parentheses, which servers add and remove.
pub fn flat<'a>(words: impl IntoIterator<Item = CodeToken<'a>>) -> Vec<String> {
    let mut plain = plain(words);
    plain.retain(|word| word != "(" && word != ")");
    plain
}

/// The separator of words in one text: no name contains it.
pub const GAP: char = '\u{1f}';

/// [`flat`] as one text.
pub fn flat_text<'a>(words: impl IntoIterator<Item = CodeToken<'a>>) -> String {
    flat(words).join(&GAP.to_string())
}

/// The content of a literal behind an apostrophe; a literal with a prefix stays whole.
fn text(literal: &str) -> String {
    let quote = match literal.chars().next() {
        Some(quote @ ('\'' | '"')) => quote,
        _ => return literal.to_lowercase(),
    };
    let inner = literal.get(1..literal.len().saturating_sub(1));
    let mut signs = inner.unwrap_or_default().chars();
    let mut plain = String::from("'");
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some('t') => plain.push('\t'),
                Some('0') => plain.push('\0'),
                Some(other) => plain.push(other),
                None => {}
            },
            _ if sign == quote => {
                // The second one of two.
                signs.next();
                plain.push(quote);
            }
            _ => plain.push(sign),
        }
    }
    plain
}

/// Whether a query is printed as it was written. Servers add qualifiers, and the name of a column
/// as its alias.
pub fn alike(said: &[String], shown: &[String]) -> bool {
    let word = |words: &[String], at: usize| words.get(at).cloned().unwrap_or_default();
    let (mut at, mut there) = (0, 0);
    while there < shown.len() {
        let (one, other) = (word(said, at), word(shown, there));
        let (next, before) = (word(shown, there + 1), word(shown, there.wrapping_sub(1)));
        let qualifier = next == ".";
        let own_name = other == "as" && next == before;
        let star = one == "*" && other == "0" && before == "count";
        if at < said.len() && one == other || star {
            (at, there) = (at + 1, there + 1);
        } else if qualifier || own_name {
            there += 2;
        } else if one == "as" || one == "inner" && word(said, at + 1) == "join" {
            at += 1;
        } else if other == "cascaded" {
            there += 1;
        } else {
            return false;
        }
    }
    at == said.len()
}
