//! Secrets in SQL, so that no report shows them: passwords of accounts, of foreign servers and in
//! connection strings.
//!
//! They are found by words and not by a grammar, because a statement that fails often has a syntax
//! error. In a statement about accounts every literal that is not known to be harmless counts as a
//! secret: hiding a comment by mistake is better than showing a password.

use std::ops::Range;

use super::lex::{Kind, Lexer, Token};
use super::syntax::Syntax;

/// Words whose literal is a secret in every statement.
const KEYS: &[&str] = &[
    "PASSWORD",
    "OLD_PASSWORD",
    "SOURCE_PASSWORD",
    "MASTER_PASSWORD",
    "PASSWD",
    "SSLPASSWORD",
    "CONNECTION",
];

/// Words whose literal is a secret behind IDENTIFIED.
const IDENTIFIED: &[&str] = &["BY", "AS", "USING", "REPLACE"];

/// Words and signs before the harmless literals of statements about accounts.
const HARMLESS: &[&str] = &[
    "@",
    ",",
    "USER",
    "ROLE",
    "EXISTS",
    "FOR",
    "TO",
    "FROM",
    "WITH",
    "VIA",
    "COMMENT",
    "ATTRIBUTE",
    "UNTIL",
    "SUBJECT",
    "ISSUER",
    "CIPHER",
    "HOST",
    "HOSTADDR",
    "PORT",
    "SOCKET",
    "DATABASE",
    "DBNAME",
    "OWNER",
    "SERVER",
    "TYPE",
    "VERSION",
];

/// Words that may follow PASSWORD or BY in the place of a literal. Another word is a secret without
/// its quotes.
const FOLLOWING: &[&str] = &[
    "PASSWORD",
    "RANDOM",
    "NULL",
    "EXPIRE",
    "HISTORY",
    "REUSE",
    "REQUIRE",
    "FOR",
    "TO",
    "REPLACE",
    "RETAIN",
    "ACCOUNT",
    "WITH",
    "COMMENT",
    "ATTRIBUTE",
    "VALID",
    "IDENTIFIED",
];

/// Functions whose arguments are passwords or keys.
const FUNCTIONS: &[&str] = &[
    "CRYPT",
    "ENCRYPT",
    "DECRYPT",
    "ENCRYPT_IV",
    "DECRYPT_IV",
    "HMAC",
    "PGP_SYM_ENCRYPT",
    "PGP_SYM_ENCRYPT_BYTEA",
    "PGP_SYM_DECRYPT",
    "PGP_SYM_DECRYPT_BYTEA",
    "PGP_PUB_DECRYPT",
    "PGP_PUB_DECRYPT_BYTEA",
    "AES_ENCRYPT",
    "AES_DECRYPT",
    "DES_ENCRYPT",
    "DES_DECRYPT",
];

/// The literals of a text that hold secrets, with their quotes.
#[must_use]
pub fn secrets(syntax: &Syntax, sql: &str) -> Vec<Range<usize>> {
    let (mut tokens, mut seen, mut broken) = (Vec::new(), 0, false);
    for token in Lexer::new(syntax, sql) {
        match token {
            Ok(token) => {
                seen = token.end;
                let silent = [Kind::Blank, Kind::Comment, Kind::Hint, Kind::Conditional];
                if !silent.contains(&token.kind) {
                    tokens.push(token);
                }
            }
            Err(_) => broken = true,
        }
    }
    let mut found = Vec::new();
    let mut watch = Watch::default();
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map_or("", |next| slice(sql, *next));
        let text = slice(sql, *token);
        if watch.is_secret(sql, *token, next) {
            found.push(token.start..watch.end(sql, *token));
        } else if token.kind == Kind::Text && text.starts_with('$') {
            // A body between dollar quotes is SQL again.
            let inside = content(sql, &(token.start..token.end));
            let body = sql.get(inside.clone()).unwrap_or_default();
            let nested = secrets(syntax, body).into_iter();
            found.extend(nested.map(|one| one.start + inside.start..one.end + inside.start));
        }
        watch.pass(*token, text);
    }
    if broken {
        // A rest that cannot be cut into tokens is searched as text.
        let rest = sql.get(seen..).unwrap_or_default().to_ascii_uppercase();
        let words = ["IDENTIFIED", "PASSWORD", "CONNECTION"].iter();
        let first = words.filter_map(|word| rest.find(word)).min();
        let here = watch.mode != Mode::Plain || watch.is_key();
        let start = if here { Some(0) } else { first };
        found.extend(start.map(|start| seen + start..sql.len()));
    }
    found
}

