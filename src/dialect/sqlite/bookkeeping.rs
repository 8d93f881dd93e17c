//! bird's own tables in SQLite, and queries for tables and columns.

use super::Sqlite;
use crate::dialect::bookkeeping::{
    Bookkeeping, UNTRUSTED, journal_columns, not_own, repair_journal_columns, schema_columns,
    seed_columns,
};
use crate::dialect::literals::{Literals, single_quoted};
use crate::model::history::{
    APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE, REPAIR_TABLE, SCHEMA_TABLE, SEED_TABLE,
};

impl Bookkeeping for Sqlite {
    fn columns_query(&self, _schema: Option<&str>, table: &str) -> String {
        let table = single_quoted(table);
        // ANY means no conversion in a STRICT table, and numbers in others.
        format!(
            "SELECT name, type, nullif(pk, 0), CASE WHEN upper(type) = 'ANY' AND EXISTS \
             (SELECT 1 FROM pragma_table_list({table}) WHERE schema = 'main' AND strict) \
             THEN 'BLOB' END, NULL, NULL, CASE WHEN hidden IN (2, 3) THEN 'generated' END \
             FROM pragma_table_xinfo({table}) ORDER BY cid"
        )
    }

    fn tables_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT name FROM sqlite_schema WHERE type = 'table' \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND {} ORDER BY name",
            not_own("name")
        )
    }

    fn objects_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND {} ORDER BY name LIMIT 4",
            not_own("name")
        )
    }

    /// Views and virtual tables may call what the program offers. Triggers write only what whoever made
    /// them could write as well.
    fn untrusted_query(&self, _schema: Option<&str>, tables: &[&str], _writes: bool) -> String {
        let names: Vec<String> = tables.iter().map(|table| single_quoted(table)).collect();
        let names = names.join(", ");
        format!(
            "SELECT '{UNTRUSTED}', name, CASE type WHEN 'table' THEN 'is a virtual table' \
             ELSE 'is a ' || type END FROM sqlite_schema \
             WHERE name COLLATE NOCASE IN ({names}) AND (type NOT IN ('table', 'index', 'trigger') \
             OR type = 'table' AND sql LIKE 'CREATE VIRTUAL %')"
        )
    }

    fn width_query(&self, _schema: Option<&str>) -> String {
        format!("SELECT type FROM pragma_table_info('{HISTORY_TABLE}') WHERE name = 'version'")
    }

    fn journal_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} WITHOUT ROWID",
            self.table(schema, JOURNAL_TABLE),
            journal_columns("VARCHAR", "TEXT")
        )
    }

    fn applied_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (version INTEGER NOT NULL PRIMARY KEY, \
             digest TEXT NOT NULL, checksum TEXT NOT NULL, sql_text BLOB NULL, \
             reason TEXT NULL, accepted_on TEXT NULL)",
            self.table(schema, APPLIED_TABLE)
        )
    }

    fn schema_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {}",
            self.table(schema, SCHEMA_TABLE),
            schema_columns("VARCHAR", "BLOB")
        )
    }

    fn seed_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} WITHOUT ROWID",
            self.table(schema, SEED_TABLE),
            seed_columns("VARCHAR")
        )
    }

    fn repair_journal_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} WITHOUT ROWID",
            self.table(schema, REPAIR_TABLE),
            repair_journal_columns("VARCHAR", "TEXT")
        )
    }
}
