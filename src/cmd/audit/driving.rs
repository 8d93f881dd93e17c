//! A task is driven: its portions are given out, its lanes read them, what they tell is written
//! down.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

use super::journal::{Done, Journal};
use super::lane::{self, TRIES};
use super::tally::{self, Tally};
use super::task::{Fault, Shared, Task, Told, Why};
use super::throttle::Throttle;
use super::walk;
use crate::cmd::Context;
use crate::dialect::keys::Range;

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);

/// What all tasks of a run share.
pub struct Driving<'d> {
    pub context: &'d Context,
    pub journal: &'d mut Journal,
    pub tallies: &'d mut [Tally],
    pub throttle: &'d mut Throttle,
    /// Rows and parents of the tasks before.
    pub before: u64,
}

impl Driving<'_> {
    /// Reads one task to its end, or as far as it gets.
    pub async fn drive(&mut self, number: usize, task: &Arc<Task>) -> Result<(), Fault> {
        let done: Vec<Done> = self
            .journal
            .before
            .iter()
            .filter(|done| done.task == number)
            .cloned()
            .collect();
        for one in &done {
            tally::add(self.tallies, task, one);
        }
        let ranges: Vec<Range> = done.iter().map(Done::range).collect();
        let rest = walk::rest(&ranges);
        let first = done
            .iter()
            .map(|done| done.number + TRIES + 1)
            .max()
            .unwrap_or(0);
        if rest.is_empty() {
            return Ok(());
        }
        let shared = Arc::new(Shared::default());
        let (portions, taken) = mpsc::channel(1);
        let taken = Arc::new(Mutex::new(taken));
        let (to, mut told) = mpsc::channel(16);
        let mut threads = Vec::new();
        for _ in 0..task.lanes {
            let started = lane::start(task.clone(), shared.clone(), taken.clone(), to.clone());
            threads.push(
                started
                    .map_err(|error| Fault::other("", "starting a thread")(error.to_string()))?,
            );
        }
        drop((to, taken));
        let mut throttle = std::mem::replace(self.throttle, Throttle::new(None));
        let walking = walk::walk(task, rest, first, &shared, &mut throttle, portions);
        let taking = async {
            let mut fault = None;
            loop {
                let heard = tokio::time::timeout(TICK, told.recv()).await;
                self.show(&shared);
                match heard {
                    Err(_) => {}
                    Ok(None) => break,
                    Ok(Some(Told::Failed(why))) => {
                        shared.stop();
                        fault.get_or_insert(why);
                    }
                    Ok(Some(told)) => {
                        if let Err(error) = self.take(number, task, told) {
                            shared.stop();
                            let failed = Fault::other("", "writing down what was found");
                            fault.get_or_insert(failed(error.to_string()));
                        }
                    }
                }
                if self.context.stop.asked().is_some() {
                    shared.stop();
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
        *self.throttle = throttle;
        self.before += shared.read.load(Ordering::Relaxed);
        match fault {
            Some(fault) => Err(fault),
            None => walked,
        }
    }

    fn show(&self, shared: &Shared) {
        let read = self.before + shared.read.load(Ordering::Relaxed);
        self.context.progress.reach(read);
    }

    fn take(&mut self, number: usize, task: &Task, told: Told) -> std::io::Result<()> {
        match told {
            Told::Orphans(portion, orphans) => self.journal.orphans(number, portion, orphans),
            Told::Done(portion, parts, parents) => {
                let done = Done::new(number, &portion, &parts, parents);
                self.journal.done(&done)?;
                tally::add(self.tallies, task, &done);
                Ok(())
            }
            Told::Failed(_) => Ok(()),
        }
    }
}

impl Fault {
    /// Whether another way of reading may get there: keys out of order are put in order, a
    /// snapshot that cannot be had is done without.
    pub fn another_way(&self, task: &Task) -> Option<&'static str> {
        match self.why {
            Why::Disorder => Some("its keys came out of order, so they are hashed"),
            _ if task.snapshot => {
                Some("the snapshot could not be had, so findings are confirmed instead")
            }
            _ => None,
        }
    }
}
