//! The check that tables of bird's own are what bird made, before a session uses them.
//!
//! Whoever may create objects in a schema can make one of these names a view or a table with triggers,
//! whose code would run with bird's rights.

use super::{DbError, Row, Session};
use crate::dialect::ErrorKind;
use crate::dialect::bookkeeping::UNTRUSTED;

impl Session {
    /// The query for reasons not to use some tables in this session.
    pub(super) fn untrusted_query(&self, tables: &[&str]) -> String {
        let writes = !self.only_reads();
        let schema = self.schema.as_deref();
        self.dialect.untrusted_query(schema, tables, writes)
    }

    /// Checks tables of bird's own whose names are known only now. [`Session::open`] checks the others.
    pub async fn require_trusted(&mut self, tables: &[&str]) -> Result<(), DbError> {
        self.run_and_require(&self.untrusted_query(tables)).await
    }

    /// Checks the table of another tool, which is only read, whatever this session may do.
    pub async fn require_readable(&mut self, table: &str) -> Result<(), DbError> {
        let schema = self.schema.as_deref();
        let query = self.dialect.untrusted_query(schema, &[table], false);
        self.run_and_require(&query).await
    }

    /// Creates a table of bird's own if it is missing, and checks what is there then: another session
    /// may have made it in the meantime.
    pub async fn create_own_table(&mut self, table: &str, sql: &str) -> Result<(), DbError> {
        let sql = format!(
            "{}; {}",
            sql.trim_end_matches(';'),
            self.untrusted_query(&[table])
        );
        self.run_and_require(&sql).await
    }

    async fn run_and_require(&mut self, sql: &str) -> Result<(), DbError> {
        require(&self.rows(sql).await?)
    }
}

/// An error if the rows of a text hold a reason not to use a table.
pub(super) fn require(rows: &[Row]) -> Result<(), DbError> {
    let reason = rows.iter().find_map(|row| match row.as_slice() {
        [Some(mark), Some(table), Some(reason)] if mark == UNTRUSTED => {
            Some(format!("`{table}` {reason}, so bird does not use it"))
        }
        _ => None,
    });
    match reason {
        Some(message) => Err(DbError::new(ErrorKind::Untrusted, message)),
        None => Ok(()),
    }
}
