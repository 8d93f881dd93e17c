//! `Diagnostic` and `Failure`: what every check and every failed command reports.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::code::Code;
use super::exit::Exit;
use super::password::masked;

/// How much a diagnostic weighs: `error` and `warning` are findings, `note` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// A place in a file that bird has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The path as it is shown: relative to the project where it lies inside.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The text to draw, with what must stay secret blotted out; bytes of `span` lie within.
    pub source: Option<Arc<str>>,
    pub span: Range<usize>,
}

/// One finding, error or note: its kind, severity, message, place, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind, with a stable name for scripts, such as `migration-changed`.
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub database: Option<String>,
    /// The objects that it is about, as the statement names them; the message shows them.
    pub objects: Vec<String>,
    pub location: Option<Location>,
    /// Facts that explain the message: the engine's words, the state things are in.
    pub notes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// The consent that a person can give to it; `None` if nothing lifts it.
    pub consent: Option<Code>,
}

impl Diagnostic {
    /// A diagnostic with its code's own severity. Here and in notes and hints the passwords of URLs,
    /// which people may have given in any place, are masked.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: code.severity(),
            message: masked(&message.into()).into_owned(),
            database: None,
            objects: Vec::new(),
            location: None,
            notes: Vec::new(),
            hint: None,
            consent: None,
        }
    }

    /// Another severity than the code's own.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub fn database(mut self, name: &str) -> Self {
        self.database = Some(name.to_owned());
        self
    }

    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(masked(&note.into()).into_owned());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(masked(&hint.into()).into_owned());
        self
    }

    /// The exit code of a command that this error kept from its work: refused if bird could do it but
    /// must not, else failed.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.code {
            Code::Untrusted => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// Names the consent that lifts it.
    pub fn consent(mut self, consent: Code) -> Self {
        self.consent = Some(consent);
        self
    }
}

/// Why a command could not do its work: all the reasons at once, and the exit code they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    pub diagnostics: Vec<Diagnostic>,
}

impl Failure {
    /// bird could not do it (exit 2), or must not ([`Diagnostic::exit`]).
    pub fn failed(diagnostic: Diagnostic) -> Self {
        Failure {
            exit: diagnostic.exit(),
            diagnostics: vec![diagnostic],
        }
    }

    /// Everything, or every reason why not; of several exit codes the most severe.
    pub fn collect<T>(
        results: impl IntoIterator<Item = Result<T, Failure>>,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        let mut failed: Option<Failure> = None;
        for result in results {
            match (result, &mut failed) {
                (Ok(one), _) => all.push(one),
                (Err(failure), None) => failed = Some(failure),
                (Err(failure), Some(failed)) => {
                    failed.exit = failed.exit.most_severe(failure.exit);
                    failed.diagnostics.extend(failure.diagnostics);
                }
            }
        }
        failed.map_or(Ok(all), Err)
    }

    /// bird refused to do it (exit 3).
    pub fn refused(diagnostic: Diagnostic) -> Self {
        Failure {
            exit: Exit::Refused,
            diagnostics: vec![diagnostic],
        }
    }

    /// Refuses if there are reasons (exit 3).
    pub fn refuse(reasons: Vec<Diagnostic>) -> Result<(), Failure> {
        if reasons.is_empty() {
            return Ok(());
        }
        Err(Failure {
            exit: Exit::Refused,
            diagnostics: reasons,
        })
    }
}

/// Everything in it, as plain lines.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        write!(f, "{word}[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.location {
            write!(f, "\n at {}:{}:{}", place.file, place.line, place.column)?;
        }
        for note in &self.notes {
            write!(f, "\n note: {note}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n help: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.diagnostics.as_slice() {
            [] => f.write_str("failed"),
            [one] => f.write_str(&one.message),
            [first, rest @ ..] => write!(f, "{} (and {} more)", first.message, rest.len()),
        }
    }
}

impl std::error::Error for Failure {}

impl Location {
    /// The place of some bytes of a text. What is drawn is `drawn`, which has the same length.
    pub fn new(file: &str, text: &str, drawn: Arc<str>, span: Range<usize>) -> Self {
        let (line, column) = line_and_column(text, span.start);
        Location {
            file: masked(file).into_owned(),
            line,
            column,
            source: Some(drawn),
            span,
        }
    }

    /// The place of some bytes in a line: its number, its first byte and its text. What is drawn is
    /// the whole text.
    pub fn in_line(
        file: &str,
        number: usize,
        (start, text): (usize, &str),
        drawn: Arc<str>,
        span: Range<usize>,
    ) -> Self {
        let (_, column) = line_and_column(text, span.start.saturating_sub(start));
        Location {
            file: masked(file).into_owned(),
            line: u32::try_from(number).unwrap_or(u32::MAX),
            column,
            source: Some(drawn),
            span,
        }
    }

    /// A whole file, where no text of it can be shown.
    pub fn file(file: &str) -> Self {
        Location {
            file: masked(file).into_owned(),
            line: 1,
            column: 1,
            source: None,
            span: 0..0,
        }
    }
}

/// Line and column of a byte, both from 1, the column in characters.
pub fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (small(line), small(column))
}
