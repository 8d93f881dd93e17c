//! How a report is shown: three projections, one file per format.

pub mod checked;
pub mod escape;
mod github;
mod json;
mod junit;
mod markdown;
pub mod metrics;
pub mod progress;
mod sql;
mod table;

use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use checked::{Checked, Outcome};

/// What a command found out or did. A format sees only these projections, a command no format.
pub trait Report {
    /// The command's name.
    fn command(&self) -> &'static str;

    fn exit(&self) -> Exit;

    /// For people.
    fn blocks(&self) -> Vec<Block>;

    /// For gates; errors of single databases stand here as well.
    fn diagnostics(&self) -> Vec<Diagnostic>;

    /// For programs: one object per database.
    fn databases(&self) -> Vec<Value>;

    /// For programs: what this command has beyond the common document.
    fn extra(&self) -> Map<String, Value> {
        Map::new()
    }

    /// For those who count: everything that was checked, what passed included.
    fn checks(&self) -> Vec<Checked> {
        vec![Checked {
            subject: "bird".to_owned(),
            name: self.command().to_owned(),
            outcome: Outcome::of_exit(self.exit(), self.diagnostics()),
        }]
    }

    /// For the engine's own client; nothing where the answer is no SQL.
    fn sql(&self) -> Option<String> {
        None
    }
}

/// A piece of what people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Grid(Grid),
    /// A sentence.
    Line(String),
    /// Text in a language, shown as it is.
    Code {
        title: String,
        language: &'static str,
        text: String,
    },
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    pub headers: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// The columns that hold numbers.
    pub numbers: Vec<usize>,
}

/// The formats, by the names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Markdown,
    Sql,
    Junit,
    Github,
}

/// Every format with its name.
pub const FORMATS: &[(&str, Format)] = &[
    ("table", Format::Table),
    ("json", Format::Json),
    ("markdown", Format::Markdown),
    ("sql", Format::Sql),
    ("junit", Format::Junit),
    ("github", Format::Github),
];

/// Writes a report.
pub fn render(
    report: &dyn Report,
    run: &str,
    format: Format,
    to: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::render(&report.blocks(), to),
        Format::Json => json::render(report, run, to),
        Format::Markdown => markdown::render(report, to),
        Format::Sql => sql::render(&report.sql().unwrap_or_default(), to),
        Format::Junit => junit::render(report, run, to),
        Format::Github => github::render(report, to),
    }
}

/// Writes what a command that could not make its report still owes in a format: people have read
/// it on stderr.
pub fn render_failure(
    command: &str,
    run: &str,
    failure: &Failure,
    format: Format,
    to: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table | Format::Sql => Ok(()),
        Format::Json => json::render_failure(command, run, failure, to),
        Format::Markdown => markdown::render_failure(command, failure, to),
        Format::Junit => junit::render_failure(command, run, failure, to),
        Format::Github => github::render_failure(command, failure, to),
    }
}
