//! The format for build servers that show test results: one suite per command, one case for each
//! thing that was checked.

use std::io::{self, Write};

use super::checked::{Checked, Outcome};
use super::escape::{xml, xml_attribute};
use super::{Format, Report};
use crate::model::diagnostic::{Diagnostic, Failure};

pub const FORMAT: Format = Format {
    name: "junit",
    common: true,
    verbatim: false,
    is_log: false,
    render,
    render_failure,
};

fn render(report: &dyn Report, run: &str, to: &mut dyn Write) -> io::Result<()> {
    suite(report.command(), run, &report.checks(), to)
}

/// The suite of a command that could not make its report.
fn render_failure(
    command: &str,
    run: &str,
    failure: &Failure,
    to: &mut dyn Write,
) -> io::Result<()> {
    let all = Checked {
        subject: "bird".to_owned(),
        name: command.to_owned(),
        outcome: Outcome::of_exit(failure.exit, failure.diagnostics.clone()),
    };
    suite(command, run, &[all], to)
}

fn suite(command: &str, run: &str, checks: &[Checked], to: &mut dyn Write) -> io::Result<()> {
    let count = |wanted: fn(&Outcome) -> bool| {
        let all = checks.iter().filter(|check| wanted(&check.outcome));
        all.count()
    };
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        checks.len(),
        count(|outcome| matches!(outcome, Outcome::Found(_))),
        count(|outcome| matches!(outcome, Outcome::NotDone(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    let name = xml_attribute(&format!("bird {command}"));
    writeln!(to, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(to, r#"<testsuites name="{name}" {counts}>"#)?;
    writeln!(to, r#"  <testsuite name="{name}" {counts}>"#)?;
    writeln!(to, "    <properties>")?;
    let run = xml_attribute(run);
    writeln!(to, r#"      <property name="run" value="{run}"/>"#)?;
    writeln!(to, "    </properties>")?;
    for check in checks {
        case(check, to)?;
    }
    writeln!(to, "  </testsuite>")?;
    writeln!(to, "</testsuites>")
}

fn case(check: &Checked, to: &mut dyn Write) -> io::Result<()> {
    let (subject, name) = (xml_attribute(&check.subject), xml_attribute(&check.name));
    let head = format!(r#"    <testcase classname="{subject}" name="{name}""#);
    if check.outcome == Outcome::Passed(Vec::new()) {
        return writeln!(to, "{head}/>");
    }
    writeln!(to, "{head}>")?;
    match &check.outcome {
        Outcome::Passed(findings) => {
            let text = xml(&text(findings));
            writeln!(to, "      <system-out>{text}</system-out>")?;
        }
        Outcome::Found(findings) => findings_as("failure", findings, to)?,
        Outcome::NotDone(findings) => findings_as("error", findings, to)?,
        Outcome::Skipped(why) => {
            writeln!(to, r#"      <skipped message="{}"/>"#, xml_attribute(why))?
        }
    }
    writeln!(to, "    </testcase>")
}

/// All that was found as one element: many readers know only one for a case.
fn findings_as(element: &str, findings: &[Diagnostic], to: &mut dyn Write) -> io::Result<()> {
    // The most severe one is the summary; of several, the first.
    let worst = findings.iter().rev().max_by_key(|one| one.severity);
    let (code, message) = worst.map_or(("", ""), |one| (one.code.name(), one.message.as_str()));
    let message = match findings.len() {
        0 | 1 => xml_attribute(message),
        of => xml_attribute(&format!("{message} (and {} more)", of - 1)),
    };
    let text = xml(&text(findings));
    let code = xml_attribute(code);
    writeln!(
        to,
        r#"      <{element} message="{message}" type="{code}">{text}</{element}>"#
    )
}

/// Every diagnostic with all that it says, one after the other.
fn text(findings: &[Diagnostic]) -> String {
    let lines = findings.iter().map(Diagnostic::to_string);
    lines.collect::<Vec<_>>().join("\n")
}
