//! The check that this account may write bird's own tables, before a run writes anything else.

use super::session::{DbError, Session};
use crate::model::history::{APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE};

/// Has the server check the rights to the tables that a run must write, without writing. Where the
/// account lacks one, a migration would stop half-way: its statements ran, and their record failed.
pub async fn check_rights(session: &mut Session) -> Result<(), DbError> {
    if session.dialect.facts().is_embedded() {
        return Ok(());
    }
    let tables = [HISTORY_TABLE, JOURNAL_TABLE, APPLIED_TABLE];
    let statements = tables.map(|table| {
        let table = session.table(table);
        format!(
            "EXPLAIN INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0; \
             EXPLAIN UPDATE {table} SET version = version WHERE 1 = 0; \
             EXPLAIN DELETE FROM {table} WHERE 1 = 0"
        )
    });
    let sql = statements.join("; ");
    session.rows(&sql).await.map(drop)
}
