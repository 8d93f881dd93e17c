//! The report of a repair.

use serde_json::{Map, Value, json};

use crate::cmd::run::missing::MissingConsents;
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::model::repair::{Action, RepairCounts};
use crate::output::{Block, Grid, Report};

/// The number of refused or remaining rows that are shown per reference.
const SHOWN: usize = 10;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It showed what it would do.
    Preview,
    Executed,
    /// It restored rows, or showed it.
    Undone {
        dry_run: bool,
    },
    /// It deleted quarantined rows for good, or showed it.
    Purged {
        dry_run: bool,
    },
}

/// The result of a repair, an undo or a purge.
pub struct RepairReport {
    pub(super) mode: Mode,
    /// The run of the plan.
    pub(super) plan: String,
    pub(super) action: Action,
    pub(super) references: Vec<ReferenceOutcome>,
    /// The consents that the run of a preview lacks.
    pub(super) missing: MissingConsents,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) exit: Exit,
}

/// The result of one reference.
pub struct ReferenceOutcome {
    /// Its name for people and in the journal.
    pub name: String,
    pub from: String,
    pub to: String,
    /// The number of its rows in the plan.
    pub planned: u64,
    /// The counts of all runs of the plan.
    pub outcome: RepairCounts,
    /// The counts of this run.
    pub now: RepairCounts,
    pub quarantine: Option<String>,
    /// The number of parents that could have appeared between the last read and the commit.
    pub open: u64,
    /// The first rows that the engine refused or that were not restored, with the reason.
    pub refusals: Vec<(Vec<String>, String)>,
    /// The number of rows that were not restored.
    pub conflicts: u64,
}

impl ReferenceOutcome {
    /// A reference without counts.
    pub fn new(name: String, from: String, to: String) -> ReferenceOutcome {
        ReferenceOutcome {
            name,
            from,
            to,
            planned: 0,
            outcome: RepairCounts::default(),
            now: RepairCounts::default(),
            quarantine: None,
            open: 0,
            refusals: Vec::new(),
            conflicts: 0,
        }
    }

    /// The child's key, or the name if that does not tell it from others.
    fn title(&self) -> &str {
        self.own_name().unwrap_or(&self.from)
    }

    /// The name, if it says more than the ends.
    fn own_name(&self) -> Option<&str> {
        let ends = format!("{} -> {}", self.from, self.to);
        (self.name != ends).then_some(self.name.as_str())
    }

    /// Adds refused or remaining rows, as far as they are shown.
    pub fn refuse(&mut self, rows: Vec<(Vec<String>, String)>) {
        let room = SHOWN.saturating_sub(self.refusals.len());
        self.refusals.extend(rows.into_iter().take(room));
    }

    /// The number of rows of the plan that remain.
    pub fn remaining(&self) -> u64 {
        self.planned.saturating_sub(self.outcome.planned)
    }
}

impl RepairReport {
    /// An empty report.
    pub(super) fn new(mode: Mode, plan: &str) -> RepairReport {
        RepairReport {
            mode,
            plan: plan.to_owned(),
            action: Action::Quarantine,
            references: Vec::new(),
            missing: MissingConsents::default(),
            diagnostics: Vec::new(),
            exit: Exit::Done,
        }
    }

    /// Lists the consents that the run of a preview lacks.
    pub(super) fn list(&mut self, missing: MissingConsents) {
        self.exit = self.exit.most_severe(missing.exit());
        self.missing = missing;
    }

    fn is_undo(&self) -> bool {
        matches!(self.mode, Mode::Undone { .. })
    }

    fn is_purge(&self) -> bool {
        matches!(self.mode, Mode::Purged { .. })
    }

    fn json(&self, reference: &ReferenceOutcome) -> Value {
        let refusals: Vec<Value> = reference
            .refusals
            .iter()
            .map(|(row, why)| json!({ "row": row, "why": why }))
            .collect();
        if self.is_undo() {
            return json!({
                "name": reference.own_name(), "from": reference.from, "to": reference.to,
                "action": self.action,
                "returned": reference.now.repaired, "conflicts": reference.conflicts,
                "chunks": reference.now.chunks, "quarantine": reference.quarantine, "refusals": refusals,
            });
        }
        if self.is_purge() {
            return json!({
                "name": reference.own_name(), "from": reference.from, "to": reference.to,
                "action": self.action,
                "purged": reference.now.repaired, "chunks": reference.now.chunks,
                "quarantine": reference.quarantine,
            });
        }
        let outcome = &reference.outcome;
        // Only a run that changed something gives a guarantee.
        let guarantee = match (self.mode, reference.now.chunks, reference.open) {
            (Mode::Executed, 1.., 0) => Some("held"),
            (Mode::Executed, 1.., _) => Some("window"),
            _ => None,
        };
        json!({
            "name": reference.own_name(), "from": reference.from, "to": reference.to,
                "action": self.action,
            "planned": reference.planned, "repaired": outcome.repaired, "healed": outcome.healed,
            "gone": outcome.gone, "changed": outcome.changed, "refused": outcome.refused,
            "remaining": reference.remaining(), "chunks": outcome.chunks,
            "quarantine": reference.quarantine,
            "guarantee": guarantee,
            "refusals": refusals,
        })
    }

