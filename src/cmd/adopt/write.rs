//! The writing half of `bird adopt`: takes all locks, decides again under them, then writes one
//! transaction per database.

use super::report::AdoptReport;
use super::{Args, Decision, decide, needs_writing};
use crate::adopt::Adopted;
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::run::locks::{self, no_lock, waiting, writable};
use crate::cmd::run::open;
use crate::cmd::run::recording::Recording;
use crate::db::lock::{self, Guard};
use crate::db::session::{DbError, Session};
use crate::db::stored_migration::{self, Origin};
use crate::db::{clock, history, journal, own_tables, schema_record};
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::History;
use crate::model::migration::Migration;
use crate::project::Database;

/// The number of rows that go to a server in one round trip.
const TOGETHER: usize = 100;

/// Takes every lock, decides again under them, and records.
pub async fn all(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
    first: &[Decision],
) -> Result<AdoptReport, Failure> {
    // Every run takes its locks in the same order, so that two runs cannot deadlock.
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|at| &members[*at].database.name);
    let mut guards: Vec<Option<Guard>> = members.iter().map(|_| None).collect();
    let result = locked(context, args, members, first, &order, &mut guards).await;
    for (member, guard) in members.iter_mut().zip(guards) {
        if let (Some(session), Some(guard)) = (&mut member.session, guard) {
            guard.release(session).await;
        }
    }
    result
}

async fn locked(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
    first: &[Decision],
    order: &[usize],
    guards: &mut [Option<Guard>],
) -> Result<AdoptReport, Failure> {
    for at in order {
        if needs_writing(&members[*at], &first[*at]) {
            guards[*at] = Some(lock_one(context, args, &mut members[*at]).await?);
        }
    }
    let mut decisions = decide::all(context, args, members).await?;
    for (at, guard) in guards.iter().enumerate() {
        if guard.is_none() {
            // There was nothing to record; what is new since then is for the next run.
            decisions[at].clone_from(&first[at]);
        }
    }
    let mut failed: Option<Failure> = None;
    let mut wrote = false;
    for at in order {
        let member = &mut members[*at];
        if guards[*at].is_none() || !needs_writing(member, &decisions[*at]) {
            continue;
        }
        if let Err(failure) = one(context, args, member, &decisions[*at], &mut wrote).await {
            failed = Some(failure);
            break;
        }
    }
    for (member, guard) in members.iter_mut().zip(guards) {
        if let (Some(session), Some(_)) = (&mut member.session, guard) {
            // What was not committed is rolled back; what was committed stays.
            let _: Result<(), DbError> = session.run("ROLLBACK").await;
            if let Ok(history) = history::read(session).await {
                member.history = history;
            }
            if wrote {
                let (database, history) = (member.database, &member.history);
                let recording = Recording::of_what_is(database);
                let timeout = args.locks.timeout(database);
                recording
                    .finish(context, database, session, history, timeout)
                    .await;
            }
        }
    }
    match failed {
        Some(failure) if !wrote => Err(failure),
        failed => {
            let mut report = AdoptReport::decided(members, decisions, false);
            if let Some(failure) = failed {
                report.stop(failure, Exit::Stopped);
            }
            Ok(report)
        }
    }
}

/// Takes the lock, and checks that the account may create the tables.
async fn lock_one(
    context: &Context,
    args: &Args,
    member: &mut RunDatabase<'_>,
) -> Result<Guard, Failure> {
    let database = member.database;
    let session = invariant!(
        member.session.as_mut(),
        some,
        "a database that is written to is open"
    );
    open::may_create(session, database).await?;
    writable(database, session, &args.consents).await?;
    let timeout = args.locks.timeout(database);
    session
        .prepare_to_write()
        .await
        .map_err(|error| Failure::failed(open::cannot_ask(database, "getting ready", &error)))?;
    let guard = locks::take(context, database, session, timeout, false).await?;
    if database.dialect.facts().is_embedded() {
        // On these engines the transaction is the lock.
        let waiting = waiting(context, database);
        let begun = lock::begin(session, timeout, &waiting, &context.stop).await;
        begun.map_err(|reason| no_lock(database, &reason, timeout))?;
    }
    Ok(guard)
}

/// Records in one database.
async fn one(
    context: &Context,
    args: &Args,
    member: &mut RunDatabase<'_>,
    decision: &Decision,
    wrote: &mut bool,
) -> Result<(), Failure> {
    let database = member.database;
    if let Some(exit) = context.stop.asked() {
        let message = format!(
            "interrupted before anything was recorded in `{}`",
            database.name
        );
        let fault = Diagnostic::new(Code::Interrupted, message).database(&database.name);
        return Err(Failure {
            exit,
            diagnostics: vec![fault],
        });
    }
    let session = invariant!(
        member.session.as_mut(),
        some,
        "a database that is written to is open"
    );
    let mut adopted = Vec::with_capacity(decision.adopted.len());
    for one in &decision.adopted {
        let migration = invariant!(
            member.migrations.get(one.at),
            some,
            "an adopted migration has a file"
        );
        adopted.push((one, migration));
    }
    let recording = record(
        session,
        &member.history,
        &member.migrations,
        &adopted,
        database,
        wrote,
    );
    recording.await.map_err(|error| {
        Failure::failed(open::cannot_ask(
            database,
            "recording what is applied",
            &error,
        ))
    })?;
    let timeout = args.locks.timeout(database);
    let waiting = waiting(context, database);
    let committed = lock::commit(session, timeout, &waiting, &context.stop).await;
    committed.map_err(|reason| no_lock(database, &reason, timeout))?;
    *wrote = true;
    Ok(())
}

/// Creates the tables if they are missing, and writes a row for each adopted migration, in one
/// transaction that stays open. If DDL commits implicitly, the tables are created before it.
async fn record(
    session: &mut Session,
    history: &History,
    migrations: &[Migration],
    adopted: &[(&Adopted, &Migration)],
    database: &Database,
    wrote: &mut bool,
) -> Result<(), DbError> {
    let facts = session.dialect.facts();
    let begin = session.dialect.begin();
    if facts.transactional_ddl && !facts.is_embedded() {
        session.run(begin).await?;
    }
    // Pending migrations will be in the same history.
    let versions = migrations.iter().map(|migration| migration.version);
    let width = history::ensure(session, history, versions.max().unwrap_or(0)).await?;
    journal::ensure(session, history.has_journal).await?;
    stored_migration::ensure(session).await?;
    if database.keep_schema {
        schema_record::ensure(session).await?;
    }
    own_tables::check_rights(session).await?;
    if !facts.transactional_ddl {
        *wrote |= !history.exists || !history.has_journal;
        session.run(begin).await?;
    }
    let now = clock::now();
    for some in adopted.chunks(TOGETHER) {
        let mut statements = Vec::with_capacity(some.len());
        for (adopted, migration) in some {
            let time = adopted.applied_on.as_deref().unwrap_or(&now);
            statements.push(history::record_on(session, migration, width, time)?);
            statements.push(stored_migration::record(
                session,
                migration,
                width,
                database.keep_sql,
                Origin::Adopted,
            )?);
        }
        session.run(&statements.join(";\n")).await?;
    }
    Ok(())
}
