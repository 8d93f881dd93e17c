//! The meaning of statements, definitions and error codes in MySQL and MariaDB.

use super::definition_queries::{creation_time, table_id};
use super::forbidden::{FORBIDDEN, SETTINGS, UNWRITTEN, sets};
use super::variant::Variant;
use super::{MySql, recovery};
use crate::dialect::recovery::{Object, ObjectKind, RecoveryClass};
use crate::dialect::statements::{
    LOCKED, Statements, TRANSACTIONS, calls, forbid_control, starts_with,
};
use crate::dialect::{ErrorKind, Forbidden};
use crate::model::server::Server;
use crate::sql::Cursor;

/// Tables that cannot roll back; and if there are any, the tables with triggers, the views and
/// the routines, which could write to them.
const UNTRANSACTIONAL: &str = "SELECT name FROM (\
     SELECT TABLE_NAME AS name FROM information_schema.TABLES \
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND ENGINE NOT IN \
      (SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES') \
     UNION ALL SELECT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS \
      WHERE TRIGGER_SCHEMA = DATABASE() \
     UNION ALL SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() \
     UNION ALL SELECT ROUTINE_NAME FROM information_schema.ROUTINES \
      WHERE ROUTINE_SCHEMA = DATABASE()) AS names \
     WHERE EXISTS (SELECT 1 FROM information_schema.TABLES \
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND ENGINE NOT IN \
      (SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'))";

impl Statements for MySql {
    fn error_kind(&self, code: &str, message: &str) -> ErrorKind {
        match code {
            "1049" => ErrorKind::MissingDatabase,
            "1146" => ErrorKind::MissingTable,
            "1054" | "1305" | "1360" | "1539" | "4089" => ErrorKind::MissingObject,
            "1007" | "1050" => ErrorKind::Exists,
            "1845" | "1846" => ErrorKind::NotThatWay,
            "1317" | "1969" | "3024" => ErrorKind::Cancelled,
            "1020" | "1205" | "1213" | "3572" => ErrorKind::Busy,
            "1412" => ErrorKind::Changed,
            "1045" | "1698" => ErrorKind::Account,
            "1044" | "1142" | "1227" | "1370" => ErrorKind::Denied,
            "1290" if message.contains("read-only") => ErrorKind::ReadOnly,
            "1836" => ErrorKind::ReadOnly,
            "1040" | "1053" | "1927" | "3169" | "4031" => ErrorKind::Connection,
            _ => ErrorKind::Other,
        }
    }

    /// The server quotes the rest of the statement from the token it stumbled over, cut at 80
    /// bytes, and names the line of the statement.
    fn pointed_at(&self, message: &str, statement: &str) -> Option<usize> {
        let (_, rest) = message.split_once(" near '")?;
        let (near, line) = rest.rsplit_once("' at line ")?;
        let line: usize = line.trim().parse().ok()?;
        let starts = statement.match_indices('\n').map(|(at, _)| at + 1);
        let start = std::iter::once(0).chain(starts).nth(line.checked_sub(1)?)?;
        if near.is_empty() {
            return Some(statement.len());
        }
        let after = statement.get(start..)?.find(near).map(|at| start + at);
        after.or(Some(start))
    }

    fn forbid(&self, words: &[&str]) -> Option<Forbidden> {
        if calls(words, "RELEASE_ALL_LOCKS") {
            return Some(Forbidden {
                what: "RELEASE_ALL_LOCKS",
                why: LOCKED,
            });
        }
        // `BEGIN NOT ATOMIC` is a compound statement, the rest begins a transaction.
        if starts_with(words, &["BEGIN"]) && !starts_with(words, &["BEGIN", "NOT"]) {
            return Some(Forbidden {
                what: "BEGIN",
                why: TRANSACTIONS,
            });
        }
        if starts_with(words, &["SET"]) {
            let read_only = words
                .windows(2)
                .any(|pair| starts_with(pair, &["READ", "ONLY"]));
            let transaction = words.iter().take(3);
            let mut transaction =
                transaction.filter(|word| word.eq_ignore_ascii_case("TRANSACTION"));
            if read_only && transaction.next().is_some() {
                return Some(Forbidden {
                    what: "SET TRANSACTION READ ONLY",
                    why: UNWRITTEN,
                });
            }
            let mut found = SETTINGS.iter().filter(|(name, _)| sets(words, name));
            return found.next().map(|(_, refusal)| refusal.clone());
        }
        forbid_control(words, FORBIDDEN)
    }

    fn recovery(&self, words: &Cursor<'_>) -> RecoveryClass {
        recovery::class(words.clone())
    }

    fn definition_query(&self, object: &Object, server: &Server) -> Option<String> {
        let name = &object.name;
        let what = match object.kind {
            ObjectKind::Table => "TABLE",
            ObjectKind::Trigger => "TRIGGER",
            ObjectKind::Procedure => "PROCEDURE",
            ObjectKind::Function => "FUNCTION",
            ObjectKind::Event => "EVENT",
            ObjectKind::Database => "DATABASE",
            ObjectKind::Sequence if Variant::of(server).has_sequences => "SEQUENCE",
            ObjectKind::CreationTime => return Some(creation_time(object)),
            ObjectKind::TableId => return Some(table_id(object, server)),
            ObjectKind::Sequence | ObjectKind::Index | ObjectKind::Indexes => return None,
        };
        Some(format!("SHOW CREATE {what} {name}"))
    }

    /// The counter of a table moves with every row.
    fn normalize(&self, definition: String) -> String {
        let Some((before, after)) = definition.rsplit_once(" AUTO_INCREMENT=") else {
            return definition;
        };
        let rest = after.trim_start_matches(|sign: char| sign.is_ascii_digit());
        // The word also marks a column, but there no number follows.
        if rest.len() < after.len() && !before.is_empty() {
            format!("{before}{rest}")
        } else {
            definition
        }
    }

    fn loses_transactions(&self, words: &Cursor<'_>) -> Option<String> {
        recovery::loses_transactions(words.clone())
    }

    fn untransactional_query(&self) -> Option<&'static str> {
        Some(UNTRANSACTIONAL)
    }
}
