//! The merge of ordered key streams: what stands in a child's stream and not in the parents' is a
//! candidate for an orphan.
//!
//! The merge waits for nothing. It says what it wants next, its driver fetches that and feeds it.
//! The order in which it wants things is half of what makes an audit of live data right: it wants
//! the first keys of *every* child before it ever wants a parent, so whoever sends a statement
//! when its keys are first wanted has read every child before the parents. A parent that is
//! written before its child can then never be missing. The other half is the confirmation
//! ([`super::confirm`]).
//!
//! The keys of one stream ascend strictly, as bytes ([`crate::model::key`]). A stream that does
//! not is an error, [`Disorder`], and never a wrong answer: an engine may order otherwise than its
//! collations or types promise.

use serde::{Deserialize, Serialize};

use crate::model::key::Batch;

/// Whose keys are wanted, or fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A child, by its number.
    Child(usize),
    Parents,
}

/// A stream whose keys do not ascend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disorder(pub Side);

/// What was read of one child.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub rows: u64,
    pub keys: u64,
}

/// One merge: children, and the parents that all of them refer to.
#[derive(Debug)]
pub struct Merge {
    children: Vec<Child>,
    parents: Stream,
    read: u64,
}

#[derive(Debug, Default)]
struct Child {
    stream: Stream,
    /// The place in the parents' batch up to which this child was compared.
    place: usize,
    totals: Totals,
    /// Its keys that no parent has: the candidates.
    missing: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Stream {
    batch: Batch,
    /// The next key of the batch.
    at: usize,
    /// The last key of the batch before.
    last: Option<Vec<u8>>,
    begun: bool,
    ended: bool,
}

impl Stream {
    fn is_empty(&self) -> bool {
        self.at >= self.batch.len()
    }

    /// Takes the next keys in, or the end.
    fn take(&mut self, batch: Option<Batch>, side: Side) -> Result<(), Disorder> {
        self.begun = true;
        let Some(batch) = batch else {
            self.ended = true;
            self.batch = Batch::default();
            self.at = 0;
            return Ok(());
        };
        let mut last = self.last.as_deref();
        for (key, _) in batch.iter() {
            if last.is_some_and(|last| last >= key) {
                return Err(Disorder(side));
            }
            last = Some(key);
        }
        self.last = last.map(<[u8]>::to_vec);
        self.batch = batch;
        self.at = 0;
        Ok(())
    }
}

impl Merge {
    pub fn new(children: usize) -> Merge {
        let mut all = Vec::new();
        all.resize_with(children, Child::default);
        Merge {
            children: all,
            parents: Stream::default(),
            read: 0,
        }
    }

    /// What it needs to go on; nothing where all is compared.
    #[must_use]
    pub fn want(&self) -> Option<Side> {
        let mut numbered = self.children.iter().enumerate();
        let unread = |(at, child): (usize, &Child)| (!child.stream.begun).then_some(at);
        if let Some(at) = numbered.find_map(unread) {
            return Some(Side::Child(at));
        }
        if self.children.iter().all(|child| child.stream.ended) {
            return None;
        }
        if !self.parents.begun {
            return Some(Side::Parents);
        }
        let mut numbered = self.children.iter().enumerate();
        let hungry = |(at, child): (usize, &Child)| {
            let lacks = child.stream.is_empty() && !child.stream.ended;
            lacks.then_some(at)
        };
        numbered
            .find_map(hungry)
            .map(Side::Child)
            .or(Some(Side::Parents))
    }

    /// Gives what was wanted: a batch, or nothing at the end of its stream.
    pub fn feed(&mut self, side: Side, batch: Option<Batch>) -> Result<(), Disorder> {
        match side {
            Side::Child(at) => {
                let Some(child) = self.children.get_mut(at) else {
                    return Ok(());
                };
                child.stream.take(batch, side)?;
            }
            Side::Parents => {
                self.read += batch.as_ref().map_or(0, Batch::len) as u64;
                self.parents.take(batch, side)?;
                for child in &mut self.children {
                    child.place = 0;
                }
            }
        }
        if self.parents.begun {
            for at in 0..self.children.len() {
                self.compare(at);
            }
        }
        Ok(())
    }

    /// Goes on with one child until it, or the parents' batch, is used up.
    fn compare(&mut self, number: usize) {
        let parents = &self.parents;
        let Some(child) = self.children.get_mut(number) else {
            return;
        };
        let stream = &mut child.stream;
        while stream.at < stream.batch.len() {
            let key = stream.batch.key(stream.at);
            let mut order = std::cmp::Ordering::Less;
            while child.place < parents.batch.len() {
                order = parents.batch.key(child.place).cmp(key);
                if order.is_ge() {
                    break;
                }
                child.place += 1;
            }
            if order.is_lt() && !parents.ended {
                // The next batch may have it.
                return;
            }
            if order.is_ne() {
                child.missing.push(key.to_vec());
            }
            child.totals.keys += 1;
            child.totals.rows += stream.batch.count(stream.at);
            stream.at += 1;
        }
    }

