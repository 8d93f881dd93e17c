//! Comparison of a changed file with the stored text of the applied migration: whether only its
//! layout changed, and which lines differ.

use sha2::{Digest as _, Sha256};

use super::difference::difference;
use crate::model::hex;
use crate::model::history::{Applied, StoredContent, StoredMigration, Width};
use crate::model::migration::Migration;
use crate::model::script::Script;
use crate::sql::Syntax;
use crate::sql::lex::{Kind, Lexer};
use crate::sql::script;

/// Hex SHA-256 over a file's tokens and its directives with their scope. Line endings, blanks, a
/// byte order mark and plain comments do not count. `None` if the file cannot be read.
pub fn digest(syntax: &Syntax, text: &str) -> Option<String> {
    let script = script::read(syntax, text).ok()?;
    let mut hash = Sha256::new();
    hash.update(script::digest(syntax, text));
    hash.update(directives(&script));
    Some(hex::digits(&hash.finalize()))
}

/// The meaning of a file's directives, a line each. Their text would not do: a blank line or
/// another place can change their scope.
fn directives(script: &Script) -> String {
    let mut lines = Vec::new();
    let mut wishes = |whom: String, allow: &[String], idempotent: bool| {
        lines.extend(allow.iter().map(|name| format!("{whom} allow {name}")));
        lines.extend(idempotent.then(|| format!("{whom} idempotent")));
    };
    wishes("file".into(), &script.allow, script.idempotent);
    for (at, statement) in script.statements.iter().enumerate() {
        wishes(at.to_string(), &statement.allow, statement.idempotent);
    }
    lines.extend(script.no_transaction.then(|| "no-transaction".to_owned()));
    let requires = script.requires.iter();
    lines.extend(requires.map(|need| format!("requires {}@{}", need.database, need.version)));
    let renames = script.renames.iter();
    lines.extend(renames.map(|rename| format!("renamed-from {} -> {}", rename.from, rename.to)));
    lines
        .iter()
        .fold(String::new(), |text, line| text + "\n" + line)
}

/// Whether a file holds a password, so that its text must be neither stored nor shown.
pub fn holds_secret(syntax: &Syntax, text: &str) -> bool {
    let secret = |text: &str| !script::secrets(syntax, text).is_empty();
    // A statement that somebody took out of the file may stand in a comment.
    let mut comments = Lexer::new(syntax, text)
        .map_while(Result::ok)
        .filter(|token| token.kind == Kind::Comment)
        .filter_map(|token| text.get(token.start..token.end));
    let inside = |comment: &str| {
        let inside = comment.trim_start_matches(['-', '#', '/', '*']);
        secret(inside.trim_end_matches(['/', '*']))
    };
    secret(text) || comments.any(inside)
}

/// Whether a file with another checksum has the same SQL as the applied one.
pub fn is_reformatted(
    syntax: &Syntax,
    file: &Migration,
    row: &Applied,
    stored: &[StoredMigration],
) -> bool {
    let Some(Ok(content)) = of(row, stored) else {
        return false;
    };
    // A stored text is digested anew: an older version of bird may have written its digest.
    let applied = match &content.text {
        Some(text) if is_applied(row, text) => digest(syntax, text),
        Some(_) => None,
        None => Some(content.digest.clone()),
    };
    file.name == row.name && applied.is_some() && applied == digest(syntax, &file.text)
}

/// The stored content of the applied migration, unless it belongs to another one of this version.
fn of<'k>(
    row: &Applied,
    stored: &'k [StoredMigration],
) -> Option<Result<&'k StoredContent, &'k str>> {
    let found = stored.iter().find(|stored| stored.version == row.version)?;
    match &found.content {
        Ok(content) if content.checksum != row.checksum => None,
        Ok(content) => Some(Ok(content)),
        Err(reason) => Some(Err(reason)),
    }
}

/// The stored text of an applied migration. `None` if it is not kept, or is not what was applied.
pub fn applied_text<'k>(row: &Applied, stored: &'k [StoredMigration]) -> Option<&'k str> {
    let text = of(row, stored)?.ok()?.text.as_deref()?;
    is_applied(row, text).then_some(text)
}

/// Whether a stored text has the checksum of the history.
fn is_applied(row: &Applied, text: &str) -> bool {
    let kept = Migration::new(row.version, row.name.clone(), String::new(), text.into());
    [Width::Four, Width::Eight]
        .iter()
        .any(|width| kept.checksum(*width) == Some(row.checksum))
}

