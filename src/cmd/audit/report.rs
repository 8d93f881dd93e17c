//! The report of an audit.

use serde_json::{Map, Value, json};

use super::assertions::{self, AssertionResult};
use super::explain::{self, Explanation};
use super::reference_report::{ReferenceReport, grid};
use crate::invariant;
use crate::invariant::Broken;
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::exit::Exit;
use crate::model::orphan::Orphan;
use crate::output::checked::{Checked, Outcome};
use crate::output::human::count;
use crate::output::{Block, Report, Tone};

/// The results of all references and assertions.
pub struct AuditReport {
    pub references: Vec<ReferenceReport>,
    pub assertions: Vec<AssertionResult>,
    /// The least severity that fails the run.
    pub fail_on: Severity,
    pub begun_on: String,
    pub ended_on: String,
    /// The failures of tasks and files.
    pub faults: Vec<Diagnostic>,
    /// The explanations, with `--explain`.
    pub explained: Option<Vec<Explanation>>,
    /// The file with the plan for a repair, if one was written.
    pub plan: Option<String>,
    /// What was written, or was not, one line for each file.
    pub files: Vec<String>,
    /// Whether `--resume` continues it, if it is incomplete.
    pub resumable: bool,
    /// The number of missing keys that are shown per reference.
    pub sample: usize,
    pub exit: Exit,
}

impl AuditReport {
    /// Whether every key of every reference was read.
    pub fn complete(&self) -> bool {
        let read = |one: &ReferenceReport| one.totals.complete;
        self.faults.is_empty() && (self.explained.is_some() || self.references.iter().all(read))
    }

    /// Counts an orphan, and adds it to the sample if there is room.
    pub fn keep(&mut self, orphan: Orphan) -> Result<(), Broken> {
        let mut all = self.references.iter_mut();
        let one = all.find(|one| one.index == orphan.reference);
        let one = invariant!(one, some, "an orphan belongs to a reference of the run");
        one.totals.hidden_rows += u64::from(orphan.hidden);
        one.missing.add(&orphan, self.sample);
        if one.totals.sample.len() < self.sample {
            one.totals.sample.push(orphan);
        }
        Ok(())
    }

    /// The findings about the data.
    pub fn findings(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        let plan = self.plan.as_deref();
        let orphans = self
            .references
            .iter()
            .flat_map(move |one| one.findings(plan));
        orphans.chain(assertions::diagnostics(&self.assertions))
    }

    /// The number of orphan rows with its noun.
    pub fn orphan_rows(&self) -> String {
        let rows = self.references.iter().map(|one| one.totals.orphan_rows);
        match rows.sum() {
            0 => "no orphan rows".to_owned(),
            1 => "1 orphan row".to_owned(),
            rows => format!("{} orphan rows", count(rows)),
        }
    }

    /// The result in one line.
    fn verdict(&self) -> String {
        let all = self.references.len();
        let references = counted(all, "reference");
        let complete = self.references.iter().filter(|one| one.totals.complete);
        let complete = complete.count();
        let rows = self.orphan_rows();
        if !self.complete() {
            let could = |one: &ReferenceReport| !one.totals.complete && one.prepared.is_some();
            let again = if !self.references.iter().any(could) {
                ""
            } else if self.resumable {
                "; bird audit --resume continues"
            } else {
                "; run bird audit again"
            };
            return format!(
                "not finished: {complete} of {references} read completely, {rows} so far{again}"
            );
        }
        let unasked = self.assertions.iter().filter(|one| !one.is_done()).count();
        let broken = self.assertions.iter().filter(|one| one.rows() > 0).count();
        let asserted = match (self.assertions.len(), unasked, broken) {
            (0, ..) => String::new(),
            (of, 0, 0) => format!("; assertions that hold: {of} of {of}"),
            (of, 0, broken) => format!("; assertions that fail: {broken} of {of}"),
            (of, unasked, _) => {
                format!("; assertions that could not be checked: {unasked} of {of}")
            }
        };
        let word = match self.exit {
            Exit::Done => "ok",
            _ => "failed",
        };
        let affected = self.references.iter();
        let affected = affected.filter(|one| one.totals.orphan_rows > 0);
        let of = match affected.count() {
            affected if affected == 0 || affected == all => String::new(),
            affected => format!("{affected} of "),
        };
        format!("{word}: {rows} in {of}{references}{asserted}")
    }

    /// The references for check formats.
    fn orphans(&self) -> impl Iterator<Item = Checked> + '_ {
        self.references.iter().map(|one| {
            let found: Vec<Diagnostic> = one
                .notes
                .iter()
                .cloned()
                .chain(one.findings(self.plan.as_deref()))
                .collect();
            let outcome = if one.totals.complete {
                Outcome::of(found, self.fail_on)
            } else {
                let message = format!("{}: not finished; {}", one.reference, one.gaps());
                let mut diagnostics = vec![Diagnostic::new(Code::NotFinished, message)];
                diagnostics.extend(found);
                Outcome::NotDone(diagnostics)
            };
            Checked {
                subject: one.reference.from.database.clone(),
                name: format!("orphans of {}", one.reference),
                outcome,
            }
        })
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
            if !one.missing.is_empty() {
                blocks.push(Block::Line(format!("Orphans of {}:", one.reference)));
                blocks.push(Block::Grid(one.missing.grid()));
                blocks.extend(one.shown_of_all().map(Block::Line));
            }
        }
        let mut meanings: Vec<(&str, &str)> = Vec::new();
        // What is incomplete promises nothing.
        let complete = self.references.iter().filter(|one| one.totals.complete);
        for guarantee in complete.filter_map(ReferenceReport::guarantee) {
            let meant = (guarantee.word(), guarantee.description());
            if !meanings.contains(&meant) {
                meanings.push(meant);
            }
        }
        for (word, meaning) in meanings {
            blocks.push(Block::Line(format!("{word}: {meaning}.")));
        }
        let (from, to) = (second(&self.begun_on), second(&self.ended_on));
        blocks.push(Block::Line(format!("Window: {from} to {to}.")));
        blocks.extend(asserted);
        for one in &self.references {
            blocks.extend(one.replica_note().map(Block::Line));
            blocks.extend(one.watermark_note().map(Block::Line));
        }
        for one in self.references.iter().filter(|one| !one.totals.complete) {
            blocks.push(Block::Line(format!(
                "{}: not finished; {}.",
                one.reference,
                one.gaps()
            )));
        }
        blocks.extend(self.files.iter().cloned().map(Block::Line));
        let tone = match self.exit {
            Exit::Done => Tone::Good,
            _ if self.complete() => Tone::Bad,
            _ => Tone::Attention,
        };
        blocks.push(Block::Verdict(tone, self.verdict()));
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let notes = self.references.iter().flat_map(|one| one.notes.clone());
        let mut all: Vec<Diagnostic> = self.faults.iter().cloned().chain(notes).collect();
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
            let explained: Vec<Value> = explained.iter().map(Explanation::json).collect();
            extra.insert("references".into(), json!(explained));
            return extra;
        }
        let references: Vec<Value> = self.references.iter().map(ReferenceReport::json).collect();
        extra.insert(
            "window".into(),
            json!({ "from": self.begun_on, "to": self.ended_on }),
        );
        extra.insert("references".into(), json!(references));
        let asserted = self.assertions.iter().map(AssertionResult::json);
        extra.insert("assertions".into(), asserted.collect());
        extra
    }
}

/// Shortens a time to seconds.
fn second(time: &str) -> String {
    let whole = time.split_once('.').map(|(whole, _)| format!("{whole}Z"));
    whole.unwrap_or_else(|| time.to_owned())
}
