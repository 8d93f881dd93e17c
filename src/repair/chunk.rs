//! Decides what happens to each row of a chunk.

use std::collections::{HashMap, HashSet};

use super::plan::PlannedRow;
use crate::model::repair::RepairCounts;

/// The foreign key of a row, column by column, as text; `None` for a NULL.
pub type KeyText = Vec<Option<String>>;

/// The rows of a chunk by what happens to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classified {
    /// The indexes of the rows to repair.
    pub keep: Vec<usize>,
    pub healed: Vec<usize>,
    pub gone: Vec<usize>,
    pub changed: Vec<usize>,
    /// The rows that cannot be identified in SQL.
    pub unnamed: Vec<usize>,
}

/// Classifies the rows of a chunk: `there` has the current foreign keys of the rows that exist, by
/// their identity. A row that occurs twice counts once.
#[must_use]
pub fn classify(planned: &[PlannedRow], there: &HashMap<Vec<String>, KeyText>) -> Classified {
    let mut classified = Classified::default();
    let mut seen = HashSet::new();
    for (at, one) in planned.iter().enumerate() {
        match there.get(&one.row).filter(|_| seen.insert(&one.row)) {
            None => classified.gone.push(at),
            Some(key) if *key != one.key => classified.changed.push(at),
            Some(_) => classified.keep.push(at),
        }
    }
    classified
}

impl Classified {
    /// Moves the rows whose parent exists now to `healed`.
    pub fn heal(&mut self, planned: &[PlannedRow], present: &HashSet<KeyText>) {
        let (healed, keep) = std::mem::take(&mut self.keep).into_iter().partition(|at| {
            planned
                .get(*at)
                .is_some_and(|one| present.contains(&one.key))
        });
        self.healed.extend::<Vec<usize>>(healed);
        self.keep = keep;
    }

    /// The counts, after the engine has refused `refused` of the rows to repair.
    #[must_use]
    pub fn outcome(&self, planned: usize, refused: usize) -> RepairCounts {
        RepairCounts {
            planned: planned as u64,
            repaired: self.keep.len().saturating_sub(refused) as u64,
            healed: self.healed.len() as u64,
            gone: self.gone.len() as u64,
            changed: self.changed.len() as u64,
            refused: (refused + self.unnamed.len()) as u64,
            chunks: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_planned_and_still_an_orphan_is_kept() {
        let values = |key: &str| vec![Some(key.to_owned())];
        let row = |row: &str, key: &str| PlannedRow {
            reference: 0,
            row: vec![row.to_owned()],
            key: values(key),
            number: 1,
        };
        let planned = [
            row("kept", "a"),
            row("gone", "a"),
            row("changed", "a"),
            row("healed", "b"),
            row("kept", "a"),
        ];
        let there = [("kept", "a"), ("changed", "c"), ("healed", "b")];
        let there = there.map(|(row, key)| (vec![row.to_owned()], values(key)));
        let mut classified = classify(&planned, &there.into_iter().collect());
        classified.heal(&planned, &HashSet::from([values("b"), values("c")]));
        let wanted = Classified {
            keep: vec![0],
            healed: vec![3],
            gone: vec![1, 4],
            changed: vec![2],
            unnamed: Vec::new(),
        };
        assert_eq!(classified, wanted);
        assert_eq!(classified.outcome(5, 1).repaired, 0);
    }
}
