//! The rows that a run has kept, wherever they are: whoever undoes it or purges it goes through
//! them, the last chunk first.

use super::preflight::Place;
use super::report::{Part, RepairReport};
use super::throttle::Pace;
use super::{Args, errors, locking};
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, open_all};
use crate::cmd::run::open;
use crate::cmd::run::open::Absent;
use crate::cmd::run::{locks, protected};
use crate::db::repair;
use crate::db::repair::Broken;
use crate::db::repair::journal::{self, Chunk};
use crate::db::repair::kept_rows;
use crate::db::repair::kept_rows::Released;
use crate::db::repair::retry::Patience;
use crate::db::session::{Access, DbError, Session};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::project::Database;

/// A database with the chunks that a run has done in it, the last first.
pub struct Member<'p> {
    pub place: Place<'p>,
    pub chunks: Vec<Chunk>,
}

impl Member<'_> {
    /// How many rows are still kept.
    pub fn kept(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.kept).sum()
    }
}

/// Finds the chunks of a run in the databases that were selected.
pub async fn members<'p>(
    context: &'p Context,
    args: &Args,
    plan: &str,
) -> Result<Vec<Member<'p>>, Failure> {
    let writes = args.writes() && !protected::is_guarded(context, &args.consents);
    let access = if writes { Access::Write } else { Access::Look };
    let selected = context.project.selected();
    let wait = args.connect.wait;
    let opened = open_all(context, selected, access, Absent::IsAnError, wait).await?;
    let mut members = Vec::new();
    for RunDatabase {
        database, session, ..
    } in opened
    {
        // A file that is not there has kept no rows.
        if let Some(session) = session {
            members.extend(member(args, database, session, plan).await?);
        }
    }
    if !members.is_empty() {
        return Ok(members);
    }
    let message = format!("no database knows a repair with the run {plan}");
    let fault = Diagnostic::new(Code::NoRun, message);
    Err(Failure::failed(fault.hint(
        "the report of the repair names its run, and `--env` says where it was",
    )))
}

/// What a database has of the run; nothing where it has none.
async fn member<'p>(
    args: &Args,
    database: &'p Database,
    mut session: Session,
    plan: &str,
) -> Result<Option<Member<'p>>, Failure> {
    let failed = |error: DbError| {
        let doing = "reading the journal of repairs";
        Failure::failed(open::cannot_ask(database, doing, &error))
    };
    let chunks = kept_rows::chunks(&mut session, plan)
        .await
        .map_err(failed)?;
    if chunks.is_empty() {
        return Ok(None);
    }
    repair::prepare(&mut session, true).await.map_err(failed)?;
    locks::writable(database, &mut session, &args.consents).await?;
    let place = Place {
        past: journal::past(&mut session, plan).await.map_err(failed)?,
        database,
        session,
        guard: None,
    };
    Ok(Some(Member { place, chunks }))
}

/// Does something with the rows of each chunk that are still kept, one after the other.
pub async fn each(
    context: &Context,
    args: &Args,
    mut members: Vec<Member<'_>>,
    report: &mut RepairReport,
    mut work: impl AsyncFnMut(&mut Session, &Chunk, &Patience<'_>) -> Result<Released, Broken>,
) -> Result<(), Failure> {
    let databases: Vec<&Database> = members.iter().map(|one| one.place.database).collect();
    let mut pace = Pace::new(context, args, &databases, &[]).await?;
    if args.writes() && members.iter().any(|member| member.kept() > 0) {
        protected::consent(context, &args.consents)?;
        for member in &mut members {
            locking::take(context, args, &mut member.place).await?;
        }
    }
    for member in &mut members {
        let ended = all(context, args, member, report, &mut pace, &mut work).await;
        if let Err(failure) = ended {
            errors::stopped(report, failure, false);
            break;
        }
    }
    pace.close().await;
    for member in members {
        member.place.close().await;
    }
    Ok(())
}

async fn all(
    context: &Context,
    args: &Args,
    member: &mut Member<'_>,
    report: &mut RepairReport,
    pace: &mut Pace<'_>,
    work: &mut impl AsyncFnMut(&mut Session, &Chunk, &Patience<'_>) -> Result<Released, Broken>,
) -> Result<(), Failure> {
    let database = member.place.database;
    let timeout = args.locks.timeout(database);
    let waiting = locks::waiting(context, database);
    let patience = Patience {
        timeout,
        waiting: &waiting,
        stop: &context.stop,
    };
    context.progress.count(member.chunks.len(), "chunks");
    for chunk in &member.chunks {
        let mut released = Released::default();
        if chunk.kept > 0 {
            pace.next().await?;
            let done = work(&mut member.place.session, chunk, &patience).await;
            released = done.map_err(|broken| errors::broken(database, broken, timeout))?;
            pace.did(released.rows);
        }
        take_in(report, chunk, released);
        context.progress.advance(1, &chunk.reference);
    }
    Ok(())
}

fn take_in(report: &mut RepairReport, chunk: &Chunk, released: Released) {
    report.action = chunk.action;
    let (from, to) = match chunk.reference.split_once(" -> ") {
        Some((from, to)) => (from.to_owned(), to.to_owned()),
        None => (chunk.reference.clone(), String::new()),
    };
    let mut parts = report.parts.iter();
    let at = parts.position(|part| part.from == from && part.to == to);
    let at = at.unwrap_or(report.parts.len());
    if at == report.parts.len() {
        report.parts.push(Part {
            quarantine: chunk.quarantine.clone(),
            ..Part::new(from, to)
        });
    }
    let Some(part) = report.parts.get_mut(at) else {
        return;
    };
    part.now.repaired += released.rows;
    part.now.chunks += u64::from(released.rows > 0);
    part.conflicts += released.conflicts.len() as u64;
    part.refuse(released.conflicts);
}
