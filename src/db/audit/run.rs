//! All tasks of a run are driven, some beside each other; one that cannot be read in its way is
//! read in another.

use std::cell::RefCell;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};

use super::checkpoint::Journal;
use super::endpoints::Prepared;
use super::error::{Fault, Why};
use super::error::{cannot, told};
use super::nulls;
use super::scheduler::{Driving, Written};
use super::settings::{Progress, Settings};
use super::task::{Guarantee, Shared, Task};
use super::throttle::Throttle;
use super::totals::Tally;
use crate::audit::Strategy;
use crate::db::limits::Monitor;
use crate::model::diagnostic::Diagnostic;

/// Reads every task, as far as it gets: the tasks as they were read in the end, and what went
/// wrong.
pub async fn read(
    settings: &Settings<'_>,
    tasks: Vec<Task>,
    (throttle, monitor): (&Throttle, Option<Monitor>),
    journal: &mut Journal,
    tallies: &mut [Tally],
) -> (Vec<Arc<Task>>, Vec<Diagnostic>) {
    let members = tasks.iter().flat_map(|task| &task.members);
    let shared = Shared::from(journal.before.first);
    (settings.progress)(Progress::Begin(expected(members)));
    let audit = Audit {
        many: tasks.len(),
        driving: Driving {
            settings,
            written: RefCell::new(Written { journal, tallies }),
            throttle,
            shared,
        },
    };
    let ended = tokio::select! {
        ended = audit.tasks(tasks) => ended,
        () = audit.driving.watch() => Vec::new(),
        fault = throttle.follow(settings, monitor) => vec![(Vec::new(), vec![fault])],
    };
    (settings.progress)(Progress::End);
    let (read, faults): (Vec<Vec<Arc<Task>>>, Vec<Vec<Diagnostic>>) = ended.into_iter().unzip();
    let read = read.into_iter().flatten().collect();
    (read, faults.into_iter().flatten().collect())
}

/// About how many rows will be read.
fn expected<'m>(members: impl Iterator<Item = &'m Arc<Prepared>>) -> Option<u64> {
    let members: Vec<&Arc<Prepared>> = members.collect();
    let rows = members.iter().map(|member| member.child.estimate.rows);
    let parents = members
        .first()
        .and_then(|member| member.parent.estimate.rows);
    let rows = rows.sum::<Option<u64>>().zip(parents);
    rows.map(|(rows, parents)| rows + parents)
}

/// One run through all tasks.
struct Audit<'a> {
    many: usize,
    driving: Driving<'a>,
}

impl Audit<'_> {
    /// Drives all tasks, some of them beside each other: the tasks as they were read in the end,
    /// each with what went wrong.
    async fn tasks(&self, tasks: Vec<Task>) -> Vec<(Vec<Arc<Task>>, Vec<Diagnostic>)> {
        let beside = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .clamp(2, 4);
        let numbered = tasks.into_iter().enumerate();
        let driven = numbered.map(|(number, task)| self.task(number, Arc::new(task)));
        stream::iter(driven).buffered(beside).collect().await
    }

    async fn task(&self, number: usize, mut task: Arc<Task>) -> (Vec<Arc<Task>>, Vec<Diagnostic>) {
        let mut faults = Vec::new();
        // Another instant would be another snapshot.
        if task.snapshot {
            self.forget(number, &task, &mut faults);
        }
        let mut drove = self.driving.drive(number, &task).await;
        if let Err(fault) = &drove
            && let Some(why) = fault.another_way(task.snapshot)
        {
            let detail = format!("{}: {why}", told(fault));
            (self.driving.settings.progress)(Progress::Detail(&detail));
            self.forget(number, &task, &mut faults);
            task = Arc::new(instead(&task, fault, why));
            drove = self.driving.drive(self.many + number, &task).await;
        } else {
            // An audit that was cut short may have read it in another way.
            self.drop(self.many + number, &mut faults);
        }
        match drove {
            Ok(()) => nulls::count(&self.driving, self.many * 2 + number, &task, &mut faults).await,
            Err(fault) => faults.push(cannot(&fault)),
        }
        (vec![task], faults)
    }

    /// What was read of a task does not count.
    fn forget(&self, number: usize, task: &Task, faults: &mut Vec<Diagnostic>) {
        let mut written = self.driving.written.borrow_mut();
        for member in &task.members {
            if let Some(tally) = written.tallies.get_mut(member.index) {
                *tally = Tally::default();
            }
        }
        drop(written);
        self.drop(number, faults);
    }

    /// What the journal has of a task does not count.
    fn drop(&self, number: usize, faults: &mut Vec<Diagnostic>) {
        let mut written = self.driving.written.borrow_mut();
        if let Err(error) = written.journal.drop_task(number) {
            faults.push(cannot(&Fault::unwritten(&error)));
        }
    }
}

/// The same references, read in a way that does without what could not be had.
fn instead(task: &Task, fault: &Fault, why: &str) -> Task {
    let mut choice = task.choice.clone();
    choice.why = why.to_owned();
    let guarantee = match task.guarantee {
        Guarantee::Snapshot if !matches!(fault.why, Why::Disorder) => Guarantee::Confirmed,
        as_it_was => as_it_was,
    };
    if matches!(fault.why, Why::Disorder) {
        choice.strategy = Strategy::Hash;
    } else if choice.strategy == Strategy::Sql {
        choice.strategy = Strategy::Merge;
    }
    Task {
        members: task.members.clone(),
        choice,
        guarantee,
        snapshot: task.snapshot && guarantee == Guarantee::Snapshot,
        lanes: 1,
    }
}
