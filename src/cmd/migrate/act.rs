//! The writing half of `bird migrate`: takes all locks, plans again under them, then applies each
//! database on its own, waiting only for a `requires`.

use super::apply_database::{Applier, barriers};
use super::databases::widths;
use super::report::MigrateReport;
use super::{Args, planned};
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, close_all};
use crate::cmd::run::known_files;
use crate::cmd::run::locks::{self, no_lock, waiting, warn_unproven};
use crate::cmd::run::open;
use crate::cmd::run::recording::Recording;
use crate::db::lock::{self, Guard};
use crate::db::session::{Access, DbError};
use crate::db::{failpoint, history, journal, own_tables, schema_record, stored_migration};
use crate::invariant;
use crate::model::diagnostic::Failure;
use crate::model::history::Width;
use crate::plan::prior::{self, Conditional};
use crate::plan::{self, DatabasePlan, Plan};
use crate::project::Database;
use futures_util::future::join_all;
use std::time::Duration;

/// Takes every lock, plans again under them, and applies.
pub async fn act<'p>(
    context: &'p Context,
    args: &Args,
    mut members: Vec<RunDatabase<'p>>,
    first: Plan,
) -> Result<MigrateReport, Failure> {
    let result = prepare(context, args, &mut members, &first).await;
    let (plan, guards, widths) = match result {
        Ok(prepared) => prepared,
        Err(failure) => {
            close_all(members).await;
            return Err(failure);
        }
    };
    if plan.is_empty() {
        let report = MigrateReport::planned(context, &mut members, plan, args);
        release(&mut members, guards).await;
        close_all(members).await;
        return Ok(report);
    }
    let recordings = begin_recording(context, &mut members, &plan).await;
    let total = plan.databases.iter().flat_map(|database| &database.steps);
    context.progress.begin(
        total
            .map(|step| step.script.statements.len() - step.from)
            .sum(),
    );
    let (senders, receivers) = barriers(&plan);
    let working = members.iter_mut().zip(widths).map(|(member, width)| {
        let database = member.database;
        let work = plan
            .of(&database.name)
            .zip(member.session.as_mut())
            .zip(width);
        let applier = Applier {
            context,
            args,
            database,
            plan: &plan,
            senders: &senders,
            receivers: &receivers,
        };
        async move {
            let ((steps, session), width) = work?;
            Some(applier.steps(steps, session, width).await)
        }
    });
    let ran = join_all(working).await;
    context.progress.finish();
    for ((member, ran), recording) in members.iter_mut().zip(&ran).zip(recordings) {
        if ran.is_some() {
            let is_connected = look_again(context, member).await;
            if let (Some(session), true) = (&mut member.session, is_connected) {
                let (database, history) = (member.database, &member.history);
                let timeout = args.locks.timeout(database);
                recording
                    .finish(context, database, session, history, timeout)
                    .await;
            }
        }
    }
    let report = MigrateReport::ran(context, args, &mut members, &plan, ran);
    known_files::remember(context);
    release(&mut members, guards).await;
    close_all(members).await;
    Ok(report)
}

/// Begins to record the schema of every database that has steps.
async fn begin_recording(
    context: &Context,
    members: &mut [RunDatabase<'_>],
    plan: &Plan,
) -> Vec<Recording> {
    let beginning = members.iter_mut().map(|member| async move {
        let (database, history) = (member.database, &member.history);
        match (plan.of(&database.name), &mut member.session) {
            (Some(steps), Some(session)) if !steps.is_idle() => {
                let conditionals = conditionals(database, steps);
                Recording::begin(context, database, session, history, &conditionals).await
            }
            _ => Recording::Off,
        }
    });
    join_all(beginning).await
}

/// What the statements of a run create unless it is there.
fn conditionals(database: &Database, plan: &DatabasePlan) -> Vec<Conditional> {
    let (dialect, name) = (database.dialect, database.target.database());
    let home = dialect.default_qualifier(name, database.schema.as_deref());
    let statements = plan.steps.iter().flat_map(|step| {
        let ranges = step.script.statements.iter().map(|it| it.range.clone());
        ranges.filter_map(|range| step.migration.text.get(range))
    });
    let conditionals = statements.flat_map(|sql| prior::conditionals(dialect, home, sql));
    conditionals.collect()
}

/// Reads the history after the run, over a new connection if the old one broke. A history that
/// cannot be read stays as it was last known. `false` if the old connection, and so the lock, is gone.
async fn look_again(context: &Context, member: &mut RunDatabase<'_>) -> bool {
    if member.read_history().await.is_ok() {
        return true;
    }
    let database = member.database;
    if let Ok(mut session) = open::session(context, database, Access::ReadOnly, None).await {
        if let Ok(mut history) = history::read(&mut session).await {
            let differing = plan::differing(&member.migrations, &history);
            // Without it a reformatted file counts as changed, which is on the safe side.
            let _: Result<(), DbError> =
                stored_migration::read(&mut session, &differing, &mut history).await;
            member.history = history;
        }
        session.close().await;
    }
    false
}

/// How long a statement waits for a lock in a server's queue before it gives up its place: every
/// later statement waits behind it.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The state before the first statement: the plan made under the locks, the locks, and the width
/// of the history of each database that has steps.
type Prepared = (Plan, Vec<Option<Guard>>, Vec<Option<Width>>);

async fn prepare(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
    first: &Plan,
) -> Result<Prepared, Failure> {
    // Every run takes its locks in the same order, so that two runs cannot deadlock.
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|at| &members[*at].database.name);
    let mut guards: Vec<Option<Guard>> = members.iter().map(|_| None).collect();
    failpoint::at("before-lock");
    for at in &order {
        guards[*at] = lock_one(context, args, &mut members[*at], first).await?;
    }
    failpoint::at("locked");
    let reading = members
        .iter_mut()
        .zip(&guards)
        .map(|(member, guard)| async move {
            if guard.is_some() {
                member.read_history().await?;
            }
            Ok(())
        });
    Failure::collect(join_all(reading).await)?;
    widths(members).await?;
    let plan = planned(args, members).await?;
    let steps = |member: &RunDatabase<'_>| {
        let steps = plan.of(&member.database.name);
        steps.filter(|plan| !plan.is_idle())
    };
    let mut begun = vec![false; members.len()];
    for at in order {
        // The wait for the other locks may have been long.
        if let (Some(guard), Some(session)) = (&guards[at], &mut members[at].session) {
            let database = members[at].database;
            let timeout = args.locks.timeout(database);
            let proven = guard.prove(session).await;
            proven.map_err(|reason| no_lock(database, &reason, timeout))?;
        }
        if steps(&members[at]).is_some() {
            begun[at] = begin(context, args, &mut members[at]).await?;
        }
    }
    let ensuring = members.iter_mut().zip(begun).map(|(member, begun)| {
        let steps = steps(member);
        async move {
            match steps {
                Some(plan) => tables(context, args, member, plan, begun).await.map(Some),
                None => Ok(None),
            }
        }
    });
    let widths = Failure::collect(join_all(ensuring).await)?;
    Ok((plan, guards, widths))
}

