//! The missing keys of a reference with the number of their rows, as far as they are shown.

use std::collections::HashMap;

use crate::cmd::run::orphans;
use crate::model::orphan::Orphan;
use crate::output::Grid;
use crate::output::human::count;

/// The first missing keys, in the order in which they were found.
#[derive(Default)]
pub struct MissingKeys {
    shown: Vec<MissingKey>,
    /// The index of each key that is shown.
    index: HashMap<Vec<Option<String>>, usize>,
}

struct MissingKey {
    rows: u64,
    first: Orphan,
}

impl MissingKeys {
    /// Counts an orphan, if its key is shown or there is room for it.
    pub fn add(&mut self, orphan: &Orphan, most: usize) {
        if let Some(known) = self.index.get(&orphan.key)
            && let Some(missing) = self.shown.get_mut(*known)
        {
            missing.rows += 1;
        } else if self.shown.len() < most {
            self.index.insert(orphan.key.clone(), self.shown.len());
            self.shown.push(MissingKey {
                rows: 1,
                first: orphan.clone(),
            });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The number of keys that are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// One row per key.
    pub fn grid(&self) -> Grid {
        let rows = self.shown.iter().map(|missing| {
            let (key, row) = orphans::cells(&missing.first);
            vec![key, count(missing.rows), row]
        });
        Grid {
            headers: vec!["missing key", "rows", "first row"],
            rows: rows.collect(),
            numbers: vec![1],
            // Two UUIDs do not fit into 80 columns, and a broken one cannot be copied.
            optional: vec![2],
            ..Grid::default()
        }
    }
}