/// Notes on how a file differs from what was applied.
pub fn what_changed(
    syntax: &Syntax,
    file: &Migration,
    row: &Applied,
    stored: &[StoredMigration],
) -> Vec<String> {
    let unreadable = |reason: &str| format!("its stored text cannot be read: {reason}");
    let content = match of(row, stored) {
        None => return Vec::new(),
        Some(Err(reason)) => return vec![unreadable(reason)],
        Some(Ok(content)) => content,
    };
    let mut notes = Vec::new();
    if let Some((when, why)) = &content.accepted {
        notes.push(format!("it was accepted as it was on {when}: {why}"));
    }
    match &content.text {
        None => {}
        Some(text) if !is_applied(row, text) => {
            notes.push(unreadable(
                "its stored text differs from the one that was applied",
            ));
        }
        Some(text) if **text == *file.text => {}
        Some(_) if holds_secret(syntax, &file.text) => {
            notes.push("what changed is not shown, because the file may hold a password".into());
        }
        Some(text) => notes.push(difference(text, &file.text)),
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;

    #[test]
    fn layout_and_comments_are_not_in_a_digest() {
        for dialect in DIALECTS {
            let of = |text: &str| digest(dialect.syntax(), text).expect("a file that can be read");
            let text = "-- bird: allow drop-table\nDROP TABLE a;\nINSERT INTO b VALUES ('x y');\n";
            for same in [
                text.replace('\n', "\r\n"),
                format!("\u{feff}{text}"),
                format!("/* why */\n{text}-- the end"),
                text.replace(" TABLE a;", "\tTABLE\n  a  ;"),
                text.replace("allow drop-table", "  allow   drop-table "),
            ] {
                assert_eq!(of(&same), of(text), "{same:?}");
            }
            for other in [
                text.replace("x y", "x  y"),
                text.replace("-- bird: allow drop-table\n", ""),
                text.replace("drop-table", "data-loss"),
                // Now it holds for the file, now for the other statement.
                text.replace("-table\n", "-table\n\n"),
                "DROP TABLE a;\n-- bird: allow drop-table\nINSERT INTO b VALUES ('x y');".into(),
                text.replace("a;", "A;"),
                format!("-- bird: no-transaction\n{text}"),
            ] {
                assert_ne!(of(&other), of(text), "{other:?}");
            }
            assert_eq!(digest(dialect.syntax(), "SELECT 'open"), None);
        }
    }

    #[test]
    fn passwords_are_seen_wherever_they_stand() {
        for dialect in DIALECTS {
            let secret = |text: &str| holds_secret(dialect.syntax(), text);
            for text in [
                "CREATE USER app IDENTIFIED BY 'pw'",
                "CREATE USER app IDENTIFIED WITH caching_sha2_password AS 'hash'",
                "SELECT 1; ALTER ROLE app WITH LOGIN ENCRYPTED PASSWORD 'pw'",
                "CREATE ROLE app password 'pw'",
                "SET PASSWORD FOR app = PASSWORD('pw')",
                "SET PASSWORD FOR app = 'pw'",
                "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'pw'",
                "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD 'pw')",
                "CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'u', secret 'pw')",
                "CREATE SUBSCRIPTION s CONNECTION 'host=h password=pw' PUBLICATION p",
                "CREATE TABLE t (a INT) CONNECTION = 'mysql:pw'",
                "SELECT * FROM dblink('postgres://u:pw@h/d')",
                "INSERT INTO later VALUES ('ALTER ROLE app PASSWORD ''pw'' ')",
                "-- CREATE USER app IDENTIFIED BY 'pw'\nSELECT 1",
                "SELECT 1; CREATE USER app IDENTIFIED BY 'pw",
                "/* CREATE USER app IDENTIFIED BY 'pw'",
            ] {
                assert!(secret(text), "{text}");
            }
            for text in [
                "CREATE TABLE users (password_hash VARCHAR(255) NOT NULL DEFAULT 'none')",
                "-- a one-way hash, never a password\nSELECT 1",
                "INSERT INTO users (name, password) VALUES ('a', 'b')",
                "INSERT INTO roles VALUES ('may reset a password')",
                "SELECT 'never closed",
            ] {
                assert!(!secret(text), "{text}");
            }
        }
        let block = "DO $$ BEGIN CREATE ROLE app PASSWORD 'pw'; END $$";
        let postgres = DIALECTS.iter().find(|one| one.facts().schema.is_some());
        assert!(holds_secret(
            postgres.expect("one with schemas").syntax(),
            block
        ));
    }
}
