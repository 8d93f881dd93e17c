//! A deterministic model of an audit beside writers: two stores that know every moment of their
//! past, writers that change them, and the audit's own state machines, whose reads and the
//! writers' writes are interleaved in every way that a seed can make.
//!
//! Two properties must hold, and each of them falls when the order of reads is changed:
//!
//! - no row is reported that was not an orphan at some moment of the run;
//! - a row that stood as it is during the whole run, and whose parent was not there from the
//!   moment on at which the last statement was sent, is reported.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use bird::audit::{Confirmation, Merge, MergeInput, SeenRow};
use bird::model::key::Batch;
use proptest::prelude::*;

/// A child's rows (by id, what they refer to) and the parents, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
struct Moment {
    rows: BTreeMap<u8, u8>,
    parents: BTreeSet<u8>,
}

/// What a writer does at once.
#[derive(Debug, Clone, Copy)]
enum Write {
    AddParent(u8),
    DropParent(u8),
    AddRow(u8, u8),
    DropRow(u8),
    Repoint(u8, u8),
    /// A parent, then its row: an application that keeps to the order.
    AddBoth(u8, u8),
    /// A row, then its parent.
    DropBoth(u8),
}

/// The world: the present, and every moment before it.
struct World {
    past: Vec<Moment>,
    writes: std::vec::IntoIter<Write>,
    /// What rows have referred to so far: one that is deleted and written again identically, between
    /// two reads, is the one thing that no read can tell.
    had: BTreeSet<(u8, u8)>,
    /// How many writes happen before each step of the audit.
    pace: Vec<usize>,
    step: usize,
}

impl World {
    fn now(&self) -> &Moment {
        self.past.last().expect("a beginning")
    }

    fn write(&mut self, change: impl FnOnce(&mut Moment)) {
        let mut next = self.now().clone();
        change(&mut next);
        let rows = |moment: &Moment| moment.rows.clone().into_iter().collect::<BTreeSet<_>>();
        let new: BTreeSet<_> = &rows(&next) - &rows(self.now());
        if self.had.is_disjoint(&new) {
            self.had.extend(new);
            self.past.push(next);
        }
    }

    /// Lets the writers do what they do before the audit's next step.
    fn pass(&mut self) {
        let many = self.pace[self.step % self.pace.len()];
        self.step += 1;
        for _ in 0..many {
            match self.writes.next() {
                None => {}
                Some(Write::AddParent(id)) => self.write(|now| {
                    let _ = now.parents.insert(id);
                }),
                Some(Write::DropParent(id)) => self.write(|now| {
                    let _ = now.parents.remove(&id);
                }),
                Some(Write::AddRow(id, to)) => self.write(|now| {
                    now.rows.entry(id).or_insert(to);
                }),
                Some(Write::DropRow(id)) => self.write(|now| {
                    let _ = now.rows.remove(&id);
                }),
                Some(Write::Repoint(id, to)) => self.write(|now| {
                    now.rows.entry(id).and_modify(|key| *key = to);
                }),
                Some(Write::AddBoth(id, to)) => {
                    self.write(|now| {
                        let _ = now.parents.insert(to);
                    });
                    self.write(|now| {
                        let _ = now.rows.entry(id).or_insert(to);
                    });
                }
                Some(Write::DropBoth(to)) => {
                    self.write(|now| now.rows.retain(|_, key| *key != to));
                    self.write(|now| {
                        let _ = now.parents.remove(&to);
                    });
                }
            }
        }
    }
}

/// In which order the audit reads.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    /// As bird does.
    ChildFirst,
    /// The parents' statement is sent before the children's.
    ParentsFirst,
    /// As bird does, but nothing is confirmed.
    Unconfirmed,
    /// As bird does, but the child is not read again behind the parents.
    NotAgain,
    /// As bird does, but the confirmation reads what the merge read.
    OldParents,
}

/// What came of one run.
struct Run {
    candidates: usize,
    reported: BTreeMap<u8, u8>,
    past: Vec<Moment>,
    /// The moment at which the last statement of the merge was sent.
    sent: usize,
}

/// The keys of a child or of the parents at one moment, from one key on.
fn keys(moment: &Moment, input: MergeInput) -> Vec<(u8, u64)> {
    let mut counted: BTreeMap<u8, u64> = BTreeMap::new();
    match input {
        MergeInput::Parents => counted.extend(moment.parents.iter().map(|id| (*id, 1))),
        MergeInput::Child(_) => {
            for key in moment.rows.values() {
                *counted.entry(*key).or_default() += 1;
            }
        }
    }
    counted.into_iter().collect()
}

/// A statement that was sent: it sees the moment of its sending for good.
fn send(world: &World, input: MergeInput) -> Vec<(u8, u64)> {
    keys(world.now(), input)
}

