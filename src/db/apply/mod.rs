//! Applies one file, statement by statement, so that its state is known wherever it stops.
//!
//! Two ways: where DDL can be rolled back, one transaction holds the file with its journal and
//! history rows; elsewhere, and for files that run without a transaction, each statement runs
//! exactly once by the journal's intents.

mod batch;
mod journaled;
mod send;
mod transaction;

use std::time::Duration;

use uuid::Uuid;

use super::lock::NoLock;
use super::session::{DbError, Session};
use super::stop::Stop;
use super::{history, journal, stored_migration};
use crate::model::exit::Exit;
use crate::model::history::{Direction, Entry, Progress, Width};
use crate::model::target::Target;
use crate::plan::Step;

pub use batch::{all_at_once, together};
pub use journaled::Ahead;

/// What is the same for all files of a run.
pub struct Run<'r> {
    pub id: Uuid,
    pub target: &'r Target,
    /// Which server this is, where servers can be told apart.
    pub identity: Option<String>,
    pub width: Width,
    /// How long to wait for those who are in the way, all in all.
    pub lock_timeout: Duration,
    pub statement_timeout: Option<Duration>,
    /// Hears who holds the lock that bird waits for.
    pub waiting: &'r (dyn Fn(Option<&str>) + Sync),
    /// Hears what else people should know while it goes on.
    pub notice: &'r (dyn Fn(&str) + Sync),
    pub stop: &'r Stop,
}

/// How a file ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Applied,
    /// Another runner was quicker.
    Already,
}

/// What is worth telling of a file that was applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The statement, from 0, that an earlier run had sent and that was found applied.
    pub found: Option<usize>,
    /// Statements, from 0, and the way in which the engine was told to change a table.
    pub ways: Vec<(usize, &'static str)>,
}

/// Why a file stopped.
#[derive(Debug)]
pub struct Stopped {
    /// How many statements of the file are applied and stay so.
    pub applied: usize,
    /// Whether this run sent a statement of the file.
    pub sent: bool,
    pub reason: Reason,
}

#[derive(Debug)]
pub enum Reason {
    /// The statement with this number, from 0, failed; what it left behind.
    Statement(usize, DbError, Left),
    /// The connection broke while this statement ran; whether it ran is not decided by that.
    Lost(usize, DbError),
    /// Only a person can tell whether this statement ran.
    Undecided(Box<Doubt>),
    /// bird's own bookkeeping failed.
    Bookkeeping(DbError),
    /// The rebuild of a table left rows without their parents.
    ForeignKeys(Vec<String>),
    Lock(NoLock),
    /// Another runner has recorded another migration under this version, with this name.
    Foreign(String),
    Signal(Exit),
}

/// What a statement that failed has left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// Something half done, which was cleared away.
    Cleared(String),
    /// What it was to do is so all the same.
    Effect,
    /// Its objects are other than before, in a way that it does not explain.
    Changed,
    /// What an earlier run left half done.
    Unfinished,
    /// What it touches cannot be looked at.
    Unseen,
}

/// Both sides of a statement that may have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// From 0.
    pub statement: usize,
    /// Why nothing could be concluded.
    pub why: &'static str,
    /// Each object with its definition before and now.
    pub objects: Vec<(String, Option<String>, Option<String>)>,
}

impl From<DbError> for Reason {
    /// An error that no statement of the file explains.
    fn from(error: DbError) -> Self {
        Reason::Bookkeeping(error)
    }
}

impl From<NoLock> for Reason {
    fn from(reason: NoLock) -> Self {
        Reason::Lock(reason)
    }
}

/// How far a file has come.
#[derive(Default)]
struct Way {
    applied: usize,
    sent: bool,
    told: Told,
}

/// Applies a file and records it. `next` is the file behind it, whose first intent may stand in
/// the journal when this one is done: `ahead` hands it on.
pub async fn apply(
    session: &mut Session,
    step: &Step,
    next: Option<&Step>,
    run: &Run<'_>,
    ahead: &mut Option<Ahead>,
) -> Result<(Done, Told), Stopped> {
    let mut way = Way {
        applied: step.from,
        ..Way::default()
    };
    let result = if step.transactional {
        transaction::transaction(session, step, run, &mut way).await
    } else {
        journaled::exactly(session, step, next, run, &mut way, ahead).await
    };
    let result = match result {
        Ok(done) if step.changes_session => {
            session.reset().await.map(|()| done).map_err(Reason::from)
        }
        result => result,
    };
    let Way {
        applied,
        sent,
        told,
    } = way;
    result.map(|done| (done, told)).map_err(|reason| Stopped {
        applied,
        sent,
        reason,
    })
}

/// The journal row of a statement, given from 0.
fn entry(step: &Step, statement: usize) -> Entry {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Entry {
        version: step.migration.version,
        direction: step.direction,
        statement: small(statement + 1),
        of: small(step.script.statements.len()),
        digest: step.digests.get(statement).cloned().unwrap_or_default(),
        progress: Progress::Done,
        before: None,
        server: None,
    }
}

/// The journal rows of some statements, given from 0.
fn entries(step: &Step, statements: std::ops::Range<usize>) -> Vec<Entry> {
    statements.map(|statement| entry(step, statement)).collect()
}

/// The text that records that a file is through: a migration is in the history, one that was
/// undone is not.
fn books(session: &Session, step: &Step, run: &Run<'_>) -> Result<String, DbError> {
    match step.direction {
        Direction::Up => {
            let recorded = history::record(session, &step.migration, run.width)?;
            let kept =
                stored_migration::record(session, &step.migration, run.width, step.keep_sql, None)?;
            Ok(format!("{recorded}; {kept}"))
        }
        Direction::Undo => {
            let version = step.migration.version;
            let history = history::forget(session, version);
            Ok(format!("{history}; {}", journal::forget(session, version)))
        }
    }
}

/// The text that records statements and then their file.
fn whole(
    session: &Session,
    step: &Step,
    statements: std::ops::Range<usize>,
    run: &Run<'_>,
) -> Result<String, DbError> {
    let books = books(session, step, run)?;
    Ok(match entries(step, statements).as_slice() {
        [] => books,
        entries => format!("{}; {books}", journal::record(session, entries, run.id)),
    })
}
