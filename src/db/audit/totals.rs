//! What has been found of each reference so far.

use crate::audit::{Coverage, Totals};
use crate::dialect::keys::Range;
use crate::model::orphan::Orphan;

use super::checkpoint::Done;
use super::malformed::Malformed;
use super::task::{Part, Task};

/// The numbers of one reference.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub totals: Totals,
    pub parents: u64,
    pub candidates: u64,
    /// How long they were confirmed, in microseconds.
    pub confirming: u64,
    pub orphan_keys: u64,
    pub orphan_rows: u64,
    pub hidden_rows: u64,
    /// Rows with a NULL, where that makes an orphan.
    pub null_rows: u64,
    /// Whether such rows are still to be read.
    pub nulls_left: bool,
    pub malformed: Malformed,
    pub sample: Vec<Orphan>,
    /// Which keys were read.
    pub covered: Coverage,
    /// Whether these are all.
    pub complete: bool,
}

impl Tally {
    /// Adds what was found in one portion.
    pub fn add(&mut self, part: &Part, parents: u64, range: &Range) {
        self.totals.rows += part.totals.rows;
        self.totals.keys += part.totals.keys;
        self.parents += parents;
        self.candidates += part.candidates;
        self.confirming += part.confirming;
        self.orphan_keys += part.orphan_keys;
        self.orphan_rows += part.orphan_rows;
        self.malformed.join(&part.malformed);
        self.covered.add(range.clone());
    }

    /// Whether every key was read, and every NULL that counts.
    pub fn is_covered(&self) -> bool {
        !self.nulls_left && self.covered.is_whole()
    }
}

/// Adds a finished portion of a task to the tallies of its members.
pub fn add(tallies: &mut [Tally], task: &Task, done: &Done) {
    let range = done.range();
    for (member, part) in task.members.iter().zip(&done.parts) {
        if let Some(tally) = tallies.get_mut(member.index) {
            tally.add(part, done.parents, &range);
        }
    }
}
