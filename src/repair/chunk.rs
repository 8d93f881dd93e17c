//! What a chunk does with each of its rows, from what was read under lock.

use std::collections::{HashMap, HashSet};

use super::plan::PlannedRow;
use crate::model::repair::Outcome;

/// What a row refers to, column by column, as told; nothing for a NULL.
pub type Told = Vec<Option<String>>;

/// The rows of a chunk, sorted out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// The places of the rows that are to be repaired.
    pub keep: Vec<usize>,
    pub healed: Vec<usize>,
    pub gone: Vec<usize>,
    pub changed: Vec<usize>,
    /// The engine cannot name them.
    pub unnamed: Vec<usize>,
}

/// Sorts out the rows of a chunk: `there` has what the rows that are still there refer to now, by
/// what names them; a row that is named twice counts once.
#[must_use]
pub fn still(planned: &[PlannedRow], there: &HashMap<Vec<String>, Told>) -> Sorted {
    let mut sorted = Sorted::default();
    let mut seen = HashSet::new();
    for (at, one) in planned.iter().enumerate() {
        match there.get(&one.row).filter(|_| seen.insert(&one.row)) {
            None => sorted.gone.push(at),
            Some(key) if *key != one.key => sorted.changed.push(at),
            Some(_) => sorted.keep.push(at),
        }
    }
    sorted
}

impl Sorted {
    /// Takes out the rows whose parent is there now.
    pub fn heal(&mut self, planned: &[PlannedRow], present: &HashSet<Told>) {
        let (healed, keep) = std::mem::take(&mut self.keep).into_iter().partition(|at| {
            planned
                .get(*at)
                .is_some_and(|one| present.contains(&one.key))
        });
        self.healed.extend::<Vec<usize>>(healed);
        self.keep = keep;
    }

    /// As numbers, when the engine has refused so many of those that were to be repaired.
    #[must_use]
    pub fn outcome(&self, planned: usize, refused: usize) -> Outcome {
        Outcome {
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
        let told = |key: &str| vec![Some(key.to_owned())];
        let row = |row: &str, key: &str| PlannedRow {
            reference: 0,
            row: vec![row.to_owned()],
            key: told(key),
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
        let there = there.map(|(row, key)| (vec![row.to_owned()], told(key)));
        let mut sorted = still(&planned, &there.into_iter().collect());
        sorted.heal(&planned, &HashSet::from([told("b"), told("c")]));
        let wanted = Sorted {
            keep: vec![0],
            healed: vec![3],
            gone: vec![1, 4],
            changed: vec![2],
            unnamed: Vec::new(),
        };
        assert_eq!(sorted, wanted);
        assert_eq!(sorted.outcome(5, 1).repaired, 0);
    }
}
