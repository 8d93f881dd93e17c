//! `bird reset`: drops the databases of a development environment and brings them up anew.

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::database::{RunDatabase, subjects};
use super::run::{locks, open};
use super::up::{self, UpReport};
use crate::db::drop_database::{describe, drop_database};
use crate::db::lock;
use crate::db::session::{Access, Session};
use crate::dialect::ErrorKind;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::Applied;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::output::{Block, Grid, Report};
use crate::plan;
use crate::project::Database;

/// Drop the databases, then create, migrate and seed them again (development only)
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird reset --database ums --allow drop-database        an empty ums, \
                   migrated and seeded"
)]
pub struct Args {
    #[command(flatten)]
    consents: flags::Consents,
    #[command(flatten)]
    connect: flags::Connect,
    #[command(flatten)]
    locks: flags::Locks,
}

impl CommandFacts for Args {}

/// The report: what was dropped, then what `bird up` did.
pub struct ResetReport {
    /// Each database with what was dropped of it.
    dropped: Vec<(String, String)>,
    up: Option<UpReport>,
    /// The error that ended the run early.
    failure: Option<Failure>,
}

/// A database that is about to be dropped: its session holds its lock.
struct Connected<'p> {
    database: &'p Database,
    session: Session,
}

/// Drops the selected databases, then does what `bird up` does.
pub async fn run(context: &Context, args: &Args) -> Result<ResetReport, Failure> {
    permitted(context, args)?;
    plannable(context, args).await?;
    let connecting = context
        .project
        .selected()
        .map(|database| connect(context, database, args));
    let connected = Failure::collect(join_all(connecting).await)?;
    let mut report = ResetReport {
        dropped: Vec::new(),
        up: None,
        failure: None,
    };
    for Connected { database, session } in connected.into_iter().flatten() {
        let timeout = args.locks.timeout(database);
        match drop_database(session, &database.target, timeout).await {
            Ok(()) => {
                let dropped = (database.name.clone(), what(database));
                report.dropped.push(dropped);
            }
            Err(error) => {
                let fault = open::cannot_ask(database, "dropping it", &error);
                report.failure = Some(Failure::failed(fault));
                return Ok(report);
            }
        }
    }
    let up = up::Args {
        consents: args.consents.clone(),
        connect: args.connect.clone(),
        locks: args.locks.clone(),
    };
    match up::run(context, &up).await {
        Ok(up) => report.up = Some(up),
        Err(failure) => report.failure = Some(failure),
    }
    Ok(report)
}

fn what(database: &Database) -> String {
    describe(
        &database.target,
        database.dialect,
        database.schema.as_deref(),
    )
}

/// Refuses a protected environment, whatever was consented to, and a run without consent.
fn permitted(context: &Context, args: &Args) -> Result<(), Failure> {
    let project = &context.project;
    let all = || project.selected().map(what).collect::<Vec<_>>().join(", ");
    if project.protected {
        let fault = Diagnostic::new(Code::Protected, "reset does not drop protected databases")
            .note("bird.toml says `protected = true`")
            .hint("reset is for development; choose another environment with --env");
        return Err(Failure::refused(fault));
    }
    if !args.consents.allows(Code::DropDatabase) {
        let message = format!("reset drops all data in {}", all());
        let fault = Diagnostic::new(Code::DropDatabase, message)
            .hint("if these are development databases: --allow drop-database");
        return Err(Failure::refused(fault));
    }
    for own in project.selected() {
        let mut others = project.databases.iter().filter(|other| !other.selected);
        if let Some(other) = others.find(|other| is_inside(other, own)) {
            let (own, other) = (&own.name, &other.name);
            let message = format!("dropping `{own}` would drop `{other}` as well");
            let fault = Diagnostic::new(Code::DropDatabase, message)
                .database(own)
                .note("both are schemas of one database")
                .hint(format!("reset both: --database {own} --database {other}"));
            return Err(Failure::refused(fault));
        }
    }
    Ok(())
}

/// Whether a database is a schema in what is dropped with another one.
fn is_inside(other: &Database, dropped: &Database) -> bool {
    let (Target::Server(one), Target::Server(two)) = (&dropped.target, &other.target) else {
        return false;
    };
    let whole = dropped
        .dialect
        .drop_schema(dropped.schema.as_deref())
        .is_none();
    whole
        && (&one.host, one.port, &one.socket, &one.database)
            == (&two.host, two.port, &two.socket, &two.database)
}

