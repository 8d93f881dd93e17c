//! A task: the references that are read together, because they have the same parents.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::endpoints::{Endpoint, PreparedReference};
use super::error::ReadError;
use super::malformed::Malformed;
use crate::audit::{Choice, KeyCounts, Strategy};
use crate::db::keys;
use crate::dialect::keys::KeyRange;
use crate::model::orphan::Orphan;

/// The time for a running statement to end after a request to stop.
const GRACE: Duration = Duration::from_millis(500);

/// How certain the findings of a reference are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Everything was seen at one instant.
    Snapshot,
    /// Every finding was confirmed by fresh reads of child, parent and child.
    Confirmed,
    /// As [`Guarantee::Confirmed`], but the keys of the child come from a replica.
    Late,
    /// As [`Guarantee::Confirmed`], but a replica answered for the parents or the confirmation.
    Indicative,
}

impl Guarantee {
    pub fn word(self) -> &'static str {
        match self {
            Guarantee::Snapshot => "snapshot",
            Guarantee::Confirmed => "confirmed",
            Guarantee::Late => "late",
            Guarantee::Indicative => "indicative",
        }
    }

    /// Its meaning, for people.
    pub fn description(self) -> &'static str {
        match self {
            Guarantee::Snapshot => {
                "exact: child and parent were read in one snapshot, and every orphan in it is listed"
            }
            Guarantee::Confirmed => {
                "every orphan listed was confirmed by a second read; rows that changed during the \
                 audit may be missing"
            }
            Guarantee::Late => {
                "every orphan listed was confirmed on the primaries; rows that had not reached the \
                 replica may be missing"
            }
            Guarantee::Indicative => {
                "the data comes from a replica, which may lag: confirm on the primaries before you act"
            }
        }
    }
}

/// References with the same parents, which are read in one pass.
pub struct Task {
    /// The member whose parent endpoint is read; every member has the same parents.
    pub lead: Arc<PreparedReference>,
    /// All members, the lead among them.
    pub members: Vec<Arc<PreparedReference>>,
    pub choice: Choice,
    pub guarantee: Guarantee,
    /// Both ends are read in one transaction of one session.
    pub snapshot: bool,
    /// The number of threads that share its ranges.
    pub workers: usize,
}

impl Task {
    /// The guarantee for one member: a task may have children from primaries and from replicas.
    pub fn guarantee(&self, member: &PreparedReference) -> Guarantee {
        match (self.guarantee, &member.child.read_replica) {
            (Guarantee::Confirmed, Some(_)) => Guarantee::Late,
            (as_it_is, _) => as_it_is,
        }
    }

    /// Whether its keys can be read range by range.
    pub fn is_ranged(&self) -> bool {
        let strategy = self.choice.strategy;
        let mut members = self.members.iter();
        matches!(strategy, Strategy::Merge | Strategy::Sql) && members.all(|one| one.is_ranged())
    }

    /// Whether a key is the value of one column, so that everything before it can be reported as
    /// done.
    pub fn has_bounds(&self) -> bool {
        self.lead.parent.columns.len() == 1 && self.is_ranged()
    }

    /// The qualifier of a table if one session reads both endpoints of a server.
    pub fn qualifier<'s>(&self, endpoint: &'s Endpoint) -> Option<&'s str> {
        self.snapshot.then(|| endpoint.target.database())
    }

    /// The qualifier of the parents in a statement with both endpoints.
    pub fn parent_qualifier<'s>(&self, parent: &'s Endpoint) -> Option<&'s str> {
        self.qualifier(parent).or(Some(keys::ATTACHED))
    }
}

impl PreparedReference {
    /// Whether an index of both endpoints serves ranges.
    fn is_ranged(&self) -> bool {
        let by_index =
            |endpoint: &Endpoint| endpoint.end(None).is_ok_and(|end| end.ranges_by_index());
        by_index(&self.child) && by_index(&self.parent)
    }

    /// Whether the keys of the child can be read page by page, each starting after the last key of
    /// the page before. Without grouping, a page could end within the rows of a key.
    pub fn has_pages(&self) -> bool {
        let groups = |end: crate::dialect::keys::KeySource<'_>| {
            let query = end.counted(&KeyRange::default());
            query.counted.is_some() && query.parts.len() == 1
        };
        self.is_ranged() && self.child.end(None).is_ok_and(groups)
    }
}

/// A range of keys with its number. Its orphans count once it is reported as done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    pub number: u64,
    pub range: KeyRange,
}

/// The counts of one member in one chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkCounts {
    #[serde(rename = "totals")]
    pub read: KeyCounts,
    pub candidates: u64,
    pub orphan_keys: u64,
    pub orphan_rows: u64,
    pub malformed: Malformed,
    /// The time spent on confirming candidates, in microseconds.
    pub confirming: u64,
}

/// An event of a worker.
pub enum Event {
    /// Orphans of a chunk, which count once it is done.
    Orphans(u64, Vec<Orphan>),
    /// A chunk is done: the counts of each member, and the number of parents that were read.
    Done(Chunk, Vec<ChunkCounts>, u64),
    /// A worker failed.
    Failed(ReadError),
}

/// The state that all workers of all tasks share with the scheduler.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    read: Arc<AtomicU64>,
    /// Whether the audit is to stop.
    stopped: Arc<AtomicBool>,
    /// Whether the task is to stop.
    failed: Arc<AtomicBool>,
    /// The next chunk number.
    last: Arc<AtomicU64>,
}

impl Shared {
    /// Starts the numbers of chunks at `first`.
    #[must_use]
    pub fn starting_at(first: u64) -> Shared {
        Shared {
            last: Arc::new(AtomicU64::new(first)),
            ..Shared::default()
        }
    }

    /// A number that no chunk of this audit has or had.
    pub fn next_number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed)
    }

    /// The state for one task, which may fail by itself.
    #[must_use]
    pub fn of_task(&self) -> Shared {
        Shared {
            failed: Arc::default(),
            ..self.clone()
        }
    }

    /// Counts rows that were read.
    pub fn count(&self, rows: u64) {
        self.read.fetch_add(rows, Ordering::Relaxed);
    }

    /// The number of rows and parents that were read so far.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Asks all workers to stop.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Asks the workers of this task to stop.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Ends some time after workers were query to stop: a statement may itself be waiting for a lock.
    pub async fn stopped(&self) {
        while !self.is_stopped() {
            tokio::time::sleep(GRACE).await;
        }
        tokio::time::sleep(GRACE).await;
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }
}
