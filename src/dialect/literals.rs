//! Literals, quoted names and comparisons of an engine.

use crate::model::hex;
use crate::model::schema::{Column, Family};
use crate::model::seed::Value;

/// Quotes names, writes values as literals and compares them.
pub trait Literals: Sync {
    /// The qualifier of a table that has none, in a session that uses this database and schema.
    fn default_qualifier<'n>(&self, database: &'n str, schema: Option<&'n str>) -> &'n str;

    /// Quotes an identifier. The only place that does.
    fn quote(&self, identifier: &str) -> String;

    /// A text as a literal.
    ///
    /// # Errors
    ///
    /// The reason why the engine has no such text.
    fn text(&self, text: &str) -> Result<String, String>;

    /// Bytes as a literal.
    fn bytes(&self, bytes: &[u8]) -> String {
        format!("X'{}'", hex::capitals(bytes))
    }

    fn boolean(&self, yes: bool) -> &'static str {
        if yes { "1" } else { "0" }
    }

    /// A value as a literal for a column. A text for a binary column means the bytes of a UUID if it
    /// is one, else its own bytes.
    ///
    /// # Errors
    ///
    /// The reason why the engine has no such literal.
    fn literal(&self, value: &Value, column: &Column) -> Result<String, String> {
        match value {
            Value::Null => Ok("NULL".into()),
            Value::Bool(yes) => Ok(self.boolean(*yes).into()),
            Value::Integer(number) => Ok(number.to_string()),
            Value::Number(number) => Ok(number.clone()),
            Value::Text(text) if column.family == Family::Binary => Ok(self.bytes(&bytes_of(text))),
            Value::Text(text) => self.text(text),
        }
    }

    /// A table of the current database, qualified if a search path could resolve it elsewhere.
    fn table(&self, schema: Option<&str>, table: &str) -> String;

    fn family(&self, sql_type: &str) -> Family;

    /// The statement that inserts a row or replaces the one with the same key. The first column is
    /// the key.
    fn replace(&self, table: &str, columns: &[&str], values: &[String]) -> String {
        let (columns, values) = (columns.join(", "), values.join(", "));
        format!("REPLACE INTO {table} ({columns}) VALUES ({values})")
    }

    /// The expression that turns bytes into hexadecimal digits.
    fn hex_of(&self, bytes: &str) -> String {
        format!("HEX({bytes})")
    }

    /// The expression that reads a time column as RFC 3339 text in UTC. `None` if its zone is
    /// unknown: a time without a zone is UTC if `is_utc` is set, or if the engine writes all times
    /// in UTC.
    fn utc_of(&self, column: &Column, is_utc: bool) -> Option<String>;
}

/// The bytes that a text means for a column of bytes: those of a UUID, else its own.
pub(super) fn bytes_of(text: &str) -> Vec<u8> {
    match uuid::Uuid::try_parse(text) {
        Ok(id) => id.as_bytes().to_vec(),
        Err(_) => text.as_bytes().to_vec(),
    }
}

/// A text between single quotes with its quotes doubled, the rule that all engines share.
pub(super) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The numbers between the parentheses of a type: length, precision, scale.
pub fn sizes(sql_type: &str) -> Vec<u64> {
    let inner = sql_type
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let inner = inner.map_or("", |(inner, _)| inner);
    let parts = inner.split(',');
    parts.filter_map(|size| size.trim().parse().ok()).collect()
}
