//! What an audit found.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::assertions::{self, Asserted};
use super::ends::Prepared;
use super::explain::{self, Explained};
use super::finish;
use super::passes::Passed;
use super::since::Since;
use super::tally::Tally;
use super::task::Task;
use crate::audit::Strategy;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::exit::Exit;
use crate::model::key::tell;
use crate::model::orphan::Orphan;
use crate::model::reference::Reference;
use crate::output::checked::{Checked, Outcome};
use crate::output::{Block, Grid, Report};

/// All references of a run.
pub struct AuditReport {
    pub references: Vec<Audited>,
    pub assertions: Vec<Asserted>,
    /// From which severity on a finding fails.
    pub fail_on: Severity,
    pub begun_on: String,
    pub ended_on: String,
    /// Why something could not be read.
    pub faults: Vec<Diagnostic>,
    /// What would be done, where that was asked for.
    pub explained: Option<Vec<Explained>>,
    /// How many orphans of each reference are shown.
    pub sample: usize,
    pub exit: Exit,
}

/// What came of one reference.
pub struct Audited {
    /// Its place among the project's.
    pub index: usize,
    pub reference: Reference,
    pub remarks: Vec<Diagnostic>,
    pub prepared: Option<Arc<Prepared>>,
    /// How it was read, where it was.
    pub task: Option<Arc<Task>>,
    pub tally: Tally,
    /// From where on its rows were read.
    pub since: Option<Since>,
    /// What is known of the audits before.
    pub passed: Passed,
}

impl AuditReport {
    /// Whether every key of every reference was read.
    pub fn complete(&self) -> bool {
        let read = |one: &Audited| one.tally.complete;
        self.faults.is_empty() && (self.explained.is_some() || self.references.iter().all(read))
    }

    /// Keeps an orphan, where there is room among those that are shown.
    pub fn keep(&mut self, orphan: Orphan) {
        let mut all = self.references.iter_mut();
        let Some(one) = all.find(|one| one.index == orphan.reference) else {
            return;
        };
        one.tally.hidden_rows += u64::from(orphan.hidden);
        if one.tally.sample.len() < self.sample {
            one.tally.sample.push(orphan);
        }
    }

    /// What is wrong with the data.
    pub fn findings(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        let orphans = self.references.iter().flat_map(Audited::findings);
        orphans.chain(assertions::diagnostics(&self.assertions))
    }

    /// The references for those who count.
    fn orphans(&self) -> impl Iterator<Item = Checked> + '_ {
        self.references.iter().map(|one| {
            let found: Vec<Diagnostic> =
                one.remarks.iter().cloned().chain(one.findings()).collect();
            let outcome = match one.tally.complete {
                true => Outcome::of(found, self.fail_on),
                false => {
                    let message = format!("{}: not finished; {}", one.reference, one.gaps());
                    let mut told = vec![Diagnostic::error("not-finished", message)];
                    told.extend(found);
                    Outcome::NotDone(told)
                }
            };
            Checked {
                subject: one.reference.from.database.clone(),
                name: format!("orphans of {}", one.reference),
                outcome,
            }
        })
    }
}

impl Audited {
    /// How many parents there are that count, where they were counted.
    pub fn parents(&self) -> Option<u64> {
        let task = self.task.as_deref()?;
        let counted = match task.choice.strategy {
            Strategy::Merge => true,
            Strategy::Hash => self.tally.totals.keys > 0,
            Strategy::Sql | Strategy::Probe => false,
        };
        (counted && self.tally.complete).then_some(self.tally.parents)
    }

    fn findings(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let (reference, tally) = (&self.reference, &self.tally);
        let mut find = |code, message: String, hint: &str| {
            let mut fault = Diagnostic::error(code, message).database(&reference.from.database);
            fault.severity = reference.severity;
            fault.location.clone_from(&reference.location);
            found.push(fault.hint(hint));
        };
        let rows = tally.orphan_rows;
        if rows > reference.max_orphans {
            let keys = tally.orphan_keys;
            let nulls = match tally.null_rows {
                0 => String::new(),
                nulls => format!(", {nulls} of them with NULL"),
            };
            let allowed = match reference.max_orphans {
                0 => String::new(),
                most => format!(" ({most} are tolerated)"),
            };
            find(
                "orphans",
                format!("{reference}: {rows} orphan rows of {keys} missing keys{nulls}{allowed}"),
                "bird audit --plan FILE writes what bird repair would do with them",
            );
        }
        if tally.malformed_rows > 0 {
            let some = tally.malformed.join(", ");
            let message = format!(
                "{reference}: {} rows have a value that cannot be a key: {some}",
                tally.malformed_rows
            );
            find(
                "malformed-key",
                message,
                "mend the values, or say with `compare` how they are meant",
            );
        }
        found
    }

