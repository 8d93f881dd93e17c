//! The chunks of a plan, one after the other.

use crate::model::code::Code;
use std::collections::BTreeSet;

use super::Args;
use super::preflight::{Part, Ready};
use super::report::{Mode, Part as Told, RepairReport};
use super::throttle::Pace;
use super::{errors, locking};
use crate::cmd::context::Context;
use crate::cmd::run::locks;
use crate::db::repair::chunk::{Done, Pair, Work, perform, preview as look};
use crate::db::repair::retry::Patience;
use crate::db::repair::{Broken, quarantine};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::repair::Action;
use crate::project::Database;
use crate::repair::plan::{Fault, PlannedRow};

/// Whether a run came to the end of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Plan,
    /// As many rows as were asked for are done with, and there are more.
    Limit,
}

/// Shows what a repair would do now; writes nothing.
pub async fn preview(
    context: &Context,
    args: &Args,
    mut ready: Ready<'_>,
) -> Result<RepairReport, Failure> {
    let mut report = report(&ready, Mode::Looked);
    let mut pace = pace(context, args, &ready).await?;
    let ended = chunks(context, args, &mut ready, &mut report, &mut pace).await;
    close(ready, pace).await;
    ended.map(|_| report)
}

/// Does what the plan says; what was committed stays, and the same command goes on behind it.
pub async fn act(
    context: &Context,
    args: &Args,
    mut ready: Ready<'_>,
) -> Result<RepairReport, Failure> {
    let mut report = report(&ready, Mode::Executed);
    let mut pace = pace(context, args, &ready).await?;
    if ready.reader.rows == 0 {
        close(ready, pace).await;
        return Ok(report);
    }
    for place in &mut ready.children {
        locking::take(context, args, place).await?;
    }
    let ended = match locking::tables(context, args, &mut ready).await {
        Ok(()) => chunks(context, args, &mut ready, &mut report, &mut pace).await,
        Err((failure, true)) => Err(failure),
        Err((failure, false)) => return Err(failure),
    };
    for (told, part) in report.parts.iter_mut().zip(&ready.parts) {
        told.quarantine.clone_from(&part.quarantine);
    }
    if report.parts.iter().any(|part| part.outcome.refused > 0) {
        report.exit = Exit::Found;
    }
    match ended {
        Ok(End::Plan) => {}
        Ok(End::Limit) => {
            let reached = limit(&report);
            errors::stopped(&mut report, reached, true);
        }
        Err(failure) => errors::stopped(&mut report, failure, true),
    }
    numbered_again(&mut ready, &mut report).await;
    close(ready, pace).await;
    Ok(report)
}

/// The pace of a repair, which is told beforehand what it can't go by.
async fn pace<'c>(
    context: &'c Context,
    args: &Args,
    ready: &Ready<'_>,
) -> Result<Pace<'c>, Failure> {
    let children: Vec<&Database> = ready.children.iter().map(|one| one.database).collect();
    let parents: Vec<&Database> = ready.parents.iter().map(|one| one.database).collect();
    Pace::new(context, args, &children, &parents).await
}

/// Why a run ends at `--max-rows`.
fn limit(report: &RepairReport) -> Failure {
    let remaining: u64 = report.parts.iter().map(Told::remaining).sum();
    let message = format!("--max-rows is reached; rows of the plan that remain: {remaining}");
    Failure::failed(Diagnostic::new(Code::MaxRows, message))
}

fn plan(fault: &Fault) -> Failure {
    let message = format!("the plan cannot be read any more: {fault}");
    Failure::failed(Diagnostic::new(Code::Plan, message))
}

async fn close(ready: Ready<'_>, pace: Pace<'_>) {
    pace.close().await;
    for place in ready.children.into_iter().chain(ready.parents) {
        place.close().await;
    }
}

