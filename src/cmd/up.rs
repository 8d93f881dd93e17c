//! `bird up`: provision, migrate, seed; from nothing to a running schema.

use serde_json::{Map, Value};

use super::context::Context;
use super::facts::CommandFacts;
use super::{flags, migrate, provision, seed};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::Direction;
use crate::output::{Block, Report};

/// Create, migrate and seed all databases
#[derive(Debug, clap::Args)]
#[command(before_help = "Example: bird up --wait 60s        waits for the servers first")]
pub struct Args {
    #[command(flatten)]
    pub consents: flags::Consents,
    #[command(flatten)]
    pub connect: flags::Connect,
    #[command(flatten)]
    pub locks: flags::Locks,
}

impl CommandFacts for Args {}

/// The reports of the steps that ran.
pub struct UpReport {
    parts: Vec<Box<dyn Report>>,
    /// The error of the step that could not begin.
    failure: Option<Failure>,
}

/// Runs the three steps, and stops after the first that did not finish.
pub async fn run(context: &Context, args: &Args) -> Result<UpReport, Failure> {
    let Args {
        consents,
        connect,
        locks,
    } = args;
    let provision = provision::Args {
        dry_run: false,
        consents: consents.clone(),
        connect: connect.clone(),
    };
    let migrate = migrate::Args {
        to: Vec::new(),
        dry_run: false,
        consents: consents.clone(),
        out: None,
        plan: None,
        reviewed: None,
        accept_checksum: Vec::new(),
        reason: None,
        write_schema: false,
        direction: Direction::Up,
        connect: connect.clone(),
        locks: locks.clone(),
    };
    let seed = seed::Args {
        dry_run: false,
        consents: consents.clone(),
        connect: connect.clone(),
        locks: locks.clone(),
    };
    // A refusal must not leave new databases behind.
    migrate::check(context, &migrate).await?;
    let mut report = UpReport {
        parts: Vec::new(),
        failure: None,
    };
    if report.add(provision::run(context, &provision).await)
        && report.goes_on(context, "the migrations")
        && report.add(migrate::run(context, &migrate).await)
        && report.goes_on(context, "the seeds")
    {
        report.add(seed::run(context, &seed).await);
    }
    Ok(report)
}

impl UpReport {
    /// Whether the next step may begin; a signal ends the run before it.
    fn goes_on(&mut self, context: &Context, next: &str) -> bool {
        let Some(exit) = context.stop.asked() else {
            return true;
        };
        let message = format!("interrupted before {next}");
        let fault = Diagnostic::new(Code::Interrupted, message);
        let fault = fault.hint("run bird up again: it continues there");
        self.failure = Some(Failure {
            exit,
            diagnostics: vec![fault],
        });
        false
    }

    /// Adds the report of a step; `true` if the next may run.
    fn add(&mut self, part: Result<impl Report + 'static, Failure>) -> bool {
        match part {
            Ok(report) => {
                let done = report.exit() == Exit::Done;
                self.parts.push(Box::new(report));
                done
            }
            Err(failure) => {
                self.failure = Some(failure);
                false
            }
        }
    }
}

impl Report for UpReport {
    fn command(&self) -> &'static str {
        "up"
    }

    fn exit(&self) -> Exit {
        let exits = self.parts.iter().map(|part| part.exit());
        let failure = self.failure.as_ref().map(|failure| failure.exit);
        exits.chain(failure).fold(Exit::Done, Exit::most_severe)
    }

    fn blocks(&self) -> Vec<Block> {
        self.parts.iter().flat_map(|part| part.blocks()).collect()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let failure = self
            .failure
            .iter()
            .flat_map(|failure| failure.diagnostics.clone());
        self.parts
            .iter()
            .flat_map(|part| part.diagnostics())
            .chain(failure)
            .collect()
    }

    fn shown_findings(&self) -> Vec<Diagnostic> {
        self.parts
            .iter()
            .flat_map(|part| part.shown_findings())
            .collect()
    }

    /// One object per database, with the keys of every step; the last step wins.
    fn databases(&self) -> Vec<Value> {
        let mut merged: Vec<Map<String, Value>> = Vec::new();
        for one in self.parts.iter().flat_map(|part| part.databases()) {
            let Value::Object(one) = one else { continue };
            match merged
                .iter_mut()
                .find(|known| known.get("name") == one.get("name"))
            {
                Some(known) => known.extend(one),
                None => merged.push(one),
            }
        }
        merged.into_iter().map(Value::Object).collect()
    }
}
