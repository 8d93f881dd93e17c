//! The file of a plan: what an audit found and what is to be done with it, a JSON object a line.
//!
//! The first line tells what for and where, then comes a line for each row, then a last line with
//! the counts and a digest of everything before it: a file of ten million rows is written and
//! read without holding it, and one that was cut, edited or mixed up is told from a whole one.

mod read;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::model::hex;
use crate::model::key::Compare;
use crate::model::name::ColumnNames;
use crate::model::orphan::Orphan;
use crate::model::reference::{Nulls, Reference};
use crate::model::repair::{Action, Totals};

pub use read::{Fault, Reader};

/// How long after it was made a plan may be begun.
pub const VALID: Duration = Duration::HOUR;
/// How long after that a plan that was begun may be finished.
pub const FINISH: Duration = Duration::DAY;
/// The number of this format.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub bird_repair_plan: u32,
    /// The run of the audit; the repair of it is known by the same name.
    pub run: String,
    /// RFC 3339, UTC.
    pub made_on: String,
    pub expires_on: String,
    pub action: Action,
    pub references: Vec<Planned>,
}

/// A reference of a plan, as it was declared when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    pub from: String,
    pub to: String,
    #[serde(rename = "where")]
    pub filter: Option<String>,
    pub to_where: Option<String>,
    /// `ok` or `orphan`.
    pub null: String,
    pub compare: Vec<String>,
    /// The columns that name a row of the child, in the order of its primary key.
    pub key: Vec<String>,
    pub child: Side,
    pub parent: Side,
    /// Its place among the project's references, as [`Orphan::reference`] has it.
    #[serde(skip)]
    pub place: usize,
}

/// Where one end of a reference is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    pub database: String,
    /// Which server and which database on it that was.
    pub identity: String,
    /// A digest of the table's columns and their types.
    pub columns: String,
}

/// A line of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// The place of its reference in the plan.
    pub reference: usize,
    /// What names the row, in the order of [`Planned::key`].
    pub row: Vec<String>,
    /// What it refers to; nothing for a NULL.
    pub key: Vec<Option<String>>,
    /// Its number among the rows of the plan, from 1.
    pub number: u64,
}

impl Header {
    /// A plan that is made now.
    #[must_use]
    pub fn new(run: &str, now: &str, action: Action, references: Vec<Planned>) -> Header {
        let end = moment(now).map(|made| made + VALID);
        let expires_on = end.and_then(|end| end.format(&Rfc3339).ok());
        Header {
            bird_repair_plan: FORMAT,
            run: run.to_owned(),
            made_on: now.to_owned(),
            expires_on: expires_on.unwrap_or_else(|| now.to_owned()),
            action,
            references,
        }
    }
}

impl Planned {
    /// A reference as it is declared, at some place of the project, with the columns that name a
    /// row of its child.
    #[must_use]
    pub fn new(
        reference: &Reference,
        place: usize,
        key: Vec<String>,
        child: Side,
        parent: Side,
    ) -> Planned {
        Planned {
            from: reference.from.to_string(),
            to: reference.to.to_string(),
            filter: reference.filter.clone(),
            to_where: reference.to_filter.clone(),
            null: word(reference.null).to_owned(),
            compare: reference.compare.iter().map(Compare::word).collect(),
            key,
            child,
            parent,
            place,
        }
    }

    /// Whether it is declared now as it was then.
    #[must_use]
    pub fn is(&self, reference: &Reference) -> bool {
        let compare: Vec<String> = reference.compare.iter().map(Compare::word).collect();
        self.from == reference.from.to_string()
            && self.to == reference.to.to_string()
            && self.filter == reference.filter
            && self.to_where == reference.to_filter
            && self.null == word(reference.null)
            && self.compare == compare
    }

    pub fn name(&self) -> String {
        format!("{} -> {}", self.from, self.to)
    }

    /// How many columns its key has.
    fn width(&self) -> usize {
        ColumnNames::parse(&self.from).map_or(0, |from| from.columns.len())
    }
}

fn word(null: Nulls) -> &'static str {
    match null {
        Nulls::Ok => "ok",
        Nulls::Orphan => "orphan",
    }
}

/// A time as plans tell it.
#[must_use]
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Writes a plan, row by row.
pub struct Writer<W: Write> {
    to: W,
    digest: Sha256,
    rows: u64,
    /// The place of each reference among the project's, and how many rows it has here.
    references: Vec<(usize, u64)>,
}

impl<W: Write> Writer<W> {
    /// Begins with the first line. Lines come one by one: give it something that gathers them.
    pub fn new(to: W, header: &Header) -> io::Result<Writer<W>> {
        let references = header.references.iter();
        let mut writer = Writer {
            to,
            digest: Sha256::new(),
            rows: 0,
            references: references.map(|one| (one.place, 0)).collect(),
        };
        let mut line = serde_json::to_vec(header)?;
        line.push(b'\n');
        writer.put(&line)?;
        Ok(writer)
    }

    /// Adds a row. One that nothing names can be told, and will not be repaired.
    pub fn row(&mut self, orphan: &Orphan) -> io::Result<()> {
        let foreign = || {
            let message = "an orphan of a reference that the plan does not have";
            io::Error::new(io::ErrorKind::InvalidInput, message)
        };
        let mut places = self.references.iter();
        let reference = places.position(|(place, _)| *place == orphan.reference);
        let reference = reference.ok_or_else(foreign)?;
        let cells = orphan.row.iter();
        let row: Map<String, Value> = cells
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        let line = json!({ "reference": reference, "row": row, "key": orphan.key });
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        self.rows += 1;
        if let Some((_, rows)) = self.references.get_mut(reference) {
            *rows += 1;
        }
        self.put(&line)
    }

    /// Ends with the last line: the counts of each reference, in the order of the header. There are
    /// never fewer orphans than rows of them.
    pub fn finish(mut self, totals: &[Totals]) -> io::Result<W> {
        let totals = std::iter::zip(totals, &self.references).map(|(one, (_, rows))| Totals {
            orphan_rows: one.orphan_rows.max(*rows),
            ..*one
        });
        let totals: Vec<Totals> = totals.collect();
        let mut line = format!(
            "{{\"rows\":{},\"references\":{},",
            self.rows,
            serde_json::to_string(&totals)?
        );
        line.push_str(DIGEST);
        self.put(line.as_bytes())?;
        let digest = hex::digits(&self.digest.finalize());
        self.to.write_all(format!("{digest}\"}}\n").as_bytes())?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.to.write_all(bytes)
    }
}

/// What stands before the digest in the last line, and is covered by it as everything before.
const DIGEST: &str = "\"digest\":\"";

#[cfg(test)]
mod tests;
