//! The meaning of statements, definitions and error codes in PostgreSQL.

use super::forbidden::FORBIDDEN;
use super::{Postgres, hidden_rows, recovery};
use crate::dialect::literals::single_quoted;
use crate::dialect::recovery::{Object, ObjectKind, RecoveryClass};
use crate::dialect::statements::{LOCKED, Statements, TRANSACTIONS, calls, forbid_control};
use crate::dialect::{ErrorKind, Forbidden};
use crate::model::server::Server;
use crate::sql::Cursor;

impl Statements for Postgres {
    /// Those that call `PreventInTransactionBlock` in the server's source and that a migration may have.
    fn refuses_transaction(&self, words: &[&str]) -> bool {
        let has = |wanted: &str| words.iter().any(|word| word.eq_ignore_ascii_case(wanted));
        let is = |at: usize, wanted: &str| {
            let word = words.get(at);
            word.is_some_and(|word| word.eq_ignore_ascii_case(wanted))
        };
        match words
            .first()
            .map(|word| word.to_ascii_uppercase())
            .as_deref()
        {
            Some("VACUUM") => true,
            Some("CREATE") => {
                let unique = usize::from(is(1, "UNIQUE"));
                is(1 + unique, "INDEX") && is(2 + unique, "CONCURRENTLY")
            }
            Some("DROP") => is(1, "INDEX") && is(2, "CONCURRENTLY"),
            Some("REINDEX") => has("CONCURRENTLY") || has("DATABASE") || has("SYSTEM"),
            Some("ALTER") => {
                is(1, "TABLE")
                    && has("DETACH")
                    && words
                        .last()
                        .is_some_and(|word| word.eq_ignore_ascii_case("CONCURRENTLY"))
            }
            _ => false,
        }
    }

    fn error_kind(&self, code: &str, message: &str) -> ErrorKind {
        match code {
            // PgBouncer passes the server's words on, but not its code.
            "08P01" if message.starts_with("database ") && message.ends_with(" does not exist") => {
                ErrorKind::MissingDatabase
            }
            "3D000" | "3F000" => ErrorKind::MissingDatabase,
            "42P01" => ErrorKind::MissingTable,
            "42P04" | "42P06" | "42P07" | "23505" => ErrorKind::Exists,
            "55P03" | "40P01" | "40001" => ErrorKind::Busy,
            "0A000" if message.starts_with("cached plan must not change") => ErrorKind::Changed,
            "42704" => ErrorKind::MissingObject,
            "57014" => ErrorKind::Cancelled,
            "28000" | "28P01" => ErrorKind::Account,
            "42501" if hidden_rows::table_of(message).is_some() => ErrorKind::HiddenRows,
            "42501" => ErrorKind::Denied,
            "25006" => ErrorKind::ReadOnly,
            "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "53300" => {
                ErrorKind::Connection
            }
            _ => ErrorKind::Other,
        }
    }

    fn forbid(&self, words: &[&str]) -> Option<Forbidden> {
        if calls(words, "pg_advisory_unlock_all") {
            return Some(Forbidden {
                what: "pg_advisory_unlock_all",
                why: LOCKED,
            });
        }
        // `ROLLBACK TO SAVEPOINT` stays inside the transaction.
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

    fn recovery(&self, words: &Cursor<'_>) -> RecoveryClass {
        recovery::class(words.clone())
    }

    fn definition_query(&self, object: &Object, _server: &Server) -> Option<String> {
        let name = single_quoted(&object.name);
        let which = match object.kind {
            ObjectKind::Index => format!("i.indexrelid = to_regclass({name})"),
            ObjectKind::Indexes => format!("i.indrelid = to_regclass({name})"),
            _ => return None,
        };
        Some(format!(
            "SELECT format('%I.%I', n.nspname, c.relname), \
                    CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END, \
                    i.indexrelid::text, pg_get_indexdef(i.indexrelid) \
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {which} ORDER BY 1"
        ))
    }
}
