//! Applies one file, statement by statement, so that its state is known wherever it stops.
//!
//! If DDL can be rolled back, one transaction holds the file with its journal and history rows.
//! Otherwise, and for files that run without a transaction, intents in the journal make each
//! statement run exactly once.

mod batch;
mod journaled;
mod send;
mod transaction;

use std::time::Duration;

use uuid::Uuid;

use super::clock::now;
use super::lock::NoLock;
use super::session::{DbError, Session};
use super::stop::Stop;
use super::stored_migration::{self, Origin};
use super::{history, journal};
use crate::model::exit::Exit;
use crate::model::history::{Direction, Entry, Progress, Width};
use crate::model::target::Target;
use crate::plan::Step;

pub use batch::{apply_batch, batch_size};
pub use journaled::PrefetchedIntent;

/// The settings of a run, the same for all its files.
pub struct Run<'r> {
    pub id: Uuid,
    pub target: &'r Target,
    /// The identity of the server, if servers can be distinguished.
    pub identity: Option<String>,
    pub width: Width,
    /// How long to wait for locks in total.
    pub lock_timeout: Duration,
    pub statement_timeout: Option<Duration>,
    /// Called with the holder of the lock that bird waits for.
    pub waiting: &'r (dyn Fn(Option<&str>) + Sync),
    /// Called with other messages for the user during the run.
    pub notice: &'r (dyn Fn(&str) + Sync),
    /// Called with a statement of the file, from 0, before it is sent.
    pub statement: &'r (dyn Fn(&Step, usize) + Sync),
    pub stop: &'r Stop,
}

/// The outcome of a file that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Applied,
    /// Another runner has applied it.
    Already,
}

/// Notes about a file that was applied, for the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The statement, from 0, that an earlier run had sent and that was found applied.
    pub found: Option<usize>,
    /// Statements, from 0, with the algorithm of online DDL that changed the table.
    pub algorithms: Vec<(usize, &'static str)>,
}

/// Why a file stopped.
#[derive(Debug)]
pub struct Stopped {
    /// The number of statements of the file that are applied and stay so.
    pub applied: usize,
    /// Whether this run sent a statement of the file.
    pub sent: bool,
    pub reason: Reason,
}

#[derive(Debug)]
pub enum Reason {
    /// The statement with this number, from 0, failed, and left this behind.
    Statement(usize, DbError, LeftBehind),
    /// The connection broke while this statement ran; it may or may not have run.
    Lost(usize, DbError),
    /// Only a person can decide whether this statement ran.
    Undecided(Box<InDoubt>),
    /// bird's own bookkeeping failed.
    Bookkeeping(DbError),
    /// The rebuild of a table left orphans.
    ForeignKeys(Vec<String>),
    Lock(NoLock),
    /// Another runner has recorded another migration under this version, with this name.
    Foreign(String),
    Signal(Exit),
}

/// What a statement that failed left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftBehind {
    Nothing,
    /// Something half done, which was cleared away.
    Cleared(String),
    /// Its effect is there all the same.
    Effect,
    /// Its objects have changed in a way that it does not explain.
    Changed,
    /// Something that an earlier run left half done.
    Unfinished,
    /// Its objects cannot be read.
    Unseen,
}

/// A statement in doubt: it may have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubt {
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

/// The progress of a file.
#[derive(Default)]
struct FileProgress {
    /// When it began.
    started: String,
    applied: usize,
    sent: bool,
    notes: Notes,
}

/// Applies a file and records it. `next` is the file after it, whose first intent may be written
/// with the last rows of this one: `prefetched` passes it on.
pub async fn apply(
    session: &mut Session,
    step: &Step,
    next: Option<&Step>,
    run: &Run<'_>,
    prefetched: &mut Option<PrefetchedIntent>,
) -> Result<(Done, Notes), Stopped> {
    let mut progress = FileProgress {
        started: now(),
        applied: step.from,
        ..FileProgress::default()
    };
    let result = if step.transactional {
        transaction::transaction(session, step, run, &mut progress).await
    } else {
        journaled::apply(session, step, next, run, &mut progress, prefetched).await
    };
    let result = match result {
        Ok(done) if step.changes_session => {
            session.reset().await.map(|()| done).map_err(Reason::from)
        }
        result => result,
    };
    let FileProgress {
        applied,
        sent,
        notes,
        ..
    } = progress;
    result.map(|done| (done, notes)).map_err(|reason| Stopped {
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

/// The SQL that records the end of a file: a migration is added to the history, one that was
/// undone is removed.
fn journal_rows(session: &Session, step: &Step, run: &Run<'_>) -> Result<String, DbError> {
    match step.direction {
        Direction::Up => {
            let recorded = history::record(session, &step.migration, run.width)?;
            let origin = if step.script.statements.is_empty() {
                Origin::Empty
            } else {
                Origin::Applied
            };
            let (migration, width) = (&step.migration, run.width);
            let kept = stored_migration::record(session, migration, width, step.keep_sql, origin)?;
            Ok(format!("{recorded}; {kept}"))
        }
        Direction::Undo => {
            let version = step.migration.version;
            let history = history::forget(session, version);
            Ok(format!("{history}; {}", journal::forget(session, version)))
        }
    }
}

/// The SQL that records statements and the end of their file.
fn record_all(
    session: &Session,
    step: &Step,
    statements: std::ops::Range<usize>,
    run: &Run<'_>,
    started: Option<&str>,
) -> Result<String, DbError> {
    let journal_rows = journal_rows(session, step, run)?;
    Ok(match entries(step, statements).as_slice() {
        [] => journal_rows,
        entries => format!(
            "{}; {journal_rows}",
            journal::record(session, entries, run.id, started)
        ),
    })
}
