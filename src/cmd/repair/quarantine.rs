//! Goes through the quarantined rows of a run, for `--undo` and `--purge`, the last chunk first.

use super::preflight::RepairTarget;
use super::report::{ReferenceOutcome, RepairReport};
use super::throttle::Throttle;
use super::{Args, errors, locking};
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, open_all};
use crate::cmd::run::open;
use crate::cmd::run::open::Absent;
use crate::cmd::run::{locks, protected};
use crate::db::repair;
use crate::db::repair::ChunkError;
use crate::db::repair::journal::{self, JournaledChunk};
use crate::db::repair::kept_rows;
use crate::db::repair::kept_rows::Released;
use crate::db::repair::retry::Retry;
use crate::db::session::{Access, DbError, Session};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::Schema;
use crate::project::Database;

/// A database with the chunks of a run, the last first.
pub struct JournaledTarget<'p> {
    pub target: RepairTarget<'p>,
    pub chunks: Vec<JournaledChunk>,
}

impl JournaledTarget<'_> {
    /// The number of rows that are still quarantined.
    pub fn kept(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.kept).sum()
    }
}

/// Finds the chunks of a run in the selected databases.
pub async fn members<'p>(
    context: &'p Context,
    args: &Args,
    plan: &str,
) -> Result<Vec<JournaledTarget<'p>>, Failure> {
    let writes = args.writes() && !protected::is_guarded(context, &args.consents);
    let access = if writes {
        Access::Write
    } else {
        Access::ReadOnly
    };
    let selected = context.project.selected();
    let wait = args.connect.wait;
    let opened = open_all(context, selected, access, Absent::IsAnError, wait).await?;
    let mut members = Vec::new();
    for RunDatabase {
        database, session, ..
    } in opened
    {
        // A missing file has no quarantined rows.
        if let Some(session) = session {
            members.extend(member(args, database, session, plan).await?);
        }
    }
    if !members.is_empty() {
        return Ok(members);
    }
    let message = format!("no selected database has a repair with the run ID {plan}");
    let fault = Diagnostic::new(Code::NoRun, message);
    Err(Failure::failed(fault.hint(
        "the report of the repair shows its run ID; choose its environment with --env",
    )))
}

/// Reads the chunks of a run in a database; `None` if there are none.
async fn member<'p>(
    args: &Args,
    database: &'p Database,
    mut session: Session,
    plan: &str,
) -> Result<Option<JournaledTarget<'p>>, Failure> {
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
    // A preview only reads, which a replica permits.
    if args.writes() {
        locks::writable(database, &mut session, &args.consents).await?;
    }
    let target = RepairTarget {
        journaled: journal::journaled_plan(&mut session, plan)
            .await
            .map_err(failed)?,
        database,
        session,
        schema: Schema::default(),
        guard: None,
    };
    Ok(Some(JournaledTarget { target, chunks }))
}

/// Processes the chunks that still have quarantined rows, one after the other.
pub async fn each(
    context: &Context,
    args: &Args,
    mut members: Vec<JournaledTarget<'_>>,
    report: &mut RepairReport,
    mut work: impl AsyncFnMut(&mut Session, &JournaledChunk, &Retry<'_>) -> Result<Released, ChunkError>,
) -> Result<(), Failure> {
    let databases: Vec<&Database> = members.iter().map(|one| one.target.database).collect();
    let mut throttle = Throttle::new(context, args, &databases, &[]).await?;
    if args.writes() && members.iter().any(|member| member.kept() > 0) {
        protected::consent(context, &args.consents)?;
        for member in &mut members {
            locking::take(context, args, &mut member.target).await?;
        }
    }
    for member in &mut members {
        let ended = all(context, args, member, report, &mut throttle, &mut work).await;
        if let Err(failure) = ended {
            errors::stopped(report, failure, false);
            break;
        }
    }
    throttle.close().await;
    for member in members {
        member.target.close().await;
    }
    Ok(())
}

async fn all(
    context: &Context,
    args: &Args,
    member: &mut JournaledTarget<'_>,
    report: &mut RepairReport,
    throttle: &mut Throttle<'_>,
    work: &mut impl AsyncFnMut(
        &mut Session,
        &JournaledChunk,
        &Retry<'_>,
    ) -> Result<Released, ChunkError>,
) -> Result<(), Failure> {
    let database = member.target.database;
    let timeout = args.locks.timeout(database);
    let waiting = locks::waiting(context, database);
    let retry = Retry {
        timeout,
        waiting: &waiting,
        stop: &context.stop,
    };
    let mut chunks: Vec<&JournaledChunk> = member.chunks.iter().collect();
    loop {
        context.progress.count(chunks.len(), "chunks");
        let mut rows = 0;
        let mut conflicts = Vec::new();
        for chunk in chunks {
            let mut released = Released::default();
            if chunk.kept > 0 {
                throttle.next().await?;
                let done = work(&mut member.target.session, chunk, &retry).await;
                released = done.map_err(|broken| errors::chunk_error(database, broken, timeout))?;
                throttle.did(released.rows);
            }
            rows += released.rows;
            if !released.conflicts.is_empty() {
                conflicts.push(chunk);
            }
            add(report, chunk, released);
            context.progress.advance(1, &chunk.reference);
        }
        // What a row refers to may have returned with a later chunk.
        if rows == 0 || conflicts.is_empty() || !args.writes() {
            return Ok(());
        }
        for chunk in &conflicts {
            let references = report.references.iter_mut();
            for reference in references.filter(|one| one.name == chunk.reference) {
                reference.conflicts = 0;
                reference.refusals.clear();
            }
        }
        conflicts.reverse();
        chunks = conflicts;
    }
}

/// Adds the counts of a chunk to its reference.
fn add(report: &mut RepairReport, chunk: &JournaledChunk, released: Released) {
    report.action = chunk.action;
    let (from, to) = match chunk.reference.split_once(" -> ") {
        Some((from, to)) => (from.to_owned(), to.to_owned()),
        None => (chunk.reference.clone(), String::new()),
    };
    let mut references = report.references.iter();
    let at = references.position(|one| one.name == chunk.reference);
    let at = at.unwrap_or_else(|| {
        report.references.push(ReferenceOutcome {
            quarantine: chunk.quarantine.clone(),
            ..ReferenceOutcome::new(chunk.reference.clone(), from, to)
        });
        report.references.len() - 1
    });
    let reference = &mut report.references[at];
    reference.now.repaired += released.rows;
    reference.now.chunks += u64::from(released.rows > 0);
    reference.conflicts += released.conflicts.len() as u64;
    reference.refuse(released.conflicts);
}
