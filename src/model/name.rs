//! Names of things across databases: `ums.users`, `twitter.messages.author_id`.

use std::fmt;

use serde::Serialize;

/// A table of one database: `ums.users`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    pub database: String,
    pub table: String,
}

/// A column of one database: `ums.users.id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnName {
    pub database: String,
    pub table: String,
    pub column: String,
}

impl TableName {
    /// Reads `database.table`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (database, table) = text.split_once('.')?;
        let whole = !database.is_empty() && !table.is_empty() && !table.contains('.');
        whole.then(|| TableName {
            database: database.to_owned(),
            table: table.to_owned(),
        })
    }
}

impl ColumnName {
    /// Reads `database.table.column`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (database, table, column) = (parts.next()?, parts.next()?, parts.next()?);
        let empty = database.is_empty() || table.is_empty() || column.is_empty();
        if empty || parts.next().is_some() {
            return None;
        }
        Some(ColumnName {
            database: database.to_owned(),
            table: table.to_owned(),
            column: column.to_owned(),
        })
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.database, self.table, self.column)
    }
}

impl Serialize for TableName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The nearest of `known` to what was typed, when it is near enough to be meant.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&typed, &name.to_lowercase()), name))
        .filter(|(near, _)| *near > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// “did you mean `x`?”, or nothing.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(typed, known).map(|name| format!("did you mean `{name}`?"))
}
