//! The report of one reference.

use std::sync::Arc;

use serde_json::{Value, json};

use super::last_pass::LastPass;
use super::missing_keys::MissingKeys;
use crate::audit::Strategy;
use crate::cmd::run::orphans;
use crate::db::audit::endpoints::PreparedReference;
use crate::db::audit::replica::ReadReplica;
use crate::db::audit::task::{Guarantee, Task};
use crate::db::audit::totals::ReferenceTotals;
use crate::db::audit::watermark::Watermark;
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::Diagnostic;
use crate::model::key::describe;
use crate::model::reference::Reference;
use crate::output::human::count;
use crate::output::{Grid, Tone, Tones};

/// The result of one reference.
pub struct ReferenceReport {
    /// Its index among the project's references.
    pub index: usize,
    pub reference: Reference,
    pub notes: Vec<Diagnostic>,
    pub prepared: Option<Arc<PreparedReference>>,
    /// The task that read it; `None` if it was not read.
    pub task: Option<Arc<Task>>,
    pub totals: ReferenceTotals,
    /// The watermark from which its rows were read.
    pub since: Option<Watermark>,
    /// The audits of it before this one.
    pub last_pass: LastPass,
    pub missing: MissingKeys,
    /// The start of the last full audit, which may be this one.
    pub last_full: Option<String>,
}

impl ReferenceReport {
    /// The number of parents, if the strategy counted them.
    pub fn parents(&self) -> Option<u64> {
        let task = self.task.as_deref()?;
        let counted = match task.choice.strategy {
            Strategy::Merge => true,
            Strategy::Hash => self.totals.read.keys > 0,
            Strategy::Sql | Strategy::Probe => false,
        };
        (counted && self.totals.complete).then_some(self.totals.parents)
    }

