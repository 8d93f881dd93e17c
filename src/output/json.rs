//! The format for programs: one document, also on failure. Its keys are an interface.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Format, Report, escape};
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;

pub const FORMAT: Format = Format {
    name: "json",
    common: true,
    verbatim: false,
    is_log: false,
    render,
    render_failure,
};

fn render(report: &dyn Report, run: &str, to: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        command: report.command(),
        run,
        exit: report.exit(),
        databases: report.databases(),
        diagnostics: &report.all_findings(),
        extra: report.extra(),
    };
    document.write(to)
}

/// The document of a command that could not make its report.
fn render_failure(
    command: &str,
    run: &str,
    failure: &Failure,
    to: &mut dyn Write,
) -> io::Result<()> {
    let Failure { exit, diagnostics } = failure;
    let (databases, extra) = (Vec::new(), Map::new());
    Document {
        command,
        run,
        exit: *exit,
        databases,
        diagnostics,
        extra,
    }
    .write(to)
}

struct Document<'d> {
    command: &'d str,
    run: &'d str,
    exit: Exit,
    databases: Vec<Value>,
    diagnostics: &'d [Diagnostic],
    extra: Map<String, Value>,
}

impl Document<'_> {
    fn write(self, to: &mut dyn Write) -> io::Result<()> {
        let findings: Vec<Value> = self.diagnostics.iter().map(finding).collect();
        let mut document = Map::new();
        document.insert("schema_version".into(), json!(1));
        document.insert("command".into(), json!(self.command));
        document.insert("run".into(), json!(self.run));
        document.insert("exit".into(), json!(self.exit.code()));
        document.insert("databases".into(), Value::Array(self.databases));
        document.insert("findings".into(), Value::Array(findings));
        document.insert("error".into(), error(self.exit, self.diagnostics));
        document.extend(self.extra);
        let text = serde_json::to_string_pretty(&Value::Object(document))?;
        writeln!(to, "{}", escape::json(&text))
    }
}

/// A diagnostic as an object.
pub fn finding(diagnostic: &Diagnostic) -> Value {
    let place = diagnostic.location.as_ref();
    let mut finding = json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "database": diagnostic.database,
        "file": place.map(|at| &at.file),
        "line": place.map(|at| at.line),
        "column": place.map(|at| at.column),
        "notes": diagnostic.notes,
        "hint": diagnostic.hint,
    });
    if let Some(consent) = diagnostic.consent {
        finding["consent"] = json!(consent);
    }
    finding
}

/// The first error, where the command did not do what it was asked for.
fn error(exit: Exit, diagnostics: &[Diagnostic]) -> Value {
    if matches!(exit, Exit::Done | Exit::Found) {
        return Value::Null;
    }
    let first = diagnostics
        .iter()
        .find(|diagnostic| diagnostic.severity == Severity::Error);
    first.or(diagnostics.first()).map_or_else(
        || json!({ "code": "failed", "message": "failed", "hint": null }),
        finding,
    )
}
