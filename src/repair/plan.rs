//! The file of a plan: the orphans of an audit and what to do with them, one JSON object per line.
//!
//! The first line is a header, then each row has a line, then a footer has the counts, a digest of
//! everything before it, and a signature of the digest. So ten million rows are read and written
//! without memory for them, and a file that was cut, edited or mixed up is detected.

mod read;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::invariant;
use crate::model::hex;
use crate::model::key::Compare;
use crate::model::name::ColumnNames;
use crate::model::orphan::Orphan;
use crate::model::own_key::OwnKey;
use crate::model::reference::{Nulls, Reference};
use crate::model::repair::{Action, Totals};

pub use read::{PlanError, PlanReader};

/// The time after which a plan can no longer be begun.
pub const VALID: Duration = Duration::HOUR;
/// The time after which a plan that was begun can no longer be finished.
pub const FINISH: Duration = Duration::DAY;
/// The format number.
pub const FORMAT: u32 = 1;

/// The header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub bird_repair_plan: u32,
    /// The run of the audit, which names the repair, too.
    pub run: String,
    /// RFC 3339, UTC.
    pub made_on: String,
    pub expires_on: String,
    pub action: Action,
    pub references: Vec<PlannedReference>,
}

/// A reference as it was declared when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedReference {
    /// Its name in reports, if its ends do not tell it from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub from: String,
    pub to: String,
    #[serde(rename = "where")]
    pub filter: Option<String>,
    pub to_where: Option<String>,
    /// `ok` or `orphan`.
    pub null: String,
    pub compare: Vec<String>,
    /// The columns that identify a row of the child, in the order of its primary key.
    pub key: Vec<String>,
    pub child: PlannedEndpoint,
    pub parent: PlannedEndpoint,
    /// Its index among the project's references, as [`Orphan::reference`] has it.
    #[serde(skip)]
    pub index: usize,
}

/// The location of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedEndpoint {
    pub database: String,
    /// The server and the database.
    pub identity: String,
    /// A digest of the table's columns and their types.
    pub columns: String,
}

/// A row of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// The index of its reference in the plan.
    pub reference: usize,
    /// The identity of the row, in the order of [`PlannedReference::key`].
    pub row: Vec<String>,
    /// Its foreign key; `None` for a NULL.
    pub key: Vec<Option<String>>,
    /// Its number among the rows of the plan, from 1.
    pub number: u64,
}

impl Header {
    /// The header of a plan that is made now.
    #[must_use]
    pub fn new(run: &str, now: &str, action: Action, references: Vec<PlannedReference>) -> Header {
        let end = moment(now).and_then(|made| made.checked_add(VALID));
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

impl PlannedReference {
    /// A declared reference, with its index in the project and the columns that identify a row of
    /// its child.
    #[must_use]
    pub fn new(
        reference: &Reference,
        index: usize,
        key: Vec<String>,
        child: PlannedEndpoint,
        parent: PlannedEndpoint,
    ) -> PlannedReference {
        let (name, ends) = (reference.to_string(), reference.ends());
        PlannedReference {
            name: (name != ends).then_some(name),
            from: reference.from.to_string(),
            to: reference.to.to_string(),
            filter: reference.filter.clone(),
            to_where: reference.to_filter.clone(),
            null: word(reference.null).to_owned(),
            compare: reference.compare.iter().map(Compare::word).collect(),
            key,
            child,
            parent,
            index,
        }
    }

    /// Whether the declaration is the same.
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
        let ends = || format!("{} -> {}", self.from, self.to);
        self.name.clone().unwrap_or_else(ends)
    }

    /// The number of columns of its key.
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

/// Parses a time of a plan.
#[must_use]
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Writes a plan, row by row.
pub struct PlanWriter<W: Write> {
    to: W,
    digest: Sha256,
    rows: u64,
    /// The index of each reference in the project, and the number of its rows in the plan.
    references: Vec<(usize, u64)>,
}

impl<W: Write> PlanWriter<W> {
    /// Writes the header. Lines are written one by one, so `to` should be buffered.
    pub fn new(to: W, header: &Header) -> io::Result<PlanWriter<W>> {
        let references = header.references.iter();
        let mut writer = PlanWriter {
            to,
            digest: Sha256::new(),
            rows: 0,
            references: references.map(|one| (one.index, 0)).collect(),
        };
        let mut line = serde_json::to_vec(header)?;
        line.push(b'\n');
        writer.put(&line)?;
        Ok(writer)
    }

    /// Adds a row. A row without identity can be listed, but not repaired.
    pub fn row(&mut self, orphan: &Orphan) -> io::Result<()> {
        let foreign = || {
            let message = "an orphan of a reference that the plan does not have";
            io::Error::new(io::ErrorKind::InvalidInput, message)
        };
        let mut indexes = self.references.iter();
        let reference = indexes.position(|(index, _)| *index == orphan.reference);
        let reference = reference.ok_or_else(foreign)?;
        let cells = orphan.row.iter();
        let row: Map<String, Value> = cells
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        let line = json!({ "reference": reference, "row": row, "key": orphan.key });
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        self.rows += 1;
        let counted = self.references.get_mut(reference);
        let (_, rows) = invariant!(counted, some, "the reference of a row was found");
        *rows += 1;
        self.put(&line)
    }

    /// Writes the footer: the counts of each reference, in the order of the header. Orphans are
    /// never fewer than their rows in the plan. The key signs it.
    pub fn finish(mut self, totals: &[Totals], key: Option<&OwnKey>) -> io::Result<W> {
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
        let signature = match key {
            Some(key) => {
                let signature = key.sign(SIGNED, digest.as_bytes());
                format!(",\"signature\":{}", serde_json::to_string(&signature)?)
            }
            None => String::new(),
        };
        let end = format!("{digest}\"{signature}}}\n");
        self.to.write_all(end.as_bytes())?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.to.write_all(bytes)
    }
}

/// The text before the digest in the footer; the digest covers everything up to here.
const DIGEST: &str = "\"digest\":\"";

/// What a signature of a digest is about.
const SIGNED: &str = "bird-repair-plan";

#[cfg(test)]
mod tests;
