//! Repairs as they are done: rows are taken out, kept and put back by the server itself, chunk by
//! chunk, each in one transaction with its row in the journal.

pub mod chunk;
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

pub use row_state::Tables;

/// Why a chunk was not done; its transaction is rolled back.
#[derive(Debug)]
pub enum Broken {
    /// The database had something against it; while what was being done.
    Database(&'static str, DbError),
    /// It could not be begun or committed, or somebody asked to stop.
    Lock(NoLock),
    /// The journal says that somebody else is at the same plan.
    Elsewhere,
    /// A statement changed another number of rows than it should: wanted, changed.
    Differ(&'static str, u64, u64),
}

impl Broken {
    /// Names what was being done when an error came.
    fn doing(doing: &'static str) -> impl Fn(DbError) -> Broken {
        move |error| Broken::Database(doing, error)
    }

    /// Whether someone else was in the way.
    fn is_busy(&self) -> bool {
        matches!(self, Broken::Database(_, error) if error.kind == ErrorKind::Busy)
    }
}

/// A question that cannot be written for this engine.
fn unwritable(message: String) -> DbError {
    DbError::new(ErrorKind::Other, message)
}

/// Takes everything back that was not committed.
async fn roll_back(session: &mut Session) {
    // A connection that is gone has rolled back too.
    let _: Result<(), DbError> = session.run("ROLLBACK").await;
}

/// Sets a session to what repairs need, beside its known state: that of the child, or of the parent,
/// which only looks.
pub async fn prepare(session: &mut Session, is_child: bool) -> Result<(), DbError> {
    session.limit(PATIENCE, None).await?;
    let repairs = session.dialect.repairs();
    let settings = if is_child {
        repairs.settings()
    } else {
        repairs.looking()
    };
    match settings {
        Some(settings) => session.run(settings).await,
        None => Ok(()),
    }
}

/// How long a statement waits in the server's queue for a lock; then everything is rolled back and
/// tried again, since whoever waits holds locks of its own.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
