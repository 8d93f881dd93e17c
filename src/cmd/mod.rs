//! The verbs: one file per command, and what they share. The only user of clap.

mod cli;
mod doctor;
mod locks;
mod migrate;
mod open;
mod provision;
mod seed;
mod state;
mod status;
mod up;

use std::sync::Arc;

use uuid::Uuid;

use crate::db::stop::Stop;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::output::progress::Progress;
use crate::output::{Format, Report};
use crate::project::{self, Project, Request};

pub use cli::{Cli, Told, command, parse};

/// What every command works with.
pub struct Context {
    pub project: Arc<Project>,
    pub progress: Progress,
    pub stop: Stop,
    /// Names this run in every report and journal row.
    pub run: Uuid,
}

/// How a run ended, ready to be shown.
pub struct Outcome {
    pub command: &'static str,
    pub run: Uuid,
    pub format: Format,
    /// Whether errors may be coloured.
    pub decorate: bool,
    pub result: Result<Box<dyn Report>, Failure>,
}

impl Outcome {
    pub fn exit(&self) -> Exit {
        match &self.result {
            Ok(report) => report.exit(),
            Err(failure) => failure.exit,
        }
    }

    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match &self.result {
            Ok(report) => report.diagnostics(),
            Err(failure) => failure.diagnostics.clone(),
        }
    }
}

/// Runs a command.
pub fn run(cli: Cli) -> Outcome {
    let (command, format, decorate) = (cli.command.name(), cli.format(), cli.decorate());
    let run = Uuid::now_v7();
    let result = work(cli, run);
    Outcome {
        command,
        run,
        format,
        decorate,
        result,
    }
}

fn work(cli: Cli, run: Uuid) -> Result<Box<dyn Report>, Failure> {
    let cannot = |what: &str, reason: std::io::Error| {
        Failure::failed(Diagnostic::error(
            "environment",
            format!("{what}: {reason}"),
        ))
    };
    let folder =
        std::env::current_dir().map_err(|reason| cannot("cannot tell the folder", reason))?;
    let request = Request {
        config: cli.config.clone(),
        environment: cli.env.clone(),
        databases: cli.databases.clone(),
        folder,
        variable: &|name| std::env::var(name).ok(),
    };
    let project = project::load(&request)?;
    let progress = Progress::new(cli.quiet, cli.verbose > 0);
    for notice in &project.notices {
        progress.detail(notice);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|reason| cannot("cannot start", reason))?;
    runtime.block_on(async {
        let stop = listen(progress.clone());
        let context = Context {
            project: Arc::new(project),
            progress,
            stop,
            run,
        };
        let result = cli.command.run(&context).await;
        context.progress.finish();
        result
    })
}

/// The first signal stops after the running statement, the second at once.
fn listen(progress: Progress) -> Stop {
    let last = progress.clone();
    Stop::listen(
        move || {
            progress.notice(
                "stopping after the running statement; once more stops at once, and leaves the \
                 statement running on the server",
            );
        },
        move |exit| {
            last.finish();
            last.notice(
                "stopped at once: a server may still be running the last statement; \
                 `bird status` tells what is applied",
            );
            std::process::exit(exit.code().into());
        },
    )
}
