//! `bird seed`: brings reference data to what the config declares.

mod report;

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::database::{RunDatabase, open_all};
use super::run::locks::{self, check_server, no_lock, waiting, warn_unproven};
use super::run::missing::MissingConsents;
use super::run::open::Absent;
use super::run::{open, protected};
use crate::db::lock::NoLock;
use crate::db::session::{Access, DbError, Session};
use crate::db::{inspect, lock};
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::schema::Table;
use crate::model::seed::Seed;
use crate::project::Database;
use crate::seed::{self, Action, Wanted};
use futures_util::future::join_all;

pub use report::SeedReport;
use report::SeedRow;

/// Insert and update reference data as the config declares it
#[derive(Debug, Clone, clap::Args)]
#[command(before_help = "Example: bird seed --dry-run        shows the statements it would run")]
pub struct Args {
    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consents: flags::Consents,
    #[command(flatten)]
    pub connect: flags::Connect,
    #[command(flatten)]
    pub locks: flags::Locks,
}

impl CommandFacts for Args {}

/// A database with its seeds and their tables.
struct Seeded<'p> {
    database: &'p Database,
    session: Session,
    seeds: Vec<(&'p Seed, Table)>,
}

/// Reads all tables first, then writes one transaction per database.
pub async fn run(context: &Context, args: &Args) -> Result<SeedReport, Failure> {
    let seeds = &context.project.seeds;
    let seeded = context.project.selected().filter(|database| {
        seeds
            .iter()
            .any(|seed| seed.table.database == database.name)
    });
    // Without the consent that it needs, a run only reads, and ends if it would write.
    let read_only = args.dry_run || protected::is_guarded(context, &args.consents);
    let access = if read_only {
        Access::ReadOnly
    } else {
        Access::Write
    };
    let opened = open_all(
        context,
        seeded,
        access,
        Absent::IsAnError,
        args.connect.wait,
    )
    .await?;
    let getting_ready = opened.into_iter().map(|opened| ready(opened, seeds));
    let members = Failure::collect(join_all(getting_ready).await)?;
    let mut report = SeedReport {
        dry_run: args.dry_run,
        databases: Vec::new(),
        missing: MissingConsents::default(),
        diagnostics: Vec::new(),
        exit: Exit::Done,
    };
    let mut wrote = false;
    for mut member in members {
        let database = member.database;
        let result = transaction(context, args, &mut member, read_only).await;
        member.session.close().await;
        match result {
            Ok(rows) => {
                wrote |= rows.iter().any(|row| row.action != Action::Leave);
                report
                    .databases
                    .push((database.name.clone(), database.dialect.facts().name, rows));
            }
            Err((failure, sent)) => {
                wrote |= sent;
                let exit = if wrote && !read_only {
                    Exit::Stopped
                } else {
                    failure.exit
                };
                report.exit = report.exit.most_severe(exit);
                report.diagnostics.extend(failure.diagnostics);
                break;
            }
        }
    }
    if wrote && args.dry_run {
        report.missing = MissingConsents::new(protected::missing(context, &args.consents));
    } else if wrote && read_only && report.exit == Exit::Done {
        protected::consent(context, &args.consents)?;
    }
    report.exit = match context.stop.asked() {
        Some(exit) if report.exit != Exit::Done => exit,
        _ => report.exit,
    };
    Ok(report)
}

/// Finds the declared rows of one database that differ from the declaration.
pub async fn look(
    context: &Context,
    database: &Database,
    session: &mut Session,
) -> Result<Vec<SeedRow>, Failure> {
    let seeds = context.project.seeds.iter();
    let own = seeds.filter(|seed| seed.table.database == database.name);
    let mut found = Vec::new();
    for seed in own {
        let table = inspect::table(session, &seed.table.table).await;
        let table = table.map_err(|error| {
            Failure::failed(open::cannot_ask(database, "reading its tables", &error))
        })?;
        match table {
            Some(table) => found.push((seed, table)),
            None => return Err(Failure::failed(missing_table(database, seed))),
        }
    }
    let rows = rows(session, database, &found, true).await;
    let mut rows = rows.map_err(|(failure, _)| failure)?;
    rows.retain(|row| row.action != Action::Leave);
    Ok(rows)
}

