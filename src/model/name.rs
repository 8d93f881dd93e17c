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

/// Columns of one table that are compared together: `twitter.messages.author_id`, or
/// `shop.orders.(tenant, customer)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnNames {
    pub database: String,
    pub table: String,
    /// One or several, in the order in which they are compared.
    pub columns: Vec<String>,
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

impl ColumnNames {
    /// Reads `database.table.column`, `database.table.a,b` or `database.table.(a, b)`; anything
    /// else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (database, table, columns) = (parts.next()?, parts.next()?, parts.next()?);
        let inner = columns.strip_prefix('(');
        let inner = inner.map_or(Some(columns), |inner| inner.strip_suffix(')'))?;
        let columns: Vec<String> = inner.split(',').map(|one| one.trim().to_owned()).collect();
        let whole = |name: &String| !name.is_empty() && !name.contains('.');
        let named = !database.is_empty() && !table.is_empty();
        (named && columns.iter().all(whole)).then(|| ColumnNames {
            database: database.to_owned(),
            table: table.to_owned(),
            columns,
        })
    }

    /// The columns one by one, with their full names.
    pub fn each(&self) -> impl Iterator<Item = ColumnName> + '_ {
        self.columns.iter().map(|column| ColumnName {
            database: self.database.clone(),
            table: self.table.clone(),
            column: column.clone(),
        })
    }

    pub fn table_name(&self) -> TableName {
        TableName {
            database: self.database.clone(),
            table: self.table.clone(),
        }
    }
}

impl fmt::Display for ColumnNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.", self.database, self.table)?;
        match self.columns.as_slice() {
            [one] => f.write_str(one),
            all => write!(f, "({})", all.join(", ")),
        }
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
