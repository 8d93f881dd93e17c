//! `bird repair --undo`: puts rows back where their places are free.

use std::collections::HashMap;

use super::super::open::{self, Absent, Opened};
use super::super::{Context, locks, protected};
use super::Args;
use super::act;
use super::ready::Place;
use super::report::{Mode, Part, RepairReport};
use super::told;
use crate::db::repair::chunk::Patience;
use crate::db::repair::journal::{self, Chunk, Past};
use crate::db::repair::undo::{Back, Conflict, Returned, back, kept_rows, perform, preview};
use crate::db::repair::{self, look};
use crate::db::session::{Access, DbError};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::name::ColumnNames;
use crate::model::repair::{Action, Hindrance, Outcome};
use crate::project::Database;
use crate::repair::brakes::{self, Seen};

/// So many conflicts of a reference are shown.
const SHOWN: usize = 10;

/// A database with the chunks that are to be undone, the last first, and what each goes back to.
struct Member<'p> {
    place: Place<'p>,
    chunks: Vec<Chunk>,
    backs: HashMap<(String, Option<String>), Back>,
}

/// Finds the run's chunks wherever they are, looks whether their rows can go back, and does it.
pub async fn run(context: &Context, args: &Args, plan: &str) -> Result<RepairReport, Failure> {
    let looks = args.dry_run || protected::is_guarded(context, &args.consents);
    let access = if looks { Access::Look } else { Access::Write };
    let selected = context.project.selected();
    let wait = args.connect.wait;
    let opened = open::all(context, selected, access, Absent::IsAnError, wait).await?;
    let mut members = Vec::new();
    for Opened { database, session } in opened {
        // A file that is not there has kept no rows.
        let Some(session) = session else { continue };
        let place = Place {
            database,
            session,
            past: Past::default(),
            guard: None,
        };
        members.extend(member(args, place, plan).await?);
    }
    if members.is_empty() {
        let message = format!("no database knows a repair with the run {plan}");
        let fault = Diagnostic::error("no-run", message);
        return Err(Failure::failed(fault.hint(
            "the report of the repair names its run, and `--env` says where it was",
        )));
    }
    let mut report = RepairReport {
        mode: Mode::Undone {
            dry_run: args.dry_run,
        },
        plan: plan.to_owned(),
        action: Action::Quarantine,
        parts: Vec::new(),
        diagnostics: Vec::new(),
        exit: Exit::Done,
    };
    if !args.dry_run {
        protected::consent(context, &args.consents)?;
        for member in &mut members {
            act::take(context, args, &mut member.place).await?;
        }
    }
    for member in &mut members {
        let ended = all(context, args, plan, member, &mut report).await;
        if let Err(failure) = ended {
            stopped(&mut report, failure);
            break;
        }
    }
    if report.exit == Exit::Done && report.parts.iter().any(|part| part.conflicts > 0) {
        conflicts(&mut report, args.dry_run);
    }
    for mut member in members {
        if let Some(guard) = member.place.guard.take() {
            guard.release(&mut member.place.session).await;
        }
        member.place.session.close().await;
    }
    Ok(report)
}

/// What a database has of the run; nothing where it has none.
async fn member<'p>(
    args: &Args,
    mut place: Place<'p>,
    plan: &str,
) -> Result<Option<Member<'p>>, Failure> {
    let database = place.database;
    let failed = |error: DbError| {
        let doing = "reading the journal of repairs";
        Failure::failed(open::cannot_ask(database, doing, &error))
    };
    let session = &mut place.session;
    let chunks = journal::chunks(session, plan).await.map_err(failed)?;
    if chunks.is_empty() {
        return Ok(None);
    }
    repair::prepare(session, true).await.map_err(failed)?;
    locks::writable(database, session, &args.consents.allow).await?;
    if chunks.iter().any(|chunk| chunk.action == Action::Delete) {
        let message = format!("`{}`: the rows of this run were deleted", database.name);
        let fault = Diagnostic::error("deleted", message).database(&database.name);
        return Err(Failure::failed(
            fault.hint("only a backup has them; --action quarantine keeps rows"),
        ));
    }
    let mut backs = HashMap::new();
    let mut faults = Vec::new();
    for chunk in &chunks {
        let which = (chunk.reference.clone(), chunk.quarantine.clone());
        if backs.contains_key(&which) || kept_rows(session, plan, chunk).await.map_err(failed)? == 0
        {
            continue;
        }
        match back(session, chunk).await.map_err(failed)? {
            Ok(back) => {
                faults.extend(
                    effects(args, database, session, chunk)
                        .await
                        .map_err(failed)?,
                );
                backs.insert(which, back);
            }
            Err(why) => {
                let message = format!("`{}`: rows cannot be put back: {why}", database.name);
                let fault = Diagnostic::error("table-changed", message).database(&database.name);
                let table = chunk.quarantine.as_deref().unwrap_or_default();
                let hint = format!("put them back by hand; they are in {table}");
                faults.push(fault.hint(hint));
                break;
            }
        }
    }
    match faults.is_empty() {
        true => Ok(Some(Member {
            place,
            chunks,
            backs,
        })),
        false => Err(Failure {
            exit: Exit::Refused,
            diagnostics: faults,
        }),
    }
}

