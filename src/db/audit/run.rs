//! Runs all tasks of an audit, several at a time; a task whose strategy fails is read with another.

use std::cell::RefCell;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};

use super::checkpoint::Checkpoint;
use super::endpoints::PreparedReference;
use super::error::{Cause, ReadError};
use super::nulls;
use super::scheduler::{Record, Scheduler};
use super::settings::{Progress, Settings};
use super::task::{Guarantee, Shared, Task};
use super::throttle::Throttle;
use super::totals::{self, ReferenceTotals};
use crate::audit::Strategy;
use crate::db::limits::Monitor;
use crate::model::diagnostic::Diagnostic;

/// Reads every task as far as possible. Returns the tasks with their final strategies, and the
/// failures.
pub async fn read(
    settings: &Settings<'_>,
    tasks: Vec<Task>,
    (throttle, monitor): (&Throttle, Option<Monitor>),
    checkpoint: &mut Checkpoint,
    totals: &mut [ReferenceTotals],
) -> (Vec<Arc<Task>>, Vec<Diagnostic>) {
    let members = tasks.iter().flat_map(|task| &task.members);
    let shared = Shared::starting_at(checkpoint.earlier.first);
    (settings.progress)(Progress::Begin(expected(members)));
    let audit = Audit {
        many: tasks.len(),
        scheduler: Scheduler {
            settings,
            record: RefCell::new(Record { checkpoint, totals }),
            throttle,
            shared,
        },
    };
    let ended = tokio::select! {
        ended = audit.tasks(tasks) => ended,
        () = audit.scheduler.watch() => Vec::new(),
        fault = throttle.follow(settings, monitor) => vec![(Vec::new(), vec![fault])],
    };
    (settings.progress)(Progress::End);
    let (read, faults): (Vec<Vec<Arc<Task>>>, Vec<Vec<Diagnostic>>) = ended.into_iter().unzip();
    let read = read.into_iter().flatten().collect();
    (read, faults.into_iter().flatten().collect())
}

/// The estimated number of rows that will be read.
fn expected<'m>(members: impl Iterator<Item = &'m Arc<PreparedReference>>) -> Option<u64> {
    let members: Vec<&Arc<PreparedReference>> = members.collect();
    let rows = members.iter().map(|member| member.child.estimate.rows);
    let parents = members
        .first()
        .and_then(|member| member.parent.estimate.rows);
    let rows = rows.sum::<Option<u64>>().zip(parents);
    rows.map(|(rows, parents)| rows + parents)
}

/// One run of all tasks.
struct Audit<'a> {
    many: usize,
    scheduler: Scheduler<'a>,
}

impl Audit<'_> {
    /// Runs all tasks, several at a time. Returns each with its final strategy and its failures.
    async fn tasks(&self, tasks: Vec<Task>) -> Vec<(Vec<Arc<Task>>, Vec<Diagnostic>)> {
        let concurrent = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .clamp(2, 4);
        let numbered = tasks.into_iter().enumerate();
        let running = numbered.map(|(number, task)| self.task(number, Arc::new(task)));
        stream::iter(running).buffered(concurrent).collect().await
    }

    async fn task(&self, number: usize, mut task: Arc<Task>) -> (Vec<Arc<Task>>, Vec<Diagnostic>) {
        let mut faults = Vec::new();
        // A snapshot cannot be resumed: a new one is another instant.
        if task.snapshot {
            self.forget(number, &task, &mut faults);
        }
        let mut drove = self.scheduler.run_task(number, &task).await;
        if let Err(fault) = &drove
            && let Some(why) = fault.fallback(task.snapshot)
        {
            let detail = format!("{}: {why}", fault);
            (self.scheduler.settings.progress)(Progress::Detail(&detail));
            self.forget(number, &task, &mut faults);
            task = Arc::new(instead(&task, fault, why));
            drove = self.scheduler.run_task(self.many + number, &task).await;
        } else {
            // An earlier run may have read it with another strategy.
            self.drop(self.many + number, &mut faults);
        }
        match drove {
            Ok(()) => {
                nulls::count(&self.scheduler, self.many * 2 + number, &task, &mut faults).await
            }
            Err(fault) => faults.push(fault.diagnose()),
        }
        (vec![task], faults)
    }

    /// Discards everything that was read of a task.
    fn forget(&self, number: usize, task: &Task, faults: &mut Vec<Diagnostic>) {
        let mut record = self.scheduler.record.borrow_mut();
        for member in &task.members {
            match totals::of(record.totals, member) {
                Ok(totals) => *totals = ReferenceTotals::default(),
                Err(fault) => faults.push(fault.diagnose()),
            }
        }
        drop(record);
        self.drop(number, faults);
    }

    /// Discards the chunks of a task in the checkpoint.
    fn drop(&self, number: usize, faults: &mut Vec<Diagnostic>) {
        let mut record = self.scheduler.record.borrow_mut();
        if let Err(error) = record.checkpoint.drop_task(number) {
            faults.push(ReadError::unwritten(&error).diagnose());
        }
    }
}

/// The same references with a strategy that avoids the cause of the failure.
fn instead(task: &Task, fault: &ReadError, why: &str) -> Task {
    let mut choice = task.choice.clone();
    choice.why = why.to_owned();
    let guarantee = match task.guarantee {
        Guarantee::Snapshot if !matches!(fault.why, Cause::Disorder) => Guarantee::Confirmed,
        as_it_was => as_it_was,
    };
    if matches!(fault.why, Cause::Disorder) {
        choice.strategy = Strategy::Hash;
    } else if choice.strategy == Strategy::Sql {
        choice.strategy = Strategy::Merge;
    }
    Task {
        lead: task.lead.clone(),
        members: task.members.clone(),
        choice,
        guarantee,
        snapshot: task.snapshot && guarantee == Guarantee::Snapshot,
        workers: 1,
    }
}
