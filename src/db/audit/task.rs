//! What is read together: the references that point to one key of one table, and how.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::endpoints::{Prepared, Side};
use super::error::Fault;
use super::malformed::Malformed;
use crate::audit::{Choice, Strategy, Totals};
use crate::db::keys;
use crate::dialect::keys::Range;
use crate::model::orphan::Orphan;

/// How long a running statement may go on when the audit is to stop.
const GRACE: Duration = Duration::from_millis(500);

/// How certain the findings of a reference are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Everything was seen at one instant.
    Snapshot,
    /// Every finding was confirmed by fresh reads of child, parent and child.
    Confirmed,
    /// As [`Guarantee::Confirmed`], but the child's keys are those that a replica had.
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

    /// What it means, for people.
    pub fn told(self) -> &'static str {
        match self {
            Guarantee::Snapshot => {
                "exact: both ends were seen at one instant, and every orphan of that instant is listed"
            }
            Guarantee::Confirmed => {
                "no false orphan: each was confirmed by fresh reads of child, parent and child; every \
                 reference that was broken during the whole window is listed, those that changed \
                 meanwhile may be missing"
            }
            Guarantee::Late => {
                "no false orphan: each was confirmed by fresh reads of child, parent and child on the \
                 primaries; the keys came from a replica, so that rows which it did not have yet are \
                 missing"
            }
            Guarantee::Indicative => {
                "a replica answered, which may lag behind: confirm on the primaries before you act"
            }
        }
    }
}

/// References that one pass over the parents serves.
pub struct Task {
    pub members: Vec<Arc<Prepared>>,
    pub choice: Choice,
    pub guarantee: Guarantee,
    /// Both ends are read in one transaction of one session.
    pub snapshot: bool,
    /// How many threads share its ranges.
    pub lanes: usize,
}

impl Task {
    /// The member that stands for the parents.
    pub fn first(&self) -> Option<&Arc<Prepared>> {
        self.members.first()
    }

    /// How certain the findings of one member are: one pass over the parents serves children from
    /// primaries and from replicas alike.
    pub fn guarantee(&self, member: &Prepared) -> Guarantee {
        match (self.guarantee, &member.child.reader) {
            (Guarantee::Confirmed, Some(_)) => Guarantee::Late,
            (as_it_is, _) => as_it_is,
        }
    }

    /// Whether its keys are read range by range, or all at once.
    pub fn is_ranged(&self) -> bool {
        let strategy = self.choice.strategy;
        let mut members = self.members.iter();
        matches!(strategy, Strategy::Merge | Strategy::Sql) && members.all(|one| one.is_ranged())
    }

    /// Whether each key is the value of one column and bounds a range at both ends, so that what
    /// lies before it can be told to be done.
    pub fn has_bounds(&self) -> bool {
        let one = |first: &Arc<Prepared>| first.parent.columns.len() == 1;
        self.first().is_some_and(one) && self.is_ranged()
    }

    /// What qualifies a table where one session reads both ends of a server.
    pub fn qualified<'s>(&self, side: &'s Side) -> Option<&'s str> {
        self.snapshot.then(|| side.target.database())
    }

    /// What qualifies the parents where a statement has both ends.
    pub fn beside<'s>(&self, parent: &'s Side) -> Option<&'s str> {
        self.qualified(parent).or(Some(keys::ATTACHED))
    }
}

impl Prepared {
    /// Whether an index serves a range at both ends.
    fn is_ranged(&self) -> bool {
        let by_index = |side: &Side| side.end(None).is_ok_and(|end| end.ranges_by_index());
        by_index(&self.child) && by_index(&self.parent)
    }

    /// Whether the child's keys can be read page by page: each page has so many keys, and the last
    /// of them bounds the next one. Where each row comes by itself, a page ends within a key.
    pub fn has_pages(&self) -> bool {
        let groups = |end: crate::dialect::keys::End<'_>| {
            let asked = end.counted(&Range::default());
            asked.counted.is_some() && asked.parts.len() == 1
        };
        self.is_ranged() && self.child.end(None).is_ok_and(groups)
    }
}

/// A part of the keys, by its number. What is told of a number counts when it is told to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portion {
    pub number: u64,
    pub range: Range,
}

/// What a lane found out of one member in one portion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub totals: Totals,
    pub candidates: u64,
    pub orphan_keys: u64,
    pub orphan_rows: u64,
    pub malformed: Malformed,
    /// How long candidates were confirmed, in microseconds.
    pub confirming: u64,
}

/// What lanes tell.
pub enum Told {
    /// Orphans of a portion, which count only when it is done.
    Orphans(u64, Vec<Orphan>),
    /// A portion is done: a part for each member, and how many parents were read.
    Done(Portion, Vec<Part>, u64),
    /// A lane could not go on.
    Failed(Fault),
}

/// What all lanes of all tasks share with the thread that shows how far they are.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    read: Arc<AtomicU64>,
    /// The audit is to stop.
    stopped: Arc<AtomicBool>,
    /// The task is to stop.
    failed: Arc<AtomicBool>,
    /// The last number that a portion got.
    last: Arc<AtomicU64>,
}

impl Shared {
    /// Gives numbers from this one on.
    #[must_use]
    pub fn from(first: u64) -> Shared {
        Shared {
            last: Arc::new(AtomicU64::new(first)),
            ..Shared::default()
        }
    }

    /// A number that no portion of this audit has, nor had.
    pub fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed)
    }

    /// As seen from one task, which may stop by itself.
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

    /// How many rows and parents were read so far.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Asks all lanes to end as soon as they can.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Asks the lanes of this task to end.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Ends a while after all were asked to end: a statement that is waited for may wait for others
    /// itself.
    pub async fn left(&self) {
        while !self.is_stopped() {
            tokio::time::sleep(GRACE).await;
        }
        tokio::time::sleep(GRACE).await;
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }
}
