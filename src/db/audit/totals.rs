//! The totals of each reference.

use crate::audit::{Coverage, KeyCounts};
use crate::dialect::keys::KeyRange;
use crate::invariant;
use crate::model::orphan::Orphan;

use super::checkpoint::DoneChunk;
use super::endpoints::PreparedReference;
use super::error::ReadError;
use super::malformed::Malformed;
use super::task::{ChunkCounts, Task};

/// The totals of one reference.
#[derive(Debug, Clone, Default)]
pub struct ReferenceTotals {
    pub read: KeyCounts,
    pub parents: u64,
    pub candidates: u64,
    /// The time spent on confirming them, in microseconds.
    pub confirming: u64,
    pub orphan_keys: u64,
    pub orphan_rows: u64,
    pub hidden_rows: u64,
    /// Rows with a NULL, if the reference declares them as orphans.
    pub null_rows: u64,
    /// Whether such rows remain to be read.
    pub nulls_left: bool,
    pub malformed: Malformed,
    pub sample: Vec<Orphan>,
    /// The ranges of keys that were read.
    pub covered: Coverage,
    /// Whether everything was read.
    pub complete: bool,
}

impl ReferenceTotals {
    /// Adds the counts of a chunk.
    pub fn add(&mut self, counts: &ChunkCounts, parents: u64, range: &KeyRange) {
        self.read.rows += counts.read.rows;
        self.read.keys += counts.read.keys;
        self.parents += parents;
        self.candidates += counts.candidates;
        self.confirming += counts.confirming;
        self.orphan_keys += counts.orphan_keys;
        self.orphan_rows += counts.orphan_rows;
        self.malformed.join(&counts.malformed);
        self.covered.add(range.clone());
    }

    /// Whether every key was read, and every row with a NULL if those count.
    pub fn is_covered(&self) -> bool {
        !self.nulls_left && self.covered.is_whole()
    }
}

/// Adds a chunk of a task to the totals of its members.
pub fn add(totals: &mut [ReferenceTotals], task: &Task, done: &DoneChunk) -> Result<(), ReadError> {
    invariant!(
        done.all_counts.len() == task.members.len(),
        "a chunk has counts for each member of its task"
    );
    let range = done.range();
    for (member, counts) in task.members.iter().zip(&done.all_counts) {
        of(totals, member)?.add(counts, done.parents, &range);
    }
    Ok(())
}

/// The totals of one member.
pub fn of<'t>(
    totals: &'t mut [ReferenceTotals],
    member: &PreparedReference,
) -> Result<&'t mut ReferenceTotals, ReadError> {
    let totals = totals.get_mut(member.index);
    Ok(invariant!(
        totals,
        some,
        "each reference of the project has totals"
    ))
}