    fn json(&self) -> Value {
        let (reference, tally) = (&self.reference, &self.tally);
        let task = self.task.as_deref();
        let sample: Vec<Value> = tally
            .sample
            .iter()
            .map(|orphan| Value::Object(finish::told(orphan)))
            .collect();
        json!({
            "from": reference.from.to_string(),
            "to": reference.to.to_string(),
            "strategy": task.map(|task| task.choice.strategy.to_string()),
            "why": task.map(|task| task.choice.why.clone()),
            "complete": tally.complete,
            "rows": tally.totals.rows,
            "keys": tally.totals.keys,
            "parents": self.parents(),
            "candidates": tally.candidates,
            "orphan_keys": tally.orphan_keys,
            "orphan_rows": tally.orphan_rows,
            "hidden_rows": tally.hidden_rows,
            "null_rows": tally.null_rows,
            "malformed_rows": tally.malformed_rows,
            "malformed": tally.malformed,
            "max_orphans": reference.max_orphans,
            "severity": reference.severity,
            "guarantee": task.map(|task| task.guarantee.word()),
            "since": self.since.as_ref().map(|since| json!({
                "column": since.column,
                "from": since.from,
                "upto": since.upto,
            })),
            "last_full_pass": self.passed.full,
            "sources": self.sources(),
            "coverage": self.covered(),
            "sample": sample,
        })
    }

    /// What an audit from a watermark on leaves out.
    fn marked(&self) -> Option<String> {
        let from = self.since.as_ref()?;
        let Some(value) = &from.from else {
            return Some(format!(
                "{}: read whole, because no audit before this one noted a {}.",
                self.reference, from.column
            ));
        };
        let full = self.passed.full.as_deref();
        let full = full.map_or("there was none yet".to_owned(), |full| {
            format!("the last began {full}")
        });
        Some(format!(
            "{}: only rows with {} from {value} on. Rows that lost their parent since are found by a \
             full audit alone: {full}.",
            self.reference, from.column
        ))
    }

    fn sources(&self) -> Vec<String> {
        let prepared = self.prepared.as_deref();
        prepared.map_or(Vec::new(), |one| {
            vec![one.child.source(), one.parent.source()]
        })
    }

    /// The ranges of keys that were read: of the first column, each bound where there is one.
    fn covered(&self) -> Vec<Value> {
        let columns = self.prepared.as_deref().map(|one| &one.child.columns);
        let first = columns.and_then(|columns| columns.first());
        let bound = |key: &Option<Vec<u8>>| {
            let (key, (_, compare)) = (key.as_ref()?, first?);
            Some(tell(compare, key))
        };
        let ranges = self.tally.covered.iter();
        ranges
            .map(|range| json!({ "after": bound(&range.after), "upto": bound(&range.upto) }))
            .collect()
    }

    /// What was covered, in words, where that is not everything.
    fn gaps(&self) -> String {
        let ranges = self.covered().into_iter().map(|range| {
            let word = |bound: &Value, none: &str| bound.as_str().unwrap_or(none).to_owned();
            let (after, upto) = (
                word(&range["after"], "the first"),
                word(&range["upto"], "the last"),
            );
            format!("{after} to {upto}")
        });
        match ranges.collect::<Vec<_>>().join(", ") {
            all if self.tally.nulls_left => {
                format!("rows with NULL were not read; covered: keys from {all}")
            }
            none if none.is_empty() => "nothing was covered".to_owned(),
            some => format!("covered: keys from {some}"),
        }
    }
}

