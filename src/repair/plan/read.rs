//! Reads a plan: once to verify it, then row by row.

use std::fmt;
use std::io::{BufRead, Read as _, Seek, SeekFrom};

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{DIGEST, FORMAT, Header, PlannedRow, SIGNED};
use crate::model::hex;
use crate::model::own_key::{OwnKey, Signature};
use crate::model::repair::Totals;

/// The longest line of a plan, in bytes.
const LONGEST: u64 = 4 << 20;

/// An error in the file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// The line, from 1; `None` if it is the whole file.
    pub line: Option<u64>,
    pub message: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The footer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    rows: u64,
    references: Vec<Totals>,
    digest: String,
    signature: Option<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    reference: usize,
    row: Map<String, Value>,
    key: Vec<Option<String>>,
}

/// A verified plan, read from its first row on.
pub struct PlanReader<R> {
    from: R,
    pub header: Header,
    /// The counts, in the order of the references in the header.
    pub totals: Vec<Totals>,
    /// The number of rows.
    pub rows: u64,
    /// The digest in hexadecimal, which identifies the plan.
    pub digest: String,
    read: u64,
}

impl<R: BufRead + Seek> PlanReader<R> {
    /// Reads and verifies the whole file, then returns to the first row. A plan that this key has
    /// signed must be as it was then.
    pub fn open(mut from: R, key: Option<&OwnKey>) -> Result<PlanReader<R>, PlanError> {
        let first = line(&mut from, 1)?.ok_or_else(|| whole("the file is empty"))?;
        let header = header(&first)?;
        let mut digest = Sha256::new();
        digest.update(&first);
        let mut last: Option<Vec<u8>> = None;
        let mut lines = 1;
        while let Some(next) = line(&mut from, lines + 1)? {
            if let Some(before) = last.replace(next) {
                digest.update(&before);
            }
            lines += 1;
        }
        let last = last.unwrap_or_default();
        let footer: Option<Footer> = serde_json::from_slice(&last).ok();
        let Some(footer) = footer.filter(|_| last.ends_with(b"\n")) else {
            return Err(PlanError {
                line: Some(lines),
                message: "the file is incomplete: the last line of the plan is missing".to_owned(),
            });
        };
        let covered = find(&last, DIGEST.as_bytes()).unwrap_or(0);
        digest.update(last.get(..covered).unwrap_or_default());
        let mut reader = PlanReader {
            from,
            header,
            totals: footer.references,
            rows: footer.rows,
            digest: hex::digits(&digest.finalize()),
            read: 0,
        };
        reader.rewind()?;
        let counted = reader.rows == lines - 2;
        if reader.digest != footer.digest || !counted {
            return Err(reader.blame(lines));
        }
        let (digest, signature) = (reader.digest.as_bytes(), footer.signature.as_ref());
        if key.is_some_and(|key| !key.accepts(signature, SIGNED, digest)) {
            return Err(whole("its signature is not by the key of this user"));
        }
        if reader.totals.len() != reader.header.references.len() {
            return Err(whole(
                "its last line counts different references than its first",
            ));
        }
        Ok(reader)
    }

    /// Returns to the first row.
    pub fn rewind(&mut self) -> Result<(), PlanError> {
        let sought = self.from.seek(SeekFrom::Start(0));
        sought.map_err(|error| whole(&format!("cannot read it: {error}")))?;
        line(&mut self.from, 1)?;
        self.read = 0;
        Ok(())
    }

    /// The next row; `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<PlannedRow>, PlanError> {
        if self.read == self.rows {
            return Ok(None);
        }
        let number = self.read + 2;
        let text = line(&mut self.from, number)?.unwrap_or_default();
        self.read += 1;
        self.row(&text, number).map(Some)
    }

    fn row(&self, text: &[u8], number: u64) -> Result<PlannedRow, PlanError> {
        let fault = |message: String| PlanError {
            line: Some(number),
            message,
        };
        let line: Line =
            serde_json::from_slice(text).map_err(|error| fault(format!("not a row: {error}")))?;
        let reference = self.header.references.get(line.reference);
        let reference = reference
            .ok_or_else(|| fault("a row of a reference that the plan does not have".into()))?;
        let named = line.row.keys().eq(reference.key.iter());
        let mut row = Vec::with_capacity(line.row.len());
        for value in line.row.into_values() {
            match value {
                Value::String(text) => row.push(text),
                _ => return Err(fault("the key of a row must be strings".into())),
            }
        }
        if !named || line.key.len() != reference.width() {
            return Err(fault(
                "a row has different columns than the first line declares".into(),
            ));
        }
        Ok(PlannedRow {
            reference: line.reference,
            row,
            key: line.key,
            number: number - 1,
        })
    }

    /// Finds the line that is wrong.
    fn blame(&mut self, lines: u64) -> PlanError {
        for number in 2..lines {
            let text = match line(&mut self.from, number) {
                Ok(text) => text.unwrap_or_default(),
                Err(fault) => return fault,
            };
            if let Err(fault) = self.row(&text, number) {
                return fault;
            }
        }
        whole("it was changed after it was written: the digest in its last line does not match")
    }
}

fn whole(message: &str) -> PlanError {
    PlanError {
        line: None,
        message: message.to_owned(),
    }
}

fn header(text: &[u8]) -> Result<Header, PlanError> {
    let fault = |message: String| PlanError {
        line: Some(1),
        message,
    };
    let value: Value = serde_json::from_slice(text)
        .map_err(|_| fault("this is not a plan that `bird audit --plan` wrote".into()))?;
    match value.get("bird_repair_plan").and_then(Value::as_u64) {
        None => {
            return Err(fault(
                "this is not a plan that `bird audit --plan` wrote".into(),
            ));
        }
        Some(format) if format != u64::from(FORMAT) => {
            return Err(fault(format!(
                "a plan of format {format}; this bird reads format {FORMAT}"
            )));
        }
        Some(_) => {}
    }
    serde_json::from_value(value).map_err(|error| fault(format!("not a plan: {error}")))
}

/// The next line with its line break; `None` at the end of the file.
fn line(from: &mut impl BufRead, number: u64) -> Result<Option<Vec<u8>>, PlanError> {
    let mut text = Vec::new();
    let read = from.by_ref().take(LONGEST).read_until(b'\n', &mut text);
    let fault = |message: String| PlanError {
        line: Some(number),
        message,
    };
    let read = read.map_err(|error| fault(format!("cannot read it: {error}")))?;
    if read as u64 == LONGEST {
        return Err(fault("a line is too long for a plan".into()));
    }
    Ok((read > 0).then_some(text))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let at = text.windows(part.len()).rposition(|window| window == part);
    at.map(|at| at + part.len())
}
