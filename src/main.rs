//! Parses, runs, renders, ends with the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use bird::cmd::{self, Outcome};
use bird::model::exit::Exit;
use bird::{error, output};

fn main() -> ExitCode {
    let outcome = match cmd::parse(std::env::args_os()) {
        Ok(cli) => cmd::run(cli),
        Err(told) => return told.tell(),
    };
    let exit = match show(&outcome) {
        // Whoever closed the pipe has heard enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
        _ => outcome.exit(),
    };
    // The process ends, and with it its memory: thousands of rows need not be freed one by one.
    std::mem::forget(outcome);
    ExitCode::from(exit.code())
}

/// The answer to stdout, what went wrong to stderr.
fn show(outcome: &Outcome) -> io::Result<()> {
    error::tell(&outcome.diagnostics(), outcome.decorate, outcome.format);
    let run = outcome.run.to_string();
    // SQL must arrive to the byte; elsewhere what colours is taken out where nobody sees it.
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
