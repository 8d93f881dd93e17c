//! Repairs in SQLite.

use crate::dialect::literals::single_quoted;
use crate::dialect::repairs::{DeferredCheck, KeptColumn, Repairs, quarantine_columns};
use crate::dialect::sqlite::{SYNTAX, Sqlite};
use crate::model::repair::{Hindrance, Obstacle};
use crate::sql::Cursor;

/// The option of a table that enforces the types of its columns.
const STRICT: &str = "STRICT";

impl Repairs for Sqlite {
    fn columns_query(&self, _schema: Option<&str>, table: &str) -> String {
        let table = single_quoted(table);
        format!(
            "SELECT name, type, CASE WHEN hidden IN (2, 3) THEN '1' END, \
             CASE WHEN \"notnull\" THEN '1' END, nullif(pk, 0), \
             (SELECT CASE WHEN l.strict THEN '{STRICT}' END FROM pragma_table_list({table}) l \
              WHERE l.schema = 'main') \
             FROM pragma_table_xinfo({table}) ORDER BY cid"
        )
    }

    fn obstacles_query(&self, _schema: Option<&str>, table: &str) -> String {
        let table = single_quoted(table);
        let keys = |kind: &str, rule: &str| {
            format!(
                "SELECT '{kind}', 'the foreign key of ' || m.name || ' (' || f.{rule} || ')' \
                 FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' \
                 AND lower(f.\"table\") = lower({table}) \
                 AND f.{rule} IN ('CASCADE', 'SET NULL', 'SET DEFAULT') UNION ALL "
            )
        };
        format!(
            "SELECT 'trigger', name, sql FROM (SELECT name, sql FROM sqlite_schema \
             WHERE type = 'trigger' AND lower(tbl_name) = lower({table})) UNION ALL \
             SELECT *, '' FROM ({}{}\
             SELECT 'not-table', type || ' table' FROM pragma_table_list({table}) \
             WHERE schema = 'main' AND type <> 'table')",
            keys("delete-cascade", "on_delete"),
            keys("update-cascade", "on_update"),
        )
    }

    /// Only the text of a trigger has its event: the first such word, which no unquoted name can be.
    fn obstacle(&self, row: &[Option<String>]) -> Option<Obstacle> {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        let kind = match cell(0) {
            "trigger" => {
                let events = [
                    ("INSERT", Hindrance::InsertTrigger),
                    ("UPDATE", Hindrance::UpdateTrigger),
                    ("DELETE", Hindrance::DeleteTrigger),
                ];
                let words = Cursor::new(&SYNTAX, cell(2)).texts();
                words.iter().find_map(|word| {
                    let mut events = events.iter();
                    let event = events.find(|(event, _)| word.eq_ignore_ascii_case(event));
                    event.map(|(_, kind)| *kind)
                })?
            }
            word => Hindrance::from_word(word)?,
        };
        Some(Obstacle {
            kind,
            name: cell(1).to_owned(),
        })
    }

    /// A column of the same affinity stores every value unchanged.
    fn quarantine_table(&self, table: &str, columns: &[KeptColumn]) -> String {
        let strict = columns.iter().any(|column| column.table == STRICT);
        let own = quarantine_columns(&Sqlite, columns);
        let end = if strict { " STRICT" } else { "" };
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (bird_row INTEGER PRIMARY KEY, \
             bird_run TEXT NOT NULL, bird_chunk INTEGER NOT NULL, bird_reason TEXT NOT NULL, \
             bird_at TEXT NOT NULL{own}, UNIQUE (bird_run, bird_chunk, bird_row)){end}"
        )
    }

    fn quarantine_type(&self, column: &KeptColumn) -> String {
        if column.table == STRICT {
            column.sql.clone()
        } else {
            affinity(&column.sql).to_owned()
        }
    }

    /// Rows may have violated a key before, so it is their number that counts. Tables without such
    /// keys are not read.
    fn check_deferred(&self, table: &str) -> Option<DeferredCheck> {
        let table = single_quoted(table);
        let query = format!(
            "SELECT count(*) FROM sqlite_schema m, pragma_foreign_key_check(m.name) \
             WHERE m.type = 'table' AND upper(m.sql) LIKE '%INITIALLY%DEFERRED%' \
             AND (lower(m.name) = lower({table}) OR EXISTS \
             (SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE lower(f.\"table\") = lower({table})))"
        );
        Some(DeferredCheck::Violations { query, code: "787" })
    }

    /// The low byte is the primary code.
    fn is_constraint(&self, code: &str) -> bool {
        code.parse::<u32>().is_ok_and(|code| code & 0xff == 19)
    }

    /// SQLite has no limit; this one keeps names readable.
    fn longest_name(&self) -> usize {
        128
    }

    /// A new row gets the highest rowid plus one. A key without an index is the rowid.
    fn numbered_again_query(&self, table: &str) -> Option<String> {
        let table = single_quoted(table);
        Some(format!(
            "SELECT name FROM pragma_table_info({table}) WHERE pk = 1 \
             AND NOT EXISTS (SELECT 1 FROM pragma_index_list({table}) WHERE origin = 'pk') \
             AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' \
             AND lower(name) = lower({table}) AND upper(sql) LIKE '%AUTOINCREMENT%')"
        ))
    }

    /// A writer locks the whole database.
    fn for_update(&self) -> &'static str {
        ""
    }
}

/// The affinity of a declared type, by the engine's own rules, as a type that has it.
fn affinity(declared: &str) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let has = |word: &str| declared.contains(word);
    if has("INT") {
        "INTEGER"
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        "TEXT"
    } else if has("BLOB") || declared.is_empty() {
        "BLOB"
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        "REAL"
    } else {
        "NUMERIC"
    }
}
