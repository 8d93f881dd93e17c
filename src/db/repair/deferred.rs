//! Constraints that would be checked at the commit only, where no row could be named.

use super::super::keys;
use super::super::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::repairs::DeferredCheck;

/// The check of the constraints that wait for the commit, for one transaction.
pub struct Deferred {
    check: Option<DeferredCheck>,
    /// The number of rows that violated a constraint before the transaction changed anything.
    before: u64,
}

impl Deferred {
    /// Looks at the rows of a table, and at those that refer to it, before some are changed.
    pub async fn before(session: &mut Session, table: &str) -> Result<Deferred, DbError> {
        let check = session.dialect.repairs().check_deferred(table);
        let before = match &check {
            Some(DeferredCheck::Violations { query, .. }) => keys::count(session, query).await?,
            Some(DeferredCheck::Statement(_)) | None => 0,
        };
        Ok(Deferred { check, before })
    }

    /// An error if a change since then would be refused at the commit.
    pub async fn check(&self, session: &mut Session) -> Result<(), DbError> {
        match &self.check {
            None => Ok(()),
            Some(DeferredCheck::Statement(statement)) => session.run(statement).await,
            Some(DeferredCheck::Violations { query, code }) => {
                if keys::count(session, query).await? <= self.before {
                    return Ok(());
                }
                let message = "FOREIGN KEY constraint failed, checked at the commit";
                let mut error = DbError::new(ErrorKind::Other, message);
                error.code = Some((*code).to_owned());
                Err(error)
            }
        }
    }
}
