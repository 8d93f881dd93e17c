//! bird's own tables in PostgreSQL, and queries for tables and columns.

use super::read::queries::KEY_TYPE;
use super::{Postgres, schema_name};
use crate::dialect::bookkeeping::{
    Bookkeeping, UNTRUSTED, journal_columns, not_own, repair_journal_columns, schema_columns,
    seed_columns,
};
use crate::dialect::literals::{Literals, single_quoted};
use crate::model::history::{
    APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE, REPAIR_TABLE, SCHEMA_TABLE, SEED_TABLE,
};

/// What can run code when a row is written: the table's owner may add it at any time. `code` holds the
/// roles whose code may run: superusers, this role, and those that it belongs to. For a superuser the
/// owner of the database is none of them, but may own the table.
const OF_WRITERS: &str = "\
    WHEN c.relowner NOT IN (SELECT oid FROM code) AND c.relowner <> (SELECT datdba FROM db) \
    THEN 'belongs to the role ' || pg_catalog.pg_get_userbyid(c.relowner) \
    WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid \
    WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND p.proowner NOT IN (SELECT oid FROM code)) \
    THEN 'has a trigger with a function of another role' \
    WHEN c.relowner NOT IN (SELECT oid FROM code) AND (EXISTS (SELECT FROM pg_catalog.pg_rewrite r \
    WHERE r.ev_class = c.oid) OR EXISTS (SELECT FROM pg_catalog.pg_attrdef d WHERE d.adrelid = c.oid) \
    OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c') \
    OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid \
    AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))) \
    THEN 'has rules or expressions of another role' ";

impl Bookkeeping for Postgres {
    fn columns_query(&self, schema: Option<&str>, table: &str) -> String {
        let name = single_quoted(&self.table(schema, table));
        format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), \
                    array_position(i.indkey::int2[], a.attnum) + 1, {KEY_TYPE}, NULL, \
                    CASE WHEN a.attgenerated <> '' THEN 'generated' END, \
                    CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
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

    /// Views, rules, triggers, expressions, and functions of types run with the rights of whoever uses
    /// the table. Policies need not be asked for: bird's sessions set `row_security = off`, and the
    /// server then raises an error instead of calling one.
    fn untrusted_query(&self, schema: Option<&str>, tables: &[&str], writes: bool) -> String {
        let schema = single_quoted(schema_name(schema));
        let names: Vec<String> = tables.iter().map(|table| single_quoted(table)).collect();
        let names = names.join(", ");
        let of_writers = if writes { OF_WRITERS } else { "" };
        format!(
            "WITH me AS (SELECT r.oid, r.rolsuper FROM pg_catalog.pg_roles r \
             WHERE r.rolname = CURRENT_USER), \
             db AS (SELECT d.datdba FROM pg_catalog.pg_database d \
             WHERE d.datname = pg_catalog.current_database()), \
             code AS (SELECT r.oid FROM pg_catalog.pg_roles r, me, db \
             WHERE r.rolsuper OR r.oid = me.oid OR NOT me.rolsuper AND (r.oid = db.datdba \
             OR pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER'))) \
             SELECT '{UNTRUSTED}', u.name, u.reason FROM (SELECT c.relname AS name, CASE \
             WHEN c.relkind <> 'r' THEN 'is a ' || CASE c.relkind WHEN 'v' THEN 'view' \
             WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' \
             WHEN 'p' THEN 'partitioned table' WHEN 'S' THEN 'sequence' ELSE 'thing of kind ' \
             || c.relkind::text END \
             WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits i \
             WHERE c.oid IN (i.inhparent, i.inhrelid)) THEN 'inherits, or is inherited' \
             WHEN o.foreign_type IS NOT NULL THEN 'has columns of the type ' || o.foreign_type \
             {of_writers}END AS reason FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, \
             LATERAL (SELECT (SELECT pg_catalog.format_type(t.oid, NULL) \
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             AND t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace \
             AND c.relowner NOT IN (SELECT oid FROM code) LIMIT 1) AS foreign_type) o \
             WHERE n.nspname = {schema} AND c.relname IN ({names})) u WHERE u.reason IS NOT NULL"
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

    fn seed_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {}",
            self.table(schema, SEED_TABLE),
            seed_columns("VARCHAR")
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
