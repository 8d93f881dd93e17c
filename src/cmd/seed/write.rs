//! One transaction per database that brings its rows to what they are declared as.

use std::collections::HashMap;

use super::counters;
use super::report::{SeedRow, Seeds};
use crate::cmd::context::Context;
use crate::cmd::run::locks::{self, check_server, no_lock, waiting, warn_unproven};
use crate::cmd::run::open;
use crate::db::lock::{self, NoLock};
use crate::db::seed_record;
use crate::db::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::schema::Table;
use crate::model::seed::{Seed, SeedRecord};
use crate::project::Database;
use crate::seed::{self, Action, Wanted};

/// A database with its seeds and their tables.
pub struct Seeded<'p> {
    pub database: &'p Database,
    pub session: Session,
    pub seeds: Vec<(&'p Seed, Table)>,
}

/// The failure, and whether a statement was sent.
pub type SeedFailure = (Failure, bool);

/// Writes all rows of one database in one transaction; only reads them if `read_only`.
pub async fn transaction(
    context: &Context,
    args: &super::Args,
    member: &mut Seeded<'_>,
    read_only: bool,
) -> Result<Seeds, SeedFailure> {
    let database = member.database;
    let session = &mut member.session;
    let failed =
        |error: &DbError, doing: &str| Failure::failed(open::cannot_ask(database, doing, error));
    if read_only {
        return rows(session, database, &member.seeds, true).await;
    }
    let timeout = args.locks.timeout(database);
    let waiting = waiting(context, database);
    let refused = |reason| (no_lock(database, &reason, timeout), false);
    let unready = |error: DbError| (failed(&error, "getting ready"), false);
    session.prepare_to_write().await.map_err(unready)?;
    if let Some(sql) = database.dialect.exact_writes() {
        session.run(sql).await.map_err(unready)?;
    }
    check_server(database, session, &args.consents)
        .await
        .map_err(|failure| (failure, false))?;
    let guard = locks::take(context, database, session, timeout, false)
        .await
        .map_err(|failure| (failure, false))?;
    warn_unproven(context, database, &guard);
    lock::begin(session, timeout, &waiting, &context.stop)
        .await
        .map_err(refused)?;
    let result = match rows(session, database, &member.seeds, false).await {
        Ok(seeds) => match lock::commit(session, timeout, &waiting, &context.stop).await {
            Ok(()) => Ok(seeds),
            Err(NoLock::Database(error)) => Err((failed(&error, "committing its seeds"), true)),
            Err(reason) => Err((no_lock(database, &reason, timeout), true)),
        },
        Err(broken) => Err(broken),
    };
    let result = match result {
        Ok(seeds) => match seed_record::keep(session, &seeds.records).await {
            Ok(()) => Ok(seeds),
            Err(error) => Err((failed(&error, "recording what its seeds became"), true)),
        },
        Err(broken) => {
            // The first error counts; a broken connection has rolled back as well.
            let _: Result<(), DbError> = session.run("ROLLBACK").await;
            Err(broken)
        }
    };
    guard.release(session).await;
    result
}

/// The declared rows of each seed.
pub fn wanted<'s>(
    session: &Session,
    database: &Database,
    seeds: &'s [(&'s Seed, Table)],
) -> Result<Vec<Vec<Wanted<'s>>>, Failure> {
    let all = seeds.iter().map(|(seed, table)| {
        let name = session.table(&table.name);
        let rows = seed.rows.iter();
        let rows = rows.map(|row| {
            seed::want(database.dialect, &session.server, &name, table, seed, row)
                .map_err(Failure::failed)
        });
        rows.collect()
    });
    all.collect()
}

/// Brings every declared row of a database to its declaration; only looks if `dry_run`.
pub async fn rows(
    session: &mut Session,
    database: &Database,
    seeds: &[(&Seed, Table)],
    dry_run: bool,
) -> Result<Seeds, SeedFailure> {
    let mut done = Seeds::default();
    let mut sent = false;
    let mut known = None;
    let all = wanted(session, database, seeds).map_err(|failure| (failure, false))?;
    for wanted in all.iter().flatten() {
        let action = find(session, database, wanted, &mut known).await;
        let action = action.map_err(|failure| (failure, sent))?;
        if let (false, Action::Insert { sql } | Action::Update { sql, .. }) = (dry_run, &action) {
            sent = true;
            let left = write(session, database, wanted, sql).await;
            done.records
                .extend(left.map_err(|failure| (failure, sent))?);
        }
        done.rows.push(SeedRow {
            table: wanted.seed.table.to_string(),
            key: wanted.describe_key(),
            action,
        });
    }
    let mut tables: Vec<&str> = Vec::new();
    for first in all.iter().flatten() {
        if tables.contains(&first.table.as_str()) {
            continue;
        }
        tables.push(&first.table);
        let own = all.iter().flatten().filter(|row| row.table == first.table);
        let own: Vec<&Wanted<'_>> = own.collect();
        let moved = counters::advance(session, database, &own, dry_run).await;
        done.counters.extend(moved?);
    }
    Ok(done)
}

