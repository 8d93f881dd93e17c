//! Keys of references: each engine's queries for them, and their cells as canonical bytes
//! ([`crate::model::key`]).
//!
//! A key is asked for in the form in which the server's index serves it, wherever the index keeps
//! apart what the key keeps apart. What a server finds for a key may be more than the key, since
//! its own equality is often wider; whoever reads the answer compares canonical bytes.

mod column;
pub(crate) mod comparison;
mod condition;
mod decode;
mod hidden;
mod joined;
pub(crate) mod known;
pub(crate) mod rows;
mod source;
mod spelling;

pub use column::{KeyColumn, Probe};
pub use comparison::{Equality, agree, comparison};
pub use condition::{condition, fixed_columns, named_columns};
pub use decode::{Cell, Cells, KeyReader, Malformed, decode};
pub use hidden::HiddenRows;
pub use known::{Estimate, Following, Replication, Statistics, replication};
pub use rows::{
    After, FoundRow, RowQuery, RowReader, identified, row_expression, row_literal, row_text,
};
pub use source::{KeyLocation, KeyQuery, KeyRange, KeySource};
pub use spelling::{Spelling, WHOLE};

use std::borrow::Cow;

use crate::model::key::Compare;
use crate::model::schema::Column;
use crate::model::server::Server;

/// The wire format of a key column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Bytes as they are.
    Bytes,
    /// Characters in UTF-8.
    Characters,
    /// A whole number in decimal digits.
    Digits,
    /// A whole number of 2, 4 or 8 bytes.
    BigEndian,
    /// Whatever the value itself says that it is.
    Typed,
}

/// The key queries of an engine.
pub trait Keys: Sync {
    /// How a column is read, or why it cannot be part of a key.
    fn part(
        &self,
        column: &Column,
        compare: &Compare,
        server: &Server,
    ) -> Result<KeyColumn, String>;

    /// How a value is compared with one of the same type, for types that are not of a family. `None`
    /// if the server's equality is not that of anything bird can read.
    fn natural(&self, _column: &Column) -> Option<Compare> {
        None
    }

    /// Which characters are the same to a column.
    fn equality(&self, column: &Column) -> Equality;

    /// Asks for the tables of which the account does not see every row: table, policies or NULL,
    /// whether they apply to its owner. `None` if the engine hides no rows.
    fn hidden_rows_query(&self, _schema: Option<&str>) -> Option<String> {
        None
    }

    /// How the number of rows comes over the wire.
    fn counts(&self) -> Wire;

    /// A cell of a row as text.
    fn row_expression(&self, column: &Column) -> String;

    /// What rows are ordered by for a column, and what a cell's literal is compared with there.
    fn row_order(&self, column: &Column) -> String;

    /// The literal that a cell of a row stands for.
    fn row_literal(&self, column: &Column, text: &str) -> Result<String, String>;

    /// What a session is set to before it streams keys.
    fn streaming(&self) -> Option<&'static str> {
        None
    }

    /// Begins a transaction that sees all databases of the server at one instant.
    fn snapshot(&self) -> Option<&'static str> {
        None
    }

    /// Asks the catalog how many rows a table has and how many keys of these columns.
    fn statistics(
        &self,
        place: &KeyLocation<'_>,
        table: &str,
        columns: &[&str],
    ) -> Option<Statistics>;

    /// What makes another file's tables visible under a name, where the engine can.
    fn attach(&self, _file: &str, _name: &str) -> Option<String> {
        None
    }
}

/// The type of a column without its size, in lower case.
pub(crate) fn base(column: &Column) -> String {
    let base = column.sql.split(['(', ' ']).next().unwrap_or_default();
    base.to_ascii_lowercase()
}

/// The column with the type below its domain, by which its values are read.
pub(crate) fn resolved(column: &Column) -> Cow<'_, Column> {
    match &column.key_type.0.base {
        Some(base) => Cow::Owned(Column {
            sql: base.clone(),
            ..column.clone()
        }),
        None => Cow::Borrowed(column),
    }
}

/// Why a column cannot be part of a key that is compared in this way.
pub(crate) fn refused(column: &Column, compare: &Compare) -> String {
    format!(
        "{} is {}, which cannot be compared as {}",
        column.name,
        column.sql,
        compare.word()
    )
}
