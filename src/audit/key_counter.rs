//! A compact hash table that counts the rows of each key.

use std::hash::{BuildHasher, RandomState};

use crate::invariant;
use crate::invariant::Broken;

/// The length of a record's head: the number of rows, and the length of the key.
const HEAD: usize = 12;
/// An odd number without a pattern.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// Each key once, with the number of its rows.
#[derive(Debug)]
pub struct KeyCounter {
    /// One record after another.
    records: Vec<u8>,
    keys: usize,
    /// The start of each record plus one, at the slot of its hash or soon after. The number of slots
    /// is a power of two.
    slots: Vec<u32>,
    /// Random, so that nobody can provoke collisions.
    seed: u64,
}

impl Default for KeyCounter {
    fn default() -> Self {
        KeyCounter {
            records: Vec::new(),
            keys: 0,
            slots: vec![0; 1024],
            seed: RandomState::new().hash_one(MIX),
        }
    }
}

impl KeyCounter {
    /// The memory that it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.records.len() + self.slots.len() * size_of::<u32>()
    }

    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Counts rows of a key.
    pub fn add(&mut self, key: &[u8], rows: u64) -> Result<(), Broken> {
        let mut slot = self.place(key);
        while let Some(start) = self.slots[slot].checked_sub(1) {
            let start = start as usize;
            if record(&self.records, start).0 == key {
                let key_counter = &mut self.records[start..start + 8];
                let before = key_counter.try_into().map_or(0, u64::from_le_bytes);
                key_counter.copy_from_slice(&(before + rows).to_le_bytes());
                return Ok(());
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = small(self.records.len() + 1)?;
        let length = small(key.len())?;
        self.records.extend_from_slice(&rows.to_le_bytes());
        self.records.extend_from_slice(&length.to_le_bytes());
        self.records.extend_from_slice(key);
        self.keys += 1;
        if self.keys * 10 > self.slots.len() * 7 {
            self.grow()?;
        }
        Ok(())
    }

    /// Doubles the number of slots.
    fn grow(&mut self) -> Result<(), Broken> {
        self.slots = vec![0; self.slots.len() * 2];
        let mut start = 0;
        while start < self.records.len() {
            let (key, _) = record(&self.records, start);
            let next = start + HEAD + key.len();
            let mut slot = self.place(key);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = small(start + 1)?;
            start = next;
        }
        Ok(())
    }

    fn place(&self, key: &[u8]) -> usize {
        let mut hash = self.seed ^ key.len() as u64;
        for part in key.chunks(8) {
            let folded = u128::from(hash ^ begin(part)) * u128::from(MIX);
            hash = (folded ^ (folded >> 64)) as u64;
        }
        // The high bits depend on most of the key.
        (hash >> 16) as usize & (self.slots.len() - 1)
    }

    /// Returns all keys in order.
    pub fn sorted(self) -> Result<SortedCounter, Broken> {
        let KeyCounter { records, keys, .. } = self;
        let mut order = Vec::with_capacity(keys);
        let mut start = 0;
        while start < records.len() {
            let (key, _) = record(&records, start);
            order.push((begin(key), small(start)?));
            start += HEAD + key.len();
        }
        // Most keys differ in their first bytes, which are at hand.
        let key = |start: u32| record(&records, start as usize).0;
        order.sort_unstable_by(|one, other| {
            let begins = one.0.cmp(&other.0);
            begins.then_with(|| key(one.1).cmp(key(other.1)))
        });
        Ok(SortedCounter {
            order: order.into_iter(),
            records,
        })
    }
}

/// An offset or a length that the memory limit keeps below 4 GiB.
fn small(number: usize) -> Result<u32, Broken> {
    let small = u32::try_from(number).ok();
    Ok(invariant!(small, some, "counted keys take less than 4 GiB"))
}

/// The first eight bytes as a number of the same order.
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

/// The keys of a [`KeyCounter`] in order.
#[derive(Debug, Default)]
pub struct SortedCounter {
    order: std::vec::IntoIter<(u64, u32)>,
    records: Vec<u8>,
}

impl SortedCounter {
    /// The next key and its rows.
    pub fn next(&mut self) -> Option<(&[u8], u64)> {
        let (_, start) = self.order.next()?;
        Some(record(&self.records, start as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table grows several times, and each key is looked up before and after that.
    #[test]
    fn a_key_is_found_again_however_many_there_are() {
        let mut key_counter = KeyCounter::default();
        for round in 1..=2 {
            for number in 0..5_000_u32 {
                key_counter.add(&number.to_be_bytes(), round).unwrap();
            }
        }
        let mut sorted = key_counter.sorted().unwrap();
        for number in 0..5_000_u32 {
            assert_eq!(sorted.next(), Some((&number.to_be_bytes()[..], 3)));
        }
        assert_eq!(sorted.next(), None);
    }
}
