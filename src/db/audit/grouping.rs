//! References put together into tasks: those that one pass over the parents serves, read in one
//! way.

use crate::model::code::Code;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::endpoints::{Prepared, Side};
use super::settings::Settings;
use super::task::{Guarantee, Task};
use crate::audit::{Choice, Known, Strategy, choose};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::hex;
use crate::model::target::Target;

/// What is known of a reference, for the choice of a strategy.
#[must_use]
pub fn known(member: &Prepared) -> Known {
    let (child, parent) = (&member.child, &member.parent);
    let ends = child.end(None).ok().zip(parent.end(None).ok());
    let ends = ends.as_ref();
    let embedded = child.dialect.facts().is_embedded() && parent.dialect.facts().is_embedded();
    let joins = ends.is_some_and(|(child, parent)| child.joins(parent));
    Known {
        rows: child.estimate.rows,
        keys: child.estimate.keys,
        parents: parent.estimate.rows,
        child_ordered: child.indexed
            && child.filter.is_none()
            && ends.is_some_and(|(child, _)| child.sorts() && child.indexed()),
        parents_ordered: ends.is_some_and(|(_, parent)| parent.sorts() && parent.indexed()),
        parents_found: ends.is_some_and(|(_, parent)| parent.probes_by_index()),
        together: joins && (embedded || is_one_server(child, parent)),
        marked: child.marked,
    }
}

/// Whether one snapshot can see both ends: one server, whose snapshots span its databases.
fn is_one_server(child: &Side, parent: &Side) -> bool {
    let (Target::Server(one), Target::Server(other)) = (&child.target, &parent.target) else {
        return false;
    };
    if child.reader.is_some() {
        return false;
    }
    let same = (&one.host, one.port, &one.socket) == (&other.host, other.port, &other.socket);
    let spans = child.dialect.keys().snapshot().is_some();
    let engine = child.dialect.facts().name == parent.dialect.facts().name;
    same && spans && engine && child.identity == parent.identity
}

/// From so many rows on, what one session reads in one snapshot takes noticeably longer than what
/// several sessions read, which is confirmed instead.
const MANY: u64 = 3_000_000;

/// The tasks of a run. A wish for a strategy that cannot be followed is an error.
pub fn tasks(settings: &Settings<'_>, members: &[Arc<Prepared>]) -> Result<Vec<Task>, Failure> {
    let mut tasks: Vec<Task> = Vec::new();
    let rows = members
        .iter()
        .filter_map(|member| member.child.estimate.rows);
    let asked = settings.snapshot || settings.strategy == Some(Strategy::Sql);
    let separate = settings.separate || !asked && rows.sum::<u64>() > MANY;
    for member in members {
        let mut known = known(member);
        // A server joins its databases in one session; files are joined in sessions of their own.
        known.together &= !separate || member.child.dialect.facts().is_embedded();
        let refused = |why: String| {
            let message = format!("{}: --strategy cannot be followed: {why}", member.reference);
            Failure::failed(Diagnostic::new(Code::Usage, message))
        };
        let mut choice = choose(&known, settings.strategy).map_err(refused)?;
        let snapshot = is_one_server(&member.child, &member.parent) && !separate;
        if snapshot && choice.strategy == Strategy::Merge && !member.has_pages() {
            let why = "one snapshot is one session, and these keys are not read in pages";
            if choice.asked {
                return Err(refused(format!("{why}; --apart does without a snapshot")));
            }
            choice.strategy = Strategy::Hash;
            choice.why = format!("{why}, so they are hashed");
        }
        let guarantee = match (snapshot, member.child.replica || member.parent.replica) {
            (_, true) => Guarantee::Indicative,
            (true, false) => Guarantee::Snapshot,
            (false, false) => Guarantee::Confirmed,
        };
        let mut all = tasks.iter_mut();
        let fits = all.find(|task| {
            let same = |first: &Arc<Prepared>| is_same(&first.parent, &member.parent);
            let chosen = (task.choice.strategy, task.guarantee) == (choice.strategy, guarantee);
            // One session reads one reference, so that several can be read at once; each sees its
            // two ends at one instant.
            !snapshot && chosen && task.first().is_some_and(same)
        });
        match fits {
            Some(task) => task.members.push(member.clone()),
            None => tasks.push(Task {
                members: vec![member.clone()],
                lanes: lanes(settings, &choice, snapshot),
                choice,
                guarantee,
                snapshot,
            }),
        }
    }
    Ok(tasks)
}

/// Whether one pass over the parents serves both.
fn is_same(one: &Side, other: &Side) -> bool {
    let key = |side: &Side| {
        let columns = side.columns.iter();
        let columns: Vec<(String, _)> = columns
            .map(|(column, compare)| (column.name.clone(), compare.clone()))
            .collect();
        (
            side.database.clone(),
            side.table.name.clone(),
            side.filter.clone(),
            columns,
        )
    };
    key(one) == key(other)
}

/// One snapshot is one session; what is hashed is hashed in one place.
fn lanes(settings: &Settings<'_>, choice: &Choice, snapshot: bool) -> usize {
    let alone = snapshot || !matches!(choice.strategy, Strategy::Merge | Strategy::Sql);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match (alone, settings.jobs) {
        (true, _) => 1,
        (false, Some(jobs)) => jobs.max(1),
        // The servers work as well, and a lane keeps a session of each busy.
        (false, None) => (cores / 2).clamp(1, 4),
    }
}

/// Names everything that the answer of an audit follows from.
#[must_use]
pub fn fingerprint(members: &[Arc<Prepared>], tasks: &[Task]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: String| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    for member in members {
        let reference = &member.reference;
        add(format!(
            "{reference} {:?} {:?} {:?}",
            reference.filter, reference.to_filter, reference.null
        ));
        for side in [&member.child, &member.parent] {
            add(format!(
                "{:?} {:?} {:?} {:?}",
                side.columns,
                (side.target.shown(), side.read_at().shown()),
                side.filter,
                side.identity
            ));
        }
    }
    for task in tasks {
        let members: Vec<usize> = task.members.iter().map(|member| member.index).collect();
        add(format!(
            "{members:?} {} {}",
            task.choice.strategy, task.snapshot
        ));
    }
    hex::digits(&hash.finalize())
}
