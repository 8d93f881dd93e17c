//! Parses, runs, renders, ends with the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use bird::cmd::{self, Outcome};
use bird::{error, output};

fn main() -> ExitCode {
    let outcome = match cmd::parse(std::env::args_os()) {
        Ok(cli) => cmd::run(cli),
        Err(told) => return told.tell(),
    };
    match show(&outcome) {
        Ok(()) => ExitCode::from(outcome.exit().code()),
        // Whoever read the answer has heard enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::from(outcome.exit().code())
        }
        Err(_) => ExitCode::from(bird::model::exit::Exit::Failed.code()),
    }
}

/// The answer to stdout, what went wrong to stderr.
fn show(outcome: &Outcome) -> io::Result<()> {
    error::tell(&outcome.diagnostics(), outcome.decorate);
    let mut stdout = io::BufWriter::new(anstream::stdout().lock());
    let run = outcome.run.to_string();
    match &outcome.result {
        Ok(report) => output::render(report.as_ref(), &run, outcome.format, &mut stdout)?,
        Err(failure) => {
            let command = outcome.command;
            output::render_failure(command, &run, failure, outcome.format, &mut stdout)?;
        }
    }
    stdout.flush()
}
