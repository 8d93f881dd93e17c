//! A repair: what becomes of orphans, and what stands in the way of that.

use serde::{Deserialize, Serialize};

/// What is done with an orphan row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is moved into a table beside its own, from where it can be put back.
    #[default]
    Quarantine,
    /// It is deleted, and cannot be put back.
    Delete,
    /// It stays and refers to nothing; a copy of it is kept, so that it can be undone.
    SetNull,
}

impl Action {
    pub const ALL: [Action; 3] = [Action::Quarantine, Action::Delete, Action::SetNull];

    /// The word of the command line, of plans and of the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Action::Quarantine => "quarantine",
            Action::Delete => "delete",
            Action::SetNull => "set-null",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Action> {
        let mut all = Action::ALL.into_iter();
        all.find(|action| action.word() == word)
    }

    /// What was done to a row, in a sentence.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Action::Quarantine => "quarantined",
            Action::Delete => "deleted",
            Action::SetNull => "set to NULL",
        }
    }
}

/// What an audit counted of one reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub orphan_rows: u64,
    pub orphan_keys: u64,
    /// The rows of the child that were read.
    pub rows: u64,
    pub keys: u64,
    /// The rows of the parent that count, where they were counted.
    pub parents: Option<u64>,
}

/// What about a table can make a repair do more, or less, than it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub kind: Hindrance,
    /// What it is called.
    pub name: String,
}

/// The kinds of obstacles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    InsertTrigger,
    UpdateTrigger,
    DeleteTrigger,
    /// A foreign key that takes other rows along when one is deleted.
    DeleteCascade,
    /// A foreign key that changes other rows along with one.
    UpdateCascade,
    /// Its rows cannot be rolled back.
    Untransactional,
    /// It is none: a view, a table elsewhere.
    NotTable,
    /// Other tables inherit from it, and a row could be in one of them.
    Inherited,
    /// A rule rewrites its statements.
    Rule,
}

impl Hindrance {
    /// The kind that a dialect's query names by this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Hindrance> {
        Some(match word {
            "insert-trigger" => Hindrance::InsertTrigger,
            "update-trigger" => Hindrance::UpdateTrigger,
            "delete-trigger" => Hindrance::DeleteTrigger,
            "delete-cascade" => Hindrance::DeleteCascade,
            "update-cascade" => Hindrance::UpdateCascade,
            "untransactional" => Hindrance::Untransactional,
            "not-table" => Hindrance::NotTable,
            "inherited" => Hindrance::Inherited,
            "rule" => Hindrance::Rule,
            _ => return None,
        })
    }
}

/// What came of the rows of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RepairCounts {
    /// The number of rows to repair.
    pub planned: u64,
    pub repaired: u64,
    /// Their parent was there when it was looked for again.
    pub healed: u64,
    /// They were not there any more.
    pub gone: u64,
    /// They refer to something else now.
    pub changed: u64,
    /// The engine would not have it.
    pub refused: u64,
    pub chunks: u64,
}

impl RepairCounts {
    pub fn add(&mut self, other: &RepairCounts) {
        self.planned += other.planned;
        self.repaired += other.repaired;
        self.healed += other.healed;
        self.gone += other.gone;
        self.changed += other.changed;
        self.refused += other.refused;
        self.chunks += other.chunks;
    }
}
