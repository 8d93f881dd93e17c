//! Applies a file in one transaction with its journal and history rows, if DDL can be rolled back.

use super::send::{Retry, send, with_blockers};
use super::{Done, FileProgress, Reason, Run, record_all};
use crate::db::session::{DbError, Session};
use crate::db::{failpoint, lock, rebuild};
use crate::model::history::{Direction, HISTORY_TABLE, Width};
use crate::plan::Step;

/// Applies the file, its journal rows and its history row in one transaction.
pub async fn transaction(
    session: &mut Session,
    step: &Step,
    run: &Run<'_>,
    progress: &mut FileProgress,
) -> Result<Done, Reason> {
    if step.suspends_keys {
        rebuild::enforce(session, false).await?;
    }
    let mut retry = Retry::new();
    let result = loop {
        let result = inside(session, step, run, progress).await;
        let Err(reason) = result else { break result };
        // The error that counts is the first; a connection that is gone has rolled back too.
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
        match reason {
            // All is rolled back, so all can be tried again.
            Reason::Statement(_, error, _) if retry.wait(session, &error, run).await? => {}
            reason => break Err(with_blockers(session, reason).await),
        }
    };
    if step.suspends_keys {
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
    progress: &mut FileProgress,
) -> Result<Done, Reason> {
    lock::begin(session, run.lock_timeout, run.waiting, run.stop).await?;
    // Without a lock for the whole run, another runner may have come in between.
    let shared = session.dialect.facts().is_embedded();
    if shared && let Some(recorded) = recorded(session, step).await? {
        session.run("ROLLBACK").await?;
        return recorded;
    }
    let before = rebuild::broken(session, step).await?;
    let count = step.script.statements.len();
    for statement in step.from..count {
        send(session, step, statement, run, progress).await?;
    }
    let after = rebuild::broken(session, step).await?;
    let new = rebuild::newly_broken(&before, &after, &step.rebuilt);
    if !new.is_empty() {
        return Err(Reason::ForeignKeys(new));
    }
    let started = Some(progress.started.as_str());
    let sql = record_all(session, step, step.from..count, run, started)?;
    failpoint::at("in-transaction");
    if shared {
        session.run(&sql).await?;
        lock::commit(session, run.lock_timeout, run.waiting, run.stop).await?;
    } else {
        session.run(&format!("{sql}; COMMIT")).await?;
    }
    failpoint::at("committed");
    Ok(Done::Applied)
}

/// The outcome that another runner has recorded under the version, if any.
async fn recorded(
    session: &mut Session,
    step: &Step,
) -> Result<Option<Result<Done, Reason>>, DbError> {
    if step.direction == Direction::Undo {
        return undone(session, step).await;
    }
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
    Ok(Some(if same {
        Ok(Done::Already)
    } else {
        Err(Reason::Foreign(name))
    }))
}

/// The outcome if another runner has undone the version meanwhile.
async fn undone(
    session: &mut Session,
    step: &Step,
) -> Result<Option<Result<Done, Reason>>, DbError> {
    let (table, version) = (session.table(HISTORY_TABLE), step.migration.version);
    let sql = format!("SELECT version FROM {table} WHERE version = {version}");
    let there = session.value(&sql).await?.is_some();
    Ok((!there).then_some(Ok(Done::Already)))
}
