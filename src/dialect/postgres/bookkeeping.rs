//! bird's own tables in PostgreSQL, and queries for tables and columns.

use super::{Postgres, schema_name};
use crate::dialect::bookkeeping::{
    Bookkeeping, journal_columns, not_own, repair_journal_columns, schema_columns,
};
use crate::dialect::literals::{Literals, single_quoted};
use crate::model::history::{
    APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE, REPAIR_TABLE, SCHEMA_TABLE,
};

impl Bookkeeping for Postgres {
    fn columns_query(&self, schema: Option<&str>, table: &str) -> String {
        let name = single_quoted(&self.table(schema, table));
        format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), \
                    array_position(i.indkey::int2[], a.attnum) + 1 \
             FROM pg_attribute a \
             LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
             WHERE a.attrelid = to_regclass({name}) AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY a.attnum"
        )
    }

    fn tables_query(&self, schema: Option<&str>) -> String {
        let schema = single_quoted(schema_name(schema));
        format!(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'f') \
             AND {} ORDER BY c.relname",
            not_own("c.relname")
        )
    }

    fn objects_query(&self, schema: Option<&str>) -> String {
        let schema = single_quoted(schema_name(schema));
        format!(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
             AND {} AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.deptype = 'e' \
             AND d.classid = 'pg_class'::regclass AND d.objid = c.oid) \
             ORDER BY c.relname LIMIT 4",
            not_own("c.relname")
        )
    }

    fn width_query(&self, schema: Option<&str>) -> String {
        let name = single_quoted(&self.table(schema, HISTORY_TABLE));
        format!(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = to_regclass({name}) AND attname = 'version'"
        )
    }

    fn journal_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {}",
            self.table(schema, JOURNAL_TABLE),
            journal_columns("VARCHAR", "TEXT")
        )
    }

    fn applied_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (version BIGINT NOT NULL PRIMARY KEY, \
             digest CHAR(64) NOT NULL, checksum VARCHAR(20) NOT NULL, sql_text BYTEA NULL, \
             reason TEXT NULL, accepted_on VARCHAR(40) NULL)",
            self.table(schema, APPLIED_TABLE)
        )
    }

    fn schema_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {}",
            self.table(schema, SCHEMA_TABLE),
            schema_columns("VARCHAR", "BYTEA")
        )
    }

    fn repair_journal_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {}",
            self.table(schema, REPAIR_TABLE),
            repair_journal_columns("VARCHAR", "TEXT")
        )
    }
}
