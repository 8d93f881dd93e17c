//! Literals, quoted names and comparisons of an engine.

use crate::model::hex;
use crate::model::schema::{Column, Family};
use crate::model::seed::Value;

/// Quotes names, writes values as literals and compares them.
pub trait Literals: Sync {
    /// What a table without a qualifier is qualified with, where the session uses this database
    /// and this schema.
    fn default_qualifier<'n>(&self, database: &'n str, schema: Option<&'n str>) -> &'n str;

    /// An identifier, quoted for SQL. The only quoting in the program.
    fn quote(&self, identifier: &str) -> String;

    /// A text as a literal, or why it cannot be one.
    fn text(&self, text: &str) -> Result<String, String>;

    /// Bytes as a literal.
    fn bytes(&self, bytes: &[u8]) -> String {
        format!("X'{}'", hex::capitals(bytes))
    }

    fn boolean(&self, yes: bool) -> &'static str {
        if yes { "1" } else { "0" }
    }

    /// A value as a literal for a column, or why it cannot be one. A text for a column of bytes
    /// means a UUID's bytes where it is one, else its own.
    fn literal(&self, value: &Value, column: &Column) -> Result<String, String> {
        match value {
            Value::Null => Ok("NULL".into()),
            Value::Bool(yes) => Ok(self.boolean(*yes).into()),
            Value::Integer(number) => Ok(number.to_string()),
            Value::Number(number) => Ok(number.clone()),
            Value::Text(text) if column.family == Family::Binary => {
                Ok(match uuid::Uuid::try_parse(text) {
                    Ok(id) => self.bytes(id.as_bytes()),
                    Err(_) => self.bytes(text.as_bytes()),
                })
            }
            Value::Text(text) => self.text(text),
        }
    }

    /// A condition that is true when the column holds exactly this literal: characters are
    /// compared as bytes, NULL equals NULL.
    fn same(&self, column: &Column, literal: &str) -> String;

    /// A table of the database in use, qualified where a session could be led elsewhere.
    fn table(&self, schema: Option<&str>, table: &str) -> String;

    fn family(&self, sql_type: &str) -> Family;

    /// The statement that makes a row, in the place of one with the same key. The key's column is
    /// the first.
    fn replace(&self, table: &str, columns: &[&str], values: &[String]) -> String {
        let (columns, values) = (columns.join(", "), values.join(", "));
        format!("REPLACE INTO {table} ({columns}) VALUES ({values})")
    }

    /// An expression of bytes, such as a column, as one of hexadecimal digits.
    fn hex_of(&self, bytes: &str) -> String {
        format!("HEX({bytes})")
    }

    /// A column of times as RFC 3339 text in UTC, or nothing where that cannot be known. A time
    /// without a zone is known where `is_utc` says so, or where the engine writes all its times
    /// in UTC.
    fn utc_of(&self, column: &Column, is_utc: bool) -> Option<String>;
}

/// A text between single quotes, quotes doubled; the rule that all three engines share.
pub(super) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The numbers between the parentheses of a type: its length, its digits and their scale.
pub fn sizes(sql_type: &str) -> Vec<u64> {
    let inner = sql_type
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let inner = inner.map_or("", |(inner, _)| inner);
    let parts = inner.split(',');
    parts.filter_map(|size| size.trim().parse().ok()).collect()
}