/// What a declared row needs. What an earlier run left in place of a declared value is as it should
/// be; `known` keeps the record of it once it was read.
async fn find(
    session: &mut Session,
    database: &Database,
    wanted: &Wanted<'_>,
    known: &mut Option<HashMap<String, SeedRecord>>,
) -> Result<Action, Failure> {
    let live = match session.rows(&wanted.query()).await {
        Ok(live) => live,
        Err(error) => {
            let fault = cell_fault(session, wanted, &error).await;
            let unknown = || open::cannot_ask(database, "looking for a seed", &error);
            return Err(Failure::failed(fault.unwrap_or_else(unknown)));
        }
    };
    let action = wanted
        .decide(database.dialect, &live)
        .map_err(Failure::failed)?;
    let Action::Update { columns, .. } = &action else {
        return Ok(action);
    };
    let failed = |error: DbError| {
        let doing = "reading what its seeds became";
        Failure::failed(open::cannot_ask(database, doing, &error))
    };
    let known = match known {
        Some(known) => known,
        None => known.insert(seed_record::read(session).await.map_err(failed)?),
    };
    if known.is_empty() {
        return Ok(action);
    }
    let held = session
        .rows(&wanted.held_query(database.dialect, columns))
        .await;
    let held = held.map_err(failed)?;
    let [held] = held.as_slice() else {
        return Ok(action);
    };
    let now = wanted.records(columns, held);
    let differing = columns.iter().zip(&now);
    let differing = differing.filter(|(_, now)| known.get(&now.place) != Some(now));
    let differing: Vec<String> = differing.map(|(column, _)| column.clone()).collect();
    Ok(wanted.update(database.dialect, &differing))
}

/// Writes a row, reads it back in the same round trip, and returns what holds another value than the
/// declared one: a trigger changed it.
async fn write(
    session: &mut Session,
    database: &Database,
    wanted: &Wanted<'_>,
    sql: &str,
) -> Result<Vec<SeedRecord>, Failure> {
    let failed = |error: &DbError| failed_row(database, wanted, error);
    let written = session.rows(&format!("{sql}; {}", wanted.query())).await;
    let written = written.map_err(|error| failed(&error))?;
    let [row] = written.as_slice() else {
        let key = wanted.seed.key.join("`, `");
        let reason = format!("the row is not found by `{key}` after it was written");
        let mut failure = failed(&DbError::new(ErrorKind::Other, reason));
        for fault in &mut failure.diagnostics {
            fault.hint = Some("declare the key as a trigger or rule of the table leaves it".into());
        }
        return Err(failure);
    };
    let changed = wanted.differing(row);
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let held = session
        .rows(&wanted.held_query(database.dialect, &changed))
        .await;
    let held = held.map_err(|error| failed(&error))?;
    let held = held.first().map_or(&[][..], Vec::as_slice);
    Ok(wanted.records(&changed, held))
}

fn failed_row(database: &Database, wanted: &Wanted<'_>, error: &DbError) -> Failure {
    let (table, key) = (&wanted.seed.table, wanted.describe_key());
    let message = format!("seeding `{table}` with {key} failed: {}", error);
    let mut fault = Diagnostic::new(Code::SeedFailed, message)
        .database(&database.name)
        .at(wanted.location())
        .note(format!("the seeds of `{}` are rolled back", database.name))
        .hint("correct the row, then run bird seed again");
    fault.notes.extend(error.notes.iter().cloned());
    Failure {
        exit: Exit::Stopped,
        diagnostics: vec![fault],
    }
}

/// The fault of the first value of a row that its column cannot read, after a query that compares the
/// row failed. It ends the transaction, which the error has broken. `None` if no value is at fault.
pub async fn cell_fault(
    session: &mut Session,
    wanted: &Wanted<'_>,
    error: &DbError,
) -> Option<Diagnostic> {
    let is_of_value =
        |error: &DbError| matches!(error.kind, ErrorKind::Other | ErrorKind::MissingObject);
    if !is_of_value(error) {
        return None;
    }
    // Outside of a transaction it is an error, which says nothing.
    let _: Result<(), DbError> = session.run("ROLLBACK").await;
    for (column, sql) in wanted.probes() {
        let Err(error) = session.rows(&sql).await else {
            continue;
        };
        if !is_of_value(&error) {
            return None;
        }
        return Some(wanted.unfit(column, &error.to_string()));
    }
    None
}
