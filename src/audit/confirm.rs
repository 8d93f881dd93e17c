//! Confirms candidates: child, parent and child are each read again.
//!
//! A candidate was read at several moments, so it proves nothing yet. Its rows are read again
//! (`a`), then their parents (`b`), then the same rows once more (`c`), each by a statement of its
//! own that sees what is committed when it begins. A row that `a` and `c` both have with the same
//! key was there at `b`, when its parent was not: it was an orphan at `b`, whatever anybody wrote
//! meanwhile, unless it was deleted and written again identically between `a` and `c`. No common
//! clock is needed, only that each server shows what it has committed.

use std::collections::HashSet;

use crate::model::key::Batch;

/// A row of a child as one read saw it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeenRow {
    /// Its foreign key, as canonical bytes.
    pub key: Vec<u8>,
    /// Its identity, as text. Rows without one are counted, not confirmed one by one.
    pub row: Vec<String>,
}

/// Rows that may be orphans, between their first read and their last.
#[derive(Debug)]
pub struct Confirmation {
    rows: Vec<SeenRow>,
}

impl Confirmation {
    /// Begins with the rows of the first read.
    pub fn new(rows: Vec<SeenRow>) -> Confirmation {
        Confirmation { rows }
    }

    /// The keys to look up among the parents, each once.
    #[must_use]
    pub fn keys(&self) -> Vec<Vec<u8>> {
        let mut seen = HashSet::new();
        let keys = self.rows.iter().map(|row| &row.key);
        keys.filter(|key| seen.insert(*key)).cloned().collect()
    }

    /// Removes the rows that have parents.
    pub fn parents(&mut self, present: &Batch) {
        let present: HashSet<&[u8]> = present.iter().map(|(key, _)| key).collect();
        self.rows
            .retain(|row| !present.contains(row.key.as_slice()));
    }

    /// The rows that remain to be read again.
    #[must_use]
    pub fn rows(&self) -> &[SeenRow] {
        &self.rows
    }

    /// Ends with the rows of the last read. Returns the rows of both reads, in the order of the first.
    #[must_use]
    pub fn confirmed(mut self, again: &[SeenRow]) -> Vec<SeenRow> {
        let again: HashSet<&SeenRow> = again.iter().collect();
        self.rows.retain(|row| again.contains(row));
        self.rows
    }
}
