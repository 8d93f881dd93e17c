//! `bird resolve`: records whether a statement in doubt was applied.

use serde_json::{Map, Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::database::open_all;
use super::run::locks::{self, check_server, no_lock, waiting};
use super::run::open;
use super::run::open::Absent;
use super::run::protected;
use super::run::recording::Recording;
use crate::db::session::{Access, DbError, Session};
use crate::db::{history, journal, lock, schema_record};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::{Entry, History, Progress};
use crate::output::{Block, Report};
use crate::project::Database;

/// Mark an undecided statement as applied or not applied
#[derive(Debug, Clone, clap::Args)]
#[command(
    before_help = "Example: bird resolve ums@12.3 --applied        statement 3 of V12 did run"
)]
pub struct Args {
    /// DATABASE@VERSION.STATEMENT, as the message names it; statements count from 1
    #[arg(value_name = "STATEMENT")]
    pub place: String,
    /// The statement ran: the next run continues after it
    #[arg(
        long,
        conflicts_with = "not_applied",
        required_unless_present = "not_applied"
    )]
    pub applied: bool,
    /// The statement did not run: the next run sends it
    #[arg(long)]
    pub not_applied: bool,
    /// Why you decided so; stored in the journal
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub reason: String,
    #[command(flatten)]
    pub consents: flags::Consents,
    #[command(flatten)]
    pub connect: flags::Connect,
    #[command(flatten)]
    pub locks: flags::Locks,
}

impl CommandFacts for Args {}

/// The report: the answer that was recorded.
pub struct ResolveReport {
    database: String,
    version: i64,
    statement: u32,
    applied: bool,
}

/// A statement of a migration of a database.
struct StatementRef<'p> {
    database: &'p Database,
    version: i64,
    statement: u32,
}

impl StatementRef<'_> {
    fn label(&self) -> String {
        format!("{}@{}.{}", self.database.name, self.version, self.statement)
    }
}

/// Records the answer under the lock. The lock is free only once the session that sent the
/// statement has ended.
pub async fn run(context: &Context, args: &Args) -> Result<ResolveReport, Failure> {
    let place = place(context, &args.place)?;
    let databases = [place.database];
    let wait = args.connect.wait;
    let opening = open_all(context, databases, Access::Write, Absent::IsAnError, wait);
    let opened = opening.await?.into_iter().next();
    let Some(mut session) = opened.and_then(|one| one.session) else {
        return Err(not_in_doubt(&place, "the database does not exist yet"));
    };
    let result = answer(context, args, &place, &mut session).await;
    session.close().await;
    result
}

async fn answer(
    context: &Context,
    args: &Args,
    place: &StatementRef<'_>,
    session: &mut Session,
) -> Result<ResolveReport, Failure> {
    let database = place.database;
    let failed = |doing: &'static str| {
        move |error: DbError| Failure::failed(open::cannot_ask(database, doing, &error))
    };
    in_doubt(place, session).await?;
    protected::consent(context, &args.consents)?;
    check_server(database, session, &args.consents).await?;
    let waiting = waiting(context, database);
    let timeout = args.locks.timeout(database);
    let refused = |reason| no_lock(database, &reason, timeout);
    session
        .prepare_to_write()
        .await
        .map_err(failed("getting ready"))?;
    let guard = locks::take(context, database, session, timeout, true).await?;
    // The last holder of the lock may have decided it.
    let (entry, history) = in_doubt(place, session).await?;
    if database.keep_schema {
        let making = schema_record::ensure(session).await;
        making.map_err(failed("making the table of recorded schemas"))?;
    }
    let recording = Recording::begin(context, database, session, &history, &[]).await;
    let sql = if args.applied {
        journal::resolve(session, &entry, &args.reason).map_err(failed("resolving"))?
    } else {
        journal::withdraw(session, &entry)
    };
    let begun = lock::begin(session, timeout, &waiting, &context.stop).await;
    begun.map_err(refused)?;
    session.run(&sql).await.map_err(failed("resolving"))?;
    let committed = lock::commit(session, timeout, &waiting, &context.stop).await;
    committed.map_err(refused)?;
    let history = read_history(database, session).await?;
    recording
        .finish(context, database, session, &history, timeout)
        .await;
    guard.release(session).await;
    Ok(ResolveReport {
        database: database.name.clone(),
        version: place.version,
        statement: place.statement,
        applied: args.applied,
    })
}

