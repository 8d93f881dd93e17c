//! Tables that are dropped or rebuilt, on SQLite.
//!
//! With foreign keys enforced, `DROP TABLE` deletes the rows first, and the deletes cascade: the
//! usual way to change a table would empty its children. So a file that does this runs with
//! enforcement off, and what it leaves without parents is compared with what was so before.
//! <https://www.sqlite.org/lang_altertable.html#otheralter>

use std::collections::BTreeMap;

use super::session::{DbError, Session};
use crate::dialect::Trouble;

/// Rows without parents, by table.
pub type Broken = BTreeMap<String, u64>;

/// Switches the enforcement; inside a transaction this would do nothing.
pub async fn enforce(session: &mut Session, on: bool) -> Result<(), DbError> {
    let word = if on { "ON" } else { "OFF" };
    session.run(&format!("PRAGMA foreign_keys = {word}")).await
}

/// The tables that have more rows without parents than before.
pub fn newly_broken(before: &Broken, after: &Broken) -> Vec<String> {
    let worse = after
        .iter()
        .filter(|(table, count)| **count > before.get(*table).copied().unwrap_or(0));
    worse.map(|(table, _)| table.clone()).collect()
}

/// How many rows miss their parent, in the rebuilt tables and in those that reference them.
pub async fn broken(session: &mut Session, rebuilt: &[String]) -> Result<Broken, DbError> {
    if rebuilt.is_empty() {
        return Ok(Broken::new());
    }
    let literal = |name: &str| format!("'{}'", name.replace('\'', "''"));
    let names: Vec<String> = rebuilt.iter().map(|name| literal(name)).collect();
    let names = names.join(", ");
    let touched = format!(
        "SELECT DISTINCT m.name FROM sqlite_schema m \
         LEFT JOIN pragma_foreign_key_list(m.name) f ON true \
         WHERE m.type = 'table' AND (m.name COLLATE NOCASE IN ({names}) \
         OR f.\"table\" COLLATE NOCASE IN ({names}))"
    );
    let mut broken = Broken::new();
    for row in session.rows(&touched).await? {
        let Some(table) = row.into_iter().next().flatten() else {
            continue;
        };
        let sql = format!(
            "SELECT count(*) FROM pragma_foreign_key_check({})",
            literal(&table)
        );
        let counted = match session.value(&sql).await {
            Ok(counted) => counted,
            // A rebuild may pass through a state in which a parent has no key to point at.
            Err(error) if error.trouble == Trouble::Other => None,
            Err(error) => return Err(error),
        };
        let count = counted.and_then(|count| count.parse().ok()).unwrap_or(0);
        broken.insert(table, count);
    }
    Ok(broken)
}
