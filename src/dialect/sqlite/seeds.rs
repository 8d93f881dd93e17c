//! Declared values of seeds, as SQLite stores and compares them.

use super::Sqlite;
use crate::dialect::literals::Literals;
use crate::dialect::seeds::{Cell, SeedSql, number, plain_text};
use crate::model::schema::{Column, Family};
use crate::model::seed::Value;
use crate::model::server::Server;

/// What a column makes of a text that looks like a number, and of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Text,
    Number,
    Real,
    Nothing,
}

impl SeedSql for Sqlite {
    fn cell(&self, _server: &Server, column: &Column, value: &Value) -> Result<Cell, String> {
        let name = self.quote(&column.name);
        let written = self.literal(value, column)?;
        let text = plain_text(value, "1", "0").filter(|_| column.family != Family::Binary);
        let number = text.as_deref().and_then(number);
        let affinity = affinity(column.key_type.0.base.as_ref().unwrap_or(&column.sql));
        // The engine converts what it compares with a column, but not to a floating-point number.
        let stored = match (affinity, &number) {
            (Affinity::Real, Some(number)) => format!("CAST({number} AS REAL)"),
            _ => written.clone(),
        };
        let grouped = match (affinity, number, value) {
            (Affinity::Real, Some(_), _) => stored.clone(),
            (Affinity::Number, Some(number), _) => number,
            (Affinity::Text, _, Value::Integer(_) | Value::Number(_) | Value::Bool(_)) => {
                format!("CAST({written} AS TEXT)")
            }
            _ => written.clone(),
        };
        Ok(Cell {
            same: format!("{name} IS {stored} COLLATE BINARY"),
            found: match value {
                Value::Null => format!("{name} IS NULL"),
                _ => format!("{name} = {stored}"),
            },
            written,
            grouped,
            fits: None,
        })
    }

    fn key(&self, column: &Column) -> String {
        self.quote(&column.name)
    }

    fn held(&self, column: &Column) -> String {
        format!("quote({})", self.quote(&column.name))
    }
}

/// The engine's rules, in their order.
fn affinity(sql_type: &str) -> Affinity {
    let sql_type = sql_type.to_ascii_uppercase();
    let has = |word: &str| sql_type.contains(word);
    if has("INT") {
        Affinity::Number
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Affinity::Text
    } else if has("BLOB") || sql_type.is_empty() {
        Affinity::Nothing
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Affinity::Real
    } else {
        Affinity::Number
    }
}
