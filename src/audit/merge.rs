//! Merges ordered streams of keys: a key of a child that no parent has is a candidate for an orphan.
//!
//! The merge does no I/O. It says what it wants next; its driver fetches that and feeds it.
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

use crate::invariant;
use crate::invariant::Broken;
use crate::model::key::Batch;

/// An input of the merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeInput {
    /// A child, by its number.
    Child(usize),
    Parents,
}

/// A stream whose keys do not ascend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disorder(pub MergeInput);

/// The reasons why a merge ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeError {
    Disorder(Disorder),
    Broken(Broken),
}

impl From<Disorder> for MergeError {
    fn from(disorder: Disorder) -> MergeError {
        MergeError::Disorder(disorder)
    }
}

impl From<Broken> for MergeError {
    fn from(broken: Broken) -> MergeError {
        MergeError::Broken(broken)
    }
}

/// Rows and keys that were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCounts {
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
    /// The index in the parents' batch up to which this child was compared.
    place: usize,
    counts: KeyCounts,
    /// The candidates: its keys that no parent has.
    missing: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Stream {
    batch: Batch,
    /// The index of the next key of the batch.
    at: usize,
    /// The last key of the previous batch.
    last: Option<Vec<u8>>,
    begun: bool,
    ended: bool,
}

impl Stream {
    fn is_empty(&self) -> bool {
        self.at >= self.batch.len()
    }

    /// Takes the next keys, or the end of the stream.
    fn take(&mut self, batch: Option<Batch>, input: MergeInput) -> Result<(), Disorder> {
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
                return Err(Disorder(input));
            }
            last = Some(key);
        }
        self.last = last.map(<[u8]>::to_vec);
        self.batch = batch;
        self.at = 0;
        Ok(())
    }
}

impl Child {
    /// Compares the child with the parents until one of the batches is used up.
    fn compare(&mut self, parents: &Stream) {
        let stream = &mut self.stream;
        while stream.at < stream.batch.len() {
            let key = stream.batch.key(stream.at);
            let mut order = std::cmp::Ordering::Less;
            while self.place < parents.batch.len() {
                order = parents.batch.key(self.place).cmp(key);
                if order.is_ge() {
                    break;
                }
                self.place += 1;
            }
            if order.is_lt() && !parents.ended {
                // The next batch may have it.
                return;
            }
            if order.is_ne() {
                self.missing.push(key.to_vec());
            }
            self.counts.keys += 1;
            self.counts.rows += stream.batch.count(stream.at);
            stream.at += 1;
        }
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

    /// The input that is needed next; `None` if everything is compared.
    #[must_use]
    pub fn want(&self) -> Option<MergeInput> {
        let mut numbered = self.children.iter().enumerate();
        let unread = |(at, child): (usize, &Child)| (!child.stream.begun).then_some(at);
        if let Some(at) = numbered.find_map(unread) {
            return Some(MergeInput::Child(at));
        }
        if self.children.iter().all(|child| child.stream.ended) {
            return None;
        }
        if !self.parents.begun {
            return Some(MergeInput::Parents);
        }
        let mut numbered = self.children.iter().enumerate();
        let hungry = |(at, child): (usize, &Child)| {
            let lacks = child.stream.is_empty() && !child.stream.ended;
            lacks.then_some(at)
        };
        numbered
            .find_map(hungry)
            .map(MergeInput::Child)
            .or(Some(MergeInput::Parents))
    }

    /// Feeds an input: a batch, or `None` at its end.
    pub fn feed(&mut self, input: MergeInput, batch: Option<Batch>) -> Result<(), MergeError> {
        match input {
            MergeInput::Child(at) => {
                let child = self.children.get_mut(at);
                let child = invariant!(child, some, "a merge is fed children that it has");
                child.stream.take(batch, input)?;
            }
            MergeInput::Parents => {
                self.read += batch.as_ref().map_or(0, Batch::len) as u64;
                self.parents.take(batch, input)?;
                for child in &mut self.children {
                    child.place = 0;
                }
            }
        }
        if self.parents.begun {
            for child in &mut self.children {
                child.compare(&self.parents);
            }
        }
        Ok(())
    }

    /// The number of candidates that were not taken yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.children.iter().map(|child| child.missing.len()).sum()
    }

    /// Takes the candidates of each child.
    pub fn missing(&mut self) -> Vec<Vec<Vec<u8>>> {
        let children = self.children.iter_mut();
        children
            .map(|child| std::mem::take(&mut child.missing))
            .collect()
    }

    /// The key up to which every child has been compared; `None` unless parents are wanted next.
    #[must_use]
    pub fn reached(&self) -> Option<&[u8]> {
        match self.want() {
            Some(MergeInput::Parents) => self.parents.last.as_deref(),
            _ => None,
        }
    }

    /// The counts of each child.
    #[must_use]
    pub fn counts(&self) -> Vec<KeyCounts> {
        self.children.iter().map(|child| child.counts).collect()
    }

    /// Takes the counts of each child since they were last taken.
    pub fn take_counts(&mut self) -> Vec<KeyCounts> {
        let children = self.children.iter_mut();
        children
            .map(|child| std::mem::take(&mut child.counts))
            .collect()
    }

    /// The number of parents' keys that were read.
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
    ) -> (Merge, Vec<MergeInput>) {
        let list = |keys: &BTreeSet<u8>| keys.iter().copied().collect::<Vec<u8>>();
        let mut left: Vec<Vec<u8>> = children.iter().map(list).collect();
        let mut above = list(parents);
        let (mut merge, mut opened) = (Merge::new(children.len()), Vec::new());
        while let Some(input) = merge.want() {
            if !opened.contains(&input) {
                opened.push(input);
            }
            let batch = match input {
                MergeInput::Child(at) => next(&mut left[at], size),
                MergeInput::Parents => next(&mut above, size),
            };
            merge.feed(input, batch).unwrap();
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
            let (mut wanted, mut counts) = (Vec::new(), Vec::new());
            for child in &children {
                let missing = child.difference(&parents);
                wanted.push(missing.map(|key| vec![*key]).collect::<Vec<_>>());
                let rows = child.iter().map(|key| u64::from(*key)).sum();
                let keys = child.len() as u64;
                counts.push(KeyCounts { rows, keys });
            }
            prop_assert_eq!(merge.counts(), counts);
            prop_assert_eq!(merge.waiting(), wanted.concat().len());
            prop_assert_eq!(merge.missing(), wanted);
            prop_assert_eq!(merge.waiting(), 0);
            let place = opened.iter().position(|input| *input == MergeInput::Parents);
            prop_assert!(place.is_none_or(|place| place == children.len()));
        }
    }

    #[test]
    fn a_stream_that_does_not_ascend_is_no_answer() {
        let mut merge = Merge::new(1);
        let mut batch = Batch::default();
        batch.push(b"b", 1);
        batch.push(b"b", 1);
        let wrong = merge.feed(MergeInput::Child(0), Some(batch.clone()));
        assert_eq!(
            wrong,
            Err(MergeError::Disorder(Disorder(MergeInput::Child(0))))
        );
        let mut merge = Merge::new(1);
        let mut one = Batch::default();
        one.push(b"b", 1);
        assert_eq!(merge.feed(MergeInput::Child(0), Some(one.clone())), Ok(()));
        assert_eq!(merge.feed(MergeInput::Parents, Some(one.clone())), Ok(()));
        let wrong = merge.feed(MergeInput::Parents, Some(one));
        assert_eq!(
            wrong,
            Err(MergeError::Disorder(Disorder(MergeInput::Parents)))
        );
    }
}
