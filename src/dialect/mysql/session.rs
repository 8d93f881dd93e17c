//! The session settings of MySQL and MariaDB.

use super::MySql;
use crate::dialect::literals::Literals;
use crate::dialect::session::SessionSql;
use std::time::Duration;

/// The server's own SQL mode without the words that change how a statement is lexed, and those that
/// hide parts of a definition: files are lexed in one fixed mode, and the combined modes contain
/// ANSI_QUOTES. IGNORE_SPACE is not in
/// the global mode unless someone put it there; the handshake adds it to the session.
const SQL_MODE: &str = "@@GLOBAL.sql_mode";

pub const LEXICAL_MODES: &[&str] = &[
    "ANSI_QUOTES",
    "ANSI",
    "NO_BACKSLASH_ESCAPES",
    "ORACLE",
    "MSSQL",
    "DB2",
    "MAXDB",
    "POSTGRESQL",
    "MYSQL323",
    "MYSQL40",
    "NO_TABLE_OPTIONS",
    "NO_KEY_OPTIONS",
    "NO_FIELD_OPTIONS",
];

/// A week, in seconds: longer than any migration waits for another.
const WEEK: u32 = 7 * 24 * 60 * 60;

impl SessionSql for MySql {
    fn settings(&self, _schema: Option<&str>, read_only: bool) -> String {
        let mode = LEXICAL_MODES
            .iter()
            .fold(format!("CONCAT(',', {SQL_MODE}, ',')"), |mode, word| {
                format!("REPLACE({mode}, ',{word},', ',')")
            });
        // A read-only session refuses every write, whatever a bug might send.
        let access = if read_only {
            "SET SESSION TRANSACTION READ ONLY;"
        } else {
            ""
        };
        format!(
            "SET sql_mode = TRIM(BOTH ',' FROM {mode}), time_zone = '+00:00', \
             autocommit = 1, sql_quote_show_create = 1, \
             foreign_key_checks = 1, unique_checks = 1, NAMES utf8mb4;{access}"
        )
    }

    fn session_query(&self) -> Option<&'static str> {
        Some("SELECT CONNECTION_ID()")
    }

    fn limits(&self, lock: Duration, _statement: Option<Duration>) -> Option<String> {
        let seconds = lock.as_secs().max(1);
        // While a database waits for another one, its session is idle, and must not be ended.
        Some(format!(
            "SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, \
             wait_timeout = {WEEK}, sql_quote_show_create = 1"
        ))
    }

    fn connect_command(&self, database: &str) -> String {
        format!("USE {};\n", self.quote(database))
    }
}
