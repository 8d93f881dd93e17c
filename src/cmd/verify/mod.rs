//! `bird verify`: checks files, history, drift, desired schema, seeds and references, with one
//! result for CI.

mod checks;
mod metrics;
mod report;

use std::collections::BTreeMap;

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::metrics::Recorder;
use super::run::open;
use super::source::{self, ShadowPool};
use crate::audit::{EndpointSchema, structure};
use crate::db::session::{Access, Session};
use crate::dialect::ErrorKind;
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::schema::Schema;
use crate::project::Database;
use checks::{Check, CheckOutcome};
use report::{Checked, VerifyReport};

/// Check files, history, drift, seeds and references, with one verdict
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird verify --no-pending --format json        the gate of a pipeline"
)]
pub struct Args {
    /// Report pending migrations as findings
    #[arg(long)]
    no_pending: bool,
    /// Lowest severity of a finding that fails the run: note, warning, error
    #[arg(long, value_name = "LEVEL", value_parser = flags::severity, default_value = "warning")]
    fail_on: Severity,
    #[command(flatten)]
    metrics: flags::Metrics,
    #[command(flatten)]
    connect: flags::Connect,
}

impl CommandFacts for Args {}

/// Runs all checks; writes to no configured database.
pub async fn run(context: &Context, args: &Args) -> Result<VerifyReport, Failure> {
    let recorder = Recorder::start(context, "verify", &args.metrics, Vec::new())?;
    let mut report = match check(context, args).await {
        Ok(report) => report,
        Err(failure) => {
            let unchecked = metrics::samples_of_nothing(&recorder, context);
            return Err(recorder.write_failed(unchecked, failure));
        }
    };
    if let Err(fault) = recorder.write(metrics::samples(&recorder, &report), report.exit) {
        report.faults.push(fault);
        report.exit = report.exit.most_severe(Exit::Failed);
    }
    Ok(report)
}

async fn check(context: &Context, args: &Args) -> Result<VerifyReport, Failure> {
    let mut report = source::with(context, async |pool| {
        let mut report = VerifyReport {
            databases: Vec::new(),
            faults: Vec::new(),
            fail_on: args.fail_on,
            exit: Exit::Done,
        };
        let mut schemas = BTreeMap::new();
        for database in context.project.selected() {
            let checked = database_of(pool, args, database, &mut schemas).await?;
            report.databases.push(checked);
        }
        references(pool, args, &mut schemas, &mut report).await?;
        Ok(report)
    })
    .await?;
    let most_severe = report.findings().map(|finding| finding.severity).max();
    if most_severe.is_some_and(|severity| severity >= args.fail_on) {
        report.exit = report.exit.most_severe(Exit::Found);
    }
    let unopened = report.unopened().map(Diagnostic::exit);
    report.exit = unopened.fold(report.exit, Exit::most_severe);
    if report.unfinished() {
        report.exit = report.exit.most_severe(Exit::Failed);
    }
    report.exit = open::interrupted(context, report.exit);
    Ok(report)
}

/// Runs every check of one database, and adds its live schema to `schemas`.
async fn database_of(
    pool: &mut ShadowPool<'_>,
    args: &Args,
    database: &Database,
    schemas: &mut BTreeMap<String, Schema>,
) -> Result<Checked, Failure> {
    let context = pool.context;
    let mut checked = Checked::new(database);
    let files = match context.project.read_migrations_of(database) {
        Ok(files) => {
            checked.add(Check::Files, CheckOutcome::Ok);
            Some(files)
        }
        Err(faults) => {
            checked.found(Check::Files, faults);
            None
        }
    };
    let mut session = match session(context, args, database).await {
        Ok(session) => session,
        Err(fault) => {
            checked.failed(fault);
            return Ok(checked);
        }
    };
    if session.is_none() {
        let message = format!("the database `{}` does not exist", database.name);
        let fault = Diagnostic::new(Code::NoDatabase, message).database(&database.name);
        checked.found(Check::History, vec![fault.hint("bird up creates it")]);
    }
    if let (Some(files), Some(session)) = (&files, &mut session) {
        checked.server = Some(session.server.clone());
        let faults = checks::history(database, session, files, args.no_pending).await?;
        checked.found(Check::History, faults);
        let seeds = checks::seeds(context, database, session).await?;
        checked.add(Check::Seeds, seeds);
    }
    if let Some(session) = session {
        session.close().await;
        match checks::drift(pool, database, files.is_some()).await {
            Ok(drift) => {
                checked.add(Check::Drift, drift.outcome);
                if let Some(recorded) = drift.recorded {
                    match checks::reproducible(pool, database, recorded, &drift.live).await {
                        Ok(outcome) => checked.add(Check::Reproducible, outcome),
                        Err(failure) => checked.not_done(Check::Reproducible, failure),
                    }
                }
                schemas.insert(database.name.clone(), drift.live);
            }
            // The applied schema is unknown, which is the finding.
            Err(failure) if failure.exit == Exit::Refused => {
                checked.found(Check::Drift, failure.diagnostics);
            }
            Err(failure) => checked.not_done(Check::Drift, failure),
        }
    }
    if files.is_some() && database.desired.is_some() {
        match checks::desired(pool, database).await {
            Ok(outcome) => checked.add(Check::Schema, outcome),
            Err(failure) => checked.not_done(Check::Schema, failure),
        }
    }
    Ok(checked)
}

/// Opens a session; `None` if the database does not exist.
async fn session(
    context: &Context,
    args: &Args,
    database: &Database,
) -> Result<Option<Session>, Diagnostic> {
    if open::is_absent_file(database) {
        return Ok(None);
    }
    match open::session(context, database, Access::ReadOnly, args.connect.wait).await {
        Ok(session) => Ok(Some(session)),
        Err(error) if error.kind == ErrorKind::MissingDatabase => Ok(None),
        Err(error) => Err(open::cannot_open(database, &error)),
    }
}

/// Checks the references with an end in a database of this run.
async fn references(
    pool: &mut ShadowPool<'_>,
    args: &Args,
    schemas: &mut BTreeMap<String, Schema>,
    report: &mut VerifyReport,
) -> Result<(), Failure> {
    let context = pool.context;
    for reference in &context.project.references {
        let ends = [&reference.from.database, &reference.to.database];
        let databases = ends.map(|name| context.project.database(name));
        let mut selected = databases.iter().flatten();
        if !selected.any(|database| database.selected) {
            continue;
        }
        for database in databases.iter().flatten() {
            // A database that is not selected is read as well, for its end.
            if !schemas.contains_key(&database.name) && !database.selected {
                let live = source::live(context, &database.name, database, args.connect.wait);
                schemas.insert(database.name.clone(), live.await?.schema);
            }
        }
        let [Some(from), Some(to)] = databases else {
            continue;
        };
        let place = report.databases.iter_mut();
        let mut place = place.filter(|one| ends.contains(&&one.name));
        let checked = invariant!(place.next(), some, "a selected database is in the report");
        let schemas = (schemas.get(&from.name), schemas.get(&to.name));
        let (Some(ours), Some(theirs)) = schemas else {
            let why = format!(
                "{} -> {}: one side of the reference could not be read",
                reference.from, reference.to
            );
            checked.add(Check::References, CheckOutcome::not_done(why));
            continue;
        };
        let (from, to) = (end(ours, from), end(theirs, to));
        checked.found(Check::References, structure(reference, from, to));
    }
    Ok(())
}

fn end<'e>(schema: &'e Schema, database: &Database) -> EndpointSchema<'e> {
    EndpointSchema {
        schema,
        dialect: database.dialect,
    }
}
