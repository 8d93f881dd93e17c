//! The chunks of a plan, one after the other.

use std::time::{Duration, Instant};

use super::super::{Context, locks, open};
use super::Args;
use super::ready::{Part, Place, Ready};
use super::report::{Mode, Part as Told, RepairReport};
use super::told;
use crate::db::lock::{self, NoLock};
use crate::db::repair::chunk::{Done, Pair, Patience, Work, perform, preview as look};
use crate::db::repair::{Broken, journal, quarantine};
use crate::db::{failpoint, session::DbError};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::repair::{Action, Outcome};
use crate::repair::plan::{Fault, PlannedRow};

/// So many refusals of a reference are shown.
const SHOWN: usize = 10;

/// What ended a run before its end.
enum End {
    Plan(Fault),
    Chunk(Failure),
    Stopped(Exit),
}

/// Shows what a repair would do now; writes nothing.
pub async fn preview(
    context: &Context,
    args: &Args,
    mut ready: Ready<'_>,
) -> Result<RepairReport, Failure> {
    let mut report = report(&ready, Mode::Looked);
    let ended = chunks(context, args, &mut ready, &mut report, false).await;
    close(ready).await;
    match ended {
        Ok(()) => Ok(report),
        Err(End::Chunk(failure)) => Err(failure),
        Err(End::Plan(fault)) => Err(Failure::failed(plan(&fault))),
        Err(End::Stopped(exit)) => {
            let told = Diagnostic::error("interrupted", "interrupted; nothing was written");
            Err(Failure {
                exit,
                diagnostics: vec![told],
            })
        }
    }
}

/// Does what the plan says; what was committed stays, and the same command goes on behind it.
pub async fn act(
    context: &Context,
    args: &Args,
    mut ready: Ready<'_>,
) -> Result<RepairReport, Failure> {
    let mut report = report(&ready, Mode::Executed);
    if ready.reader.rows == 0 {
        close(ready).await;
        return Ok(report);
    }
    for place in &mut ready.children {
        take(context, args, place).await?;
    }
    let ended = match tables(context, args, &mut ready).await {
        Ok(()) => {
            for (told, part) in report.parts.iter_mut().zip(&ready.parts) {
                told.quarantine.clone_from(&part.quarantine);
            }
            chunks(context, args, &mut ready, &mut report, true).await
        }
        Err((failure, true)) => Err(End::Chunk(failure)),
        Err((failure, false)) => return Err(failure),
    };
    let refused = report.parts.iter().any(|part| part.outcome.refused > 0);
    if refused {
        report.exit = Exit::Found;
    }
    if let Err(end) = ended {
        stopped(&mut report, end);
    }
    for place in &mut ready.children {
        if let Some(guard) = place.guard.take() {
            guard.release(&mut place.session).await;
        }
    }
    close(ready).await;
    Ok(report)
}

/// Puts into the report why a run ended, and what stands.
fn stopped(report: &mut RepairReport, end: End) {
    let chunks: u64 = report.parts.iter().map(|part| part.now.chunks).sum();
    let stands = match chunks {
        0 => "this run has committed no chunk".to_owned(),
        1 => "this run has committed one chunk".to_owned(),
        chunks => format!("this run has committed its chunks 1–{chunks}"),
    };
    let hint = "the same command goes on where it stopped";
    let (exit, faults) = match end {
        End::Plan(fault) => (Exit::Stopped, vec![plan(&fault)]),
        End::Chunk(failure) => match failure.exit {
            exit @ (Exit::Interrupted | Exit::Terminated) => (exit, failure.diagnostics),
            _ => (Exit::Stopped, failure.diagnostics),
        },
        End::Stopped(exit) => (exit, vec![Diagnostic::error("interrupted", "interrupted")]),
    };
    report.exit = exit;
    for mut fault in faults {
        fault
            .notes
            .push(format!("{stands}; nothing else was changed"));
        let fault = match fault.hint {
            Some(_) => fault,
            None => fault.hint(hint),
        };
        report.diagnostics.push(fault);
    }
}

fn plan(fault: &Fault) -> Diagnostic {
    let message = format!("the plan cannot be read any more: {fault}");
    Diagnostic::error("plan", message)
}

