//! Runs a task: hands out its ranges to workers, and records their events.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

use super::checkpoint::{Checkpoint, DoneChunk};
use super::error::ReadError;
use super::{hash, join, merge, snapshot};

use super::ranges;
use super::settings::{Progress, Settings};

use super::task::{Event, Shared, Task};
use super::throttle::Throttle;
use super::totals;
use super::totals::ReferenceTotals;
use super::worker;
use super::worker::ReadChunk;
use crate::audit::{Coverage, Strategy};
use crate::db::failpoint;
use crate::dialect::keys::KeyRange;

/// The interval between two progress reports.
const TICK: Duration = Duration::from_millis(100);

/// The state that all tasks of a run share.
pub struct Scheduler<'d> {
    pub settings: &'d Settings<'d>,
    /// Tasks run concurrently on one thread.
    pub record: RefCell<Record<'d>>,
    pub throttle: &'d Throttle,
    pub shared: Shared,
}

/// The records of the events of all workers.
pub struct Record<'d> {
    pub checkpoint: &'d mut Checkpoint,
    pub totals: &'d mut [ReferenceTotals],
}

impl Scheduler<'_> {
    /// Reads one task as far as possible.
    pub async fn run_task(&self, number: usize, task: &Arc<Task>) -> Result<(), ReadError> {
        let rest = self.before(number, task)?;
        if rest.is_empty() {
            return Ok(());
        }
        let shared = self.shared.of_task();
        let (ranges, taken) = mpsc::channel(1);
        let taken = Arc::new(Mutex::new(taken));
        let (to, mut events) = mpsc::channel(16);
        let mut threads = Vec::new();
        for _ in 0..task.workers {
            let started = worker::start(
                task.clone(),
                reading(task),
                shared.clone(),
                self.throttle.clone(),
                taken.clone(),
                to.clone(),
            );
            let failed = ReadError::other("", "starting a thread");
            threads.push(started.map_err(|error| failed(error.to_string()))?);
        }
        drop((to, taken));
        let producing = async {
            tokio::select! {
                produced = ranges::produce(task, rest, &shared, self.throttle, ranges) => produced,
                () = shared.stopped() => Ok(()),
            }
        };
        let taking = async {
            let mut fault = None;
            while let Some(event) = events.recv().await {
                if let Err(why) = self.record(number, task, event) {
                    // The other workers of the task stop after their chunk.
                    shared.fail();
                    fault.get_or_insert(why);
                }
            }
            fault
        };
        let (produced, fault) = tokio::join!(producing, taking);
        for thread in threads {
            if thread.join().is_err() {
                return Err(ReadError::other("", "reading keys")(
                    "a thread panicked".to_owned(),
                ));
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => produced,
        }
    }

    /// Counts the chunks of an earlier run. Returns the ranges that remain.
    fn before(&self, number: usize, task: &Task) -> Result<Vec<KeyRange>, ReadError> {
        let mut record = self.record.borrow_mut();
        let all = record.checkpoint.earlier.done.iter();
        let done: Vec<DoneChunk> = all.filter(|done| done.task == number).cloned().collect();
        for one in &done {
            if one.all_counts.len() != task.members.len() {
                // The file may have been edited.
                let why = "a chunk of the checkpoint does not match this audit; run it again \
                    without --resume";
                return Err(ReadError::other("", "reading the checkpoint")(
                    why.to_owned(),
                ));
            }
            totals::add(record.totals, task, one)?;
        }
        let covered: Coverage = done.iter().map(DoneChunk::range).collect();
        Ok(covered.rest())
    }

    /// Reports progress and passes on a request to stop, until it is dropped.
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

    /// Records an event; the error is that of the worker, or of the record.
    fn record(&self, number: usize, task: &Task, event: Event) -> Result<(), ReadError> {
        let mut record = self.record.borrow_mut();
        let kept = match event {
            Event::Orphans(chunk, orphans) => record.checkpoint.orphans(number, chunk, orphans),
            Event::Done(chunk, all_counts, parents) => {
                let done = DoneChunk::new(number, &chunk, all_counts, parents);
                let kept = record.checkpoint.done(&done);
                failpoint::at("audit-done");
                totals::add(record.totals, task, &done)?;
                kept
            }
            Event::Failed(why) => return Err(why),
        };
        kept.map_err(|error| ReadError::unwritten(&error))
    }
}

/// The way of reading for the strategy of a task.
fn reading(task: &Task) -> ReadChunk {
    match (task.choice.strategy, task.snapshot) {
        (Strategy::Merge, false) => |worker, chunk| Box::pin(merge::read(worker, chunk)),
        (Strategy::Merge, true) => |worker, chunk| Box::pin(snapshot::read(worker, chunk)),
        (Strategy::Sql, _) => |worker, chunk| Box::pin(join::read(worker, chunk)),
        (Strategy::Probe | Strategy::Hash, _) => {
            |worker, chunk| Box::pin(hash::read(worker, chunk))
        }
    }
}