/// Reads the tables of a database's seeds, and checks every row against them.
async fn ready<'p>(mut opened: RunDatabase<'p>, seeds: &'p [Seed]) -> Result<Seeded<'p>, Failure> {
    let database = opened.database;
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for seed in seeds
        .iter()
        .filter(|seed| seed.table.database == database.name)
    {
        let table = match &mut opened.session {
            Some(session) => inspect::table(session, &seed.table.table).await,
            None => Ok(None),
        };
        match table {
            Err(error) => {
                let fault = open::cannot_ask(database, "reading its tables", &error);
                return Err(Failure::failed(fault));
            }
            Ok(None) => faults.push(missing_table(database, seed)),
            Ok(Some(table)) => {
                for row in &seed.rows {
                    faults.extend(seed::want(database.dialect, "", &table, seed, row).err());
                }
                found.push((seed, table));
            }
        }
    }
    if faults.is_empty() {
        let session = invariant!(
            opened.session,
            some,
            "a database whose tables exist is open"
        );
        Ok(Seeded {
            database,
            session,
            seeds: found,
        })
    } else {
        Err(Failure {
            exit: Exit::Failed,
            diagnostics: faults,
        })
    }
}

fn missing_table(database: &Database, seed: &Seed) -> Diagnostic {
    Diagnostic::new(
        Code::NoTable,
        format!(
            "cannot seed the table `{}`, which does not exist",
            seed.table
        ),
    )
    .database(&database.name)
    .at(seed.location.clone())
    .hint("create it with `bird migrate`")
}

/// The failure, and whether a statement was sent.
type SeedFailure = (Failure, bool);

/// Writes all rows of one database in one transaction; only reads them if `read_only`.
async fn transaction(
    context: &Context,
    args: &Args,
    member: &mut Seeded<'_>,
    read_only: bool,
) -> Result<Vec<SeedRow>, SeedFailure> {
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
    session
        .prepare_to_write()
        .await
        .map_err(|error| (failed(&error, "getting ready"), false))?;
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
        Ok(rows) => match lock::commit(session, timeout, &waiting, &context.stop).await {
            Ok(()) => Ok(rows),
            Err(NoLock::Database(error)) => Err((failed(&error, "committing its seeds"), true)),
            Err(reason) => Err((no_lock(database, &reason, timeout), true)),
        },
        Err(broken) => Err(broken),
    };
    if result.is_err() {
        // The first error counts; a broken connection has rolled back as well.
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
    }
    guard.release(session).await;
    result
}

async fn rows(
    session: &mut Session,
    database: &Database,
    seeds: &[(&Seed, Table)],
    dry_run: bool,
) -> Result<Vec<SeedRow>, SeedFailure> {
    let mut done = Vec::new();
    let mut sent = false;
    for (seed, table) in seeds {
        let name = session.table(&table.name);
        for declared in &seed.rows {
            let wanted = seed::want(database.dialect, &name, table, seed, declared);
            let wanted = wanted.map_err(|fault| (Failure::failed(fault), sent))?;
            let action = find(session, database, &wanted)
                .await
                .map_err(|fault| (fault, sent))?;
            if let (false, Action::Insert { sql } | Action::Update { sql, .. }) = (dry_run, &action)
            {
                sent = true;
                let result = session.run(sql).await;
                result.map_err(|error| (failed_row(database, seed, &wanted, &error), sent))?;
            }
            let (table, key) = (seed.table.to_string(), wanted.describe_key());
            done.push(SeedRow { table, key, action });
        }
    }
    Ok(done)
}

async fn find(
    session: &mut Session,
    database: &Database,
    wanted: &Wanted<'_>,
) -> Result<Action, Failure> {
    let live = session
        .rows(&wanted.query(database.dialect))
        .await
        .map_err(|error| {
            Failure::failed(open::cannot_ask(database, "looking for a seed", &error))
        })?;
    wanted
        .decide(database.dialect, &live)
        .map_err(Failure::failed)
}

fn failed_row(database: &Database, seed: &Seed, wanted: &Wanted<'_>, error: &DbError) -> Failure {
    let (table, key) = (&seed.table, wanted.describe_key());
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
