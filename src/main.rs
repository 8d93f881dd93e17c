//! The program: parses the command line, runs the command, renders its report, and ends with its
//! exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bird::cmd::{self, RunResult};
use bird::error;
use bird::model::exit::Exit;
use bird::output::log::{self, LogFormat};

fn main() -> ExitCode {
    let result = match cmd::parse(std::env::args_os()) {
        Ok(cli) => cmd::run(cli),
        Err(message) => return message.print(),
    };
    let exit = match show(&result) {
        Err(error) if !is_broken_pipe(&error) => {
            // A closed stderr leaves no place for the message; the exit code remains.
            log::text(&format!("error: {error:#}"));
            Exit::Failed
        }
        _ => result.exit(),
    };
    // The process ends, and with it its memory: thousands of rows need not be freed one by one.
    std::mem::forget(result);
    ExitCode::from(exit.code())
}

/// Whether the reader of stdout has gone, which is how `bird … | head` ends.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// Writes the report to stdout and diagnostics to stderr.
fn show(result: &RunResult) -> Result<()> {
    match result.log {
        LogFormat::Text => error::show(&result.diagnostics(), result.decorate),
        LogFormat::Json => log::diagnostics(&result.run.to_string(), &result.diagnostics()),
    }
    render(result).context("cannot write the report")
}

fn render(result: &RunResult) -> io::Result<()> {
    let (run, format) = (result.run.to_string(), result.format);
    // SQL is written byte for byte; in other formats colours are removed unless a terminal shows them.
    let mut stdout: Box<dyn Write> = if format.verbatim {
        Box::new(io::BufWriter::new(io::stdout().lock()))
    } else {
        Box::new(io::BufWriter::new(anstream::stdout().lock()))
    };
    match &result.result {
        Ok(report) => (format.render)(report.as_ref(), &run, &mut *stdout)?,
        Err(failure) => (format.render_failure)(result.command, &run, failure, &mut *stdout)?,
    }
    stdout.flush()
}
