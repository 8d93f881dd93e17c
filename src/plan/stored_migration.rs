//! What is kept of an applied migration, and what it tells of a file that has changed since: only
//! its layout, or what it does.

use sha2::{Digest as _, Sha256};

use super::difference::difference;
use crate::model::hex;
use crate::model::history::{Applied, Content, Kept, Width};
use crate::model::migration::Migration;
use crate::model::script::Script;
use crate::sql::Syntax;
use crate::sql::lex::{Kind, Lexer};
use crate::sql::script;

/// Hex SHA-256 over what a file says to the server and to bird: its tokens and its directives,
/// with whom they hold for. Ends of lines, blanks, a byte order mark and plain comments are not
/// in it. Nothing for a file that cannot be read.
pub fn digest(syntax: &Syntax, text: &str) -> Option<String> {
    let script = script::read(syntax, text).ok()?;
    let mut hash = Sha256::new();
    hash.update(script::digest(syntax, text));
    hash.update(directives(&script));
    Some(hex::digits(&hash.finalize()))
}

/// What the directives of a file mean, a line each. A blank line or another place can change that
/// as much as another word, so it is not their text that counts.
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

/// Whether a file holds a password, so that its text must be neither kept nor shown.
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

/// Whether a file whose checksum is not the applied one's says the same all the same.
pub fn is_reformatted(syntax: &Syntax, file: &Migration, row: &Applied, kept: &[Kept]) -> bool {
    let Some(Ok(content)) = of(row, kept) else {
        return false;
    };
    // The text itself decides where it is kept: its digest is as old as the bird that wrote it.
    let applied = match &content.text {
        Some(text) if is_applied(row, text) => digest(syntax, text),
        Some(_) => None,
        None => Some(content.digest.clone()),
    };
    file.name == row.name && applied.is_some() && applied == digest(syntax, &file.text)
}

/// What is kept of the applied migration, unless it is of another one that had its version.
fn of<'k>(row: &Applied, kept: &'k [Kept]) -> Option<Result<&'k Content, &'k str>> {
    let found = kept.iter().find(|kept| kept.version == row.version)?;
    match &found.content {
        Ok(content) if content.checksum != row.checksum => None,
        Ok(content) => Some(Ok(content)),
        Err(reason) => Some(Err(reason)),
    }
}

/// Whether a kept text has the checksum that the history has.
fn is_applied(row: &Applied, text: &str) -> bool {
    let kept = Migration::new(row.version, row.name.clone(), String::new(), text.into());
    [Width::Four, Width::Eight]
        .iter()
        .any(|width| kept.checksum(*width) == Some(row.checksum))
}

/// What can be told of how a file differs from what was applied.
pub fn what_changed(
    syntax: &Syntax,
    file: &Migration,
    row: &Applied,
    kept: &[Kept],
) -> Vec<String> {
    let unreadable = |reason: &str| format!("what was kept of it cannot be read: {reason}");
    let content = match of(row, kept) {
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
            notes.push(unreadable("its text is not the one that was applied"));
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
