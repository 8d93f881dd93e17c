//! The meaning of statements, definitions and error codes in PostgreSQL.

use super::forbidden::REFUSED;
use super::{Postgres, recovery};
use crate::dialect::literals::single_quoted;
use crate::dialect::recovery::{Object, ObjectKind, RecoveryClass};
use crate::dialect::statements::{LOCKED, Statements, TRANSACTIONS, calls, refuse_control};
use crate::dialect::{Refusal, Trouble};
use crate::model::server::Server;
use crate::sql::cursor::Words;

impl Statements for Postgres {
    fn trouble(&self, code: &str, message: &str) -> Trouble {
        match code {
            // PgBouncer passes the server's words on, but not its code.
            "08P01" if message.starts_with("database ") && message.ends_with(" does not exist") => {
                Trouble::MissingDatabase
            }
            "3D000" | "3F000" => Trouble::MissingDatabase,
            "42P01" => Trouble::MissingTable,
            "42P04" | "42P06" | "42P07" | "23505" => Trouble::Exists,
            "55P03" | "40P01" | "40001" => Trouble::Busy,
            "0A000" if message.starts_with("cached plan must not change") => Trouble::Changed,
            "42704" => Trouble::MissingObject,
            "57014" => Trouble::Cancelled,
            "28000" | "28P01" => Trouble::Account,
            "42501" => Trouble::Denied,
            "25006" => Trouble::Closed,
            "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "53300" => {
                Trouble::Connection
            }
            _ => Trouble::Other,
        }
    }

    fn refuse(&self, words: &[&str]) -> Option<Refusal> {
        if calls(words, "pg_advisory_unlock_all") {
            return Some(Refusal {
                what: "pg_advisory_unlock_all",
                why: LOCKED,
            });
        }
        // `ROLLBACK TO SAVEPOINT` stays inside the transaction.
        let rollback = words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case("ROLLBACK"));
        if rollback && !words.iter().any(|word| word.eq_ignore_ascii_case("TO")) {
            return Some(Refusal {
                what: "ROLLBACK",
                why: TRANSACTIONS,
            });
        }
        refuse_control(words, REFUSED)
    }

    fn recovery(&self, words: &Words<'_>) -> RecoveryClass {
        recovery::class(words.clone())
    }

    fn look(&self, object: &Object, _server: &Server) -> Option<String> {
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
