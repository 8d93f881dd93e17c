//! The effects of a statement on tables, columns and rows, read from its text.
//!
//! Only what the text says plainly is an effect. What a routine, a trigger or dynamic SQL does at
//! run time cannot be seen here.

mod alter;
mod definition;
mod head;
mod renames;
mod rows;
mod target;

pub use head::{DdlObject, Head};
pub use renames::{Renaming, renamings};
pub use rows::{Routine, changes_rows, handles_rows, may_handle_rows, row_copy, written_table};
pub use target::{WriteTargets, other_database, write_targets};

use super::Dialect;
use crate::sql::{Cursor, Name};

/// One effect of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementEffect {
    CreateTable(NewTable),
    RenameTable {
        from: Name,
        to: Name,
    },
    DropTable(Name),
    /// Drops a database or a schema with all tables in it.
    DropDatabase {
        name: Name,
        /// `database` or `schema`.
        kind: &'static str,
    },
    AddColumn {
        table: Name,
        column: Column,
    },
    /// Renames a column; both names are in lower case.
    RenameColumn {
        table: Name,
        from: String,
        to: String,
    },
    /// Gives a column a type, perhaps the one that it has.
    SetColumnType {
        table: Name,
        column: Column,
    },
    DropColumn {
        table: Name,
        column: Name,
    },
    /// Deletes all rows, or those of partitions; `what` says it as a predicate.
    DeleteRows {
        table: Name,
        what: String,
    },
    /// Loses other data, such as a table's history; `what` says it as a predicate.
    LoseData {
        table: Option<Name>,
        what: String,
    },
    CopyRows(RowCopy),
}

/// A table that a statement creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTable {
    pub name: Name,
    pub temporary: bool,
    /// `CREATE OR REPLACE`: drops the table of that name first.
    pub or_replace: bool,
    /// `IF NOT EXISTS`: the table may be an older one.
    pub if_not_exists: bool,
    /// The columns; `None` if the statement does not list all of them.
    pub columns: Option<Vec<Column>>,
    /// The table whose definition is copied.
    pub like: Option<Name>,
}

/// A column and its type, both in one spelling: lower case, and a type without optional blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub sql: String,
}

/// A copy of rows by `INSERT … SELECT` or `CREATE TABLE … SELECT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCopy {
    pub to: Name,
    /// The tables that are read.
    pub from: Vec<Name>,
}

/// How much of a statement is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Without the columns of new tables and without copies of rows.
    Tables,
    Columns,
}

/// All effects of a statement, in their order. Those on columns precede those on the whole table,
/// since every clause of an ALTER names the table as it was before.
#[must_use]
pub fn effects(dialect: &dyn Dialect, sql: &str) -> Vec<StatementEffect> {
    let mut words = Cursor::new(dialect.syntax(), sql);
    let mut effects = read(&mut words, Detail::Columns);
    words.rewind();
    effects.extend(rows::copied(words).map(StatementEffect::CopyRows));
    effects
}

/// The effects of a statement without the columns of new tables and without copies of rows: a
/// long INSERT is not read to its end for them.
#[must_use]
pub fn table_effects(dialect: &dyn Dialect, sql: &str) -> Vec<StatementEffect> {
    read(&mut Cursor::head(dialect.syntax(), sql), Detail::Tables)
}

fn read(words: &mut Cursor<'_>, detail: Detail) -> Vec<StatementEffect> {
    match words.first().as_str() {
        "CREATE" => {
            let created = definition::create(words, detail).into_iter();
            created.map(StatementEffect::CreateTable).collect()
        }
        "DROP" => definition::drop(words),
        "ALTER" => alter::alter(words),
        "RENAME" => alter::rename(words),
        "TRUNCATE" => rows::truncate(words),
        "DELETE" => rows::delete(words).into_iter().collect(),
        "WITH" => rows::deletes_inside(words),
        _ => Vec::new(),
    }
}
