//! The SQL of repairs on MySQL and MariaDB.

use crate::dialect::literals::single_quoted;
use crate::dialect::mysql::MySql;
use crate::dialect::repairs::{KeptColumn, Repairs, quarantine_columns};

/// Session settings of a repair: all values of a row can be moved to another table, zero dates and
/// ids of 0 included, and nothing is truncated. Rows that are gone leave no gap that would be
/// locked.
const SETTINGS: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,\
     NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'; \
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// The only isolation level in which a missing key can be locked.
const LOOKING: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

fn literal(table: &str) -> String {
    single_quoted(&table.replace('\\', "\\\\"))
}

impl Repairs for MySql {
    /// MariaDB opens every table of the server unless the table is named twice.
    fn columns_query(&self, _schema: Option<&str>, table: &str) -> String {
        let table = literal(table);
        format!(
            "SELECT c.COLUMN_NAME, CONCAT(c.COLUMN_TYPE, IFNULL(CONCAT(' CHARACTER SET ', \
             c.CHARACTER_SET_NAME, ' COLLATE ', c.COLLATION_NAME), '')), \
             IF(IFNULL(c.GENERATION_EXPRESSION, '') = '', '0', '1'), \
             IF(c.IS_NULLABLE = 'NO', '1', '0'), \
             (SELECT k.ORDINAL_POSITION FROM information_schema.KEY_COLUMN_USAGE k \
              WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = {table} \
              AND k.COLUMN_NAME = c.COLUMN_NAME AND k.CONSTRAINT_NAME = 'PRIMARY' LIMIT 1) \
             FROM information_schema.COLUMNS c \
             WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = {table} \
             ORDER BY c.ORDINAL_POSITION"
        )
    }

    fn obstacles_query(&self, _schema: Option<&str>, table: &str) -> String {
        let table = literal(table);
        let keys = |kind: &str, rule: &str| {
            format!(
                "UNION ALL SELECT '{kind}', CONCAT('the foreign key ', CONSTRAINT_SCHEMA, '.', \
                 TABLE_NAME, '.', CONSTRAINT_NAME, ' (', {rule}, ')') \
                 FROM information_schema.REFERENTIAL_CONSTRAINTS \
                 WHERE UNIQUE_CONSTRAINT_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = {table} \
                 AND {rule} IN ('CASCADE', 'SET NULL', 'SET DEFAULT') "
            )
        };
        format!(
            "SELECT CONCAT(LOWER(EVENT_MANIPULATION), '-trigger'), TRIGGER_NAME \
             FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() \
             AND EVENT_OBJECT_TABLE = {table} {}{}\
             UNION ALL SELECT 'not-table', LOWER(TABLE_TYPE) FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {table} \
             AND TABLE_TYPE NOT IN ('BASE TABLE', 'SYSTEM VERSIONED') \
             UNION ALL SELECT 'untransactional', ENGINE FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {table} AND ENGINE NOT IN \
             (SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES')",
            keys("delete-cascade", "DELETE_RULE"),
            keys("update-cascade", "UPDATE_RULE"),
        )
    }

    fn quarantine_table(&self, table: &str, columns: &[KeptColumn]) -> String {
        let own = quarantine_columns(&MySql, columns);
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (bird_row BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, \
             bird_run VARCHAR(36) CHARACTER SET ascii NOT NULL, bird_chunk BIGINT NOT NULL, \
             bird_reason TEXT CHARACTER SET utf8mb4 NOT NULL, \
             bird_at VARCHAR(40) CHARACTER SET ascii NOT NULL{own}, \
             UNIQUE (bird_run, bird_chunk, bird_row)) ENGINE = InnoDB"
        )
    }

    /// Errors of keys, foreign keys, checks, NULL, values that do not fit, and signals of triggers.
    fn is_constraint(&self, code: &str) -> bool {
        const CODES: &[&str] = &[
            "1048", "1062", "1216", "1217", "1264", "1265", "1292", "1364", "1366", "1406", "1451",
            "1452", "1526", "1557", "1586", "1644", "3819", "4025",
        ];
        CODES.contains(&code)
    }

    fn longest_name(&self) -> usize {
        64
    }

    fn settings(&self) -> Option<&'static str> {
        Some(SETTINGS)
    }

    fn parent_lookup_settings(&self) -> Option<&'static str> {
        Some(LOOKING)
    }

    fn begin_absent(&self) -> Option<&'static str> {
        Some("START TRANSACTION")
    }

    fn unique_query(&self, table: &str, column: &str) -> Option<String> {
        let (table, column) = (literal(table), literal(column));
        Some(format!(
            "SELECT INDEX_NAME FROM information_schema.STATISTICS \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {table} GROUP BY INDEX_NAME \
             HAVING MAX(NON_UNIQUE) = 0 AND COUNT(*) = 1 AND MAX(COLUMN_NAME) = {column} \
             AND MAX(SUB_PART) IS NULL LIMIT 1"
        ))
    }

    /// A locking read of a missing key locks the gap in which it would be.
    fn lock_rows_or_gap(&self, select: &str) -> String {
        format!("{select} LOCK IN SHARE MODE")
    }
}
