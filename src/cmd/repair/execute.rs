//! Executes or previews a plan, chunk by chunk.

use std::collections::BTreeSet;

use super::Args;
use super::preflight::{Preflight, ReferenceRepair};
use super::report::{Mode, ReferenceOutcome, RepairReport};
use super::throttle::Throttle;
use super::{errors, locking};
use crate::cmd::context::Context;
use crate::cmd::run::locks;
use crate::db::repair::chunk::{ChunkDone, ChunkWork, Sessions, perform, preview as preview_chunk};
use crate::db::repair::retry::Retry;
use crate::db::repair::{ChunkError, quarantine};
use crate::invariant;
use crate::invariant::Broken;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::repair::Action;
use crate::project::Database;
use crate::repair::plan::{PlanError, PlannedRow};

/// The reason why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Plan,
    /// `--max-rows` was reached, and more rows remain.
    Limit,
}

/// Previews a plan; writes nothing.
pub async fn preview(
    context: &Context,
    args: &Args,
    mut preflight: Preflight<'_>,
) -> Result<RepairReport, Failure> {
    let mut report = report(&preflight, Mode::Preview)?;
    report.list(std::mem::take(&mut preflight.missing));
    let mut throttle = throttle(context, args, &preflight).await?;
    let ended = chunks(context, args, &mut preflight, &mut report, &mut throttle).await;
    close(preflight, throttle).await;
    ended.map(|_| report)
}

/// Executes a plan. What was committed stays, and the same command continues.
pub async fn execute(
    context: &Context,
    args: &Args,
    mut preflight: Preflight<'_>,
) -> Result<RepairReport, Failure> {
    let mut report = report(&preflight, Mode::Executed)?;
    let mut throttle = throttle(context, args, &preflight).await?;
    if preflight.reader.rows == 0 {
        close(preflight, throttle).await;
        return Ok(report);
    }
    for target in &mut preflight.children {
        locking::take(context, args, target).await?;
    }
    let ended = match locking::tables(context, args, &mut preflight).await {
        Ok(()) => chunks(context, args, &mut preflight, &mut report, &mut throttle).await,
        Err((failure, true)) => Err(failure),
        Err((failure, false)) => return Err(failure),
    };
    for (outcome, part) in report.references.iter_mut().zip(&preflight.references) {
        outcome.quarantine.clone_from(&part.quarantine);
    }
    if report
        .references
        .iter()
        .any(|part| part.outcome.refused > 0)
    {
        report.exit = Exit::Found;
    }
    match ended {
        Ok(Ended::Plan) => {}
        Ok(Ended::Limit) => {
            let reached = limit(&report);
            errors::stopped(&mut report, reached, true);
        }
        Err(failure) => {
            // A run that was refused before its first chunk has changed no row.
            let wrote = failure.exit != Exit::Refused;
            errors::stopped(&mut report, failure, wrote);
        }
    }
    let numbered = numbered_again(&mut preflight, &mut report).await;
    close(preflight, throttle).await;
    numbered.map(|()| report)
}

/// The throttle of a repair.
async fn throttle<'c>(
    context: &'c Context,
    args: &Args,
    preflight: &Preflight<'_>,
) -> Result<Throttle<'c>, Failure> {
    let children: Vec<&Database> = preflight.children.iter().map(|one| one.database).collect();
    let parents: Vec<&Database> = preflight.parents.iter().map(|one| one.database).collect();
    Throttle::new(context, args, &children, &parents).await
}

/// The error about `--max-rows`.
fn limit(report: &RepairReport) -> Failure {
    let remaining: u64 = report
        .references
        .iter()
        .map(ReferenceOutcome::remaining)
        .sum();
    let message = format!("stopped at --max-rows; rows of the plan that remain: {remaining}");
    Failure::failed(Diagnostic::new(Code::MaxRows, message))
}

fn plan(fault: &PlanError) -> Failure {
    let message = format!("the plan can no longer be read: {fault}");
    Failure::failed(Diagnostic::new(Code::Plan, message))
}

async fn close(preflight: Preflight<'_>, throttle: Throttle<'_>) {
    throttle.close().await;
    for target in preflight.children.into_iter().chain(preflight.parents) {
        target.close().await;
    }
}

/// Adds notes about numbers of quarantined rows that the engine may give to new rows.
async fn numbered_again(
    preflight: &mut Preflight<'_>,
    report: &mut RepairReport,
) -> Result<(), Failure> {
    let header = &preflight.reader.header;
    if header.action != Action::Quarantine {
        return Ok(());
    }
    let mut asked = BTreeSet::new();
    for (part, outcome) in preflight.references.iter().zip(&report.references) {
        let name = part.reference.from.table_name().to_string();
        let Some(kept) = &part.quarantine else {
            continue;
        };
        let target = preflight.children.get_mut(part.child);
        let target = invariant!(target, some, "the database of each child is open");
        if outcome.now.repaired == 0 || !asked.insert(name.clone()) {
            continue;
        }
        let table = &part.tables.child.name;
        let rows = quarantine::numbered_again(&mut target.session, table, kept, &header.run).await;
        // If the session is broken, that was reported before.
        if let Ok(rows @ 1..) = rows {
            report.diagnostics.push(errors::numbered_again(&name, rows));
        }
    }
    Ok(())
}

