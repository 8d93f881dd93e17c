//! `bird repair --undo`: restores quarantined rows whose keys are free.

use std::collections::HashMap;

use super::Args;
use super::errors;
use super::quarantine;
use super::quarantine::JournaledTarget;
use super::report::{Mode, RepairReport};
use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::db::repair::journal::JournaledChunk;
use crate::db::repair::kept_rows::PlanRun;
use crate::db::repair::retry::Retry;
use crate::db::repair::row_state;
use crate::db::repair::undo::{RestoreTarget, perform, preview, restore_target};
use crate::db::session::{DbError, Session};
use crate::invariant;
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::name::ColumnNames;
use crate::model::repair::{Action, Hindrance};
use crate::project::Database;
use crate::repair::safety_checks;
use crate::repair::safety_checks::TableFacts;

/// The tables that rows return to, by reference and quarantine table.
type RestoreTargets = HashMap<(String, Option<String>), RestoreTarget>;

/// Finds the chunks of the run, checks that their rows can return, and restores them.
pub async fn run(context: &Context, args: &Args, plan: &str) -> Result<RepairReport, Failure> {
    let mut members = quarantine::members(context, args, plan).await?;
    let mut targets = RestoreTargets::new();
    let mut effects = Vec::new();
    for member in &mut members {
        effects.extend(restore_targets(args, member, &mut targets).await?);
    }
    let rows = members.iter().any(|member| member.kept() > 0);
    let missing = errors::refuse_or_list(context, args, effects, rows)?;
    let purged: u64 = members.iter().map(|one| one.target.journaled.purged).sum();
    if purged > 0 && members.iter().all(|member| member.kept() == 0) {
        return Err(Failure::failed(gone(plan, purged)));
    }
    let run = PlanRun {
        plan,
        by: context.run,
    };
    let mode = Mode::Undone {
        dry_run: args.dry_run,
    };
    let mut report = RepairReport::new(mode, plan);
    let work = async |session: &mut Session, chunk: &JournaledChunk, retry: &Retry<'_>| {
        let target = targets.get(&which(chunk));
        let target = invariant!(target, some, "rows that are kept have a table to return to");
        if args.dry_run {
            preview(session, plan, chunk, target).await
        } else {
            perform(session, run, chunk, target, retry).await
        }
    };
    quarantine::each(context, args, members, &mut report, work).await?;
    if report.exit == Exit::Done && report.references.iter().any(|part| part.conflicts > 0) {
        conflicts(&mut report, args.dry_run);
    }
    report.list(missing);
    if purged > 0 {
        report.exit = report.exit.most_severe(Exit::Found);
        report.diagnostics.push(gone(plan, purged));
    }
    Ok(report)
}

fn which(chunk: &JournaledChunk) -> (String, Option<String>) {
    (chunk.reference.clone(), chunk.quarantine.clone())
}

/// The error about rows that were purged.
fn gone(plan: &str, purged: u64) -> Diagnostic {
    let message = format!("rows of the run {plan} that were purged: {purged}");
    Diagnostic::new(Code::Purged, message).hint("only a backup has them")
}

/// Finds the tables that the rows of a database return to. Returns the reasons not to put them
/// there.
async fn restore_targets(
    args: &Args,
    member: &mut JournaledTarget<'_>,
    targets: &mut RestoreTargets,
) -> Result<Vec<Diagnostic>, Failure> {
    let database = member.target.database;
    let failed = |error: DbError| {
        let doing = "checking where the rows go back to";
        Failure::failed(open::cannot_ask(database, doing, &error))
    };
    let mut chunks = member.chunks.iter();
    if chunks.any(|chunk| chunk.action == Action::Delete) {
        let message = format!("`{}`: the rows of this run were deleted", database.name);
        let fault = Diagnostic::new(Code::Deleted, message).database(&database.name);
        return Err(Failure::failed(
            fault.hint("only a backup has them; --action quarantine keeps rows"),
        ));
    }
    let session = &mut member.target.session;
    let mut faults = Vec::new();
    for chunk in member.chunks.iter().filter(|chunk| chunk.kept > 0) {
        if targets.contains_key(&which(chunk)) {
            continue;
        }
        match restore_target(session, chunk).await.map_err(failed)? {
            Ok(target) => {
                let effects = effects(args, database, session, chunk).await;
                faults.extend(effects.map_err(failed)?);
                targets.insert(which(chunk), target);
            }
            Err(why) => {
                let message = format!("`{}`: rows cannot be restored: {why}", database.name);
                let fault = Diagnostic::new(Code::TableChanged, message).database(&database.name);
                let table = chunk.quarantine.as_deref().unwrap_or_default();
                let hint = format!("restore them by hand from {table}");
                faults.push(fault.hint(hint));
                break;
            }
        }
    }
    Ok(faults)
}

/// The side effects of restoring rows.
async fn effects(
    args: &Args,
    database: &Database,
    session: &mut Session,
    chunk: &JournaledChunk,
) -> Result<Vec<Diagnostic>, DbError> {
    if chunk.action != Action::Quarantine {
        return Ok(Vec::new());
    }
    let from = chunk.reference.split(" -> ").next().unwrap_or_default();
    let names = ColumnNames::parse(from);
    let names = invariant!(names, some, "the reference of a chunk was read before");
    let mut obstacles = row_state::obstacles(session, &names.table).await?;
    obstacles.retain(|obstacle| {
        !matches!(
            obstacle.kind,
            Hindrance::DeleteTrigger | Hindrance::DeleteCascade
        )
    });
    let facts = TableFacts {
        obstacles,
        ..TableFacts::default()
    };
    let allow = &args.consents.allow;
    Ok(safety_checks::side_effects(
        &database.name,
        from,
        chunk.action,
        &facts,
        allow,
    ))
}

/// Reports rows that were not restored, each with its reason.
fn conflicts(report: &mut RepairReport, dry_run: bool) {
    report.exit = Exit::Stopped;
    let rows: u64 = report.references.iter().map(|part| part.conflicts).sum();
    let word = if dry_run { "would stay" } else { "stayed" };
    let message = format!("{} {word} in quarantine", counted(rows, "row"));
    let mut fault = Diagnostic::new(Code::Conflict, message);
    for reference in &report.references {
        let refusals = reference.refusals.iter();
        fault.notes.extend(
            refusals.map(|(row, why)| format!("{}: {}: {why}", reference.from, row.join(", "))),
        );
    }
    report.diagnostics.push(
        fault
            .note("no existing row was overwritten")
            .hint("resolve the conflicts, then run the same command again"),
    );
}
