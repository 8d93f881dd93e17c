//! Columns with a default that gives another value at each call, such as `uuid()`: MySQL adds them
//! only without it, because a replica would get other values.

use super::alter::statement;
use super::clause::quote;
use crate::dialect::mysql::SYNTAX;
use crate::dialect::mysql::ddl::column::base;
use crate::model::change::{DdlStep, Hazard};
use crate::model::schema::{Column, KeyKind, Table};
use crate::sql::Cursor;

/// The functions that MySQL calls unsafe in a statement that replicas run again.
const VOLATILE: &[&str] = &[
    "CONNECTION_ID",
    "CURRENT_USER",
    "FOUND_ROWS",
    "GET_LOCK",
    "IS_FREE_LOCK",
    "IS_USED_LOCK",
    "LAST_INSERT_ID",
    "LOAD_FILE",
    "RAND",
    "RANDOM_BYTES",
    "RELEASE_LOCK",
    "ROW_COUNT",
    "SESSION_USER",
    "SLEEP",
    "SYSDATE",
    "SYSTEM_USER",
    "USER",
    "UUID",
    "UUID_SHORT",
    "VERSION",
];

/// Whether the default of a column gives another value at each call.
pub fn is_volatile(column: &Column) -> bool {
    let Some(default) = &column.default else {
        return false;
    };
    let cursor = Cursor::new(&SYNTAX, default);
    let mut pairs = cursor.tokens().zip(cursor.tokens().skip(1));
    pairs.any(|(word, next)| next.text == "(" && word.is_one_of(VOLATILE))
}

/// The column as it is added first: existing rows get the value that its type has without a default,
/// and a time must be a valid one.
pub fn without_default(column: &Column) -> Column {
    let is_time = matches!(base(&column.sql), "date" | "datetime" | "timestamp");
    let default = (is_time && !column.nullable).then(|| "'1970-01-02'".to_owned());
    Column {
        default,
        ..column.clone()
    }
}

/// Gives existing rows values where the column needs them, and the column its default.
pub fn fill(from: &Table, to: &Table, column: &Column) -> Vec<DdlStep> {
    let Some(default) = &column.default else {
        return Vec::new();
    };
    let name = quote(&column.name);
    let mut steps = Vec::new();
    let mut keys = to.keys.iter();
    let unique = keys.any(|key| {
        let mut parts = key.parts.iter();
        matches!(key.kind, KeyKind::Primary | KeyKind::Unique)
            && parts.any(|part| part.column.as_ref() == Some(&column.name))
    });
    if unique || !column.nullable {
        // What is set by every UPDATE stays as it is.
        let touched = to.columns.iter().filter(|other| {
            other.options.contains_key("on update") && from.column(&other.name).is_some()
        });
        let kept = touched.map(|other| format!(", {0} = {0}", quote(&other.name)));
        let kept: String = kept.collect();
        let sql = format!("UPDATE {} SET {name} = {default}{kept}", quote(&to.name));
        let why = format!(
            "all rows get a value of `{}`, and UPDATE triggers of the table fire",
            column.name
        );
        steps.push(DdlStep::new(to.id(), sql).risk(Hazard::Rewrite, why));
    }
    let clause = format!("ALTER COLUMN {name} SET DEFAULT {default}");
    steps.push(DdlStep::new(to.id(), statement(&to.name, &[clause])));
    steps
}
