//! A task is driven: its portions are given out, its lanes read them, what they tell is written
//! down.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

use super::checkpoint::{Done, Journal};
use super::error::Fault;
use super::hash::HashReader;
use super::join::JoinReader;
use super::merge::MergeReader;
use super::ranges;
use super::settings::{Progress, Settings};
use super::snapshot::PageReader;
use super::task::{Shared, Task, Told};
use super::throttle::Throttle;
use super::totals;
use super::totals::Tally;
use super::worker;
use super::worker::Reader;
use crate::audit::{Coverage, Strategy};
use crate::db::failpoint;
use crate::dialect::keys::Range;

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);

/// What all tasks of a run share.
pub struct Driving<'d> {
    pub settings: &'d Settings<'d>,
    /// Tasks are driven beside each other, by one thread.
    pub written: RefCell<Written<'d>>,
    pub throttle: &'d Throttle,
    pub shared: Shared,
}

/// Where what lanes tell is written down.
pub struct Written<'d> {
    pub journal: &'d mut Journal,
    pub tallies: &'d mut [Tally],
}

impl Driving<'_> {
    /// Reads one task to its end, or as far as it gets.
    pub async fn drive(&self, number: usize, task: &Arc<Task>) -> Result<(), Fault> {
        let rest = self.before(number, task);
        if rest.is_empty() {
            return Ok(());
        }
        let shared = self.shared.of_task();
        let (ranges, taken) = mpsc::channel(1);
        let taken = Arc::new(Mutex::new(taken));
        let (to, mut told) = mpsc::channel(16);
        let mut threads = Vec::new();
        for _ in 0..task.lanes {
            let started = worker::start(
                task.clone(),
                reader(task),
                shared.clone(),
                self.throttle.clone(),
                taken.clone(),
                to.clone(),
            );
            let failed = Fault::other("", "starting a thread");
            threads.push(started.map_err(|error| failed(error.to_string()))?);
        }
        drop((to, taken));
        let walking = async {
            tokio::select! {
                walked = ranges::walk(task, rest, &shared, self.throttle, ranges) => walked,
                () = shared.left() => Ok(()),
            }
        };
        let taking = async {
            let mut fault = None;
            while let Some(told) = told.recv().await {
                let failed = match told {
                    Told::Failed(why) => Some(why),
                    told => self.take(number, task, told).err(),
                };
                if let Some(why) = failed {
                    // The other lanes of the task find no more portions.
                    shared.fail();
                    fault.get_or_insert(why);
                }
            }
            fault
        };
        let (walked, fault) = tokio::join!(walking, taking);
        for thread in threads {
            if thread.join().is_err() {
                return Err(Fault::other("", "reading keys")(
                    "a thread broke".to_owned(),
                ));
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => walked,
        }
    }

    /// What was done before this run counts; what is left of the task.
    fn before(&self, number: usize, task: &Task) -> Vec<Range> {
        let mut written = self.written.borrow_mut();
        let all = written.journal.before.done.iter();
        let done: Vec<Done> = all.filter(|done| done.task == number).cloned().collect();
        for one in &done {
            totals::add(written.tallies, task, one);
        }
        done.iter().map(Done::range).collect::<Coverage>().rest()
    }

    /// Shows how far all tasks are, and hears whether to stop, until it is dropped.
    pub async fn watch(&self) {
        loop {
            let read = self.shared.read();
            (self.settings.progress)(Progress::Rows(read));
            if self.settings.stop.asked().is_some() {
                self.shared.stop();
            }
            tokio::time::sleep(TICK).await;
        }
    }

    fn take(&self, number: usize, task: &Task, told: Told) -> Result<(), Fault> {
        let mut written = self.written.borrow_mut();
        let kept = match told {
            Told::Orphans(portion, orphans) => written.journal.orphans(number, portion, orphans),
            Told::Done(portion, parts, parents) => {
                let done = Done::new(number, &portion, parts, parents);
                let kept = written.journal.done(&done);
                failpoint::at("audit-done");
                totals::add(written.tallies, task, &done);
                kept
            }
            Told::Failed(_) => Ok(()),
        };
        kept.map_err(|error| Fault::unwritten(&error))
    }
}

/// Chooses how the portions of a task are read.
fn reader(task: &Task) -> &'static dyn Reader {
    match (task.choice.strategy, task.snapshot) {
        (Strategy::Merge, false) => &MergeReader,
        (Strategy::Merge, true) => &PageReader,
        (Strategy::Sql, _) => &JoinReader,
        (Strategy::Probe | Strategy::Hash, _) => &HashReader,
    }
}
