//! Groups references into tasks: a task reads several references with one pass over their parents.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::endpoints::{Endpoint, PreparedReference};
use super::settings::Settings;
use super::task::{Guarantee, Task};
use crate::audit::{Choice, ReferenceFacts, Strategy, choose};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::hex;
use crate::model::target::Target;

/// Collects the facts for the choice of a strategy.
#[must_use]
pub fn facts(member: &PreparedReference) -> ReferenceFacts {
    let (child, parent) = (&member.child, &member.parent);
    let ends = child.end(None).ok().zip(parent.end(None).ok());
    let ends = ends.as_ref();
    let embedded = child.dialect.facts().is_embedded() && parent.dialect.facts().is_embedded();
    let joins = ends.is_some_and(|(child, parent)| child.joins(parent));
    ReferenceFacts {
        rows: child.estimate.rows,
        keys: child.estimate.keys,
        parents: parent.estimate.rows,
        child_ordered: child.ordered
            && ends.is_some_and(|(child, _)| child.sorts() && child.indexed()),
        parents_ordered: ends.is_some_and(|(_, parent)| parent.sorts() && parent.indexed()),
        parents_indexed: ends.is_some_and(|(_, parent)| parent.probes_by_index()),
        joinable: joins && (embedded || is_one_server(child, parent)),
        has_watermark: child.has_watermark,
    }
}

/// Whether one snapshot can see both endpoints: one server whose snapshots span its databases.
fn is_one_server(child: &Endpoint, parent: &Endpoint) -> bool {
    let (Target::Server(one), Target::Server(other)) = (&child.target, &parent.target) else {
        return false;
    };
    if child.read_replica.is_some() {
        return false;
    }
    let same = (&one.host, one.port, &one.socket) == (&other.host, other.port, &other.socket);
    let spans = child.dialect.keys().snapshot().is_some();
    let engine = child.dialect.facts().name == parent.dialect.facts().name;
    same && spans && engine && child.identity == parent.identity
}

/// The number of rows from which one session with a snapshot is noticeably slower than several
/// sessions with confirmation.
const MANY: u64 = 3_000_000;

/// Groups references into tasks. Fails if the requested strategy is impossible.
pub fn tasks(
    settings: &Settings<'_>,
    members: &[Arc<PreparedReference>],
) -> Result<Vec<Task>, Failure> {
    let mut tasks: Vec<Task> = Vec::new();
    let rows = members
        .iter()
        .filter_map(|member| member.child.estimate.rows);
    let requested = settings.snapshot || settings.strategy == Some(Strategy::Sql);
    let separate = settings.separate || !requested && rows.sum::<u64>() > MANY;
    for member in members {
        let mut facts = facts(member);
        // A server joins its databases in one session; files are joined in separate sessions.
        facts.joinable &= !separate || member.child.dialect.facts().is_embedded();
        let refused = |why: String| {
            let message = format!("{}: --strategy cannot be used: {why}", member.reference);
            Failure::failed(Diagnostic::new(Code::Usage, message))
        };
        let mut choice = choose(&facts, settings.strategy).map_err(refused)?;
        let snapshot = is_one_server(&member.child, &member.parent) && !separate;
        if snapshot && choice.strategy == Strategy::Merge && !member.has_pages() {
            let why = "a snapshot uses one session, but these keys cannot be read page by page";
            if choice.requested {
                return Err(refused(format!("{why}; --apart reads without a snapshot")));
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
            let chosen = (task.choice.strategy, task.guarantee) == (choice.strategy, guarantee);
            // Snapshots read one reference per session, so that several run at once; each sees its
            // two endpoints at one instant.
            !snapshot && chosen && is_same(&task.lead.parent, &member.parent)
        });
        match fits {
            Some(task) => task.members.push(member.clone()),
            None => tasks.push(Task {
                lead: member.clone(),
                members: vec![member.clone()],
                workers: workers(settings, &choice, snapshot),
                choice,
                guarantee,
                snapshot,
            }),
        }
    }
    Ok(tasks)
}

/// Whether both endpoints are the same parents.
fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    let key = |endpoint: &Endpoint| {
        let columns = endpoint.columns.iter();
        let columns: Vec<(String, _)> = columns
            .map(|(column, compare)| (column.name.clone(), compare.clone()))
            .collect();
        (
            endpoint.database.clone(),
            endpoint.table.name.clone(),
            endpoint.filter.clone(),
            columns,
        )
    };
    key(one) == key(other)
}

/// The number of workers of a task: a snapshot is one session, and a hash table has one owner.
fn workers(settings: &Settings<'_>, choice: &Choice, snapshot: bool) -> usize {
    let alone = snapshot || !matches!(choice.strategy, Strategy::Merge | Strategy::Sql);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match (alone, settings.jobs) {
        (true, _) => 1,
        (false, Some(jobs)) => jobs.max(1),
        // The servers need cores, too: each worker keeps a session of both busy.
        (false, None) => (cores / 2).clamp(1, 4),
    }
}

/// Hashes everything that the result of an audit depends on.
#[must_use]
pub fn fingerprint(members: &[Arc<PreparedReference>], tasks: &[Task]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: String| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    for member in members {
        let reference = &member.reference;
        add(format!(
            "{} {:?} {:?} {:?}",
            reference.ends(),
            reference.filter,
            reference.to_filter,
            reference.null
        ));
        for endpoint in [&member.child, &member.parent] {
            add(format!(
                "{:?} {:?} {:?} {:?}",
                endpoint.columns,
                (endpoint.target.shown(), endpoint.read_at().shown()),
                endpoint.filter,
                endpoint.identity
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