/// Checks that empty databases could be brought up: a fault in a file must not come to light after
/// the old ones are gone.
async fn plannable(context: &Context, args: &Args) -> Result<(), Failure> {
    let files = open::files(context).await?;
    let mut members = Vec::new();
    for (database, files) in context.project.databases.iter().zip(files) {
        let mut member = RunDatabase::new(context, database, None);
        member.migrations = files;
        member.read_history().await?;
        if !database.selected {
            // It stays as it is. Whether it has what is required shows when the others come up.
            let files = member.migrations.iter();
            member.history.applied = files.map(as_applied).collect();
        }
        members.push(member);
    }
    let plan = plan::plan(&subjects(&members), &args.consents.allow)?;
    plan.consented().map(drop)
}

/// A history row for a migration that counts as applied.
fn as_applied(file: &Migration) -> Applied {
    Applied {
        version: file.version,
        name: file.name.clone(),
        applied_on: String::new(),
        checksum: 0,
    }
}

/// Opens a database and takes its lock, so that nobody migrates it; `None` if it does not exist.
async fn connect<'p>(
    context: &'p Context,
    database: &'p Database,
    args: &Args,
) -> Result<Option<Connected<'p>>, Failure> {
    if open::is_absent_file(database) {
        return Ok(None);
    }
    let opened = open::session(context, database, Access::Write, args.connect.wait).await;
    let mut session = match opened {
        Ok(session) => session,
        Err(error) if error.kind == ErrorKind::MissingDatabase => return Ok(None),
        Err(error) => return Err(Failure::failed(open::cannot_open(database, &error))),
    };
    locks::check_server(database, &mut session, &args.consents).await?;
    let failed = |error| Failure::failed(open::cannot_ask(database, "getting ready", &error));
    if let Some(query) = database.dialect.may_recreate_query()
        && let Some(grant) = session.value(query).await.map_err(failed)?
    {
        let message = format!("this account could not create `{}` again", database.name);
        let fault = Diagnostic::new(Code::Denied, message).database(&database.name);
        let hint = format!("let an administrator run: {grant}");
        return Err(Failure::refused(fault.hint(hint)));
    }
    session.prepare_to_write().await.map_err(failed)?;
    let timeout = args.locks.timeout(database);
    let waiting = locks::waiting(context, database);
    let guard = locks::take(context, database, &mut session, timeout, false).await?;
    locks::warn_unproven(context, database, &guard);
    if database.dialect.facts().is_embedded() {
        // Nobody writes to the file now.
        let begun = lock::begin(&mut session, timeout, &waiting, &context.stop).await;
        begun.map_err(|reason| locks::no_lock(database, &reason, timeout))?;
        session.run("ROLLBACK").await.map_err(failed)?;
    }
    Ok(Some(Connected { database, session }))
}

impl Report for ResetReport {
    fn command(&self) -> &'static str {
        "reset"
    }

    fn exit(&self) -> Exit {
        let up = self.up.as_ref().map(|up| up.exit());
        let failure = self.failure.as_ref().map(|failure| failure.exit);
        let exits = up.into_iter().chain(failure);
        match exits.fold(Exit::Done, Exit::most_severe) {
            // What was dropped is gone.
            Exit::Failed | Exit::Refused if !self.dropped.is_empty() => Exit::Stopped,
            exit => exit,
        }
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        if !self.dropped.is_empty() {
            let rows = self.dropped.iter();
            let rows = rows.map(|(name, what)| vec![name.clone(), what.clone()]);
            blocks.push(Block::Grid(Grid {
                headers: vec!["database", "dropped"],
                rows: rows.collect(),
                ..Grid::default()
            }));
        }
        blocks.extend(self.up.iter().flat_map(|up| up.blocks()));
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let up = self.up.iter().flat_map(|up| up.diagnostics());
        let failure = self.failure.iter();
        up.chain(failure.flat_map(|failure| failure.diagnostics.clone()))
            .collect()
    }

    fn databases(&self) -> Vec<Value> {
        self.up.as_ref().map_or_else(Vec::new, Report::databases)
    }

    fn extra(&self) -> Map<String, Value> {
        let dropped = self.dropped.iter();
        let dropped = dropped.map(|(name, what)| json!({ "name": name, "what": what }));
        Map::from_iter([("dropped".to_owned(), dropped.collect())])
    }
}