async fn read_history(database: &Database, session: &mut Session) -> Result<History, Failure> {
    history::read(session).await.map_err(|error| {
        let doing = "reading its history";
        Failure::failed(open::cannot_ask(database, doing, &error))
    })
}

/// The statement's row in the journal, if the statement is in doubt, and the history.
async fn in_doubt(
    place: &StatementRef<'_>,
    session: &mut Session,
) -> Result<(Entry, History), Failure> {
    let history = read_history(place.database, session).await?;
    let mut entries = history.journal.iter();
    let ours = |entry: &Entry| (entry.version, entry.statement) == (place.version, place.statement);
    match entries.find(|entry| ours(entry) && entry.progress == Progress::Intent) {
        Some(entry) => Ok((entry.clone(), history)),
        None => Err(not_in_doubt(
            place,
            "its journal has no unfinished statement with that number",
        )),
    }
}

fn not_in_doubt(place: &StatementRef<'_>, why: &str) -> Failure {
    let message = format!(
        "{} is not in doubt: there is nothing to resolve",
        place.label()
    );
    Failure::refused(
        Diagnostic::new(Code::NotInDoubt, message)
            .database(&place.database.name)
            .note(why)
            .hint("bird status shows what is half applied, and bird migrate continues it"),
    )
}

/// Parses `DATABASE@VERSION.STATEMENT`; a `V` before the version is allowed.
fn place<'c>(context: &'c Context, text: &str) -> Result<StatementRef<'c>, Failure> {
    let wrong = |message: String, hint: String| {
        Failure::failed(Diagnostic::new(Code::Usage, message).hint(hint))
    };
    let read = || {
        let (name, rest) = text.split_once('@')?;
        let (version, statement) = rest.strip_prefix('V').unwrap_or(rest).split_once('.')?;
        let statement: u32 = statement.parse().ok().filter(|statement| *statement > 0)?;
        Some((name, version.parse().ok()?, statement))
    };
    let Some((name, version, statement)) = read() else {
        let hint = "write DATABASE@VERSION.STATEMENT: bird resolve ums@12.3 --applied".to_owned();
        return Err(wrong(format!("`{text}` does not name a statement"), hint));
    };
    let mut selected = context.project.selected();
    match selected.find(|database| database.name == name) {
        Some(database) => Ok(StatementRef {
            database,
            version,
            statement,
        }),
        None => {
            let names = context
                .project
                .selected()
                .map(|database| database.name.as_str());
            let hint = crate::model::name::did_you_mean(name, names)
                .unwrap_or_else(|| "it must be one of this run's databases".into());
            Err(wrong(format!("there is no database `{name}`"), hint))
        }
    }
}

impl Report for ResolveReport {
    fn command(&self) -> &'static str {
        "resolve"
    }

    fn exit(&self) -> Exit {
        Exit::Done
    }

    fn blocks(&self) -> Vec<Block> {
        let (name, version, statement) = (&self.database, self.version, self.statement);
        let (answer, next) = if self.applied {
            ("did run", "continues after it")
        } else {
            ("did not run", "sends it")
        };
        vec![Block::Line(format!(
            "{name}: statement {statement} of V{version} {answer}; the next bird migrate {next}"
        ))]
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn databases(&self) -> Vec<Value> {
        vec![json!({
            "name": self.database,
            "version": self.version,
            "statement": self.statement,
            "applied": self.applied,
        })]
    }

    fn extra(&self) -> Map<String, Value> {
        Map::new()
    }
}
