//! Declared values of seeds, as an engine stores and compares them.

use crate::model::schema::Column;
use crate::model::seed::Value;
use crate::model::server::Server;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A declared value of one column, as SQL. Every comparison is with what the column would store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// The value in an INSERT or UPDATE.
    pub written: String,
    /// The condition that is true if the column holds exactly what it would store.
    pub same: String,
    /// The condition that finds the rows whose key this value is.
    pub found: String,
    /// The value beside the same column's values of other rows: equal ones are one key.
    pub grouped: String,
    /// The condition that is true if the column can hold the value. `None` if the other expressions fail
    /// where it cannot.
    pub fits: Option<String>,
}

impl Cell {
    /// NULL for a column of this quoted name. `grouped` is a NULL that the engine groups with the
    /// column's values.
    #[must_use]
    pub fn null(name: &str, grouped: String) -> Cell {
        Cell {
            written: "NULL".to_owned(),
            same: format!("{name} IS NULL"),
            found: format!("{name} IS NULL"),
            grouped,
            fits: None,
        }
    }
}

/// A column that a sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    pub column: String,
    /// The sequence, quoted.
    pub sequence: String,
}

/// Writes the SQL of seeds.
pub trait SeedSql: Sync {
    /// A declared value for a column.
    ///
    /// # Errors
    ///
    /// The reason why the column takes no such value, and what to write instead.
    fn cell(&self, server: &Server, column: &Column, value: &Value) -> Result<Cell, String>;

    /// The statement that makes a writing session store a value as declared or refuse it.
    fn exact_writes(&self) -> Option<&'static str> {
        None
    }

    /// The clause before `VALUES` by which an INSERT may set these columns.
    fn overriding(&self, _columns: &[&Column]) -> &'static str {
        ""
    }

    /// The column as the engine compares it: what [`Cell::grouped`] stands beside.
    fn key(&self, column: &Column) -> String;

    /// The expression of what a column holds, as a text.
    fn held(&self, column: &Column) -> String;

    /// Asks for pairs of rows, by their numbers, whose keys are one for these columns. `rows` has the
    /// values of [`Cell::grouped`].
    fn twins_query(
        &self,
        _server: &Server,
        table: &str,
        columns: &[String],
        rows: &[Vec<&str>],
    ) -> String {
        let rows = rows.iter().enumerate();
        let rows = rows.map(|(at, values)| format!("({at}, {})", values.join(", ")));
        let values = rows.collect::<Vec<_>>().join(", ");
        twins_among(
            table,
            columns,
            &format!("SELECT * FROM (VALUES {values}) v"),
        )
    }

    /// Asks for the sequences that number a table's columns: column, sequence.
    fn counters_query(&self, _schema: Option<&str>, _table: &str) -> Option<String> {
        None
    }

    /// Asks for the number that a counter's next one must be behind, the largest of its column and
    /// `declared`, and whether it is not: `1` or `0`. It may give no row if it is.
    fn counter_query(&self, _table: &str, _counter: &Counter, _declared: i64) -> String {
        String::new()
    }

    /// The statement that moves a counter behind a number, and never back.
    fn advance(&self, _counter: &Counter, _to: i64) -> String {
        String::new()
    }
}

/// The query for twins among rows. The table's own columns come first, and give the others their type
/// and collation.
pub(super) fn twins_among(table: &str, columns: &[String], rows: &str) -> String {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("k{at}")).collect();
    let own: Vec<String> = columns
        .iter()
        .zip(&names)
        .map(|(column, name)| format!("{column} AS {name}"))
        .collect();
    let (own, names) = (own.join(", "), names.join(", "));
    format!(
        "SELECT MIN(n), MAX(n) FROM (SELECT 0 AS n, {own} FROM {table} WHERE 1 = 0 \
         UNION ALL {rows}) d GROUP BY {names} HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 20"
    )
}

/// A value as a text, for a column of characters. `None` for NULL.
pub(super) fn plain_text(value: &Value, yes: &str, no: &str) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(true) => yes.to_owned(),
        Value::Bool(false) => no.to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(text) => text.clone(),
    })
}

/// A moment with an offset as date and time in UTC. `None` if the text is none.
pub(super) fn utc(text: &str) -> Option<String> {
    let moment = OffsetDateTime::parse(text.trim(), &Rfc3339).ok()?;
    let moment = moment.checked_to_offset(UtcOffset::UTC)?;
    let text = moment.format(&Rfc3339).ok()?;
    Some(text.trim_end_matches('Z').replace('T', " "))
}

/// A text as a number as SQL writes it. `None` if the text is none.
pub(super) fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let written = text.strip_prefix('+').unwrap_or(text);
    let known = |sign: char| sign.is_ascii_digit() || matches!(sign, '.' | 'e' | 'E' | '+' | '-');
    let finite = written.parse::<f64>().is_ok_and(f64::is_finite);
    (written.chars().all(known) && finite).then(|| written.to_owned())
}

/// The reason why a column takes no such value.
pub(super) fn takes(column: &Column, what: &str) -> String {
    format!("its type {} takes {what}", column.sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_converted_to_utc() {
        let cases = [
            ("2020-06-01T10:00:00Z", Some("2020-06-01 10:00:00")),
            (
                "2020-06-01T01:30:00.25+02:00",
                Some("2020-05-31 23:30:00.25"),
            ),
            ("2020-06-01 10:00:00Z", Some("2020-06-01 10:00:00")),
            ("2020-06-01T10:00:00", None),
            ("10:00:00Z", None),
            ("admin", None),
        ];
        for (text, expected) in cases {
            assert_eq!(utc(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_told_from_words() {
        let cases = [
            ("1", Some("1")),
            (" +1.50 ", Some("1.50")),
            ("-2.5e3", Some("-2.5e3")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("inf", None),
            ("1e999", None),
            ("0x10", None),
            ("", None),
            ("abc", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text).as_deref(), expected, "{text}");
        }
    }
}
