//! bird's own tables in MySQL and MariaDB, and queries for tables and columns.

use super::MySql;
use crate::dialect::bookkeeping::{
    Bookkeeping, UNTRUSTED, journal_columns, not_own, repair_journal_columns, schema_columns,
    seed_columns,
};
use crate::dialect::literals::{Literals, single_quoted};
use crate::model::history::{
    APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE, REPAIR_TABLE, SCHEMA_TABLE, SEED_TABLE,
};

impl Bookkeeping for MySql {
    fn columns_query(&self, _schema: Option<&str>, table: &str) -> String {
        let table = single_quoted(&table.replace('\\', "\\\\"));
        format!(
            "SELECT c.COLUMN_NAME, c.COLUMN_TYPE, k.ORDINAL_POSITION, NULL, NULL, \
                    c.COLLATION_NAME, IF(c.GENERATION_EXPRESSION <> '', 'generated', NULL), NULL, \
                    COALESCE(/*!80003 c.SRS_ID, */ NULL) \
             FROM information_schema.COLUMNS c \
             LEFT JOIN information_schema.KEY_COLUMN_USAGE k \
               ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME \
              AND k.COLUMN_NAME = c.COLUMN_NAME AND k.CONSTRAINT_NAME = 'PRIMARY' \
             WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = {table} \
             ORDER BY c.ORDINAL_POSITION"
        )
    }

    fn tables_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') \
             AND {} ORDER BY TABLE_NAME",
            not_own("TABLE_NAME")
        )
    }

    fn named_table_query(&self, table: &str) -> Option<String> {
        let table = single_quoted(&table.replace('\\', "\\\\"));
        Some(format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND LOWER(TABLE_NAME) = LOWER({table})"
        ))
    }

    fn objects_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND {} \
             ORDER BY TABLE_NAME LIMIT 4",
            not_own("TABLE_NAME")
        )
    }

    /// A view runs with the rights of the account that reads it if it was made with `SQL SECURITY
    /// INVOKER`. A trigger runs with its definer's, but it may forge the history. One equality for each
    /// name: MariaDB opens every table of a database for anything else.
    fn untrusted_query(&self, _schema: Option<&str>, tables: &[&str], writes: bool) -> String {
        let of_table = |table: &&str| {
            let name = single_quoted(&table.replace('\\', "\\\\"));
            let engine = if writes {
                "WHEN ENGINE <> 'InnoDB' AND ENGINE <> 'ROCKSDB' THEN CONCAT('uses the engine ', \
                 ENGINE, ', which cannot roll back') "
            } else {
                ""
            };
            let kind = format!(
                "SELECT '{UNTRUSTED}', TABLE_NAME, CASE \
                 WHEN TABLE_TYPE NOT IN ('BASE TABLE', 'SYSTEM VERSIONED') \
                 THEN CONCAT('is a ', LOWER(TABLE_TYPE)) \
                 WHEN ENGINE IN ('FEDERATED', 'CONNECT', 'SPIDER', 'MRG_MyISAM') \
                 THEN CONCAT('uses the engine ', ENGINE, ', which reads other tables') \
                 {engine}END AS reason FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {name} HAVING reason IS NOT NULL"
            );
            let triggers = format!(
                "SELECT '{UNTRUSTED}', EVENT_OBJECT_TABLE, CONCAT('has the trigger `', TRIGGER_NAME, \
                 '` of ', DEFINER) FROM information_schema.TRIGGERS \
                 WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = {name} \
                 AND DEFINER <> CURRENT_USER()"
            );
            if writes {
                vec![kind, triggers]
            } else {
                vec![kind]
            }
        };
        let queries: Vec<String> = tables.iter().flat_map(of_table).collect();
        queries.join("; ")
    }

    fn width_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
             AND TABLE_NAME = '{HISTORY_TABLE}' AND COLUMN_NAME = 'version'"
        )
    }

    fn own_text(&self, text: &str) -> String {
        let literal = single_quoted(text);
        if text.is_ascii() {
            literal
        } else {
            format!("_utf8mb4{literal}")
        }
    }

    fn transactional(&self, create_table: &str) -> String {
        let create_table = create_table.trim_end_matches(';');
        format!(
            "SET @bird_engine = @@default_storage_engine, default_storage_engine = InnoDB; \
             {create_table} CHARACTER SET utf8mb4; SET default_storage_engine = @bird_engine"
        )
    }

    fn journal_table(&self, schema: Option<&str>) -> String {
        // A journal on an engine without transactions could not be trusted.
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} CHARACTER SET utf8mb4 ENGINE = InnoDB",
            self.table(schema, JOURNAL_TABLE),
            journal_columns("VARCHAR", "MEDIUMTEXT")
        )
    }

    fn applied_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (version BIGINT NOT NULL PRIMARY KEY, \
             digest CHAR(64) NOT NULL, checksum VARCHAR(20) NOT NULL, sql_text LONGBLOB NULL, \
             reason TEXT NULL, accepted_on VARCHAR(40) NULL) \
             CHARACTER SET utf8mb4 ENGINE = InnoDB",
            self.table(schema, APPLIED_TABLE)
        )
    }

    fn schema_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} CHARACTER SET utf8mb4 ENGINE = InnoDB",
            self.table(schema, SCHEMA_TABLE),
            schema_columns("VARCHAR", "LONGBLOB")
        )
    }

    fn seed_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} CHARACTER SET utf8mb4 ENGINE = InnoDB",
            self.table(schema, SEED_TABLE),
            seed_columns("VARCHAR")
        )
    }

    fn repair_journal_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} CHARACTER SET utf8mb4 ENGINE = InnoDB",
            self.table(schema, REPAIR_TABLE),
            repair_journal_columns("VARCHAR", "TEXT")
        )
    }
}
