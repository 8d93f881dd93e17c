//! What a repair has done, or would do.

use serde_json::{Map, Value, json};

use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::model::repair::{Action, Outcome};
use crate::output::{Block, Grid, Report};

/// So many rows of a reference that were refused or left are shown.
const SHOWN: usize = 10;

/// What a run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It has shown what it would do.
    Looked,
    Executed,
    /// Rows were put back, or would be.
    Undone {
        dry_run: bool,
    },
    /// What was kept is gone for good, or would be.
    Purged {
        dry_run: bool,
    },
}

/// A repair, its undoing, or the end of what it has kept.
pub struct RepairReport {
    pub(super) mode: Mode,
    /// The run of the plan.
    pub(super) plan: String,
    pub(super) action: Action,
    pub(super) parts: Vec<Part>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) exit: Exit,
}

/// One reference.
pub struct Part {
    pub from: String,
    pub to: String,
    /// How many rows the plan has of it.
    pub planned: u64,
    /// What has come of them, earlier runs of the same plan included.
    pub outcome: Outcome,
    /// What this run has done.
    pub now: Outcome,
    pub quarantine: Option<String>,
    /// So many parents could have appeared between the last look and the commit.
    pub open: u64,
    /// The first rows that the engine refused, or that were not put back, and why.
    pub refusals: Vec<(Vec<String>, String)>,
    /// So many rows were not put back.
    pub conflicts: u64,
}

impl Part {
    /// A reference of which nothing is done yet.
    pub fn new(from: String, to: String) -> Part {
        Part {
            from,
            to,
            planned: 0,
            outcome: Outcome::default(),
            now: Outcome::default(),
            quarantine: None,
            open: 0,
            refusals: Vec::new(),
            conflicts: 0,
        }
    }

    /// Adds rows that were refused or left, as far as they are shown.
    pub fn refuse(&mut self, rows: Vec<(Vec<String>, String)>) {
        let room = SHOWN.saturating_sub(self.refusals.len());
        self.refusals.extend(rows.into_iter().take(room));
    }

    /// How many rows of the plan are not done with.
    pub fn remaining(&self) -> u64 {
        self.planned.saturating_sub(self.outcome.planned)
    }
}

impl RepairReport {
    /// A report of a run in which nothing has happened yet.
    pub(super) fn new(mode: Mode, plan: &str) -> RepairReport {
        RepairReport {
            mode,
            plan: plan.to_owned(),
            action: Action::Quarantine,
            parts: Vec::new(),
            diagnostics: Vec::new(),
            exit: Exit::Done,
        }
    }

    fn is_undo(&self) -> bool {
        matches!(self.mode, Mode::Undone { .. })
    }

    fn is_purge(&self) -> bool {
        matches!(self.mode, Mode::Purged { .. })
    }

    fn json(&self, part: &Part) -> Value {
        let refusals: Vec<Value> = part
            .refusals
            .iter()
            .map(|(row, why)| json!({ "row": row, "why": why }))
            .collect();
        if self.is_undo() {
            return json!({
                "from": part.from, "to": part.to, "action": self.action,
                "returned": part.now.repaired, "conflicts": part.conflicts,
                "chunks": part.now.chunks, "quarantine": part.quarantine, "refusals": refusals,
            });
        }
        if self.is_purge() {
            return json!({
                "from": part.from, "to": part.to, "action": self.action,
                "purged": part.now.repaired, "chunks": part.now.chunks,
                "quarantine": part.quarantine,
            });
        }
        let outcome = &part.outcome;
        // Of this run; a run that had nothing to do has nothing to promise.
        let guarantee = match (self.mode, part.now.chunks, part.open) {
            (Mode::Executed, 1.., 0) => Some("held"),
            (Mode::Executed, 1.., _) => Some("window"),
            _ => None,
        };
        json!({
            "from": part.from, "to": part.to, "action": self.action,
            "planned": part.planned, "repaired": outcome.repaired, "healed": outcome.healed,
            "gone": outcome.gone, "changed": outcome.changed, "refused": outcome.refused,
            "remaining": part.remaining(), "chunks": outcome.chunks,
            "quarantine": part.quarantine,
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
            (Mode::Looked, Action::Quarantine) => headers("to be quarantined"),
            (Mode::Looked, Action::Delete) => headers("to be deleted"),
            (Mode::Looked, Action::SetNull) => headers("to be set to NULL"),
            (Mode::Executed, Action::Quarantine) => headers("quarantined"),
            (Mode::Executed, Action::Delete) => headers("deleted"),
            (Mode::Executed, Action::SetNull) => headers("set to NULL"),
        };
        let rows = self.parts.iter().map(|part| {
            let outcome = &part.outcome;
            let numbers = match self.mode {
                Mode::Undone { .. } => vec![part.now.repaired, part.conflicts],
                Mode::Purged { .. } => vec![part.now.repaired],
                Mode::Looked | Mode::Executed => vec![
                    part.planned,
                    outcome.repaired,
                    outcome.healed,
                    outcome.gone,
                    outcome.changed,
                    outcome.refused,
                    part.remaining(),
                ],
            };
            let name = [format!("{} -> {}", part.from, part.to)];
            let numbers = numbers.into_iter().map(|number| number.to_string());
            name.into_iter().chain(numbers).collect()
        });
        Grid {
            numbers: (1..headers.len()).collect(),
            rows: rows.collect(),
            headers,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for part in &self.parts {
            if part.open > 0 {
                lines.push(format!(
                    "{}: keys that nothing could lock, so that parents may have come between the \
                     last look for them and the commit: {}",
                    part.from, part.open
                ));
            }
            for (row, why) in &part.refusals {
                lines.push(format!("{}: {}: {why}", part.from, row.join(", ")));
            }
        }
        let repaired: u64 = self.parts.iter().map(|part| part.now.repaired).sum();
        match (self.mode, self.action) {
            (Mode::Looked, _) => lines.push("nothing was written; --execute does it".to_owned()),
            (Mode::Undone { dry_run: true } | Mode::Purged { dry_run: true }, _) => {
                lines.push("nothing was written".to_owned());
            }
            (Mode::Purged { .. }, _) if repaired == 0 => {
                lines.push(format!("nothing is kept of the run {}", self.plan));
            }
            (Mode::Executed, Action::Quarantine | Action::SetNull) if repaired > 0 => {
                lines.push(format!(
                    "to put the rows back: bird repair --undo {}",
                    self.plan
                ));
            }
            _ => {}
        }
        lines
    }
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
            .collect()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn databases(&self) -> Vec<Value> {
        Vec::new()
    }

    fn extra(&self) -> Map<String, Value> {
        let references: Vec<Value> = self.parts.iter().map(|part| self.json(part)).collect();
        let dry_run = match self.mode {
            Mode::Looked => true,
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