/// Masks the secrets in a text, which keeps its length.
#[must_use]
pub fn blot(sql: &str, secrets: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut at = 0;
    for secret in secrets {
        let mut inside = content(sql, secret);
        inside.start = inside.start.max(at);
        out.push_str(sql.get(at..inside.start).unwrap_or_default());
        for letter in sql.get(inside.clone()).unwrap_or_default().chars() {
            match letter {
                // Line numbers stay the same.
                '\n' | '\r' => out.push(letter),
                _ => out.extend(std::iter::repeat_n('*', letter.len_utf8())),
            }
        }
        at = inside.end;
    }
    out.push_str(sql.get(at..).unwrap_or_default());
    out
}

/// Masks the secrets of a statement in an engine's message. Engines quote values, and the statement
/// from the error on, truncated anywhere.
#[must_use]
pub fn hide(syntax: &Syntax, sql: &str, message: &str) -> String {
    let mut masked = message.to_owned();
    for secret in secrets(syntax, sql) {
        let raw = sql.get(content(sql, &secret)).unwrap_or_default();
        let plain = raw.replace("''", "'").replace("\\", "");
        for text in [raw, plain.as_str()] {
            masked = without(&masked, text);
        }
        masked = without_beginning(&masked, raw);
    }
    masked
}

/// Masks a secret in a message. A short one is masked only where it is a whole word.
fn without(message: &str, secret: &str) -> String {
    if secret.chars().count() >= 4 {
        return message.replace(secret, "***");
    }
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find(secret).filter(|_| !secret.is_empty()) {
        let (before, found) = rest.split_at(at);
        let after = found.strip_prefix(secret).unwrap_or_default();
        let part_of_word = before.ends_with(char::is_alphanumeric)
            || (before.is_empty() && out.ends_with(char::is_alphanumeric))
            || after.starts_with(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if part_of_word { secret } else { "***" });
        rest = after;
    }
    out + rest
}

/// Masks the beginning of a secret behind a quote: the engine has truncated it.
fn without_beginning(message: &str, secret: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find(['\'', '"', '`', '$']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let same = std::iter::zip(after.chars(), secret.chars()).take_while(|(a, b)| a == b);
        let same: Vec<char> = same.map(|(letter, _)| letter).collect();
        let (shown, next) = after.split_at(same.iter().map(|letter| letter.len_utf8()).sum());
        // Two letters reveal little, and masking them would damage other quoted words.
        out.push_str(if same.len() > 2 { "***" } else { shown });
        rest = next;
    }
    out + rest
}

/// The bytes between the quotes of a literal, or all of them if it has none.
fn content(sql: &str, literal: &Range<usize>) -> Range<usize> {
    let text = sql.get(literal.clone()).unwrap_or_default();
    if text.starts_with('$')
        && let Some(tag) = text.get(1..).and_then(|rest| rest.find('$'))
        && text.len() >= 2 * (tag + 2)
    {
        return literal.start + tag + 2..literal.end - tag - 2;
    }
    let open = text.find(['\'', '"', '`']).filter(|open| *open <= 2);
    match open {
        Some(open) if text.len() > open + 1 && text.ends_with(&text[open..=open]) => {
            literal.start + open + 1..literal.end - 1
        }
        Some(open) => literal.start + open + 1..literal.end,
        None => literal.clone(),
    }
}

fn slice(sql: &str, token: Token) -> &str {
    sql.get(token.start..token.end).unwrap_or_default()
}

/// The subject of a statement.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mode {
    #[default]
    Plain,
    /// Accounts, servers, subscriptions.
    Account,
    /// `SET PASSWORD`.
    Password,
}

/// The part of a statement that has been read.
#[derive(Debug, Default)]
struct Watch {
    mode: Mode,
    identified: bool,
    /// The previous word, in capitals.
    before: String,
    /// The word that a literal belongs to, in capitals, or the sign before it.
    key: String,
    /// Whether an equals sign is between the key and the literal.
    equals: bool,
    /// Whether the last token was a secret, which may continue in the next literal.
    goes_on: bool,
    /// The first word of the statement, in capitals.
    first: String,
    /// The number of open parentheses, and how many there are in a call of [`FUNCTIONS`].
    depth: usize,
    call: Option<usize>,
    /// Whether a literal was the begin of a statement with a password, which later ones complete.
    completes: bool,
}

impl Watch {
    fn is_key(&self) -> bool {
        let by = self.identified && IDENTIFIED.contains(&self.key.as_str());
        by || KEYS.contains(&self.key.as_str())
    }

