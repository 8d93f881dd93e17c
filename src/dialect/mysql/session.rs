//! The session settings of MySQL and MariaDB.

use super::MySql;
use crate::dialect::literals::Literals;
use crate::dialect::server::number_of;
use crate::dialect::session::SessionSql;
use std::time::Duration;

/// The server's own SQL mode, used without the words that change how a statement is lexed, and those
/// that hide parts of a definition: files are lexed in one fixed mode, and the combined modes contain
/// ANSI_QUOTES. IGNORE_SPACE is not in
/// the global mode unless someone put it there; the handshake adds it to the session.
const SQL_MODE: &str = "@@GLOBAL.sql_mode";

/// The modes in which other quotes and escapes are all that differs.
const QUOTING_MODES: &[&str] = &["ANSI_QUOTES", "ANSI", "NO_BACKSLASH_ESCAPES"];

/// The modes of other products, in which the server knows another language or prints less.
pub const FOREIGN_MODES: &[&str] = &[
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

/// What decides whether a read is whole, whatever the server or `init_connect` set: limits of rows, of
/// time and of length, and `IS NULL` that finds the last row. Each product skips the other's comment.
const WHOLE_READS: &str = "sql_select_limit = 18446744073709551615, sql_big_selects = 1, \
    sql_safe_updates = 0, sql_auto_is_null = 0, group_concat_max_len = 16777216, \
    /*!50708 max_execution_time = 0, */ /*M!100101 max_statement_time = 0, */";

/// A week, in seconds: longer than any migration waits for another.
const WEEK: u32 = 7 * 24 * 60 * 60;

impl SessionSql for MySql {
    fn settings(&self, _schema: Option<&str>, read_only: bool) -> String {
        let mode = QUOTING_MODES
            .iter()
            .chain(FOREIGN_MODES)
            .fold(format!("CONCAT(',', {SQL_MODE}, ',')"), |mode, word| {
                format!("REPLACE({mode}, ',{word},', ',')")
            });
        // A read-only session refuses every write, whatever a bug might send.
        let access = if read_only {
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
        } else {
            ""
        };
        format!(
            "SET sql_mode = TRIM(BOTH ',' FROM {mode}), time_zone = '+00:00', \
             autocommit = 1, completion_type = 0, sql_quote_show_create = 1, \
             foreign_key_checks = 1, unique_checks = 1, {WHOLE_READS} NAMES utf8mb4;{access}"
        )
    }

    fn session_query(&self) -> Option<&'static str> {
        Some("SELECT CONNECTION_ID()")
    }

    fn busy_query(&self, session: &str) -> Option<String> {
        let id = number_of(session)?;
        Some(format!(
            "SELECT IF(COMMAND = 'Sleep', 0, 1) FROM information_schema.PROCESSLIST WHERE ID = {id}"
        ))
    }

    fn limits(&self, lock: Duration, _statement: Option<Duration>) -> Option<String> {
        let seconds = lock.as_secs().max(1);
        // While a database waits for another one, its session is idle, and must not be ended.
        Some(format!(
            "SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, \
             wait_timeout = {WEEK}, sql_quote_show_create = 1"
        ))
    }

    /// `BEGIN` opens a block in MariaDB's mode ORACLE.
    fn begin(&self) -> &'static str {
        "START TRANSACTION"
    }

    fn connect_command(&self, database: &str) -> String {
        format!("USE {};\n", self.quote(database))
    }
}
