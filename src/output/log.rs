//! Lines on stderr while bird works: plain text for people, JSON for log collectors.

use std::io::Write;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::escape;
use super::json::finding;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::password::masked;

/// How lines on stderr are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The names on the command line.
    pub const NAMES: [(&'static str, LogFormat); 2] =
        [("text", LogFormat::Text), ("json", LogFormat::Json)];
}

/// Writes a line about the run; `level` is shown in JSON.
pub fn line(format: LogFormat, level: &str, run: &str, text: &str) {
    let text = masked(text);
    let line = match format {
        LogFormat::Text => format!("bird: {}", escape::indented(&text)),
        LogFormat::Json => object(
            level,
            run,
            Map::from_iter([("message".into(), json!(text))]),
        ),
    };
    // A closed stderr is no reason to stop.
    let _: std::io::Result<()> = writeln!(anstream::stderr(), "{line}");
}

/// Writes a text to stderr.
pub fn text(text: &str) {
    let text = masked(text);
    // Nothing can be done about a closed stderr.
    let _: std::io::Result<()> = writeln!(anstream::stderr(), "{}", escape::indented(&text));
}

/// Writes diagnostics as JSON, one object a line.
pub fn diagnostics(run: &str, diagnostics: &[Diagnostic]) {
    let mut stderr = std::io::stderr().lock();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "info",
        };
        let mut fields = match finding(diagnostic) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.remove("severity");
        let line = object(level, run, fields);
        // Nothing can be done about a closed stderr.
        let _: std::io::Result<()> = writeln!(stderr, "{line}");
    }
}

/// One line: time, level and run, then the fields.
fn object(level: &str, run: &str, fields: Map<String, Value>) -> String {
    let time = OffsetDateTime::now_utc().format(&Rfc3339);
    let mut object = Map::new();
    object.insert("time".into(), json!(time.unwrap_or_default()));
    object.insert("level".into(), json!(level));
    object.insert("run".into(), json!(run));
    object.extend(fields);
    escape::json(&Value::Object(object).to_string())
}
