//! Names, literals and comparisons of SQLite.

use super::{SYNTAX, Sqlite};
use crate::dialect::literals::{Literals, single_quoted};
use crate::model::schema::{Column, Family};

impl Literals for Sqlite {
    fn default_qualifier<'n>(&self, _database: &'n str, _schema: Option<&'n str>) -> &'n str {
        "main"
    }

    fn quote(&self, identifier: &str) -> String {
        SYNTAX.quoted(identifier)
    }

    fn text(&self, text: &str) -> Result<String, String> {
        if text.contains('\0') {
            Err("SQLite ends a text at the character NUL".into())
        } else {
            Ok(single_quoted(text))
        }
    }

    fn table(&self, _schema: Option<&str>, table: &str) -> String {
        format!("main.{}", self.quote(table))
    }

    /// The affinity rules of the engine, as far as they distinguish texts from bytes.
    fn family(&self, sql_type: &str) -> Family {
        let sql_type = sql_type.to_ascii_uppercase();
        let has = |word: &str| sql_type.contains(word);
        if has("INT") {
            Family::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Family::Text
        } else if has("BLOB") || has("BINARY") || has("UUID") {
            Family::Binary
        } else {
            Family::Other
        }
    }

    /// Defaults of this engine are in UTC, and a text may contain an offset. A number counts
    /// milliseconds, as drivers write it.
    fn utc_of(&self, column: &Column, _is_utc: bool) -> Option<String> {
        let name = self.quote(&column.name);
        let format = "'%Y-%m-%dT%H:%M:%fZ'";
        Some(format!(
            "CASE typeof({name}) WHEN 'integer' THEN strftime({format}, {name} / 1000.0, 'unixepoch') \
             ELSE strftime({format}, {name}) END"
        ))
    }
}
