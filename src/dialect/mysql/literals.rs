//! Names, literals and comparisons of MySQL and MariaDB.

use super::{CHARACTERS, MySql, SYNTAX};
use crate::dialect::literals::{Literals, single_quoted};
use crate::model::schema::{Column, Family};

impl Literals for MySql {
    fn default_qualifier<'n>(&self, database: &'n str, _schema: Option<&'n str>) -> &'n str {
        database
    }

    fn quote(&self, identifier: &str) -> String {
        SYNTAX.quoted(identifier)
    }

    fn text(&self, text: &str) -> Result<String, String> {
        Ok(single_quoted(&text.replace('\\', "\\\\")))
    }

    fn table(&self, _schema: Option<&str>, table: &str) -> String {
        self.quote(table)
    }

    fn family(&self, sql_type: &str) -> Family {
        let sql_type = sql_type.to_ascii_lowercase();
        let base = sql_type.split(['(', ' ']).next().unwrap_or_default();
        match base {
            base if CHARACTERS.contains(&base) => Family::Text,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
                Family::Binary
            }
            "uuid" => Family::Uuid,
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Family::Integer,
            _ => Family::Other,
        }
    }

    /// The session's zone is UTC, and a TIMESTAMP is printed in it.
    fn utc_of(&self, column: &Column, is_utc: bool) -> Option<String> {
        let known = is_utc || column.sql.to_ascii_lowercase().starts_with("timestamp");
        let name = self.quote(&column.name);
        known.then(|| format!("DATE_FORMAT({name}, '%Y-%m-%dT%H:%i:%s.%fZ')"))
    }
}
