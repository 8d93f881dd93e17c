//! The meaning of statements, definitions and error codes in SQLite.

use super::forbidden::FORBIDDEN;
use super::{Sqlite, recovery};
use crate::dialect::recovery::{Object, RecoveryClass};
use crate::dialect::statements::{Statements, TRANSACTIONS, forbid_control, starts_with};
use crate::dialect::{ErrorKind, Forbidden};
use crate::model::server::Server;
use crate::sql::Cursor;

impl Statements for Sqlite {
    fn refuses_transaction(&self, words: &[&str]) -> bool {
        starts_with(words, &["VACUUM"])
    }

    fn error_kind(&self, code: &str, message: &str) -> ErrorKind {
        // The low byte is the primary code; the rest is the extended code.
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => ErrorKind::Busy,
            Ok(3 | 8 | 23) => ErrorKind::Denied,
            Ok(1) if message.starts_with("no such table") => ErrorKind::MissingTable,
            Ok(1) if message.ends_with("already exists") => ErrorKind::Exists,
            _ => ErrorKind::Other,
        }
    }

    fn forbid(&self, words: &[&str]) -> Option<Forbidden> {
        let rollback = words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case("ROLLBACK"));
        if rollback && !words.iter().any(|word| word.eq_ignore_ascii_case("TO")) {
            return Some(Forbidden {
                what: "ROLLBACK",
                why: TRANSACTIONS,
            });
        }
        forbid_control(words, FORBIDDEN)
    }

    fn switches_foreign_keys(&self, words: &[&str]) -> Option<bool> {
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        let (name, value) = match upper.as_slice() {
            ["PRAGMA", "MAIN", ".", name, _, value, ..] | ["PRAGMA", name, _, value, ..] => {
                (unquote(name), unquote(value))
            }
            _ => return None,
        };
        (name == "FOREIGN_KEYS").then_some(!matches!(value.as_str(), "OFF" | "NO" | "FALSE" | "0"))
    }

    fn recovery(&self, words: &Cursor<'_>) -> RecoveryClass {
        recovery::class(words)
    }

    /// DDL can be rolled back, so recovery inspects no object.
    fn definition_query(&self, _object: &Object, _server: &Server) -> Option<String> {
        None
    }

    /// `DROP TABLE` deletes all rows first, which would cascade; `ALTER TABLE … RENAME TO` is
    /// the second half of a rebuild.
    fn rebuilt_tables(&self, words: &[&str]) -> Vec<String> {
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        let (names, rest): (Vec<usize>, _) = match upper.as_slice() {
            ["DROP", "TABLE", "IF", "EXISTS", ..] => (vec![4], &words[4..]),
            ["DROP", "TABLE", _, ..] => (vec![2], &words[2..]),
            ["ALTER", "TABLE", _, "RENAME", "TO", _] => (vec![2, 5], &words[2..]),
            ["ALTER", "TABLE", _, ".", _, "RENAME", "TO", _] => (vec![4, 7], &words[2..]),
            _ => return Vec::new(),
        };
        // `main.users` is the table `users`.
        if let ["DROP", ..] = upper.as_slice()
            && let [_, ".", table] = rest
        {
            return vec![unquote(table)];
        }
        names
            .iter()
            .filter_map(|&at| words.get(at))
            .map(|name| unquote(name))
            .collect()
    }
}

/// A name without any of the quotes that SQLite accepts.
fn unquote(name: &str) -> String {
    let inner = |open: char, close: char| {
        let inner = name.strip_prefix(open)?.strip_suffix(close)?;
        Some(inner.replace(&format!("{close}{close}"), &close.to_string()))
    };
    inner('"', '"')
        .or_else(|| inner('`', '`'))
        .or_else(|| inner('[', ']'))
        .or_else(|| inner('\'', '\''))
        .unwrap_or_else(|| name.to_owned())
}
