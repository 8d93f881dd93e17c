//! Applies one migration, statement by statement, so that its state is known wherever it stops.
//!
//! Two ways: where DDL can be rolled back, one transaction holds the file with its journal and
//! history rows; elsewhere each statement is followed by its journal row. The second way leaves
//! one gap, between a statement and its row, in which a kill leaves a statement undecided: a
//! journal of intents will close it at [`bare`].

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::lock::{self, NoLock};
use super::session::{DbError, Session};
use super::stop::Stop;
use super::{history, journal};
use crate::dialect::Trouble;
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
    Signal(Exit),
}

/// Applies a migration and records it.
pub async fn apply(session: &mut Session, step: &Step, run: &Run<'_>) -> Result<Done, Stopped> {
    let done = match step.transactional {
        true => transaction(session, step, run).await?,
        false => bare(session, step, run).await?,
    };
    if step.changes_session {
        let stopped = |error| Stopped {
            applied: step.script.statements.len(),
            reason: Reason::Bookkeeping(error),
        };
        session.reset().await.map_err(stopped)?;
    }
    Ok(done)
}

/// One transaction for the file, its journal rows and its history row.
async fn transaction(session: &mut Session, step: &Step, run: &Run<'_>) -> Result<Done, Stopped> {
    let stopped = |reason| Stopped { applied: 0, reason };
    let rebuilds = !step.rebuilt.is_empty();
    if rebuilds {
        // Inside a transaction the pragma would do nothing, and `DROP TABLE` would cascade.
        let off = session.run("PRAGMA foreign_keys = OFF").await;
        off.map_err(|error| stopped(Reason::Bookkeeping(error)))?;
    }
    let result = inside(session, step, run).await;
    if result.is_err() {
        // The error that counts is the first; a connection that is gone has rolled back too.
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
    }
    if rebuilds {
        let on = session.run("PRAGMA foreign_keys = ON").await;
        if result.is_ok() {
            on.map_err(|error| stopped(Reason::Bookkeeping(error)))?;
        }
    }
    result.map_err(stopped)
}

async fn inside(session: &mut Session, step: &Step, run: &Run<'_>) -> Result<Done, Reason> {
    lock::begin(session, run.lock_timeout, run.waiting, run.stop)
        .await
        .map_err(Reason::Lock)?;
    let bookkeeping = Reason::Bookkeeping;
    // Without a lock for the whole run, another runner may have come in between.
    let shared = session.dialect.facts().is_embedded();
    if shared && is_recorded(session, step).await.map_err(bookkeeping)? {
        session.run("ROLLBACK").await.map_err(bookkeeping)?;
        return Ok(Done::Already);
    }
    let before = match step.rebuilt.is_empty() {
        true => BTreeMap::new(),
        false => broken_keys(session, &step.rebuilt)
            .await
            .map_err(bookkeeping)?,
    };
    for statement in 0..step.script.statements.len() {
        if let Some(exit) = run.stop.asked() {
            return Err(Reason::Signal(exit));
        }
        let result = session.run(step.sql(statement)).await;
        result.map_err(|error| Reason::Statement(statement, error))?;
    }
    if !step.rebuilt.is_empty() {
        let after = broken_keys(session, &step.rebuilt)
            .await
            .map_err(bookkeeping)?;
        let new = after
            .iter()
            .filter(|(table, count)| **count > before.get(*table).copied().unwrap_or(0));
        let new: Vec<String> = new.map(|(table, _)| table.clone()).collect();
        if !new.is_empty() {
            return Err(Reason::ForeignKeys(new));
        }
    }
    let entries = entries(step, 0..step.script.statements.len());
    let sql = books(session, step, &entries, run).map_err(bookkeeping)?;
    session
        .run(&format!("{sql}; COMMIT"))
        .await
        .map_err(bookkeeping)?;
    Ok(Done::Applied)
}

/// Each statement alone, each followed by its journal row; the last one's stands in one
/// transaction with the history row.
async fn bare(session: &mut Session, step: &Step, run: &Run<'_>) -> Result<Done, Stopped> {
    let count = step.script.statements.len();
    let mut applied = step.from;
    for statement in step.from..count {
        let stopped = |applied, reason| Stopped { applied, reason };
        if let Some(exit) = run.stop.asked() {
            return Err(stopped(applied, Reason::Signal(exit)));
        }
        let result = session.run(step.sql(statement)).await;
        result.map_err(|error| stopped(applied, Reason::Statement(statement, error)))?;
        applied += 1;
        if applied < count {
            let sql = journal::record(session, &entries(step, statement..applied), run.id);
            let result = session.run(&sql).await;
            result.map_err(|error| stopped(applied, Reason::Bookkeeping(error)))?;
        }
    }
    let last = entries(
        step,
        count.saturating_sub(usize::from(step.from < count))..count,
    );
    let finish = async {
        let sql = books(session, step, &last, run)?;
        let begin = session.dialect.begin();
        let result = session.run(&format!("{begin}; {sql}; COMMIT")).await;
        if result.is_err() {
            let _: Result<(), DbError> = session.run("ROLLBACK").await;
        }
        result
    };
    match finish.await {
        Ok(()) => Ok(Done::Applied),
        Err(error) => Err(Stopped {
            applied,
            reason: Reason::Bookkeeping(error),
        }),
    }
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
    Ok(match entries {
        [] => recorded,
        entries => format!("{}; {recorded}", journal::record(session, entries, run.id)),
    })
}

async fn is_recorded(session: &mut Session, step: &Step) -> Result<bool, DbError> {
    let table = session.table(HISTORY_TABLE);
    let version = step.migration.version;
    let sql = format!("SELECT 1 FROM {table} WHERE version = {version}");
    Ok(session.value(&sql).await?.is_some())
}

/// How many rows miss their parent, in the rebuilt tables and in those that reference them.
async fn broken_keys(
    session: &mut Session,
    rebuilt: &[String],
) -> Result<BTreeMap<String, u64>, DbError> {
    let literal = |name: &str| format!("'{}'", name.replace('\'', "''"));
    let names: Vec<String> = rebuilt.iter().map(|name| literal(name)).collect();
    let names = names.join(", ");
    let touched = format!(
        "SELECT DISTINCT m.name FROM sqlite_schema m \
         LEFT JOIN pragma_foreign_key_list(m.name) f ON true \
         WHERE m.type = 'table' AND (m.name COLLATE NOCASE IN ({names}) \
         OR f.\"table\" COLLATE NOCASE IN ({names}))"
    );
    let mut broken = BTreeMap::new();
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
