//! `bird status`: what is applied, pending, half-applied, changed; all databases in one table.

use futures_util::future::{join, join_all};
use serde_json::Value;

use super::state::{Named, State};
use super::{Context, cli, open};
use crate::db::history;
use crate::db::session::Access;
use crate::dialect::Trouble;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::{Applied, History};
use crate::model::migration::title;
use crate::model::server::Server;
use crate::output::{Block, Grid, Report};
use crate::plan::standing;
use crate::project::Database;

/// Show what is applied and what is pending, in all databases
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird status --exit-code        fails a job while something is pending"
)]
pub struct Args {
    /// Exit with 1 when anything is pending, half-applied, changed or missing
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    connect: cli::Connect,
}

/// All databases, and what is wrong with them.
pub struct StatusReport {
    states: Vec<State>,
    diagnostics: Vec<Diagnostic>,
    exit: Exit,
}

/// Looks; it never writes, not even a history table.
pub async fn run(context: &Context, args: &Args) -> Result<StatusReport, Failure> {
    let asking = context.project.databases.iter().map(|database| async move {
        match database.selected {
            true => Some(ask(context, args, database).await),
            false => None,
        }
    });
    let (files, answers) = join(open::files(context), join_all(asking)).await;
    let mut report = StatusReport {
        states: Vec::new(),
        diagnostics: Vec::new(),
        exit: Exit::Done,
    };
    for ((database, migrations), answer) in
        context.project.databases.iter().zip(files?).zip(answers)
    {
        let Some(answer) = answer else { continue };
        let state = match answer {
            Answer::Unreachable(fault) => {
                report.diagnostics.push(fault);
                report.exit = report.exit.worst(Exit::Failed);
                State::unreachable(database)
            }
            Answer::Unreadable(server, fault) => {
                report.diagnostics.push(fault);
                report.exit = report.exit.worst(Exit::Failed);
                State::unreadable(database, &server)
            }
            Answer::Absent => State::of(database, None, &migrations, History::default()),
            Answer::History(server, history) => {
                let disagreements = standing(&migrations, &history).disagreements(&database.name);
                report.diagnostics.extend(disagreements);
                State::of(database, Some(&server), &migrations, history)
            }
        };
        let clean = state.state == "current";
        if args.exit_code && !clean {
            report.exit = report.exit.worst(Exit::Found);
        }
        report.states.push(state);
    }
    report.exit = open::interrupted(context, report.exit);
    Ok(report)
}

/// What came back from a database.
enum Answer {
    Absent,
    Unreachable(Diagnostic),
    /// It answered, but not with a history that can be read.
    Unreadable(Server, Diagnostic),
    History(Server, History),
}

async fn ask(context: &Context, args: &Args, database: &Database) -> Answer {
    if open::is_absent_file(database) {
        return Answer::Absent;
    }
    let mut session = match open::session(context, database, Access::Look, args.connect.wait).await
    {
        Ok(session) => session,
        Err(error) if error.trouble == Trouble::MissingDatabase => return Answer::Absent,
        Err(error) => return Answer::Unreachable(open::cannot_open(database, &error)),
    };
    let history = history::read(&mut session).await;
    let server = session.server.clone();
    session.close().await;
    match history {
        Ok(history) => Answer::History(server, history),
        Err(error) => {
            let fault = open::cannot_ask(database, "reading its history", &error);
            Answer::Unreadable(server, fault)
        }
    }
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
        for state in &self.states {
            let name = &state.name;
            if let Some(partial) = &state.partial {
                let half = match partial.direction {
                    "undo" => "half undone",
                    _ => "half applied",
                };
                let next = match partial.in_doubt {
                    true => "was sent, and the next run finds out whether it ran",
                    false => "is next",
                };
                blocks.push(Block::Line(format!(
                    "{name}: V{} is {half}: statement {} of {} {next}",
                    partial.version, partial.statement, partial.of
                )));
            }
            if !state.pending.is_empty() {
                let list = list(&state.pending);
                blocks.push(Block::Line(format!("{name}: pending: {list}")));
            }
        }
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn databases(&self) -> Vec<Value> {
        self.states.iter().map(State::json).collect()
    }
}

/// One row per database.
pub fn grid(states: &[State]) -> Grid {
    Grid {
        headers: vec![
            "database",
            "server",
            "state",
            "version",
            "applied",
            "pending",
            "last applied",
        ],
        rows: states
            .iter()
            .map(|state| {
                vec![
                    state.name.clone(),
                    state.server(),
                    state.state.to_owned(),
                    state.version(),
                    state.applied.len().to_string(),
                    state.pending.len().to_string(),
                    state.applied.last().map(last).unwrap_or_default(),
                ]
            })
            .collect(),
        numbers: vec![4, 5],
    }
}

/// The time without its fraction.
fn last(row: &Applied) -> String {
    let time = row.applied_on.split(['.', '+']).next().unwrap_or_default();
    time.trim_end_matches('Z').replacen('T', " ", 1)
}

/// `V1 a, V2 b, …`: enough to know, not all of a thousand.
fn list(all: &[Named]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = all
        .iter()
        .take(SHOWN)
        .map(|one| title(one.version, &one.name))
        .collect();
    match all.len() > SHOWN {
        true => format!("{}, … and {} more", shown.join(", "), all.len() - SHOWN),
        false => shown.join(", "),
    }
}
