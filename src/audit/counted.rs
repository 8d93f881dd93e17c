//! Keys that are counted, found again by a hash, in as little memory as they can have.

use std::hash::{BuildHasher, RandomState};

/// What stands before the bytes of a key: the number of its rows, and its length.
const HEAD: usize = 12;
/// An odd number without a pattern.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// Each key once, with the number of its rows.
#[derive(Debug)]
pub struct Counted {
    /// One record after another.
    records: Vec<u8>,
    keys: usize,
    /// Where a record begins, plus one, at the place that its hash says or soon after it. A power
    /// of two in number.
    slots: Vec<u32>,
    /// Nobody can know which keys meet in one place.
    seed: u64,
}

impl Default for Counted {
    fn default() -> Self {
        Counted {
            records: Vec::new(),
            keys: 0,
            slots: vec![0; 1024],
            seed: RandomState::new().hash_one(MIX),
        }
    }
}

impl Counted {
    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        self.records.len() + self.slots.len() * size_of::<u32>()
    }

    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Counts rows of a key.
    pub fn add(&mut self, key: &[u8], rows: u64) {
        let mut slot = self.place(key);
        while let Some(start) = self.slots[slot].checked_sub(1) {
            let start = start as usize;
            if record(&self.records, start).0 == key {
                let counted = &mut self.records[start..start + 8];
                let before = counted.try_into().map_or(0, u64::from_le_bytes);
                counted.copy_from_slice(&(before + rows).to_le_bytes());
                return;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        // What is counted is far from 4 GiB, and so is a key.
        self.slots[slot] = u32::try_from(self.records.len() + 1).unwrap_or(u32::MAX);
        let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
        self.records.extend_from_slice(&rows.to_le_bytes());
        self.records.extend_from_slice(&length.to_le_bytes());
        self.records.extend_from_slice(key);
        self.keys += 1;
        if self.keys * 10 > self.slots.len() * 7 {
            self.grow();
        }
    }

    /// Twice as many places.
    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        let mut start = 0;
        while start < self.records.len() {
            let (key, _) = record(&self.records, start);
            let next = start + HEAD + key.len();
            let mut slot = self.place(key);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = u32::try_from(start + 1).unwrap_or(u32::MAX);
            start = next;
        }
    }

    fn place(&self, key: &[u8]) -> usize {
        let mut hash = self.seed ^ key.len() as u64;
        for part in key.chunks(8) {
            let folded = u128::from(hash ^ begin(part)) * u128::from(MIX);
            hash = (folded ^ (folded >> 64)) as u64;
        }
        // The high bits have seen the most of the key.
        (hash >> 16) as usize & (self.slots.len() - 1)
    }

    /// All keys in order.
    pub fn sorted(self) -> Sorted {
        let Counted { records, keys, .. } = self;
        let mut order = Vec::with_capacity(keys);
        let mut start = 0;
        while start < records.len() {
            let (key, _) = record(&records, start);
            order.push((begin(key), u32::try_from(start).unwrap_or(u32::MAX)));
            start += HEAD + key.len();
        }
        // Most keys differ in their beginnings, which lie at hand.
        let key = |start: u32| record(&records, start as usize).0;
        order.sort_unstable_by(|one, other| {
            let begins = one.0.cmp(&other.0);
            begins.then_with(|| key(one.1).cmp(key(other.1)))
        });
        Sorted {
            order: order.into_iter(),
            records,
        }
    }
}

/// The first eight bytes as a number that is ordered as they are.
fn begin(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    for (to, byte) in bytes.iter_mut().zip(key) {
        *to = *byte;
    }
    u64::from_be_bytes(bytes)
}

/// The key and the rows of a record.
fn record(records: &[u8], start: usize) -> (&[u8], u64) {
    let number = |at: usize| records[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
    let rows = u64::from(number(start)) | u64::from(number(start + 4)) << 32;
    let key = start + HEAD;
    (&records[key..key + number(start + 8) as usize], rows)
}

/// The keys of a [`Counted`] in order.
#[derive(Debug, Default)]
pub struct Sorted {
    order: std::vec::IntoIter<(u64, u32)>,
    records: Vec<u8>,
}

impl Sorted {
    /// The next key and its rows.
    pub fn next(&mut self) -> Option<(&[u8], u64)> {
        let (_, start) = self.order.next()?;
        Some(record(&self.records, start as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many that the table grows several times, each key before and after that.
    #[test]
    fn a_key_is_found_again_however_many_there_are() {
        let mut counted = Counted::default();
        for round in 1..=2 {
            for number in 0..5_000_u32 {
                counted.add(&number.to_be_bytes(), round);
            }
        }
        let mut sorted = counted.sorted();
        for number in 0..5_000_u32 {
            assert_eq!(sorted.next(), Some((&number.to_be_bytes()[..], 3)));
        }
        assert_eq!(sorted.next(), None);
    }
}
