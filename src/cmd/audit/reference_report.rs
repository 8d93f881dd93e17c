//! What an audit found of one reference.

use crate::model::code::Code;
use std::sync::Arc;

use serde_json::{Value, json};

use super::last_pass::Passed;
use crate::audit::Strategy;
use crate::cmd::run::orphans;
use crate::db::audit::endpoints::Prepared;
use crate::db::audit::replica::Reader;
use crate::db::audit::task::{Guarantee, Task};
use crate::db::audit::totals::Tally;
use crate::db::audit::watermark::Since;
use crate::model::diagnostic::Diagnostic;
use crate::model::key::describe;
use crate::model::reference::Reference;
use crate::output::Grid;

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

    pub fn findings(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let (reference, tally) = (&self.reference, &self.tally);
        let mut find = |code, message: String, hint: &str| {
            let mut fault = Diagnostic::new(code, message).database(&reference.from.database);
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
                Code::Orphans,
                format!(
                    "{reference}: {rows} orphan row{} of {keys} missing key{}{nulls}{allowed}",
                    plural(rows),
                    plural(keys)
                ),
                "bird audit --plan FILE writes what bird repair would do with them",
            );
        }
        if tally.malformed.rows > 0 {
            let some = tally.malformed.shown.join(", ");
            let message = format!(
                "{reference}: {} row{} with a value that cannot be a key: {some}",
                tally.malformed.rows,
                plural(tally.malformed.rows)
            );
            find(
                Code::MalformedKey,
                message,
                "mend the values, or say with `compare` how they are meant",
            );
        }
        found
    }

    pub fn json(&self) -> Value {
        let (reference, tally) = (&self.reference, &self.tally);
        let task = self.task.as_deref();
        let sample: Vec<Value> = tally
            .sample
            .iter()
            .map(|orphan| Value::Object(orphans::json(orphan)))
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
            "confirming": { "milliseconds": tally.confirming / 1000 },
            "orphan_keys": tally.orphan_keys,
            "orphan_rows": tally.orphan_rows,
            "hidden_rows": tally.hidden_rows,
            "null_rows": tally.null_rows,
            "malformed_rows": tally.malformed.rows,
            "malformed": tally.malformed.shown,
            "max_orphans": reference.max_orphans,
            "severity": reference.severity,
            "guarantee": self.guarantee().map(Guarantee::word),
            "since": self.since.as_ref().map(|since| json!({
                "column": since.column,
                "from": since.from,
                "upto": since.upto,
            })),
            "last_full_pass": self.passed.full,
            "sources": self.sources(),
            "replica": self.reader().map(|reader| json!({
                "place": reader.target.shown(),
                "identity": reader.identity,
                "behind_seconds": reader.behind(),
                "follows": reader.follows(),
            })),
            "coverage": self.covered(),
            "sample": sample,
        })
    }

    /// How certain its findings are, where it was read.
    pub fn guarantee(&self) -> Option<Guarantee> {
        let (task, prepared) = (self.task.as_deref()?, self.prepared.as_deref()?);
        Some(task.guarantee(prepared))
    }

    fn reader(&self) -> Option<&Reader> {
        self.prepared.as_deref()?.child.reader.as_ref()
    }

    /// What an audit of a replica's rows leaves out.
    pub fn late(&self) -> Option<String> {
        let reader = self.reader()?;
        Some(format!(
            "{}: keys from the replica {}, {}.",
            self.reference,
            reader.target.shown(),
            reader.age()
        ))
    }

    /// What an audit from a watermark on leaves out.
    pub fn marked(&self) -> Option<String> {
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
            Some(describe(compare, key))
        };
        let ranges = self.tally.covered.iter();
        ranges
            .map(|range| json!({ "after": bound(&range.after), "upto": bound(&range.upto) }))
            .collect()
    }

    /// What was covered, in words, where that is not everything.
    pub fn gaps(&self) -> String {
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

fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// All references in a table.
pub fn grid(references: &[Audited]) -> Grid {
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
        let guarantee = one.guarantee().map_or("not audited", Guarantee::word);
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