impl Report for AuditReport {
    fn command(&self) -> &'static str {
        "audit"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        if let Some(explained) = &self.explained {
            return explain::blocks(explained);
        }
        let asserted = assertions::block(&self.assertions);
        if self.references.is_empty() {
            let none = || Block::Line("No reference is declared.".to_owned());
            return vec![asserted.unwrap_or_else(none)];
        }
        let mut blocks = vec![Block::Grid(grid(&self.references))];
        for one in &self.references {
            if !one.tally.sample.is_empty() {
                blocks.push(Block::Line(format!("Orphans of {}:", one.reference)));
                blocks.push(Block::Grid(sample("missing key", &one.tally.sample)));
            }
        }
        let mut told: Vec<(&str, &str)> = Vec::new();
        for task in self.references.iter().filter_map(|one| one.task.as_deref()) {
            let meant = (task.guarantee.word(), task.guarantee.told());
            if !told.contains(&meant) {
                told.push(meant);
            }
        }
        for (word, meaning) in told {
            blocks.push(Block::Line(format!("{word}: {meaning}.")));
        }
        let (from, to) = (second(&self.begun_on), second(&self.ended_on));
        blocks.push(Block::Line(format!("Window: {from} to {to}.")));
        blocks.extend(asserted);
        for one in &self.references {
            blocks.extend(one.marked().map(Block::Line));
        }
        for one in self.references.iter().filter(|one| !one.tally.complete) {
            blocks.push(Block::Line(format!(
                "{}: not finished; {}.",
                one.reference,
                one.gaps()
            )));
        }
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let remarks = self.references.iter().flat_map(|one| one.remarks.clone());
        let mut all: Vec<Diagnostic> = self.faults.iter().cloned().chain(remarks).collect();
        if self.explained.is_none() {
            all.extend(self.findings());
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.severity == Severity::Error));
        all
    }

    fn checks(&self) -> Vec<Checked> {
        let whole = |outcome| Checked {
            subject: "bird".to_owned(),
            name: "audit".to_owned(),
            outcome,
        };
        if self.explained.is_some() {
            return vec![whole(Outcome::of_exit(self.exit, self.diagnostics()))];
        }
        let asserted = self.assertions.iter();
        let asserted = asserted.map(|one| one.checked(self.fail_on));
        let faults =
            (!self.faults.is_empty()).then(|| whole(Outcome::NotDone(self.faults.clone())));
        self.orphans().chain(asserted).chain(faults).collect()
    }

    fn databases(&self) -> Vec<Value> {
        Vec::new()
    }

    fn extra(&self) -> Map<String, Value> {
        let mut extra = Map::new();
        extra.insert("complete".into(), json!(self.complete()));
        if let Some(explained) = &self.explained {
            let explained: Vec<Value> = explained.iter().map(Explained::json).collect();
            extra.insert("references".into(), json!(explained));
            return extra;
        }
        let references: Vec<Value> = self.references.iter().map(Audited::json).collect();
        extra.insert(
            "window".into(),
            json!({ "from": self.begun_on, "to": self.ended_on }),
        );
        extra.insert("references".into(), json!(references));
        let asserted = self.assertions.iter().map(Asserted::json);
        extra.insert("assertions".into(), asserted.collect());
        extra
    }
}

/// A time to the second.
fn second(time: &str) -> String {
    let whole = time.split_once('.').map(|(whole, _)| format!("{whole}Z"));
    whole.unwrap_or_else(|| time.to_owned())
}

fn grid(references: &[Audited]) -> Grid {
    let mut grid = Grid {
        headers: vec![
            "reference",
            "to",
            "strategy",
            "rows",
            "keys",
            "orphan keys",
            "orphan rows",
            "guarantee",
        ],
        numbers: vec![3, 4, 5, 6],
        ..Grid::default()
    };
    for one in references {
        let task = one.task.as_deref();
        let counted = |number: u64| {
            if task.is_some() {
                number.to_string()
            } else {
                "?".to_owned()
            }
        };
        let guarantee = task.map_or("not audited", |task| task.guarantee.word());
        let guarantee = if task.is_some() && !one.tally.complete {
            "not finished"
        } else {
            guarantee
        };
        grid.rows.push(vec![
            one.reference.from.to_string(),
            one.reference.to.to_string(),
            task.map_or("-".to_owned(), |task| task.choice.strategy.to_string()),
            counted(one.tally.totals.rows),
            counted(one.tally.totals.keys),
            counted(one.tally.orphan_keys),
            counted(one.tally.orphan_rows),
            guarantee.to_owned(),
        ]);
    }
    grid
}

/// Orphans as a table; `key` heads their keys.
pub fn sample(key: &'static str, orphans: &[Orphan]) -> Grid {
    let mut grid = Grid {
        headers: vec![key, "row"],
        ..Grid::default()
    };
    for orphan in orphans {
        let key = orphan
            .key
            .iter()
            .map(|part| part.as_deref().unwrap_or("NULL"));
        let hidden = if orphan.hidden {
            " (there, but it does not count)"
        } else {
            ""
        };
        let row = orphan
            .row
            .iter()
            .map(|(column, cell)| format!("{column} {cell}"));
        grid.rows.push(vec![
            format!("{}{hidden}", key.collect::<Vec<_>>().join(", ")),
            row.collect::<Vec<_>>().join(", "),
        ]);
    }
    grid
}
