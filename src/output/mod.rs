//! How a report is shown: three projections, one file per format.

pub mod checked;
pub mod escape;
mod github;
pub mod human;
mod json;
mod junit;
pub mod log;
mod markdown;
pub mod metrics;
pub mod progress;
mod sql;
mod table;
pub mod wrap;

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

    /// For gates and programs: findings that the blocks show to people.
    fn shown_findings(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// For gates and programs: all diagnostics and findings.
    fn all_findings(&self) -> Vec<Diagnostic> {
        let mut all = self.diagnostics();
        all.extend(self.shown_findings());
        all
    }

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
            outcome: Outcome::of_exit(self.exit(), self.all_findings()),
        }]
    }

    /// For the engine's own client; nothing where the answer is no SQL.
    fn sql(&self) -> Option<String> {
        None
    }
}

impl<R: Report + 'static> From<R> for Box<dyn Report> {
    fn from(report: R) -> Box<dyn Report> {
        Box::new(report)
    }
}

/// A piece of what people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Grid(Grid),
    /// A sentence.
    Line(String),
    /// The result of the run in one sentence. The part before its colon has the tone.
    Verdict(Tone, String),
    /// Text in a language, shown as it is.
    Code {
        title: String,
        language: &'static str,
        text: String,
    },
    /// A text of bird's own, such as its help, shown as it is.
    Text(String),
}

/// How good news are. Where colours are shown, it chooses the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Good,
    Attention,
    Bad,
}

/// The tones of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tones {
    pub column: usize,
    /// One for each row.
    pub rows: Vec<Tone>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    pub headers: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// The columns that hold numbers.
    pub numbers: Vec<usize>,
    /// The columns that a narrow terminal does without, the first to go first.
    pub optional: Vec<usize>,
    /// The column that says how a row stands.
    pub tones: Option<Tones>,
}

/// A format of the answer: one file, and one line in [`FORMATS`].
#[derive(Debug)]
pub struct Format {
    /// The name on the command line.
    pub name: &'static str,
    /// Whether every command can answer in it; else a command names it.
    pub common: bool,
    /// Whether the answer must arrive to the byte: nothing that colours it is taken out.
    pub verbatim: bool,
    /// Whether the answer is read out of a log, so that no line beside it may look like a part of
    /// it.
    pub is_log: bool,
    /// Writes the report of a run.
    pub render: fn(report: &dyn Report, run: &str, to: &mut dyn Write) -> io::Result<()>,
    /// Writes what a command that could not make its report still owes: people have read it on
    /// stderr.
    pub render_failure:
        fn(command: &str, run: &str, failure: &Failure, to: &mut dyn Write) -> io::Result<()>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Format) -> bool {
        self.name == other.name
    }
}

/// The format of commands that name no other as theirs.
pub const TABLE: &Format = &table::FORMAT;

/// The format for an engine's own client.
pub const SQL: &Format = &sql::FORMAT;

/// Every format.
pub const FORMATS: &[&Format] = &[
    TABLE,
    &json::FORMAT,
    &markdown::FORMAT,
    SQL,
    &junit::FORMAT,
    &github::FORMAT,
];