async fn close(ready: Ready<'_>) {
    for place in ready.children.into_iter().chain(ready.parents) {
        place.session.close().await;
    }
}

/// Takes the lock of a child's database.
pub async fn take(context: &Context, args: &Args, place: &mut Place<'_>) -> Result<(), Failure> {
    let (database, session) = (place.database, &mut place.session);
    let told =
        |error: DbError| Failure::failed(open::cannot_ask(database, "getting ready", &error));
    session.prepare_to_write().await.map_err(told)?;
    locks::cluster(database, session, &args.consents.allow).await?;
    let timeout = args.locks.timeout(database);
    let waiting = locks::waiting(context, database);
    let wish = lock::Wish {
        target: &database.target,
        bare_statements: false,
        timeout,
        waiting: &waiting,
    };
    let guard = lock::take(session, &wish, &context.stop).await;
    let guard = guard.map_err(|reason| locks::no_lock(database, &reason, timeout))?;
    locks::doubt(context, database, &guard);
    place.guard = Some(guard);
    Ok(())
}

/// Makes the journal, and the tables that keep rows; where that fails, whether anything was made.
async fn tables(
    context: &Context,
    args: &Args,
    ready: &mut Ready<'_>,
) -> Result<(), (Failure, bool)> {
    let action = ready.reader.header.action;
    let mut wrote = false;
    for (at, place) in ready.children.iter_mut().enumerate() {
        let database = place.database;
        let timeout = args.locks.timeout(database);
        let waiting = locks::waiting(context, database);
        let refused = |reason: NoLock| locks::no_lock(database, &reason, timeout);
        let told = |error: DbError| {
            Failure::failed(open::cannot_ask(
                database,
                "making the tables of repairs",
                &error,
            ))
        };
        let session = &mut place.session;
        let begun = lock::begin(session, timeout, &waiting, &context.stop).await;
        begun.map_err(|reason| (refused(reason), wrote))?;
        wrote |= !database.dialect.facts().transactional_ddl;
        let made = journal::ensure(session).await;
        made.map_err(|error| (told(error), wrote))?;
        let own = ready.parts.iter_mut().filter(|part| part.child == at);
        for part in own.filter(|_| action != Action::Delete) {
            let (name, kept) = (&part.tables.child.name, &part.tables.kept);
            let table = quarantine::table(session, name, kept).await;
            part.quarantine = Some(table.map_err(|error| (told(error), wrote))?);
        }
        let committed = lock::commit(session, timeout, &waiting, &context.stop).await;
        committed.map_err(|reason| (refused(reason), wrote))?;
        wrote = true;
    }
    failpoint::at("repair-tables");
    Ok(())
}

/// A report with what earlier runs of the same plan have done.
fn report(ready: &Ready<'_>, mode: Mode) -> RepairReport {
    let header = &ready.reader.header;
    let parts = ready.parts.iter().zip(&ready.reader.totals);
    let parts = parts.map(|(part, totals)| {
        let past = ready.children.get(part.child).map(|place| &place.past);
        let earlier = past.and_then(|past| past.outcomes.get(&part.planned.name()));
        Told {
            from: part.planned.from.clone(),
            to: part.planned.to.clone(),
            planned: totals.orphan_rows,
            outcome: earlier.copied().unwrap_or_default(),
            now: Outcome::default(),
            quarantine: None,
            open: 0,
            refusals: Vec::new(),
            conflicts: 0,
        }
    });
    RepairReport {
        mode,
        plan: header.run.clone(),
        action: header.action,
        parts: parts.collect(),
        diagnostics: Vec::new(),
        exit: Exit::Done,
    }
}