/// Opens a database that did not exist, takes the lock and checks that the account may migrate.
async fn lock_one(
    context: &Context,
    args: &Args,
    member: &mut RunDatabase<'_>,
    plan: &Plan,
) -> Result<Option<Guard>, Failure> {
    let database = member.database;
    let Some(plan) = plan.of(&database.name).filter(|plan| !plan.is_idle()) else {
        return Ok(None);
    };
    let session = match &mut member.session {
        Some(session) => session,
        empty => {
            let opening = open::session(context, database, Access::Create, args.connect.wait);
            let session = opening
                .await
                .map_err(|error| Failure::failed(open::cannot_open(database, &error)))?;
            empty.insert(session)
        }
    };
    open::may_create(session, database).await?;
    let timeout = args.locks.timeout(database);
    let bare_statements = plan.steps.iter().any(|step| !step.transactional);
    let guard = locks::take(context, database, session, timeout, bare_statements).await?;
    warn_unproven(context, database, &guard);
    for doubt in database.dialect.doubts(&session.server) {
        let name = &database.name;
        context.progress.notice(&format!("{name}: {doubt}"));
    }
    Ok(Some(guard))
}

/// Begins a transaction if the tables of history and journal must be created, or if the engine has
/// no other lock. If one database is blocked, none has been written.
async fn begin(
    context: &Context,
    args: &Args,
    member: &mut RunDatabase<'_>,
) -> Result<bool, Failure> {
    let database = member.database;
    let session = invariant!(
        member.session.as_mut(),
        some,
        "a database with steps is open"
    );
    let failed = |error| Failure::failed(open::cannot_ask(database, "getting ready", &error));
    session.prepare_to_write().await.map_err(failed)?;
    let lock = args.locks.timeout(database).min(LOCK_WAIT);
    let limiting = session.limit(lock, database.statement_timeout).await;
    limiting.map_err(failed)?;
    let facts = database.dialect.facts();
    let complete = member.history.exists && member.history.has_journal;
    if !facts.transactional_ddl || (complete && !facts.is_embedded()) {
        return Ok(false);
    }
    let timeout = args.locks.timeout(database);
    let waiting = waiting(context, database);
    let begun = lock::begin(session, timeout, &waiting, &context.stop).await;
    begun
        .map(|()| true)
        .map_err(|reason| no_lock(database, &reason, timeout))
}

/// Creates the tables of history and journal if they are missing.
async fn tables(
    context: &Context,
    args: &Args,
    member: &mut RunDatabase<'_>,
    plan: &DatabasePlan,
    begun: bool,
) -> Result<Width, Failure> {
    let database = member.database;
    let session = invariant!(
        member.session.as_mut(),
        some,
        "a database with steps is open"
    );
    let failed = |error| {
        let doing = "creating its history tables";
        Failure::failed(open::cannot_ask(database, doing, &error))
    };
    let width = history::ensure(session, &member.history, plan.largest)
        .await
        .map_err(failed)?;
    failpoint::at("history-made");
    journal::ensure(session, member.history.has_journal)
        .await
        .map_err(failed)?;
    stored_migration::ensure(session).await.map_err(failed)?;
    if database.keep_schema {
        schema_record::ensure(session).await.map_err(failed)?;
    }
    let checked = own_tables::check_rights(session).await;
    checked.map_err(|error| {
        let doing = "checking the rights to bird's own tables";
        Failure::failed(open::cannot_ask(database, doing, &error))
    })?;
    if begun {
        let timeout = args.locks.timeout(database);
        let waiting = waiting(context, database);
        let committed = lock::commit(session, timeout, &waiting, &context.stop).await;
        committed.map_err(|reason| no_lock(database, &reason, timeout))?;
    }
    Ok(width)
}

async fn release(members: &mut [RunDatabase<'_>], guards: Vec<Option<Guard>>) {
    for (member, guard) in members.iter_mut().zip(guards) {
        if let (Some(session), Some(guard)) = (&mut member.session, guard) {
            guard.release(session).await;
        }
    }
}
