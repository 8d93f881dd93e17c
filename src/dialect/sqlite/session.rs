//! The session settings of SQLite.

use super::Sqlite;
use crate::dialect::literals::Literals;
use crate::dialect::session::SessionSql;

impl SessionSql for Sqlite {
    fn settings(&self, _schema: Option<&str>, read_only: bool) -> String {
        let access = if read_only {
            "PRAGMA query_only = ON;"
        } else {
            ""
        };
        format!("PRAGMA foreign_keys = ON;{access}")
    }

    fn begin(&self) -> &'static str {
        "BEGIN IMMEDIATE"
    }

    fn enforce_foreign_keys(&self, on: bool) -> Option<&'static str> {
        Some(if on {
            "PRAGMA foreign_keys = ON"
        } else {
            "PRAGMA foreign_keys = OFF"
        })
    }

    fn stop_on_error(&self) -> Option<&'static str> {
        Some(".bail on\n")
    }

    fn connect_command(&self, database: &str) -> String {
        format!(".open {}\n", self.quote(database))
    }
}