/// What would happen beside, when rows come back.
async fn effects(
    args: &Args,
    database: &Database,
    session: &mut crate::db::session::Session,
    chunk: &Chunk,
) -> Result<Vec<Diagnostic>, DbError> {
    let from = chunk.reference.split(" -> ").next().unwrap_or_default();
    let Some(names) = ColumnNames::parse(from).filter(|_| chunk.action == Action::Quarantine)
    else {
        return Ok(Vec::new());
    };
    let mut obstacles = look::obstacles(session, &names.table).await?;
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
    Ok(brakes::effects(
        &database.name,
        from,
        chunk.action,
        &seen,
        allow,
    ))
}

/// Undoes the chunks of one database, the last first.
async fn all(
    context: &Context,
    args: &Args,
    plan: &str,
    member: &mut Member<'_>,
    report: &mut RepairReport,
) -> Result<(), Failure> {
    let database = member.place.database;
    let timeout = args.locks.timeout(database);
    let waiting = locks::waiting(context, database);
    let patience = Patience {
        timeout,
        waiting: &waiting,
        stop: &context.stop,
    };
    let session = &mut member.place.session;
    context.progress.count(member.chunks.len(), "chunks");
    for chunk in &member.chunks {
        let which = (chunk.reference.clone(), chunk.quarantine.clone());
        let Some(back) = member.backs.get(&which) else {
            take_in(report, chunk, Returned::default());
            continue;
        };
        if let Some(exit) = context.stop.asked() {
            return Err(Failure {
                exit,
                diagnostics: vec![Diagnostic::error("interrupted", "interrupted")],
            });
        }
        let done = match args.dry_run {
            true => preview(session, plan, chunk, back).await,
            false => perform(session, (plan, context.run), chunk, back, &patience).await,
        };
        let done = done.map_err(|broken| told::broken(database, broken, timeout))?;
        take_in(report, chunk, done);
        context.progress.advance(1, &chunk.reference);
    }
    Ok(())
}

fn take_in(report: &mut RepairReport, chunk: &Chunk, done: Returned) {
    report.action = chunk.action;
    let (from, to) = match chunk.reference.split_once(" -> ") {
        Some((from, to)) => (from.to_owned(), to.to_owned()),
        None => (chunk.reference.clone(), String::new()),
    };
    let mut parts = report.parts.iter();
    let at = match parts.position(|part| part.from == from && part.to == to) {
        Some(at) => at,
        None => {
            report.parts.push(Part {
                from,
                to,
                planned: 0,
                outcome: Outcome::default(),
                now: Outcome::default(),
                quarantine: chunk.quarantine.clone(),
                open: 0,
                refusals: Vec::new(),
                conflicts: 0,
            });
            report.parts.len() - 1
        }
    };
    let Some(part) = report.parts.get_mut(at) else {
        return;
    };
    part.now.repaired += done.rows;
    part.now.chunks += u64::from(done.rows > 0);
    part.conflicts += done.conflicts.len() as u64;
    let room = SHOWN.saturating_sub(part.refusals.len());
    let told = |Conflict { row, why }| {
        let row: Vec<(String, String)> = row;
        (row.into_iter().map(|(_, value)| value).collect(), why)
    };
    part.refusals
        .extend(done.conflicts.into_iter().take(room).map(told));
}

/// Rows that found their places taken are still where they were kept.
fn conflicts(report: &mut RepairReport, dry_run: bool) {
    report.exit = Exit::Stopped;
    let rows: u64 = report.parts.iter().map(|part| part.conflicts).sum();
    let word = if dry_run { "would stay" } else { "stay" };
    let message = format!("{rows} rows {word} aside: their places are taken");
    report.diagnostics.push(
        Diagnostic::error("conflict", message)
            .note("nothing that is there was overwritten")
            .hint("make room for them, then run the same command again"),
    );
}

fn stopped(report: &mut RepairReport, failure: Failure) {
    let chunks: u64 = report.parts.iter().map(|part| part.now.chunks).sum();
    report.exit = match failure.exit {
        exit @ (Exit::Interrupted | Exit::Terminated) => exit,
        exit if chunks == 0 => exit,
        _ => Exit::Stopped,
    };
    let stands = match chunks {
        0 => "no chunk was put back".to_owned(),
        chunks => format!("{chunks} chunks were put back and committed"),
    };
    for fault in failure.diagnostics {
        let fault = fault.note(&*stands);
        report.diagnostics.push(match fault.hint {
            Some(_) => fault,
            None => fault.hint("the same command goes on where it stopped"),
        });
    }
}