/// A report that begins with the counts of earlier runs of the plan.
fn report(preflight: &Preflight<'_>, mode: Mode) -> Result<RepairReport, Broken> {
    let header = &preflight.reader.header;
    let mut references = Vec::new();
    for (part, totals) in preflight.references.iter().zip(&preflight.reader.totals) {
        let target = preflight.children.get(part.child);
        let target = invariant!(target, some, "the database of each child is open");
        let planned = &part.planned;
        let earlier = target.journaled.outcomes.get(&planned.name());
        references.push(ReferenceOutcome {
            planned: totals.orphan_rows,
            outcome: earlier.copied().unwrap_or_default(),
            ..ReferenceOutcome::new(planned.name(), planned.from.clone(), planned.to.clone())
        });
    }
    Ok(RepairReport {
        action: header.action,
        references,
        ..RepairReport::new(mode, &header.run)
    })
}

/// Processes the remaining rows of the plan.
async fn chunks(
    context: &Context,
    args: &Args,
    preflight: &mut Preflight<'_>,
    report: &mut RepairReport,
    throttle: &mut Throttle<'_>,
) -> Result<Ended, Failure> {
    let size = usize::from(args.chunk);
    let total = usize::try_from(preflight.reader.rows).unwrap_or(usize::MAX);
    context.progress.count(total, "rows");
    let mut begun = 0;
    let mut rows: Vec<PlannedRow> = Vec::with_capacity(size);
    loop {
        let next = next(context, preflight)?;
        let is_limit = args.max_rows == Some(begun);
        let other = |row: &PlannedRow| {
            let mut rows = rows.iter();
            rows.any(|one| one.reference != row.reference)
        };
        let full = is_limit || rows.len() >= size || next.as_ref().is_none_or(other);
        if full && let Some(first) = rows.first() {
            let reference = first.reference;
            throttle.next().await?;
            let done = one(context, args, preflight, (reference, &rows), report.mode).await?;
            add(report, reference, done)?;
            throttle.did(rows.len() as u64);
            rows.clear();
        }
        let Some(row) = next else {
            return Ok(Ended::Plan);
        };
        if is_limit {
            return Ok(Ended::Limit);
        }
        rows.push(row);
        begun += 1;
    }
}

/// The next row that no earlier run has processed.
fn next(context: &Context, preflight: &mut Preflight<'_>) -> Result<Option<PlannedRow>, Failure> {
    loop {
        let row = preflight.reader.next_row().map_err(|fault| plan(&fault))?;
        let Some(row) = row else { return Ok(None) };
        if !is_done(preflight, &row)? {
            return Ok(Some(row));
        }
        context.progress.advance(1, "done before");
    }
}

/// Whether an earlier run has processed a row.
fn is_done(preflight: &Preflight<'_>, row: &PlannedRow) -> Result<bool, Broken> {
    let part = preflight.references.get(row.reference);
    let part = invariant!(part, some, "a row belongs to a reference of the plan");
    let target = preflight.children.get(part.child);
    let target = invariant!(target, some, "the database of each child is open");
    Ok(row.number <= target.journaled.through)
}

/// Adds the counts of a chunk to its reference.
fn add(report: &mut RepairReport, reference: usize, done: ChunkDone) -> Result<(), Broken> {
    let outcome = report.references.get_mut(reference);
    let outcome = invariant!(outcome, some, "a chunk belongs to a reference of the plan");
    outcome.outcome.add(&done.outcome);
    outcome.now.add(&done.outcome);
    outcome.open += done.open;
    outcome.refuse(done.refused);
    Ok(())
}

/// Repairs or previews one chunk.
async fn one(
    context: &Context,
    args: &Args,
    preflight: &mut Preflight<'_>,
    (reference, rows): (usize, &[PlannedRow]),
    mode: Mode,
) -> Result<ChunkDone, Failure> {
    let part: Option<&ReferenceRepair<'_>> = preflight.references.get(reference);
    let part = invariant!(part, some, "a chunk belongs to a reference of the plan");
    let child = preflight.children.get_mut(part.child);
    let child = invariant!(child, some, "the database of each child is open");
    let parent = preflight.parents.get_mut(part.parent);
    let parent = invariant!(parent, some, "the database of each parent is open");
    let work = ChunkWork {
        tables: &part.tables,
        reference: part.reference,
        planned: &part.planned,
        action: preflight.reader.header.action,
        plan: &preflight.reader.header.run,
        digest: &preflight.reader.digest,
        quarantine: part.quarantine.as_deref(),
        chunk: child.journaled.chunks + 1,
        through: child.journaled.through,
        rows,
        by: context.run,
    };
    let database = child.database;
    let timeout = args.locks.timeout(database);
    let mut sessions = Sessions {
        child: &mut child.session,
        parent: &mut parent.session,
    };
    let writes = mode == Mode::Executed;
    let done = if writes {
        let waiting = locks::waiting(context, database);
        let retry = Retry {
            timeout,
            waiting: &waiting,
            stop: &context.stop,
        };
        perform(&mut sessions, &work, &retry).await
    } else {
        preview_chunk(&mut sessions, &work)
            .await
            .map(|outcome| ChunkDone {
                outcome,
                ..ChunkDone::default()
            })
    };
    let done = done.map_err(|broken: ChunkError| errors::chunk_error(database, broken, timeout))?;
    if writes {
        child.journaled.chunks += 1;
        child.journaled.through = rows
            .last()
            .map_or(child.journaled.through, |row| row.number);
    }
    context.progress.advance(rows.len(), &part.planned.from);
    Ok(done)
}
