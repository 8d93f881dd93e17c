//! `bird repair --undo`: puts rows back where their places are free.

use crate::model::code::Code;
use std::collections::HashMap;

use super::Args;
use super::errors;
use super::quarantine;
use super::quarantine::Member;
use super::report::{Mode, RepairReport};
use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::db::repair::journal::Chunk;
use crate::db::repair::kept_rows::{Released, Run};
use crate::db::repair::retry::Patience;
use crate::db::repair::row_state;
use crate::db::repair::undo::{Back, back, perform, preview};
use crate::db::session::{DbError, Session};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::name::ColumnNames;
use crate::model::repair::{Action, Hindrance};
use crate::project::Database;
use crate::repair::safety_checks;
use crate::repair::safety_checks::Seen;

/// What the rows of chunks go back to, by reference and by the table that keeps them.
type Backs = HashMap<(String, Option<String>), Back>;

/// Finds the run's chunks wherever they are, looks whether their rows can go back, and does it.
pub async fn run(context: &Context, args: &Args, plan: &str) -> Result<RepairReport, Failure> {
    let mut members = quarantine::members(context, args, plan).await?;
    let mut backs = Backs::new();
    for member in &mut members {
        ways_back(args, member, &mut backs).await?;
    }
    let purged: u64 = members.iter().map(|one| one.place.past.purged).sum();
    if purged > 0 && members.iter().all(|member| member.kept() == 0) {
        return Err(Failure::failed(gone(plan, purged)));
    }
    let run = Run {
        plan,
        by: context.run,
    };
    let mode = Mode::Undone {
        dry_run: args.dry_run,
    };
    let mut report = RepairReport::new(mode, plan);
    let work = async |session: &mut Session, chunk: &Chunk, patience: &Patience<'_>| match (
        backs.get(&which(chunk)),
        args.dry_run,
    ) {
        (None, _) => Ok(Released::default()),
        (Some(back), true) => preview(session, plan, chunk, back).await,
        (Some(back), false) => perform(session, run, chunk, back, patience).await,
    };
    quarantine::each(context, args, members, &mut report, work).await?;
    if report.exit == Exit::Done && report.parts.iter().any(|part| part.conflicts > 0) {
        conflicts(&mut report, args.dry_run);
    }
    if purged > 0 {
        report.exit = report.exit.most_severe(Exit::Found);
        report.diagnostics.push(gone(plan, purged));
    }
    Ok(report)
}

fn which(chunk: &Chunk) -> (String, Option<String>) {
    (chunk.reference.clone(), chunk.quarantine.clone())
}

/// What is not kept any more.
fn gone(plan: &str, purged: u64) -> Diagnostic {
    let message = format!("the rows of the run {plan} were purged: {purged}");
    Diagnostic::new(Code::Purged, message).hint("only a backup has them")
}

/// Looks at what the rows of a database go back to, and what would happen beside.
async fn ways_back(args: &Args, member: &mut Member<'_>, backs: &mut Backs) -> Result<(), Failure> {
    let database = member.place.database;
    let failed = |error: DbError| {
        let doing = "looking where the rows go back to";
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
    let session = &mut member.place.session;
    let mut faults = Vec::new();
    for chunk in member.chunks.iter().filter(|chunk| chunk.kept > 0) {
        if backs.contains_key(&which(chunk)) {
            continue;
        }
        match back(session, chunk).await.map_err(failed)? {
            Ok(back) => {
                let effects = effects(args, database, session, chunk).await;
                faults.extend(effects.map_err(failed)?);
                backs.insert(which(chunk), back);
            }
            Err(why) => {
                let message = format!("`{}`: rows cannot be put back: {why}", database.name);
                let fault = Diagnostic::new(Code::TableChanged, message).database(&database.name);
                let table = chunk.quarantine.as_deref().unwrap_or_default();
                let hint = format!("put them back by hand; they are in {table}");
                faults.push(fault.hint(hint));
                break;
            }
        }
    }
    errors::refuse(faults)
}

/// What would happen beside, when rows come back.
async fn effects(
    args: &Args,
    database: &Database,
    session: &mut Session,
    chunk: &Chunk,
) -> Result<Vec<Diagnostic>, DbError> {
    let from = chunk.reference.split(" -> ").next().unwrap_or_default();
    let Some(names) = ColumnNames::parse(from).filter(|_| chunk.action == Action::Quarantine)
    else {
        return Ok(Vec::new());
    };
    let mut obstacles = row_state::obstacles(session, &names.table).await?;
    obstacles.retain(|obstacle| {
        !matches!(
            obstacle.kind,
            Hindrance::DeleteTrigger | Hindrance::DeleteCascade
        )
    });
    let seen = Seen {
        obstacles,
        ..Seen::default()
    };
    let allow = &args.consents.allow;
    Ok(safety_checks::effects(
        &database.name,
        from,
        chunk.action,
        &seen,
        allow,
    ))
}

/// Rows that found their places taken are still where they were kept.
fn conflicts(report: &mut RepairReport, dry_run: bool) {
    report.exit = Exit::Stopped;
    let rows: u64 = report.parts.iter().map(|part| part.conflicts).sum();
    let word = if dry_run { "would stay" } else { "stay" };
    let message = format!("{rows} rows {word} aside: their places are taken");
    report.diagnostics.push(
        Diagnostic::new(Code::Conflict, message)
            .note("nothing that is there was overwritten")
            .hint("make room for them, then run the same command again"),
    );
}
