//! Statements of repairs in PostgreSQL.

use crate::dialect::Literals;
use crate::dialect::literals::single_quoted;
use crate::dialect::postgres::Postgres;
use crate::dialect::repairs::{DeferredCheck, KeptColumn, Repairs, quarantine_columns};

impl Repairs for Postgres {
    fn columns_query(&self, schema: Option<&str>, table: &str) -> String {
        let table = single_quoted(&Postgres.table(schema, table));
        format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), \
             CASE WHEN a.attgenerated <> '' THEN '1' END, CASE WHEN a.attnotnull THEN '1' END, \
             (array_position(i.indkey::int2[], a.attnum) + 1)::text \
             FROM pg_attribute a \
             LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
             WHERE a.attrelid = to_regclass({table}) AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY a.attnum"
        )
    }

    fn obstacles_query(&self, schema: Option<&str>, table: &str) -> String {
        let table = format!(
            "to_regclass({})",
            single_quoted(&Postgres.table(schema, table))
        );
        let trigger = |word: &str, bit: u32| {
            format!(
                "SELECT '{word}-trigger', t.tgname::text FROM pg_trigger t \
                 WHERE (t.tgrelid = {table} OR t.tgrelid IN \
                 (SELECT p.relid FROM pg_partition_tree({table}) p)) AND NOT t.tgisinternal \
                 AND t.tgenabled <> 'D' AND t.tgtype & {bit} <> 0 UNION ALL "
            )
        };
        let keys = |kind: &str, rule: &str| {
            format!(
                "SELECT '{kind}', format('the foreign key %s.%s (%s)', k.conrelid::regclass, \
                 k.conname, CASE k.{rule} WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' \
                 ELSE 'SET DEFAULT' END) FROM pg_constraint k WHERE k.contype = 'f' \
                 AND k.confrelid = {table} AND k.{rule} IN ('c', 'n', 'd') UNION ALL "
            )
        };
        format!(
            "{}{}{}{}{}\
             SELECT 'rule', r.rulename::text FROM pg_rewrite r WHERE r.ev_class = {table} \
             AND r.rulename <> '_RETURN' UNION ALL \
             SELECT 'inherited', h.inhrelid::regclass::text FROM pg_inherits h \
             JOIN pg_class c ON c.oid = h.inhrelid \
             WHERE h.inhparent = {table} AND NOT c.relispartition UNION ALL \
             SELECT 'not-table', CASE c.relkind WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' \
             ELSE 'materialized view' END FROM pg_class c \
             WHERE c.oid = {table} AND c.relkind NOT IN ('r', 'p')",
            trigger("insert", 4),
            trigger("delete", 8),
            trigger("update", 16),
            keys("delete-cascade", "confdeltype"),
            keys("update-cascade", "confupdtype"),
        )
    }

    fn quarantine_table(&self, table: &str, columns: &[KeptColumn]) -> String {
        let own = quarantine_columns(&Postgres, columns);
        format!(
            "CREATE TABLE IF NOT EXISTS {table} \
             (bird_row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
             bird_run varchar(36) NOT NULL, bird_chunk bigint NOT NULL, \
             bird_reason text NOT NULL, bird_at varchar(40) NOT NULL{own}, \
             UNIQUE (bird_run, bird_chunk, bird_row))"
        )
    }

    /// The classes of constraints and of values that do not fit, and what a trigger raises.
    fn is_constraint(&self, code: &str) -> bool {
        code.starts_with("23") || code.starts_with("22") || code == "P0001"
    }

    /// A row that was locked is read as it is now, whatever the server's own default is.
    fn settings(&self) -> Option<&'static str> {
        Some("SET default_transaction_isolation TO 'read committed'")
    }

    fn parent_lookup_settings(&self) -> Option<&'static str> {
        self.settings()
    }

    fn check_deferred(&self, _table: &str) -> Option<DeferredCheck> {
        Some(DeferredCheck::Statement("SET CONSTRAINTS ALL IMMEDIATE"))
    }

    fn longest_name(&self) -> usize {
        63
    }

    /// A column that is always numbered takes a value all the same.
    fn overriding(&self) -> &'static str {
        "OVERRIDING SYSTEM VALUE "
    }
}
