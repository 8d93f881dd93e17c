//! The format for GitHub Actions: every diagnostic as a workflow command, which the runner shows
//! at its file and line.

use std::io::{self, Write};

use super::checked::Outcome;
use super::escape::{workflow_data, workflow_property};
use super::{Format, Report};
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;

pub const FORMAT: Format = Format {
    name: "github",
    common: true,
    verbatim: false,
    is_log: true,
    render,
    render_failure,
};

fn render(report: &dyn Report, _: &str, to: &mut dyn Write) -> io::Result<()> {
    commands(report.command(), report.exit(), report.all_findings(), to)
}

/// What a command that could not make its report has to say.
fn render_failure(command: &str, _: &str, failure: &Failure, to: &mut dyn Write) -> io::Result<()> {
    commands(command, failure.exit, failure.diagnostics.clone(), to)
}

fn commands(
    command: &str,
    exit: Exit,
    findings: Vec<Diagnostic>,
    to: &mut dyn Write,
) -> io::Result<()> {
    let (Outcome::Passed(findings) | Outcome::Found(findings) | Outcome::NotDone(findings)) =
        Outcome::of_exit(exit, findings)
    else {
        return Ok(());
    };
    findings
        .iter()
        .try_for_each(|one| write_one(command, one, to))
}

fn write_one(command: &str, one: &Diagnostic, to: &mut dyn Write) -> io::Result<()> {
    let level = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = &one.location {
        properties.push(format!("file={}", workflow_property(&place.file)));
        properties.push(format!("line={}", place.line));
        properties.push(format!("col={}", place.column));
    }
    let title = format!("bird {command}: {}", one.code);
    properties.push(format!("title={}", workflow_property(&title)));
    // The title has said the code, and the properties the place.
    let mut text = one.message.clone();
    for more in one.notes.iter().chain(&one.hint) {
        text.push('\n');
        text.push_str(more);
    }
    let text = workflow_data(&text);
    writeln!(to, "::{level} {}::{text}", properties.join(","))
}
