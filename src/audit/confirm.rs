//! The confirmation of candidates: child, parent, child, each read anew.
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
pub struct Seen {
    /// What it refers to, as canonical bytes.
    pub key: Vec<u8>,
    /// What names it, as told. Rows that nothing names are counted, not confirmed one by one.
    pub row: Vec<String>,
}

/// Rows that may be orphans, between their first read and their last.
#[derive(Debug)]
pub struct Confirmation {
    rows: Vec<Seen>,
}

impl Confirmation {
    /// Begins with what the first read saw.
    pub fn new(rows: Vec<Seen>) -> Confirmation {
        Confirmation { rows }
    }

    /// The keys to be looked for among the parents, each once.
    #[must_use]
    pub fn keys(&self) -> Vec<Vec<u8>> {
        let mut seen = HashSet::new();
        let keys = self.rows.iter().map(|row| &row.key);
        keys.filter(|key| seen.insert(*key)).cloned().collect()
    }

    /// Learns which of them have parents.
    pub fn parents(&mut self, present: &Batch) {
        let present: HashSet<&[u8]> = present.iter().map(|(key, _)| key).collect();
        self.rows
            .retain(|row| !present.contains(row.key.as_slice()));
    }

    /// The rows that still have to be read once more.
    #[must_use]
    pub fn rows(&self) -> &[Seen] {
        &self.rows
    }

    /// Ends with what the last read saw: what both reads saw, in the order of the first.
    #[must_use]
    pub fn confirmed(mut self, again: &[Seen]) -> Vec<Seen> {
        let again: HashSet<&Seen> = again.iter().collect();
        self.rows.retain(|row| again.contains(row));
        self.rows
    }
}