/// Tells where the engine may give the numbers of rows that are kept to new ones.
async fn numbered_again(ready: &mut Ready<'_>, report: &mut RepairReport) {
    let header = &ready.reader.header;
    if header.action != Action::Quarantine {
        return;
    }
    let mut asked = BTreeSet::new();
    for (part, told) in ready.parts.iter().zip(&report.parts) {
        let name = part.reference.from.table_name().to_string();
        let place = ready.children.get_mut(part.child);
        let (Some(kept), Some(place)) = (&part.quarantine, place) else {
            continue;
        };
        if told.now.repaired == 0 || !asked.insert(name.clone()) {
            continue;
        }
        let table = &part.tables.child.name;
        let rows = quarantine::numbered_again(&mut place.session, table, kept, &header.run).await;
        // Whoever cannot be asked any more has told that before.
        if let Ok(rows @ 1..) = rows {
            report.diagnostics.push(errors::numbered_again(&name, rows));
        }
    }
}

/// A report with what earlier runs of the same plan have done.
fn report(ready: &Ready<'_>, mode: Mode) -> RepairReport {
    let header = &ready.reader.header;
    let parts = ready.parts.iter().zip(&ready.reader.totals);
    let parts = parts.map(|(part, totals)| {
        let past = ready.children.get(part.child).map(|place| &place.past);
        let earlier = past.and_then(|past| past.outcomes.get(&part.planned.name()));
        let planned = &part.planned;
        Told {
            planned: totals.orphan_rows,
            outcome: earlier.copied().unwrap_or_default(),
            ..Told::new(planned.from.clone(), planned.to.clone())
        }
    });
    RepairReport {
        action: header.action,
        parts: parts.collect(),
        ..RepairReport::new(mode, &header.run)
    }
}

/// Goes through the rows of the plan that are not done with yet.
async fn chunks(
    context: &Context,
    args: &Args,
    ready: &mut Ready<'_>,
    report: &mut RepairReport,
    pace: &mut Pace<'_>,
) -> Result<End, Failure> {
    let size = usize::from(args.chunk);
    let total = usize::try_from(ready.reader.rows).unwrap_or(usize::MAX);
    context.progress.count(total, "rows");
    let mut begun = 0;
    let mut rows: Vec<PlannedRow> = Vec::with_capacity(size);
    loop {
        let next = next(context, ready)?;
        let is_limit = args.max_rows == Some(begun);
        let other = |row: &PlannedRow| {
            let mut rows = rows.iter();
            rows.any(|one| one.reference != row.reference)
        };
        let full = is_limit || rows.len() >= size || next.as_ref().is_none_or(other);
        if full && !rows.is_empty() {
            pace.next().await?;
            let done = one(context, args, ready, &rows, report.mode).await?;
            take_in(report, &rows, done);
            pace.did(rows.len() as u64);
            rows.clear();
        }
        let Some(row) = next else {
            return Ok(End::Plan);
        };
        if is_limit {
            return Ok(End::Limit);
        }
        rows.push(row);
        begun += 1;
    }
}

/// The next row that no earlier run is done with.
fn next(context: &Context, ready: &mut Ready<'_>) -> Result<Option<PlannedRow>, Failure> {
    loop {
        let row = ready.reader.next_row().map_err(|fault| plan(&fault))?;
        if !row.as_ref().is_some_and(|row| is_done(ready, row)) {
            return Ok(row);
        }
        context.progress.advance(1, "done before");
    }
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
    told.refuse(done.refused);
}

/// Does one chunk, or looks at it.
async fn one(
    context: &Context,
    args: &Args,
    ready: &mut Ready<'_>,
    rows: &[PlannedRow],
    mode: Mode,
) -> Result<Done, Failure> {
    let nothing = || Failure::failed(Diagnostic::new(Code::Plan, "a row of no reference"));
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
    let writes = mode == Mode::Executed;
    let done = if writes {
        let waiting = locks::waiting(context, database);
        let patience = Patience {
            timeout,
            waiting: &waiting,
            stop: &context.stop,
        };
        perform(&mut pair, &work, &patience).await
    } else {
        look(&mut pair, &work).await.map(|outcome| Done {
            outcome,
            ..Done::default()
        })
    };
    let done = done.map_err(|broken: Broken| errors::broken(database, broken, timeout))?;
    if writes {
        child.past.chunks += 1;
        child.past.through = rows.last().map_or(child.past.through, |row| row.number);
    }
    context.progress.advance(rows.len(), &part.planned.from);
    Ok(done)
}