/// Goes through the rows of the plan that are not done with yet.
async fn chunks(
    context: &Context,
    args: &Args,
    ready: &mut Ready<'_>,
    report: &mut RepairReport,
    writes: bool,
) -> Result<(), End> {
    let size = usize::from(args.chunk);
    let total = usize::try_from(ready.reader.rows).unwrap_or(usize::MAX);
    context.progress.count(total, "rows");
    let (begun, mut seen) = (Instant::now(), 0_u64);
    let mut rows: Vec<PlannedRow> = Vec::with_capacity(size);
    loop {
        let next = ready.reader.next_row().map_err(End::Plan)?;
        let same = |row: &PlannedRow| {
            rows.first()
                .is_none_or(|one| one.reference == row.reference)
        };
        let full = rows.len() >= size || next.as_ref().is_none_or(|row| !same(row));
        if full && !rows.is_empty() {
            // Whoever hears of signals comes first, and then whoever listens to him.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            if let Some(exit) = context.stop.asked() {
                return Err(End::Stopped(exit));
            }
            let done = one(context, args, ready, &rows, writes).await;
            take_in(report, &rows, done.map_err(End::Chunk)?);
            seen += rows.len() as u64;
            rows.clear();
            let rate = args.max_rate.filter(|_| writes);
            wait(context, begun, seen, rate).await?;
        }
        let Some(row) = next else { return Ok(()) };
        match is_done(ready, &row) {
            true => context.progress.advance(1, "done before"),
            false => rows.push(row),
        }
    }
}

/// Waits until so many rows are due, between chunks, where nothing is held.
async fn wait(context: &Context, begun: Instant, rows: u64, rate: Option<u64>) -> Result<(), End> {
    let Some(rate) = rate else { return Ok(()) };
    let due = Duration::from_millis(rows.saturating_mul(1000) / rate.max(1));
    let rest = due.saturating_sub(begun.elapsed());
    let napped = context.stop.race(tokio::time::sleep(rest)).await;
    napped.map_err(End::Stopped)
}

/// Whether an earlier run is done with a row.
fn is_done(ready: &Ready<'_>, row: &PlannedRow) -> bool {
    let child = ready.parts.get(row.reference).map(|part| part.child);
    let place = child.and_then(|child| ready.children.get(child));
    place.is_some_and(|place| row.number <= place.past.through)
}

fn take_in(report: &mut RepairReport, rows: &[PlannedRow], done: Done) {
    let at = rows.first().map_or(0, |row| row.reference);
    let Some(told) = report.parts.get_mut(at) else {
        return;
    };
    told.outcome.add(&done.outcome);
    told.now.add(&done.outcome);
    told.open += done.open;
    let room = SHOWN.saturating_sub(told.refusals.len());
    told.refusals.extend(done.refused.into_iter().take(room));
}

/// Does one chunk, or looks at it.
async fn one(
    context: &Context,
    args: &Args,
    ready: &mut Ready<'_>,
    rows: &[PlannedRow],
    writes: bool,
) -> Result<Done, Failure> {
    let nothing = || Failure::failed(Diagnostic::error("plan", "a row of no reference"));
    let at = rows.first().map_or(0, |row| row.reference);
    let part: &Part<'_> = ready.parts.get(at).ok_or_else(nothing)?;
    let child = ready.children.get_mut(part.child).ok_or_else(nothing)?;
    let parent = ready.parents.get_mut(part.parent).ok_or_else(nothing)?;
    let work = Work {
        tables: &part.tables,
        reference: part.reference,
        planned: &part.planned,
        action: ready.reader.header.action,
        plan: &ready.reader.header.run,
        digest: &ready.reader.digest,
        quarantine: part.quarantine.as_deref(),
        chunk: child.past.chunks + 1,
        through: child.past.through,
        rows,
        by: context.run,
    };
    let database = child.database;
    let timeout = args.locks.timeout(database);
    let mut pair = Pair {
        child: &mut child.session,
        parent: &mut parent.session,
    };
    let done = match writes {
        true => {
            let waiting = locks::waiting(context, database);
            let patience = Patience {
                timeout,
                waiting: &waiting,
                stop: &context.stop,
            };
            perform(&mut pair, &work, &patience).await
        }
        false => look(&mut pair, &work).await.map(|outcome| Done {
            outcome,
            ..Done::default()
        }),
    };
    let done = done.map_err(|broken: Broken| told::broken(database, broken, timeout))?;
    if writes {
        child.past.chunks += 1;
        child.past.through = rows.last().map_or(child.past.through, |row| row.number);
    }
    context.progress.advance(rows.len(), &part.planned.from);
    Ok(done)
}
