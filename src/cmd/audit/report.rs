//! What an audit found.

use crate::model::code::Code;
use serde_json::{Map, Value, json};

use super::assertions::{self, Asserted};
use super::explain::{self, Explained};
use super::reference_report::{Audited, grid};
use crate::cmd::run::orphans;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::exit::Exit;
use crate::model::orphan::Orphan;
use crate::output::checked::{Checked, Outcome};
use crate::output::{Block, Report};

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
            let outcome = if one.tally.complete {
                Outcome::of(found, self.fail_on)
            } else {
                let message = format!("{}: not finished; {}", one.reference, one.gaps());
                let mut told = vec![Diagnostic::new(Code::NotFinished, message)];
                told.extend(found);
                Outcome::NotDone(told)
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
            if !one.tally.sample.is_empty() {
                blocks.push(Block::Line(format!("Orphans of {}:", one.reference)));
                blocks.push(Block::Grid(orphans::grid("missing key", &one.tally.sample)));
            }
        }
        let mut told: Vec<(&str, &str)> = Vec::new();
        for guarantee in self.references.iter().filter_map(Audited::guarantee) {
            let meant = (guarantee.word(), guarantee.told());
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
            blocks.extend(one.late().map(Block::Line));
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
