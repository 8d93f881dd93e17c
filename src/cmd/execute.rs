//! The run of one command, from the parsed command line to its result.

use std::sync::Arc;
use std::time::SystemTime;

use uuid::Uuid;

use super::cli::{self, Cli, Command};
use super::context::{Context, run_id};
use super::memory::forbid_core_dumps;
use crate::db::stop::Stop;
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::output::log::LogFormat;
use crate::output::progress::Progress;
use crate::output::{Format, Report};
use crate::project::{self, Request};

/// The result of a run, ready to be shown.
pub struct RunResult {
    pub command: &'static str,
    pub run: Uuid,
    pub format: &'static Format,
    /// Whether errors may be coloured.
    pub decorate: bool,
    /// How lines on stderr are written.
    pub log: LogFormat,
    /// Whether notes are left out on stderr.
    pub quiet: bool,
    pub result: Result<Box<dyn Report>, Failure>,
}

impl RunResult {
    pub fn exit(&self) -> Exit {
        match &self.result {
            Ok(report) => report.exit(),
            Err(failure) => failure.exit,
        }
    }

    /// The diagnostics for stderr. Where the answer is read out of a log, which stderr goes to as
    /// well, the answer has them, and nothing beside it may look like a part of it.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        if self.format.is_log {
            return Vec::new();
        }
        let mut all = match &self.result {
            Ok(report) => report.diagnostics(),
            Err(failure) => failure.diagnostics.clone(),
        };
        all.retain(|diagnostic| !self.quiet || diagnostic.severity > Severity::Note);
        all
    }
}

/// Runs a command: reads the project, listens for signals, and gives the command both.
pub fn run(cli: Cli) -> RunResult {
    forbid_core_dumps();
    let (command, format, decorate) = (cli.command.name(), cli.format(), cli.decorate());
    let (quiet, log) = (cli.quiet, cli.log_format);
    let run = run_id(SystemTime::now());
    let result = match run {
        Some(run) => invariant::catch(|| execute(cli, run)),
        None => {
            let message = "the clock of this machine is before 1970";
            let fault = Diagnostic::new(Code::Environment, message);
            Err(Failure::failed(fault.hint("set the clock")))
        }
    };
    let run = run.unwrap_or_default();
    RunResult {
        command,
        run,
        format,
        decorate,
        log,
        quiet,
        result,
    }
}

fn execute(cli: Cli, run: Uuid) -> Result<Box<dyn Report>, Failure> {
    let cannot = |what: &str, reason: std::io::Error| {
        Failure::failed(Diagnostic::new(
            Code::Environment,
            format!("{what}: {reason}"),
        ))
    };
    let folder = std::env::current_dir()
        .map_err(|reason| cannot("cannot find out the current folder", reason))?;
    let request = Request {
        config: cli.config.clone(),
        environment: cli.env.clone(),
        databases: cli.databases.clone(),
        state_dir: cli.state_dir.clone(),
        folder,
        variable: &|name| std::env::var(name).ok(),
    };
    let format = cli.format();
    if !format.common && !cli.command.formats().contains(&format) {
        let (command, format) = (cli.command.name(), format.name.to_ascii_uppercase());
        let message = format!("`bird {command}` has no {format} format");
        let fault = Diagnostic::new(Code::Usage, message);
        let hint = if matches!(cli.command, Command::Migrate(_) | Command::Undo(_)) {
            "add --dry-run, or use table, json or markdown"
        } else {
            "use table, json or markdown"
        };
        return Err(Failure::failed(fault.hint(hint)));
    }
    let read = if cli.command.ignores_project() {
        Ok(project::none(&request))
    } else {
        project::load(&request)
    };
    let project = match read {
        Err(failure) if cli.command.stands_alone() && is_nowhere(&failure) => {
            project::none(&request)
        }
        read => read?,
    };
    let progress = Progress::new(cli.quiet, cli.verbose > 0, cli.log_format, &run.to_string());
    for notice in &project.notices {
        progress.detail(notice);
    }
    for warning in &project.warnings {
        progress.warning(warning);
    }
    for database in project.selected() {
        if let Some(unused) = project::unused_parameters(&database.name, &database.target) {
            progress.notice(&unused);
        }
    }
    if !project.databases.is_empty() {
        let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for warning in project::unread(variables, &project.databases) {
            progress.warning(&warning);
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|reason| cannot("cannot start", reason))?;
    let mut databases = project.databases.iter();
    let embedded = databases.all(|database| database.dialect.facts().is_embedded());
    runtime.block_on(async {
        let stop = listen(progress.clone(), embedded, cli.command.only_reads());
        let context = Context {
            project: Arc::new(project),
            progress,
            stop,
            verbose: cli.verbose > 0,
            run,
            command_line: cli::command,
        };
        let work = cli.command.run(&context);
        let result = if cli.command.only_reads() {
            let done = context.stop.race(work).await;
            done.unwrap_or_else(|exit| Err(interrupted(exit)))
        } else {
            work.await
        };
        context.progress.finish();
        result
    })
}

/// Whether there is no project at all, as opposed to one with errors.
fn is_nowhere(failure: &Failure) -> bool {
    let mut faults = failure.diagnostics.iter();
    faults.any(|fault| fault.code == Code::NoConfig)
}

/// A command that was dropped while it read.
fn interrupted(exit: Exit) -> Failure {
    Failure {
        exit,
        diagnostics: vec![Diagnostic::new(
            Code::Interrupted,
            "interrupted before everything was read",
        )],
    }
}

/// The first signal stops after the running statement, the second cancels it on its server, the
/// third ends bird at once. An embedded database needs no second: its statement ends with bird. A
/// command that only reads needs no second either.
fn listen(progress: Progress, embedded: bool, only_reads: bool) -> Stop {
    let last = if embedded { 2 } else { 3 };
    Stop::listen(move |times, exit| match times {
        1 if only_reads => {}
        1 if embedded => progress.notice(
            "stopping after the running statement; Ctrl-C again stops at once and rolls it back",
        ),
        1 => progress
            .notice("stopping after the running statement; Ctrl-C again cancels it on the server"),
        times if times < last => progress.notice(
            "cancelling the running statement; Ctrl-C again stops at once, while the statement may \
             run on",
        ),
        _ => {
            progress.finish();
            progress.notice(if embedded {
                "stopped at once: the running statement is rolled back"
            } else {
                "stopped at once: the server may still run the last statement; the next run waits \
                 for it and checks how it ended"
            });
            std::process::exit(exit.code().into());
        }
    })
}