    fn is_secret(&mut self, sql: &str, token: Token, next: &str) -> bool {
        let text = slice(sql, token);
        let accounts = self.mode != Mode::Plain;
        let secret = match token.kind {
            Kind::Text => {
                let harmless = next == "@"
                    || HARMLESS.contains(&self.key.as_str())
                    || self.equals && self.mode == Mode::Account;
                let inside = content(sql, &(token.start..token.end));
                let inside = sql.get(inside).unwrap_or_default();
                let sql_again = text.starts_with('$') && !self.is_key();
                let composed = self.call.is_some() || self.completes;
                let asks = asks_for_secret(inside);
                self.completes |= asks && !sql_again;
                !sql_again
                    && (composed
                        || self.is_key()
                        || self.goes_on
                        || accounts && !harmless
                        || contains_secret(inside))
            }
            Kind::QuotedName | Kind::Number => accounts && self.is_key(),
            Kind::Word => {
                let word = text.to_ascii_uppercase();
                let key = self.is_key() && !self.equals && self.key != "CONNECTION";
                accounts && key && !FOLLOWING.contains(&word.as_str())
            }
            _ => false,
        };
        self.goes_on = secret;
        secret
    }

    /// The offset behind a secret. A secret without quotes ends at the next blank or semicolon.
    fn end(&self, sql: &str, token: Token) -> usize {
        if token.kind != Kind::Word && token.kind != Kind::Number {
            return token.end;
        }
        let rest = sql.get(token.end..).unwrap_or_default();
        let run = rest.find(|letter: char| letter.is_whitespace() || letter == ';');
        token.end + run.unwrap_or(rest.len())
    }

    fn pass(&mut self, token: Token, text: &str) {
        let upper = match token.kind {
            Kind::Terminator => ";".to_owned(),
            Kind::Text => "'".to_owned(),
            Kind::QuotedName => text.trim_matches(['"', '`', '[', ']']).to_ascii_uppercase(),
            _ => text.to_ascii_uppercase(),
        };
        if upper == ";" {
            *self = Watch::default();
            return;
        }
        if self.first.is_empty() {
            self.first.clone_from(&upper);
        }
        match (self.first.as_str(), self.before.as_str(), upper.as_str()) {
            (_, "CREATE" | "ALTER", "USER" | "ROLE" | "GROUP" | "SERVER" | "SUBSCRIPTION")
            | ("CREATE", "REPLACE", "USER" | "ROLE" | "SERVER")
            | (_, "CHANGE", "MASTER" | "REPLICATION")
            | ("GRANT", "", _) => self.mode = Mode::Account,
            ("SET", "SET", "PASSWORD") => self.mode = Mode::Password,
            (_, _, "IDENTIFIED") => self.identified = true,
            _ => {}
        }
        let sign = token.kind == Kind::Symbol;
        match upper.as_str() {
            "(" if sign => self.depth += 1,
            ")" if sign => {
                self.call = self.call.filter(|call| *call != self.depth);
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
        if sign && upper == "(" && FUNCTIONS.contains(&self.before.as_str()) {
            self.call = self.call.or(Some(self.depth));
        }
        match upper.as_str() {
            "=" => self.equals = true,
            ":" | "(" if sign => {}
            _ => {
                self.equals = false;
                self.key.clone_from(&upper);
            }
        }
        self.before = upper;
    }
}

/// Whether a literal is the begin of a statement about an account, and the next one, or the value of
/// its placeholder, is the password.
fn asks_for_secret(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let words: Vec<&str> = upper.split_whitespace().collect();
    let is_open = |next: Option<&&str>| {
        next.is_none_or(|next| next.starts_with(['%', '?', ':', '$', '@', '\'', '"', '\\']))
    };
    // A label such as `Forgot password` is none.
    let has_account = |before: &[&str]| {
        let has = |known: &[&str]| before.iter().any(|word| known.contains(word));
        has(&["ALTER", "CREATE"]) && has(&["ROLE", "USER", "GROUP"])
    };
    let mut at = 0..words.len();
    words.len() > 1
        && at.any(|at| match words[at] {
            "IDENTIFIED" => match words.get(at + 1) {
                Some(&("BY" | "AS" | "USING")) => is_open(words.get(at + 2)),
                Some(&"WITH") => true,
                next => next.is_none(),
            },
            "PASSWORD" => has_account(&words[..at]) && is_open(words.get(at + 1)),
            _ => false,
        })
}

/// Whether a literal contains a password: in SQL, or in a connection string.
fn contains_secret(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let quote = |rest: &str| rest.contains(['\'', '"', '$']);
    let identified = upper
        .split_once("IDENTIFIED")
        .is_some_and(|(_, rest)| quote(rest));
    let mut passwords = upper.split("PASSWORD").skip(1);
    let password = passwords.any(|rest| rest.trim_start().starts_with(['=', '\'', '"', '\\']));
    let url = upper.split_once("://").is_some_and(|(_, rest)| {
        let place = rest.split(['/', '?', ' ']).next().unwrap_or_default();
        place
            .rsplit_once('@')
            .is_some_and(|(account, _)| account.contains(':'))
    });
    identified || password || url
}
