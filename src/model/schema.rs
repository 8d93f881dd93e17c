//! The schema of a database as data. So far: what seeding needs to know of a table.

/// A table or view and its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// In the order of the table.
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The type as the engine tells it.
    pub sql: String,
    /// What the type means, across engines.
    pub family: Family,
    /// The place in the primary key, from 1.
    pub key: Option<u32>,
}

/// What a column's type means, across engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Characters.
    Text,
    /// Bytes; 16 of them can hold a UUID.
    Binary,
    Uuid,
    Bool,
    /// Numbers, times and all the rest: the engine itself compares them.
    Other,
}

impl Table {
    /// The columns of the primary key, in its order.
    pub fn primary_key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|c| c.key.is_some()).collect();
        key.sort_by_key(|column| column.key);
        key
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
