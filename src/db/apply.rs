//! Applies one migration, statement by statement, so that its state is known wherever it stops.
//!
//! Two ways: where DDL can be rolled back, one transaction holds the file with its journal and
//! history rows; elsewhere each statement is followed by its journal row. The second way leaves
//! one gap, between a statement and its row, in which a kill leaves a statement undecided: a
//! journal of intents will close it at [`bare`].

use std::time::Duration;

use uuid::Uuid;

use super::lock::{self, NoLock};
use super::session::{DbError, Session};
use super::stop::Stop;
use super::{applied, history, journal, rebuild};
use crate::model::exit::Exit;
use crate::model::history::{Entry, HISTORY_TABLE, Width};
use crate::plan::Step;

/// What is the same for all migrations of a run.
pub struct Run<'r> {
    pub id: Uuid,
    pub width: Width,
    pub lock_timeout: Duration,
    pub waiting: &'r dyn Fn(Option<&str>),
    pub stop: &'r Stop,
}

/// How a migration ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Applied,
    /// Another runner was quicker.
    Already,
}

/// Why a migration stopped.
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
    /// The statement with this number, from 0, failed.
    Statement(usize, DbError),
    /// bird's own bookkeeping failed.
    Bookkeeping(DbError),
    /// The rebuild of a table left rows without their parents.
    ForeignKeys(Vec<String>),
    Lock(NoLock),
    /// Another runner has recorded another migration under this version, with this name.
    Foreign(String),
    Signal(Exit),
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
struct Way {
    applied: usize,
    sent: bool,
}

/// Applies a migration and records it.
pub async fn apply(session: &mut Session, step: &Step, run: &Run<'_>) -> Result<Done, Stopped> {
    let mut way = Way {
        applied: step.from,
        sent: false,
    };
    let result = match step.transactional {
        true => transaction(session, step, run, &mut way).await,
        false => bare(session, step, run, &mut way).await,
    };
    let result = match result {
        Ok(done) if step.changes_session => {
            session.reset().await.map(|()| done).map_err(Reason::from)
        }
        result => result,
    };
    let Way { applied, sent } = way;
    result.map_err(|reason| Stopped {
        applied,
        sent,
        reason,
    })
}

/// One transaction for the file, its journal rows and its history row.
async fn transaction(
    session: &mut Session,
    step: &Step,
    run: &Run<'_>,
    way: &mut Way,
) -> Result<Done, Reason> {
    let rebuilds = !step.rebuilt.is_empty();
    if rebuilds {
        rebuild::enforce(session, false).await?;
    }
    let result = inside(session, step, run, way).await;
    if result.is_err() {
        // The error that counts is the first; a connection that is gone has rolled back too.
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
    }
    if rebuilds {
        let on = rebuild::enforce(session, true).await;
        if result.is_ok() {
            on?;
        }
    }
    result
}

async fn inside(
    session: &mut Session,
    step: &Step,
    run: &Run<'_>,
    way: &mut Way,
) -> Result<Done, Reason> {
    lock::begin(session, run.lock_timeout, run.waiting, run.stop).await?;
    // Without a lock for the whole run, another runner may have come in between.
    let shared = session.dialect.facts().is_embedded();
    if shared && let Some(recorded) = recorded(session, step).await? {
        session.run("ROLLBACK").await?;
        return recorded;
    }
    let before = rebuild::broken(session, &step.rebuilt).await?;
    let count = step.script.statements.len();
    for statement in step.from..count {
        send(session, step, statement, run, way).await?;
    }
    let after = rebuild::broken(session, &step.rebuilt).await?;
    let new = rebuild::newly_broken(&before, &after, &step.rebuilt);
    if !new.is_empty() {
        return Err(Reason::ForeignKeys(new));
    }
    let sql = books(session, step, &entries(step, step.from..count), run)?;
    if shared {
        session.run(&sql).await?;
        lock::commit(session, run.lock_timeout, run.waiting, run.stop).await?;
    } else {
        session.run(&format!("{sql}; COMMIT")).await?;
    }
    Ok(Done::Applied)
}

/// So many bytes, and so many files, go as one text at most: a run can be stopped, and others can
/// write, only between.
const SMALL: usize = 64 * 1024;
const FEW: usize = 64;

/// How many of the next steps may go as one text: an embedded engine does not outlive its client,
/// so the rule that a statement goes alone protects nothing there.
pub fn together(session: &Session, steps: &[Step]) -> usize {
    if !session.dialect.facts().is_embedded() {
        return 0;
    }
    let mut bytes = 0;
    let fits = |step: &&Step| {
        bytes += step.migration.text.len();
        bytes <= SMALL
            && step.transactional
            && step.rebuilt.is_empty()
            && step.waits_for.is_empty()
            && !step.changes_session
    };
    steps.iter().take(FEW).take_while(fits).count()
}

