//! Tables that are dropped or rebuilt, on SQLite.
//!
//! With foreign keys enforced, `DROP TABLE` deletes the rows first, and the deletes cascade: the
//! usual way to change a table would empty its children. So a file that does this runs with
//! enforcement off, and what it leaves without parents is compared with what was so before.
//! <https://www.sqlite.org/lang_altertable.html#otheralter>

use std::collections::BTreeMap;

use super::session::{DbError, Row, Session};
use crate::dialect::ErrorKind;
use crate::plan::Step;

/// Rows without parents, by table; each as its row id and the key that misses its parent.
pub type Broken = BTreeMap<String, Vec<Row>>;

/// Switches the enforcement; inside a transaction this would do nothing.
pub async fn enforce(session: &mut Session, on: bool) -> Result<(), DbError> {
    match session.dialect.enforce_foreign_keys(on) {
        Some(sql) => session.run(sql).await,
        None => Ok(()),
    }
}

/// The tables that have rows without parents which had theirs before. A rebuilt table may have
/// numbered its rows anew, so there, as where rows have no number, their count must do.
pub fn newly_broken(before: &Broken, after: &Broken, rebuilt: &[String]) -> Vec<String> {
    let none = Vec::new();
    let worse = after.iter().filter(|(table, rows)| {
        let before = before.get(*table).unwrap_or(&none);
        let renumbered = rebuilt.iter().any(|name| name.eq_ignore_ascii_case(table));
        let known = |row: &Row| before.binary_search(row).is_ok();
        rows.len() > before.len() || (!renumbered && !rows.iter().all(known))
    });
    worse.map(|(table, _)| table.clone()).collect()
}

/// The rows that miss their parent, in the rebuilt tables and in those that reference them. Where the
/// file itself switches foreign keys off, any table may have such rows.
pub async fn broken(session: &mut Session, step: &Step) -> Result<Broken, DbError> {
    let rebuilt = &step.rebuilt;
    if !step.suspends_keys {
        return Ok(Broken::new());
    }
    let literal = |name: &str| format!("'{}'", name.replace('\'', "''"));
    let names: Vec<String> = rebuilt.iter().map(|name| literal(name)).collect();
    let (names, all) = (names.join(", "), step.switches_keys);
    let touched = format!(
        "SELECT DISTINCT m.name FROM sqlite_schema m \
         LEFT JOIN pragma_foreign_key_list(m.name) f ON true \
         WHERE m.type = 'table' AND (m.name COLLATE NOCASE IN ({names}) \
         OR f.\"table\" COLLATE NOCASE IN ({names}) OR {all})"
    );
    let mut broken = Broken::new();
    for row in session.rows(&touched).await? {
        let Some(table) = row.into_iter().next().flatten() else {
            continue;
        };
        let check = format!(
            "SELECT rowid, fkid FROM pragma_foreign_key_check({})",
            literal(&table)
        );
        let mut rows = match session.many_rows(&check, 2).await {
            Ok(rows) => rows,
            // A rebuild may pass through a state in which a parent has no key to point at.
            Err(error) if error.kind == ErrorKind::Other => Vec::new(),
            Err(error) => return Err(error),
        };
        rows.sort();
        broken.insert(table, rows);
    }
    Ok(broken)
}
