//! `bird status`: the state of all databases in one table: applied, pending, half-applied, changed.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Map, Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::metrics::Recorder;
use super::run::open;
use super::run::state::{FileProgress, State, grid, list, list_grid, listed, pending};
use crate::db::session::{Access, DbError, Session};
use crate::db::{history, journal, stored_migration};
use crate::dialect::ErrorKind;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::{Direction, History};
use crate::model::migration::Migration;
use crate::model::server::Server;
use crate::output::metrics::Metric;
use crate::output::{Block, Report};
use crate::plan::{differing, migration_state};
use crate::project::Database;

/// Show what is applied and what is pending, in all databases
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird status --exit-code        fails a job while something is pending"
)]
pub struct Args {
    /// Exit with 1 if anything is pending, half-applied, changed or missing
    #[arg(long)]
    exit_code: bool,
    /// List every migration: its state, when it was applied, how long it took
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    metrics: flags::Metrics,
    #[command(flatten)]
    connect: flags::Connect,
}

impl CommandFacts for Args {
    fn only_reads(&self) -> bool {
        true
    }
}

/// The report: the states of all databases, with findings.
pub struct StatusReport {
    states: Vec<State>,
    diagnostics: Vec<Diagnostic>,
    /// Whether what is not as it should be counts as found.
    exit_code: bool,
    environment: Option<String>,
    /// The databases whose place is shown.
    places: Vec<(String, String)>,
    exit: Exit,
}

/// Reads the states; writes to no database, not even a history table.
pub async fn run(context: &Context, args: &Args) -> Result<StatusReport, Failure> {
    let recorder = Recorder::start(context, "status", &args.metrics, Vec::new())?;
    let mut report = match look(context, args).await {
        Ok(report) => report,
        Err(failure) => {
            let selected = context.project.selected();
            let unread = selected.map(|database| complete(&recorder, &database.name, false));
            return Err(recorder.write_failed(unread.collect(), failure));
        }
    };
    if let Err(fault) = recorder.write(samples(&recorder, &report.states), report.exit) {
        report.diagnostics.push(fault);
        report.exit = report.exit.most_severe(Exit::Failed);
    }
    Ok(report)
}

/// Reads the states of all selected databases.
async fn look(context: &Context, args: &Args) -> Result<StatusReport, Failure> {
    let asking = context.project.databases.iter().map(|database| async move {
        if database.selected {
            Some(ask(context, args, database).await)
        } else {
            None
        }
    });
    let (files, asked) = join(open::files(context), join_all(asking)).await;
    let databases = &context.project.databases;
    // Sessions are closed even if the files cannot be read.
    let none = vec![Vec::new(); databases.len()];
    let known = files.as_ref().unwrap_or(&none);
    let settling = databases.iter().zip(asked).zip(known);
    let settling = settling.map(|((database, asked), files)| async move {
        Some(read_stored(args, database, asked?, files).await)
    });
    let answers = join_all(settling).await;
    let mut report = StatusReport {
        states: Vec::new(),
        diagnostics: Vec::new(),
        exit_code: args.exit_code,
        environment: context.project.environment.clone(),
        places: places(context),
        exit: Exit::Done,
    };
    for ((database, migrations), answer) in databases.iter().zip(files?).zip(answers) {
        let Some(answer) = answer else { continue };
        let mut state = match answer {
            Response::Unreachable(fault) => {
                report.exit = report.exit.most_severe(fault.exit());
                report.diagnostics.push(fault);
                State::unreachable(database)
            }
            Response::Unreadable(server, fault) => {
                report.diagnostics.push(fault);
                report.exit = report.exit.most_severe(Exit::Failed);
                State::unreadable(database, &server)
            }
            Response::Absent => {
                let mut state = State::of(database, None, &migrations, History::default());
                state.migrations = args.list.then(|| listed(&state, &Durations::new()));
                state
            }
            Response::History(server, history, durations) => {
                let migration_state =
                    migration_state(database.dialect.syntax(), &migrations, &history);
                report
                    .diagnostics
                    .extend(migration_state.disagreements(&database.name));
                report
                    .diagnostics
                    .extend(migration_state.notes(&database.name));
                let mut state = State::of(database, Some(&server), &migrations, history);
                state.migrations = args.list.then(|| listed(&state, &durations));
                state
            }
        };
        state.target = Some(database.target.shown());
        let clean = state.state == "current";
        if args.exit_code && !clean {
            report.exit = report.exit.most_severe(Exit::Found);
        }
        report.states.push(state);
    }
    report.exit = open::interrupted(context, report.exit);
    Ok(report)
}

/// The places of the selected databases. Only files of a project without an environment are known
/// without being shown.
fn places(context: &Context) -> Vec<(String, String)> {
    let project = &context.project;
    let is_known = |database: &Database| {
        project.environment.is_none() && database.dialect.facts().is_embedded()
    };
    let shown = project.selected().filter(|database| !is_known(database));
    shown
        .map(|database| (database.name.clone(), database.target.shown()))
        .collect()
}

/// The answer of a database.
enum Response {
    Absent,
    Unreachable(Diagnostic),
    /// The database answered, but its history cannot be read.
    Unreadable(Server, Diagnostic),
    History(Server, History, Durations),
}

/// How long migrations took, by version.
type Durations = BTreeMap<i64, Duration>;

/// Reads the history and leaves the session open: files that differ need another query.
async fn ask(
    context: &Context,
    args: &Args,
    database: &Database,
) -> Result<(Session, Result<History, DbError>), Response> {
    if open::is_absent_file(database) {
        return Err(Response::Absent);
    }
    match open::session(context, database, Access::ReadOnly, args.connect.wait).await {
        Ok(mut session) => {
            let history = history::read(&mut session).await;
            Ok((session, history))
        }
        Err(error) if error.kind == ErrorKind::MissingDatabase => Err(Response::Absent),
        Err(error) => Err(Response::Unreachable(open::cannot_open(database, &error))),
    }
}

