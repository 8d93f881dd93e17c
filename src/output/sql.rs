//! The format that an engine's own client runs as it is. What is not SQL stands in comments.

use std::io::{self, IsTerminal, Write};

use super::escape::terminal;
use super::{Format, Report};
use crate::model::diagnostic::Failure;

pub const FORMAT: Format = Format {
    name: "sql",
    common: false,
    verbatim: true,
    is_log: false,
    render,
    render_failure,
};

/// Writes nothing: people read a failure on stderr.
fn render_failure(_: &str, _: &str, _: &Failure, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}

/// Writes a script. On a terminal hostile characters are shown; in a file or a pipe the text is
/// what the client must get, to the byte.
fn render(report: &dyn Report, _: &str, to: &mut dyn Write) -> io::Result<()> {
    let script = report.sql().unwrap_or_default();
    if io::stdout().is_terminal() {
        to.write_all(terminal(&script, true).as_bytes())
    } else {
        to.write_all(script.as_bytes())
    }
}
