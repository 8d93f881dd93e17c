//! Seeds: reference data that the project declares.

use super::diagnostic::Location;
use super::name::TableName;

/// A value of a declared row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// As it was written, so that no digit is lost.
    Number(String),
    Text(String),
}

/// One entry of `[[seeds]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    pub table: TableName,
    /// The natural key: the columns by which a declared row finds its live one.
    pub key: Vec<String>,
    pub rows: Vec<SeedRow>,
    pub location: Location,
}

/// One declared row.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedRow {
    /// In the order of the file.
    pub values: Vec<(String, Value)>,
    pub location: Location,
}

impl SeedRow {
    pub fn get(&self, column: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(name, _)| name == column);
        found.map(|(_, value)| value)
    }
}

/// What a live row holds in place of a declared value, because a trigger changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedRecord {
    /// A digest of table, key and column.
    pub place: String,
    /// A digest of the declared value.
    pub declared: String,
    /// A digest of what the column held after it was written.
    pub held: String,
}
