//! The program: parses the command line, runs the command, renders its report, and ends with its
//! exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bird::cmd::{self, Outcome};
use bird::model::exit::Exit;
use bird::{error, output};

fn main() -> ExitCode {
    let outcome = match cmd::parse(std::env::args_os()) {
        Ok(cli) => cmd::run(cli),
        Err(told) => return told.tell(),
    };
    let exit = match show(&outcome) {
        Err(error) if !is_broken_pipe(&error) => {
            // A closed stderr leaves no place for the message; the exit code remains.
            let _: io::Result<()> = writeln!(anstream::stderr(), "error: {error:#}");
            Exit::Failed
        }
        _ => outcome.exit(),
    };
    // The process ends, and with it its memory: thousands of rows need not be freed one by one.
    std::mem::forget(outcome);
    ExitCode::from(exit.code())
}

/// Whether the reader of stdout has gone, which is how `bird … | head` ends.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// Writes the report to stdout and diagnostics to stderr.
fn show(outcome: &Outcome) -> Result<()> {
    error::show(&outcome.diagnostics(), outcome.decorate, outcome.format);
    render(outcome).context("cannot write the report")
}

fn render(outcome: &Outcome) -> io::Result<()> {
    let run = outcome.run.to_string();
    // SQL is written byte for byte; in the other formats colours are removed unless a terminal shows them.
    let mut stdout: Box<dyn Write> = match outcome.format {
        output::Format::Sql => Box::new(io::BufWriter::new(io::stdout().lock())),
        _ => Box::new(io::BufWriter::new(anstream::stdout().lock())),
    };
    match &outcome.result {
        Ok(report) => output::render(report.as_ref(), &run, outcome.format, &mut *stdout)?,
        Err(failure) => {
            let command = outcome.command;
            output::render_failure(command, &run, failure, outcome.format, &mut *stdout)?;
        }
    }
    stdout.flush()
}