    fn grid(&self) -> Grid {
        let headers = match (self.mode, self.action) {
            (Mode::Undone { dry_run: true }, _) => {
                vec!["reference", "would go back", "would stay"]
            }
            (Mode::Undone { .. }, _) => vec!["reference", "put back", "left aside"],
            (Mode::Purged { dry_run: true }, _) => vec!["reference", "would be gone for good"],
            (Mode::Purged { .. }, _) => vec!["reference", "gone for good"],
            (Mode::Preview, Action::Quarantine) => headers("to be quarantined"),
            (Mode::Preview, Action::Delete) => headers("to be deleted"),
            (Mode::Preview, Action::SetNull) => headers("to be set to NULL"),
            (Mode::Executed, Action::Quarantine) => headers("quarantined"),
            (Mode::Executed, Action::Delete) => headers("deleted"),
            (Mode::Executed, Action::SetNull) => headers("set to NULL"),
        };
        let numbers = self.references.iter().map(|reference| {
            let outcome = &reference.outcome;
            match self.mode {
                Mode::Undone { .. } => vec![reference.now.repaired, reference.conflicts],
                Mode::Purged { .. } => vec![reference.now.repaired],
                Mode::Preview | Mode::Executed => vec![
                    reference.planned,
                    outcome.repaired,
                    outcome.healed,
                    outcome.gone,
                    outcome.changed,
                    outcome.refused,
                    reference.remaining(),
                ],
            }
        });
        let numbers: Vec<Vec<u64>> = numbers.collect();
        let rows = self.references.iter().zip(&numbers).map(|(one, numbers)| {
            let name = [one.name.clone()];
            let numbers = numbers.iter().map(u64::to_string);
            name.into_iter().chain(numbers).collect()
        });
        // A column of zeros says least.
        let is_zero = |column: &usize| numbers.iter().all(|row| row.get(column - 1) == Some(&0));
        Grid {
            rows: rows.collect(),
            numbers: (1..headers.len()).collect(),
            optional: (3..headers.len()).filter(is_zero).collect(),
            tones: None,
            headers,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for reference in &self.references {
            if reference.open > 0 {
                lines.push(format!(
                    "{}: missing parents that could not be locked: {}; run bird audit again, \
                     because a parent inserted just before the commit is not noticed",
                    reference.title(),
                    reference.open
                ));
            }
            for (row, why) in &reference.refusals {
                lines.push(format!("{}: {}: {why}", reference.title(), row.join(", ")));
            }
        }
        let repaired: u64 = self
            .references
            .iter()
            .map(|reference| reference.now.repaired)
            .sum();
        match (self.mode, self.action) {
            (Mode::Preview, _) => lines.push("nothing was written; --execute does it".to_owned()),
            (Mode::Undone { dry_run: true } | Mode::Purged { dry_run: true }, _) => {
                lines.push("nothing was written".to_owned());
            }
            (Mode::Purged { .. }, _) if repaired == 0 => {
                lines.push(format!("no rows of the run {} are quarantined", self.plan));
            }
            (Mode::Executed, Action::Quarantine | Action::SetNull) if repaired > 0 => {
                lines.push(format!(
                    "to restore the rows: bird repair --undo {}",
                    self.plan
                ));
            }
            _ => {}
        }
        lines
    }
}

/// The finding about the rows of a reference that the database refused.
fn refused(reference: &ReferenceOutcome) -> Option<Diagnostic> {
    let name = reference.title();
    if reference.outcome.refused == 0 {
        return None;
    }
    let rows = counted(reference.outcome.refused, "row");
    let message = format!("{name}: the database refused to change {rows}");
    let mut fault = Diagnostic::new(Code::RowsRefused, message);
    let refusals = reference.refusals.iter();
    fault.notes = refusals
        .map(|(row, why)| format!("{}: {why}", row.join(", ")))
        .collect();
    Some(fault.hint("correct the rows, then run the same command again"))
}

fn headers(done: &'static str) -> Vec<&'static str> {
    vec![
        "reference",
        "planned",
        done,
        "healed",
        "gone",
        "changed",
        "refused",
        "remaining",
    ]
}

impl Report for RepairReport {
    fn command(&self) -> &'static str {
        "repair"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let lines = self.lines().into_iter().map(Block::Line);
        [Block::Grid(self.grid())]
            .into_iter()
            .chain(lines)
            .chain(self.missing.blocks())
            .collect()
    }

    fn shown_findings(&self) -> Vec<Diagnostic> {
        let refused = self.references.iter().filter_map(refused);
        self.missing.findings().into_iter().chain(refused).collect()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn databases(&self) -> Vec<Value> {
        Vec::new()
    }

    fn extra(&self) -> Map<String, Value> {
        let references: Vec<Value> = self
            .references
            .iter()
            .map(|reference| self.json(reference))
            .collect();
        let dry_run = match self.mode {
            Mode::Preview => true,
            Mode::Executed => false,
            Mode::Undone { dry_run } | Mode::Purged { dry_run } => dry_run,
        };
        Map::from_iter([
            ("plan_run".to_owned(), json!(self.plan)),
            ("undo".to_owned(), json!(self.is_undo())),
            ("purge".to_owned(), json!(self.is_purge())),
            ("dry_run".to_owned(), json!(dry_run)),
            ("references".to_owned(), json!(references)),
        ])
    }
}
