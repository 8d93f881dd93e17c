//! bird's own tables in a database, and the queries that tell them from the user's.

use crate::model::history::{OWN_TABLES, QUARANTINE};

/// bird's own tables, and queries for the tables beside them.
pub trait Bookkeeping: Sync {
    /// The columns of a table: name, type, place in the primary key (or NULL), in order.
    fn columns_query(&self, schema: Option<&str>, table: &str) -> String;

    /// The names of all tables that are neither bird's nor refinery's.
    fn tables_query(&self, schema: Option<&str>) -> String;

    /// The names of up to a few objects that are neither bird's nor refinery's.
    fn objects_query(&self, schema: Option<&str>) -> String;

    /// The type of the history's version column.
    fn width_query(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for the journal.
    fn journal_table(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for what is kept of applied migrations.
    fn applied_table(&self, schema: Option<&str>) -> String;
}

/// The journal's columns, for the types that an engine has for any text and for a long one.
/// One row per statement of a file, up or undo; `before_objects` stands only while the statement
/// is on its way.
pub(super) fn journal_columns(text: &str, long: &str) -> String {
    format!(
        "(version BIGINT NOT NULL, direction {text}(4) NOT NULL, statement INT NOT NULL, \
         statements INT NOT NULL, digest {text}(64) NOT NULL, state {text}(8) NOT NULL, \
         before_objects {long}, before_print {text}(64), after_print {text}(64), \
         server {text}(100), run {text}(36) NOT NULL, started_on {text}(40), \
         applied_on {text}(40), reason {text}(1000), \
         PRIMARY KEY (version, direction, statement))"
    )
}

/// A condition that is true of the tables that are neither bird's nor refinery's, for an
/// expression of a table's name.
pub(super) fn not_own(name: &str) -> String {
    let own = OWN_TABLES.join("', '");
    let length = QUARANTINE.len();
    format!("{name} NOT IN ('{own}') AND substr({name}, 1, {length}) <> '{QUARANTINE}'")
}