/// Reads the stored text of the migrations whose files differ and, for a list, their durations; then
/// closes the session.
async fn read_stored(
    args: &Args,
    database: &Database,
    asked: Result<(Session, Result<History, DbError>), Response>,
    files: &[Migration],
) -> Response {
    let (mut session, history) = match asked {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let work = async {
        let mut history = history?;
        let differing = differing(files, &history);
        stored_migration::read(&mut session, &differing, &mut history).await?;
        let durations = if args.list {
            journal::durations(&mut session).await?
        } else {
            Durations::new()
        };
        Ok((history, durations))
    };
    let history: Result<(History, Durations), DbError> = work.await;
    let server = session.server.clone();
    session.close().await;
    match history {
        Ok((history, durations)) => Response::History(server, history, durations),
        Err(error) => {
            let fault = open::cannot_ask(database, "reading its history", &error);
            Response::Unreadable(server, fault)
        }
    }
}

/// The metrics of the states. A database whose history was not read has no counts.
fn samples(recorder: &Recorder, states: &[State]) -> Vec<Metric> {
    let mut all = Vec::new();
    for (name, help, number) in COUNTED {
        let read = states.iter().filter(|state| state.is_read());
        all.extend(read.filter_map(|state| {
            let metric = recorder.metric(name, help, number(state)?);
            Some(metric.label("database", &state.name))
        }));
    }
    let read = states.iter();
    all.extend(read.map(|state| complete(recorder, &state.name, state.is_read())));
    all
}

/// A metric of a database: name, help, and value.
type Counted = (&'static str, &'static str, fn(&State) -> Option<f64>);

const COUNTED: &[Counted] = &[
    (
        "bird_migrations_applied",
        "Migrations that are applied.",
        |state| Some(state.applied.len() as f64),
    ),
    (
        "bird_migrations_pending",
        "Migrations that are not applied.",
        |state| Some(state.pending.len() as f64),
    ),
    (
        "bird_migrations_half_applied",
        "Whether a migration is half applied or half undone.",
        |state| Some(f64::from(u8::from(state.partial.is_some()))),
    ),
    (
        "bird_migrations_changed",
        "Files that were changed after they were applied.",
        |state| Some(state.changed.len() as f64),
    ),
    (
        "bird_migrations_missing",
        "Applied migrations whose file is missing.",
        |state| Some(state.missing.len() as f64),
    ),
    (
        "bird_migration_version",
        "Version of the newest applied migration.",
        |state| state.current.map(|version| version as f64),
    ),
];

fn complete(recorder: &Recorder, database: &str, complete: bool) -> Metric {
    let help = "Whether the history of the database could be read.";
    let value = f64::from(u8::from(complete));
    recorder
        .metric("bird_status_complete", help, value)
        .label("database", database)
}

impl Report for StatusReport {
    fn command(&self) -> &'static str {
        "status"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Grid(grid(&self.states))];
        let lists = self
            .states
            .iter()
            .filter(|state| state.migrations.is_some());
        if lists.count() > 0 {
            blocks.push(Block::Grid(list_grid(&self.states)));
        }
        let environment = self.environment.iter();
        blocks.extend(environment.map(|name| Block::Line(format!("environment: {name}"))));
        let places = self.places.iter();
        blocks.extend(places.map(|(name, place)| Block::Line(format!("{name}: {place}"))));
        for state in &self.states {
            let name = &state.name;
            if let Some(partial) = &state.partial {
                let half = match partial.direction {
                    "undo" => "half undone",
                    _ => "half applied",
                };
                let next = if partial.in_doubt {
                    "was sent; the next run finds out whether it ran"
                } else {
                    "is next"
                };
                blocks.push(Block::Line(format!(
                    "{name}: V{} is {half}: statement {} of {} {next}",
                    partial.version, partial.statement, partial.of
                )));
            }
            if !state.pending.is_empty() && state.migrations.is_none() {
                let list = list(&state.pending);
                blocks.push(Block::Line(format!("{name}: pending: {list}")));
            }
        }
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn shown_findings(&self) -> Vec<Diagnostic> {
        let states = self.states.iter().filter(|_| self.exit_code);
        states.flat_map(findings).collect()
    }

    fn databases(&self) -> Vec<Value> {
        self.states.iter().map(State::json).collect()
    }

    fn extra(&self) -> Map<String, Value> {
        Map::from_iter([("environment".to_owned(), json!(self.environment))])
    }
}

/// The findings that the state of a database alone tells; of disagreements it has diagnostics.
fn findings(state: &State) -> Vec<Diagnostic> {
    let name = &state.name;
    let fault = |code, message: String, hint| {
        let fault = Diagnostic::new(code, message).database(name);
        Some(fault.hint(hint))
    };
    let whole = match (state.state, &state.partial) {
        ("absent", _) => {
            let message = format!("{name}: the database does not exist");
            fault(Code::NoDatabase, message, "bird up creates it")
        }
        ("unmanaged", _) => {
            let message = format!("{name}: the database has objects but no history of migrations");
            fault(Code::Unmanaged, message, "bird adopt takes it over")
        }
        (_, Some(partial)) if partial.direction == Direction::Up.word() => {
            let FileProgress {
                version,
                statement,
                of,
                ..
            } = partial;
            let message = format!(
                "{name}: V{version} is half applied: statement {statement} of {of} is next"
            );
            fault(Code::HalfApplied, message, "bird migrate continues it")
        }
        _ => None,
    };
    whole
        .into_iter()
        .chain(pending(name, &state.pending))
        .collect()
}