fn audit(start: Moment, writes: Vec<Write>, pace: Vec<usize>, size: usize, order: Order) -> Run {
    let mut world = World {
        writes: writes.into_iter(),
        had: start.rows.iter().map(|(id, to)| (*id, *to)).collect(),
        past: vec![start],
        pace,
        step: 0,
    };
    let mut merge = Merge::new(1);
    let mut streams: BTreeMap<bool, Vec<(u8, u64)>> = BTreeMap::new();
    let mut sent = 0;
    if order == Order::ParentsFirst {
        streams.insert(true, send(&world, MergeInput::Parents));
        world.pass();
    }
    while let Some(input) = merge.want() {
        let is_parent = input == MergeInput::Parents;
        world.pass();
        let stream = match streams.entry(is_parent) {
            Entry::Occupied(sent) => sent.into_mut(),
            Entry::Vacant(unsent) => {
                sent = world.past.len() - 1;
                let stream = unsent.insert(send(&world, input));
                world.pass();
                stream
            }
        };
        let mut batch = Batch::default();
        for (key, rows) in stream.drain(..size.min(stream.len())) {
            batch.push(&[key], rows);
        }
        merge
            .feed(input, (!batch.is_empty()).then_some(batch))
            .expect("in order");
    }
    let candidates = merge.missing().concat();
    let keys: Vec<u8> = candidates.iter().map(|key| key[0]).collect();
    let old = world.now().clone();
    let mut reported = BTreeMap::new();
    for some in keys.chunks(2) {
        world.pass();
        let rows = rows_of(world.now(), some);
        if order == Order::Unconfirmed {
            reported.extend(
                rows.iter()
                    .map(|row| (row.row[0].parse::<u8>().expect("an id"), row.key[0])),
            );
            continue;
        }
        let mut confirmation = Confirmation::new(rows);
        world.pass();
        let mut present = Batch::default();
        let seen = match order {
            Order::OldParents => &old,
            _ => world.now(),
        };
        for key in confirmation.keys() {
            if seen.parents.contains(&key[0]) {
                present.push(&key, 1);
            }
        }
        confirmation.parents(&present);
        world.pass();
        let again = match order {
            Order::NotAgain => confirmation.rows().to_vec(),
            _ => rows_of(world.now(), some),
        };
        let rows = confirmation.confirmed(&again);
        reported.extend(
            rows.iter()
                .map(|row| (row.row[0].parse::<u8>().expect("an id"), row.key[0])),
        );
    }
    world.pass();
    Run {
        candidates: candidates.len(),
        reported,
        past: world.past,
        sent,
    }
}

fn rows_of(moment: &Moment, keys: &[u8]) -> Vec<SeenRow> {
    let rows = moment.rows.iter().filter(|(_, key)| keys.contains(key));
    rows.map(|(id, key)| SeenRow {
        key: vec![*key],
        row: vec![id.to_string()],
    })
    .collect()
}

impl Run {
    /// Reported, and at no moment an orphan.
    fn false_orphan(&self) -> Option<u8> {
        let was = |id: &u8, key: &u8| {
            let mut past = self.past.iter();
            past.any(|now| now.rows.get(id) == Some(key) && !now.parents.contains(key))
        };
        let mut reported = self.reported.iter();
        reported.find(|(id, key)| !was(id, key)).map(|(id, _)| *id)
    }

    /// Stood all the time, its parent missing from the last statement on, and not reported.
    fn missed(&self) -> Option<u8> {
        let stood = |id: &u8, key: &u8| {
            let row = self.past.iter().all(|now| now.rows.get(id) == Some(key));
            let mut late = self.past[self.sent..].iter();
            row && late.all(|now| !now.parents.contains(key))
        };
        let last = self.past.last().expect("a beginning");
        let mut rows = last.rows.iter();
        rows.find(|(id, key)| stood(id, key) && !self.reported.contains_key(id))
            .map(|(id, _)| *id)
    }
}

fn start() -> impl Strategy<Value = Moment> {
    let rows = prop::collection::btree_map(0u8..12, 0u8..8, 0..10);
    let parents = prop::collection::btree_set(0u8..8, 0..8);
    (rows, parents).prop_map(|(rows, parents)| Moment { rows, parents })
}

fn anything() -> impl Strategy<Value = Vec<Write>> {
    let write = prop_oneof![
        (0u8..8).prop_map(Write::AddParent),
        (0u8..8).prop_map(Write::DropParent),
        (0u8..12, 0u8..8).prop_map(|(id, to)| Write::AddRow(id, to)),
        (0u8..12).prop_map(Write::DropRow),
        (0u8..12, 0u8..8).prop_map(|(id, to)| Write::Repoint(id, to)),
        (0u8..12, 0u8..8).prop_map(|(id, to)| Write::AddBoth(id, to)),
        (0u8..8).prop_map(Write::DropBoth),
    ];
    prop::collection::vec(write, 0..30)
}

/// Writers that only add, each parent before its rows.
fn orderly() -> impl Strategy<Value = Vec<Write>> {
    let write = (0u8..40, 0u8..30).prop_map(|(id, to)| Write::AddBoth(id, to));
    prop::collection::vec(write, 0..30)
}

fn pace() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..4, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_orphan_is_false_and_none_is_missed(
        start in start(), writes in anything(), pace in pace(), size in 1usize..4,
    ) {
        let run = audit(start, writes, pace, size, Order::ChildFirst);
        prop_assert_eq!(run.false_orphan(), None);
        prop_assert_eq!(run.missed(), None);
    }

    #[test]
    fn writers_who_keep_the_order_raise_no_candidate(
        writes in orderly(), pace in pace(), size in 1usize..4,
    ) {
        let run = audit(Moment::default(), writes, pace, size, Order::ChildFirst);
        prop_assert_eq!(run.candidates, 0);
    }
}

/// Whether a changed order breaks a property in some of many runs.
fn breaks(order: Order, broken: impl Fn(&Run) -> bool) -> bool {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let all = (start(), anything(), pace(), 1usize..4);
    (0..3_000).any(|_| {
        let drawn = all.new_tree(&mut runner).expect("a case").current();
        let (start, writes, pace, size) = drawn;
        broken(&audit(start, writes, pace, size, order))
    })
}

#[test]
fn each_read_is_needed_in_its_place() {
    assert!(breaks(Order::ParentsFirst, |run| run.missed().is_some()));
    assert!(breaks(Order::Unconfirmed, |run| run
        .false_orphan()
        .is_some()));
    assert!(breaks(Order::NotAgain, |run| run.false_orphan().is_some()));
    assert!(breaks(Order::OldParents, |run| run
        .false_orphan()
        .is_some()));
}