    /// The findings; `plan` is the file with the plan for a repair, if one was written.
    pub fn findings(&self, plan: Option<&str>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let (reference, totals) = (&self.reference, &self.totals);
        let mut find = |code, message: String, hint: &str| {
            let mut fault = Diagnostic::new(code, message).database(&reference.from.database);
            fault.severity = reference.severity;
            fault.location.clone_from(&reference.location);
            found.push(fault.hint(hint));
        };
        let rows = totals.orphan_rows;
        if rows > reference.max_orphans {
            let keys = totals.orphan_keys;
            let nulls = match totals.null_rows {
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
                    "{reference}: {} of {}{nulls}{allowed}",
                    counted(rows, "orphan row"),
                    counted(keys, "missing key")
                ),
                &match plan {
                    Some(plan) => {
                        format!("bird repair --plan {plan} shows what a repair would do with them")
                    }
                    None => "bird audit --plan FILE writes a plan to repair them".to_owned(),
                },
            );
        }
        if totals.malformed.rows > 0 {
            let some = totals.malformed.shown.join(", ");
            let message = format!(
                "{reference}: {} with a value that cannot be compared as a key: {some}",
                counted(totals.malformed.rows, "row")
            );
            find(
                Code::MalformedKey,
                message,
                "correct the values, or set how they are compared with `compare`",
            );
        }
        found
    }

    /// Says how many of its missing keys are shown; `None` if all are.
    pub fn shown_of_all(&self) -> Option<String> {
        let (shown, all) = (self.missing.len() as u64, self.totals.orphan_keys);
        (shown < all).then(|| {
            format!(
                "{} of {} missing keys shown; --orphans FILE writes all, --sample N shows more.",
                count(shown),
                count(all)
            )
        })
    }

    pub fn json(&self) -> Value {
        let (reference, totals) = (&self.reference, &self.totals);
        let task = self.task.as_deref();
        let sample: Vec<Value> = totals
            .sample
            .iter()
            .map(|orphan| Value::Object(orphans::json(orphan)))
            .collect();
        json!({
            "name": reference.name,
            "from": reference.from.to_string(),
            "to": reference.to.to_string(),
            "where": reference.filter,
            "to_where": reference.to_filter,
            "strategy": task.map(|task| task.choice.strategy.to_string()),
            "why": task.map(|task| task.choice.why.clone()),
            "complete": totals.complete,
            "rows": totals.read.rows,
            "keys": totals.read.keys,
            "parents": self.parents(),
            "candidates": totals.candidates,
            "confirming": { "milliseconds": totals.confirming / 1000 },
            "orphan_keys": totals.orphan_keys,
            "orphan_rows": totals.orphan_rows,
            "hidden_rows": totals.hidden_rows,
            "null_rows": totals.null_rows,
            "malformed_rows": totals.malformed.rows,
            "malformed": totals.malformed.shown,
            "max_orphans": reference.max_orphans,
            "severity": reference.severity,
            "guarantee": self.guarantee().map(Guarantee::word),
            "since": self.since.as_ref().map(|since| json!({
                "column": since.column,
                "from": since.from,
                "upto": since.upto,
            })),
            "last_full_pass": self.last_pass.full,
            "sources": self.sources(),
            "replica": self.read_replica().map(|read_replica| json!({
                "place": read_replica.target.shown(),
                "identity": read_replica.identity,
                "behind_seconds": read_replica.behind(),
                "follows": read_replica.follows(),
            })),
            "coverage": self.covered(),
            "sample": sample,
        })
    }

    /// The guarantee of its findings; `None` if it was not read.
    pub fn guarantee(&self) -> Option<Guarantee> {
        let (task, prepared) = (self.task.as_deref()?, self.prepared.as_deref()?);
        Some(task.guarantee(prepared))
    }

    fn read_replica(&self) -> Option<&ReadReplica> {
        self.prepared.as_deref()?.child.read_replica.as_ref()
    }

    /// A note about the replica that its keys come from.
    pub fn replica_note(&self) -> Option<String> {
        let read_replica = self.read_replica()?;
        Some(format!(
            "{}: keys from the replica {}, {}.",
            self.reference,
            read_replica.target.shown(),
            read_replica.age()
        ))
    }

    /// A note about the rows that an audit from a watermark leaves out.
    pub fn watermark_note(&self) -> Option<String> {
        let from = self.since.as_ref()?;
        let Some(value) = &from.from else {
            let why = if self.last_pass.marks.contains_key(&from.column) {
                format!(
                    "the stored value of {} is that of another server",
                    from.column
                )
            } else {
                format!("no earlier audit stored a value of {}", from.column)
            };
            return Some(format!(
                "{}: all rows were read, because {why}.",
                self.reference
            ));
        };
        let full = self.last_pass.full.as_deref();
        let full = full.map_or("there was none so far".to_owned(), |full| {
            format!("the last one began {full}")
        });
        Some(format!(
            "{}: only rows with {} from {value} on were read. Only a full audit finds older rows \
             that have lost their parent or were committed late: {full}.",
            self.reference, from.column
        ))
    }

    fn sources(&self) -> Vec<String> {
        let prepared = self.prepared.as_deref();
        prepared.map_or(Vec::new(), |one| {
            vec![one.child.source(), one.parent.source()]
        })
    }

    /// The ranges of keys that were read, by their first column.
    fn covered(&self) -> Vec<Value> {
        let columns = self.prepared.as_deref().map(|one| &one.child.columns);
        let first = columns.and_then(|columns| columns.first());
        let bound = |key: &Option<Vec<u8>>| {
            let (key, (_, compare)) = (key.as_ref()?, first?);
            Some(describe(compare, key))
        };
        let ranges = self.totals.covered.iter();
        ranges
            .map(|range| json!({ "after": bound(&range.after), "upto": bound(&range.upto) }))
            .collect()
    }

    /// Describes what was read of a reference that is incomplete.
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
            all if self.totals.nulls_left => {
                format!("rows with NULL were not read; covered: keys from {all}")
            }
            none if none.is_empty() => "nothing was covered".to_owned(),
            some => format!("covered: keys from {some}"),
        }
    }
}

impl ReferenceReport {
    /// How good its number of orphans is.
    fn tone(&self) -> Tone {
        match self.totals.orphan_rows {
            0 if self.totals.complete => Tone::Good,
            0 => Tone::Attention,
            rows if rows <= self.reference.max_orphans => Tone::Attention,
            _ => Tone::Bad,
        }
    }
}

/// Renders all references as a table.
pub fn grid(references: &[ReferenceReport]) -> Grid {
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
        optional: vec![2, 4, 7, 3, 5, 1],
        tones: Some(Tones {
            column: 6,
            rows: references.iter().map(ReferenceReport::tone).collect(),
        }),
        ..Grid::default()
    };
    for one in references {
        let task = one.task.as_deref();
        let counted = |number: u64| {
            if task.is_some() {
                count(number)
            } else {
                "?".to_owned()
            }
        };
        let guarantee = one.guarantee().map_or("not audited", Guarantee::word);
        let guarantee = if task.is_some() && !one.totals.complete {
            "not finished"
        } else {
            guarantee
        };
        grid.rows.push(vec![
            one.reference.title(),
            one.reference.to.to_string(),
            task.map_or("-".to_owned(), |task| task.choice.strategy.to_string()),
            counted(one.totals.read.rows),
            counted(one.totals.read.keys),
            counted(one.totals.orphan_keys),
            counted(one.totals.orphan_rows),
            guarantee.to_owned(),
        ]);
    }
    grid
}
