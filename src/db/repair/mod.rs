//! Repairs orphans in chunks: the server itself quarantines, deletes and restores rows, each chunk
//! in one transaction with its journal entry.

pub mod chunk;
mod deferred;
pub mod journal;
pub mod kept_rows;
mod parents;
pub mod purge;
pub mod quarantine;
pub mod retry;
pub mod row_state;
mod rows;
pub mod undo;

use super::lock::NoLock;
use super::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::invariant::Broken;

pub use row_state::Tables;

/// The reasons why a chunk was rolled back.
#[derive(Debug)]
pub enum ChunkError {
    /// A database error, with what was being done.
    Database(&'static str, DbError),
    /// The transaction could not begin or commit, or a signal arrived.
    Lock(NoLock),
    /// Another run is processing the same plan.
    Elsewhere,
    /// A statement changed an unexpected number of rows: expected, changed.
    Differ(&'static str, u64, u64),
    Broken(Broken),
}

impl From<Broken> for ChunkError {
    fn from(broken: Broken) -> ChunkError {
        ChunkError::Broken(broken)
    }
}

impl ChunkError {
    /// Converts database errors; `doing` says what was being done.
    fn doing(doing: &'static str) -> impl Fn(DbError) -> ChunkError {
        move |error| ChunkError::Database(doing, error)
    }

    /// Whether a lock conflict caused it.
    fn is_busy(&self) -> bool {
        matches!(self, ChunkError::Database(_, error) if error.kind == ErrorKind::Busy)
    }
}

/// The error about a query that cannot be written for this engine.
fn unwritable(message: String) -> DbError {
    DbError::new(ErrorKind::Other, message)
}

/// Rolls back what was not committed.
async fn roll_back(session: &mut Session) {
    // A lost connection has rolled back, too.
    let _: Result<(), DbError> = session.run("ROLLBACK").await;
}

/// Prepares a session for repairs: that of the child, or the read-only one of the parents.
pub async fn prepare(session: &mut Session, is_child: bool) -> Result<(), DbError> {
    session.limit(PATIENCE, None).await?;
    let repairs = session.dialect.repairs();
    let settings = if is_child {
        repairs.settings()
    } else {
        repairs.parent_lookup_settings()
    };
    match settings {
        Some(settings) => session.run(settings).await,
        None => Ok(()),
    }
}

/// The lock timeout of a statement. After it the chunk is rolled back and retried, because it holds
/// locks itself.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
