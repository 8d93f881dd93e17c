//! `bird seed`: brings reference data to what the config declares.

mod counters;
mod declared;
mod report;
mod write;

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::database::{RunDatabase, open_all};
use super::run::missing::MissingConsents;
use super::run::open::Absent;
use super::run::{open, protected};
use crate::db::inspect;
use crate::db::session::{Access, Session};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::schema::Table;
use crate::model::seed::Seed;
use crate::project::Database;
use crate::seed::{self, Action};
use futures_util::future::join_all;

pub use report::{SeedReport, Seeds};
use write::Seeded;

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
        let result = write::transaction(context, args, &mut member, read_only).await;
        member.session.close().await;
        match result {
            Ok(seeds) => {
                wrote |= seeds.would_write();
                report.databases.push((
                    database.name.clone(),
                    database.dialect.facts().name,
                    seeds,
                ));
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

/// Finds the declared rows of one database that differ from the declaration, and the counters that
/// are behind.
pub async fn look(
    context: &Context,
    database: &Database,
    session: &mut Session,
) -> Result<Seeds, Failure> {
    let found = tables(database, session, &context.project.seeds).await?;
    let looking = write::rows(session, database, &found, true).await;
    let mut seeds = looking.map_err(|(failure, _)| failure)?;
    seeds.rows.retain(|row| row.action != Action::Leave);
    Ok(seeds)
}

/// Reads the tables of a database's seeds, and checks every row against them.
async fn ready<'p>(opened: RunDatabase<'p>, seeds: &'p [Seed]) -> Result<Seeded<'p>, Failure> {
    let database = opened.database;
    let Some(mut session) = opened.session else {
        let own = seeds
            .iter()
            .filter(|seed| seed.table.database == database.name);
        return Err(Failure {
            exit: Exit::Failed,
            diagnostics: own.map(|seed| missing_table(database, seed)).collect(),
        });
    };
    let seeds = tables(database, &mut session, seeds).await?;
    Ok(Seeded {
        database,
        session,
        seeds,
    })
}

/// The seeds of a database with their tables, if every row can be one of its table, and no two are one.
async fn tables<'p>(
    database: &Database,
    session: &mut Session,
    seeds: &'p [Seed],
) -> Result<Vec<(&'p Seed, Table)>, Failure> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for seed in seeds
        .iter()
        .filter(|seed| seed.table.database == database.name)
    {
        let table = inspect::table(session, &seed.table.table).await;
        let table = table.map_err(|error| {
            Failure::failed(open::cannot_ask(database, "reading its tables", &error))
        })?;
        match table {
            None => faults.push(missing_table(database, seed)),
            Some(table) => {
                let (dialect, server) = (database.dialect, &session.server);
                for row in &seed.rows {
                    faults.extend(seed::want(dialect, server, "", &table, seed, row).err());
                }
                found.push((seed, table));
            }
        }
    }
    if faults.is_empty() {
        faults = declared::find(database, session, &found).await?;
    }
    if faults.is_empty() {
        Ok(found)
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
