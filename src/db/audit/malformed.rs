//! Values that are not valid keys: all of them are counted, some are shown.

use serde::{Deserialize, Serialize};

/// The number of values that are shown.
const SHOWN: usize = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Malformed {
    pub rows: u64,
    pub shown: Vec<String>,
}

impl Malformed {
    /// Moves values in, each with the number of its rows.
    pub fn take(&mut self, values: &mut Vec<(String, u64)>) {
        for (value, rows) in values.drain(..) {
            self.add(&value, rows);
        }
    }

    /// Adds the values of another chunk.
    pub fn join(&mut self, other: &Malformed) {
        for value in &other.shown {
            self.add(value, 0);
        }
        self.rows += other.rows;
    }

    fn add(&mut self, value: &str, rows: u64) {
        self.rows += rows;
        if self.shown.len() < SHOWN && !self.shown.iter().any(|shown| shown == value) {
            self.shown.push(value.to_owned());
        }
    }
}