/// Applies several steps in one transaction and as one text, each with all that belongs to it.
/// This saves syncing the disk for every file, and the way from thread to thread for every
/// statement. Where it does not go well, whatever the reason, nothing of it stands, and the slow
/// way, file by file, tells exactly.
pub async fn all_at_once(session: &mut Session, steps: &[Step], run: &Run<'_>) -> bool {
    if steps.is_empty() || run.stop.asked().is_some() {
        return false;
    }
    let mut text = format!("{};\n", session.dialect.begin());
    for step in steps {
        let count = step.script.statements.len();
        for statement in step.from..count {
            text.push_str(step.sql(statement));
            text.push_str("\n;\n");
        }
        let Ok(books) = books(session, step, &entries(step, step.from..count), run) else {
            return false;
        };
        text.push_str(&books);
        text.push_str(";\n");
    }
    text.push_str("COMMIT");
    if session.run(&text).await.is_ok() {
        return true;
    }
    // Where not even BEGIN went through there is nothing to roll back.
    let _: Result<(), DbError> = session.run("ROLLBACK").await;
    false
}

/// Each statement alone, each followed by its journal row; the last one's stands in one
/// transaction with the history row.
async fn bare(
    session: &mut Session,
    step: &Step,
    run: &Run<'_>,
    way: &mut Way,
) -> Result<Done, Reason> {
    let count = step.script.statements.len();
    if !step.migration.name.is_ascii() {
        // A history in a narrow character set could not hold the name, after all was done.
        let begin = session.dialect.begin();
        let recorded = history::record(session, &step.migration, run.width)?;
        let probe = session.run(&format!("{begin}; {recorded}")).await;
        session.run("ROLLBACK").await?;
        probe?;
    }
    for statement in 0..step.from {
        // What a file set for itself before it stopped is gone with that session.
        if step.settings.get(statement) == Some(&true) {
            send(session, step, statement, run, way).await?;
        }
    }
    for statement in step.from..count {
        send(session, step, statement, run, way).await?;
        way.applied = statement + 1;
        if way.applied < count {
            let entries = entries(step, statement..way.applied);
            let sql = journal::record(session, &entries, run.id);
            alone(session, &sql, run).await?;
        }
    }
    let last = count.saturating_sub(1).max(step.from);
    let sql = books(session, step, &entries(step, last..count), run)?;
    alone(session, &sql, run).await?;
    Ok(Done::Applied)
}

/// Bookkeeping in a transaction of its own, whatever a statement has left open. What it records
/// has been done, so no signal ends the wait for those who are in the way.
async fn alone(session: &mut Session, sql: &str, run: &Run<'_>) -> Result<(), Reason> {
    let work = async {
        if !session.dialect.facts().is_embedded() {
            let begin = session.dialect.begin();
            return Ok(session.run(&format!("{begin}; {sql}; COMMIT")).await?);
        }
        let never = Stop::never();
        lock::begin(session, run.lock_timeout, run.waiting, &never).await?;
        session.run(sql).await?;
        Ok(lock::commit(session, run.lock_timeout, run.waiting, &never).await?)
    };
    let result: Result<(), Reason> = work.await;
    if result.is_err() {
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
    }
    result
}

/// Sends one statement alone, unless someone asked to stop before it.
async fn send(
    session: &mut Session,
    step: &Step,
    statement: usize,
    run: &Run<'_>,
    way: &mut Way,
) -> Result<(), Reason> {
    if let Some(exit) = run.stop.asked() {
        return Err(Reason::Signal(exit));
    }
    way.sent = true;
    let result = session.run(step.sql(statement)).await;
    result.map_err(|error| Reason::Statement(statement, error))
}

/// The journal rows of some statements, given from 0.
fn entries(step: &Step, statements: std::ops::Range<usize>) -> Vec<Entry> {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let digests = step.digests.iter().enumerate();
    let chosen = digests.filter(|(at, _)| statements.contains(at));
    chosen
        .map(|(at, digest)| Entry {
            version: step.migration.version,
            statement: small(at + 1),
            of: small(step.script.statements.len()),
            digest: digest.clone(),
        })
        .collect()
}

/// The text that records the last statements and the migration.
fn books(
    session: &Session,
    step: &Step,
    entries: &[Entry],
    run: &Run<'_>,
) -> Result<String, DbError> {
    let recorded = history::record(session, &step.migration, run.width)?;
    let kept = applied::record(session, &step.migration, run.width, step.keep_sql, None)?;
    let recorded = format!("{recorded}; {kept}");
    Ok(match entries {
        [] => recorded,
        entries => format!("{}; {recorded}", journal::record(session, entries, run.id)),
    })
}

/// What another runner has recorded under the version, if anything.
async fn recorded(
    session: &mut Session,
    step: &Step,
) -> Result<Option<Result<Done, Reason>>, DbError> {
    let (table, version) = (session.table(HISTORY_TABLE), step.migration.version);
    let sql = format!("SELECT name, checksum FROM {table} WHERE version = {version}");
    let Some(row) = session.rows(&sql).await?.into_iter().next() else {
        return Ok(None);
    };
    let mut cells = row.into_iter().map(Option::unwrap_or_default);
    let (name, checksum) = (
        cells.next().unwrap_or_default(),
        cells.next().unwrap_or_default(),
    );
    let known = [Width::Four, Width::Eight].map(|width| step.migration.checksum(width));
    let same = name == step.migration.name
        && known
            .iter()
            .flatten()
            .any(|known| known.to_string() == checksum);
    Ok(Some(match same {
        true => Ok(Done::Already),
        false => Err(Reason::Foreign(name)),
    }))
}