    /// How many candidates wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.children.iter().map(|child| child.missing.len()).sum()
    }

    /// The candidates since they were last taken: the keys of each child.
    pub fn missing(&mut self) -> Vec<Vec<Vec<u8>>> {
        let children = self.children.iter_mut();
        children
            .map(|child| std::mem::take(&mut child.missing))
            .collect()
    }

    /// The key up to which every child has been compared, where a parent is wanted next: whatever
    /// comes is greater.
    #[must_use]
    pub fn reached(&self) -> Option<&[u8]> {
        match self.want() {
            Some(Side::Parents) => self.parents.last.as_deref(),
            _ => None,
        }
    }

    /// What was compared of a child.
    #[must_use]
    pub fn totals(&self, child: usize) -> Totals {
        let child = self.children.get(child);
        child.map_or(Totals::default(), |child| child.totals)
    }

    /// As [`Merge::totals`], since they were last taken.
    pub fn take_totals(&mut self, child: usize) -> Totals {
        let child = self.children.get_mut(child);
        child.map_or(Totals::default(), |child| std::mem::take(&mut child.totals))
    }

    /// How many keys of parents were read.
    #[must_use]
    pub fn parents(&self) -> u64 {
        self.read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The next keys of a stream, in batches of a few.
    fn next(keys: &mut Vec<u8>, size: usize) -> Option<Batch> {
        if keys.is_empty() {
            return None;
        }
        let mut batch = Batch::default();
        for key in keys.drain(..size.min(keys.len())) {
            batch.push(&[key], u64::from(key));
        }
        Some(batch)
    }

    /// Merges, and keeps the order in which streams were opened.
    fn merged(
        children: &[BTreeSet<u8>],
        parents: &BTreeSet<u8>,
        size: usize,
    ) -> (Merge, Vec<Side>) {
        let list = |keys: &BTreeSet<u8>| keys.iter().copied().collect::<Vec<u8>>();
        let mut left: Vec<Vec<u8>> = children.iter().map(list).collect();
        let mut above = list(parents);
        let (mut merge, mut opened) = (Merge::new(children.len()), Vec::new());
        while let Some(side) = merge.want() {
            if !opened.contains(&side) {
                opened.push(side);
            }
            let batch = match side {
                Side::Child(at) => next(&mut left[at], size),
                Side::Parents => next(&mut above, size),
            };
            merge.feed(side, batch).unwrap();
        }
        (merge, opened)
    }

    proptest! {
        #[test]
        fn what_no_parent_has_is_a_candidate(
            children in prop::collection::vec(prop::collection::btree_set(0u8..40, 0..30), 1..4),
            parents in prop::collection::btree_set(0u8..40, 0..30),
            size in 1usize..7,
        ) {
            let (mut merge, opened) = merged(&children, &parents, size);
            let mut wanted = Vec::new();
            for (at, child) in children.iter().enumerate() {
                let missing = child.difference(&parents);
                wanted.push(missing.map(|key| vec![*key]).collect::<Vec<_>>());
                let rows = child.iter().map(|key| u64::from(*key)).sum();
                let keys = child.len() as u64;
                prop_assert_eq!(merge.totals(at), Totals { rows, keys });
            }
            prop_assert_eq!(merge.waiting(), wanted.concat().len());
            prop_assert_eq!(merge.missing(), wanted);
            prop_assert_eq!(merge.waiting(), 0);
            let place = opened.iter().position(|side| *side == Side::Parents);
            prop_assert!(place.is_none_or(|place| place == children.len()));
        }
    }

    #[test]
    fn a_stream_that_does_not_ascend_is_no_answer() {
        let mut merge = Merge::new(1);
        let mut batch = Batch::default();
        batch.push(b"b", 1);
        batch.push(b"b", 1);
        let wrong = merge.feed(Side::Child(0), Some(batch.clone()));
        assert_eq!(wrong, Err(Disorder(Side::Child(0))));
        let mut merge = Merge::new(1);
        let mut one = Batch::default();
        one.push(b"b", 1);
        assert_eq!(merge.feed(Side::Child(0), Some(one.clone())), Ok(()));
        assert_eq!(merge.feed(Side::Parents, Some(one.clone())), Ok(()));
        let wrong = merge.feed(Side::Parents, Some(one));
        assert_eq!(wrong, Err(Disorder(Side::Parents)));
    }
}
