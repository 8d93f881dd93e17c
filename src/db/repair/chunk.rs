//! Repairs one chunk of rows in one transaction: locks them, reads them and their parents again,
//! and takes out those that are still orphans.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::super::clock::now;
use super::super::session::Session;
use super::super::{failpoint, keys};
use super::deferred::Deferred;
use super::journal::{self, JournalEntry, Operation};
use super::retry::Retry;
use super::row_state::SessionFacts;
use super::{ChunkError, Tables, parents, roll_back, rows, unwritable};
use crate::dialect::keys::FoundRow;
use crate::invariant;
use crate::model::key::{describe, split};
use crate::model::reference::{Nulls, Reference};
use crate::model::repair::{Action, RepairCounts};
use crate::repair::chunk::{Classified, KeyText, classify};
use crate::repair::plan::{PlannedReference, PlannedRow};

/// The rows of a chunk with everything that repairing them needs.
pub struct ChunkWork<'w> {
    pub tables: &'w Tables,
    pub reference: &'w Reference,
    pub planned: &'w PlannedReference,
    pub action: Action,
    /// The run of the plan.
    pub plan: &'w str,
    pub digest: &'w str,
    /// The quarantine table, if the action keeps rows.
    pub quarantine: Option<&'w str>,
    /// The number of the chunk, from 1.
    pub chunk: u64,
    /// The number of the last row of the plan before this chunk.
    pub through: u64,
    pub rows: &'w [PlannedRow],
    /// The run that repairs it.
    pub by: Uuid,
}

/// The sessions of a chunk: the child is written, the parent is only read.
pub struct Sessions<'s> {
    pub child: &'s mut Session,
    pub parent: &'s mut Session,
}

/// The result of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkDone {
    pub outcome: RepairCounts,
    /// The rows that the engine refused, with its message.
    pub refused: Vec<(Vec<String>, String)>,
    /// The number of parents that could have appeared between the last read and the commit.
    pub open: u64,
}

/// The rows of a chunk after they were read again.
struct Rechecked {
    classified: Classified,
    refused: Vec<(usize, String)>,
    open: u64,
}

/// Repairs a chunk once. Lock conflicts are retried, and nothing is locked in between.
pub async fn perform(
    sessions: &mut Sessions<'_>,
    work: &ChunkWork<'_>,
    retry: &Retry<'_>,
) -> Result<ChunkDone, ChunkError> {
    retry
        .attempt(async || {
            let done = attempt(sessions, work, retry).await;
            if done.is_err() {
                roll_back(sessions.child).await;
            }
            // Locks of the parent end with the transaction of the child.
            parents::release(sessions.parent).await;
            done
        })
        .await
}

async fn attempt(
    sessions: &mut Sessions<'_>,
    work: &ChunkWork<'_>,
    retry: &Retry<'_>,
) -> Result<ChunkDone, ChunkError> {
    let started_on = now();
    retry.begin(sessions.child).await?;
    failpoint::at("repair-begun");
    let Rechecked {
        classified,
        mut refused,
        open,
    } = recheck(sessions, work, true).await?;
    let reached = journal::reached(sessions.child, work.plan, Operation::Repair).await;
    let reached = reached.map_err(ChunkError::doing("reading the journal of repairs"))?;
    if reached != (work.chunk - 1, work.through) {
        return Err(ChunkError::Elsewhere);
    }
    failpoint::at("repair-looked");
    let unkept = take_out(sessions.child, work, &classified.keep).await?;
    let outcome = classified.outcome(work.rows.len(), unkept.len());
    refused.extend(unkept);
    let entry = JournalEntry {
        plan: work.plan,
        operation: Operation::Repair,
        chunk: work.chunk,
        digest: work.digest,
        reference: &work.planned.name(),
        action: work.action,
        quarantine: work.quarantine,
        through: work.rows.last().map_or(work.through, |row| row.number),
        outcome,
        by: work.by,
        started_on: &started_on,
    };
    let written = journal::append(sessions.child, &entry).await;
    written.map_err(ChunkError::doing("writing the journal of repairs"))?;
    failpoint::at("repair-journaled");
    retry.commit(sessions.child).await?;
    failpoint::at("repair-committed");
    let mut refusals = Vec::with_capacity(refused.len());
    for (at, message) in refused {
        let row = invariant!(work.rows.get(at), some, "a refused row is one of the chunk");
        refusals.push((row.row.clone(), message));
    }
    Ok(ChunkDone {
        outcome,
        refused: refusals,
        open,
    })
}

/// Counts what a chunk would do now: locks nothing and writes nothing.
pub async fn preview(
    sessions: &mut Sessions<'_>,
    work: &ChunkWork<'_>,
) -> Result<RepairCounts, ChunkError> {
    let rechecked = recheck(sessions, work, false).await?;
    Ok(rechecked.classified.outcome(work.rows.len(), 0))
}

/// Reads the rows again, then their parents. Before a repair it locks the rows and, if the engine
/// of the parents can, the gaps of missing parents.
async fn recheck(
    sessions: &mut Sessions<'_>,
    work: &ChunkWork<'_>,
    locks: bool,
) -> Result<Rechecked, ChunkError> {
    let doing = ChunkError::doing("reading the rows again");
    let (ours, theirs) = (
        SessionFacts::new(sessions.child),
        SessionFacts::new(sessions.parent),
    );
    let (tables, reference) = (work.tables, work.reference);
    let (from, to) = (&reference.from.columns, &reference.to.columns);
    let child = tables.end(&ours, &tables.child, from, reference.filter.as_deref());
    let child = child.map_err(&doing)?;
    let parent = tables.end(&theirs, &tables.parent, to, reference.to_filter.as_deref());
    let parent = parent.map_err(&doing)?;
    let identity = rows::named(&tables.child, &work.planned.key).map_err(&doing)?;
    let mut refused = Vec::new();
    let mut names = Vec::new();
    for (at, row) in work.rows.iter().enumerate() {
        match rows::unnameable(sessions.child, &identity, &row.row) {
            Some(why) => refused.push((at, why)),
            None => names.push(row.row.clone()),
        }
    }
    let tail = if locks {
        sessions.child.dialect.repairs().for_update()
    } else {
        ""
    };
    let query = child.as_they_are(&identity, &names, tail);
    let query = query.map_err(unwritable).map_err(&doing)?;
    let (found, _) = keys::rows(sessions.child, &query).await.map_err(&doing)?;
    if locks {
        failpoint::at("repair-locked");
    }
    let there = there(&found, work);
    let text = there
        .iter()
        .map(|(row, (text, _))| (row.clone(), text.clone()));
    let mut classified = classify(work.rows, &text.collect());
    // A row that cannot be identified is refused, not gone.
    classified
        .gone
        .retain(|at| !refused.iter().any(|(one, _)| one == at));
    let mut keys: BTreeSet<Vec<u8>> = BTreeSet::new();
    for at in &classified.keep {
        let row = invariant!(work.rows.get(*at), some, "a chunk keeps rows of its own");
        let found = there.get(&row.row);
        let (_, key) = invariant!(found, some, "a row that is kept was found");
        // A row with a NULL has no parent to look up.
        keys.extend(key.clone());
    }
    let keys: Vec<Vec<u8>> = keys.into_iter().collect();
    let (present, open) =
        parents::present(sessions.parent, &parent, &keys, locks && tables.lockable).await?;
    if locks {
        failpoint::at("repair-parents");
    }
    let healed = work.rows.iter().filter_map(|row| {
        let (_, key) = there.get(&row.row)?;
        let key = key.as_ref()?;
        present.contains(key).then(|| row.key.clone())
    });
    classified.heal(work.rows, &healed.collect());
    classified.unnamed = refused.iter().map(|(at, _)| *at).collect();
    Ok(Rechecked {
        classified,
        refused,
        open: if tables.alone { 0 } else { open },
    })
}

/// The foreign keys of the rows that exist: as text, and as canonical bytes if valid.
fn there(
    found: &[FoundRow],
    work: &ChunkWork<'_>,
) -> HashMap<Vec<String>, (KeyText, Option<Vec<u8>>)> {
    let planned = work.rows.iter().map(|row| (&row.row, &row.key));
    let planned: HashMap<&Vec<String>, &KeyText> = planned.collect();
    let nulls = work.reference.null == Nulls::Orphan;
    let compare = &work.tables.compare;
    let all = found.iter().map(|row| {
        let canonical = row.key.as_ref().map(|key| {
            let parts = split(key, compare.len());
            let text = std::iter::zip(compare, &parts);
            text.map(|(compare, part)| Some(describe(compare, part)))
                .collect::<KeyText>()
        });
        let cells = row
            .texts
            .iter()
            .map(|cell| match (&row.key, cell.as_str()) {
                (None, "NULL") => None,
                _ => Some(cell.clone()),
            });
        let cells: KeyText = cells.collect();
        // The plan may have the key in canonical form, or as the row has it.
        let same = planned
            .get(&row.identity)
            .is_some_and(|key| match &canonical {
                Some(canonical) => *key == canonical || **key == cells,
                // An invalid key has no parent to look up; only a NULL is known to be an orphan.
                None => nulls && **key == cells && cells.contains(&None),
            });
        let text = match (same, canonical) {
            (true, _) => planned.get(&row.identity).map(|key| (*key).clone()),
            (false, Some(canonical)) => Some(canonical),
            (false, None) => None,
        };
        // No planned row has an empty key.
        (
            row.identity.clone(),
            (text.unwrap_or_default(), row.key.clone()),
        )
    });
    all.collect()
}

/// Takes out locked orphans. Returns the indexes of refused ones, with the engine's messages.
///
/// All are copied before the first is removed, because a foreign key that cascades may remove some
/// together with others.
async fn take_out(
    child: &mut Session,
    work: &ChunkWork<'_>,
    keep: &[usize],
) -> Result<Vec<(usize, String)>, ChunkError> {
    invariant!(
        work.quarantine.is_some() || work.action == Action::Delete,
        "rows that can be put back are quarantined"
    );
    if keep.is_empty() {
        return Ok(Vec::new());
    }
    let mut refused = match work.quarantine {
        Some(quarantine) => {
            let copied = rows::all_or_each(child, keep, async |child, places| {
                copy(child, work, quarantine, places).await
            });
            copied.await?
        }
        None => Vec::new(),
    };
    failpoint::at("repair-kept");
    let mut places = keep.to_vec();
    places.retain(|at| !refused.iter().any(|(one, _)| one == at));
    let deferred = Deferred::before(child, &work.tables.child.name).await;
    let deferred = deferred.map_err(ChunkError::doing("checking the foreign keys"))?;
    let stay = rows::all_or_each(child, &places, async |child, places| {
        remove(child, work, places, &deferred).await
    });
    let stay = stay.await?;
    if let Some(quarantine) = work.quarantine
        && !stay.is_empty()
    {
        let places: Vec<usize> = stay.iter().map(|(at, _)| *at).collect();
        discard(child, work, quarantine, &places).await?;
    }
    failpoint::at("repair-taken");
    refused.extend(stay);
    Ok(refused)
}

/// The condition for rows of a chunk, and their number.
fn condition(
    child: &Session,
    work: &ChunkWork<'_>,
    places: &[usize],
) -> Result<(String, u64), ChunkError> {
    let mut names: Vec<Vec<String>> = Vec::with_capacity(places.len());
    for at in places {
        let row = work.rows.get(*at);
        let row = invariant!(row, some, "a chunk takes out rows of its own");
        names.push(row.row.clone());
    }
    let doing = ChunkError::doing("removing the rows");
    let identity = rows::named(&work.tables.child, &work.planned.key).map_err(&doing)?;
    let condition = rows::these(child, &identity, &names).map_err(&doing)?;
    Ok((condition, names.len() as u64))
}

/// Copies rows to the quarantine table.
async fn copy(
    child: &mut Session,
    work: &ChunkWork<'_>,
    quarantine: &str,
    places: &[usize],
) -> Result<(), ChunkError> {
    let doing = ChunkError::doing("quarantining the rows");
    let (condition, wanted) = condition(child, work, places)?;
    let reason = format!("orphan: {}", work.planned.name());
    let which = (work.plan, work.chunk, reason.as_str());
    let names = (work.tables.child.name.as_str(), quarantine);
    let sql = rows::copy(child, &work.tables.kept, names, which, &condition).map_err(&doing)?;
    match child.change(&sql).await.map_err(&doing)? {
        copied if copied == wanted => Ok(()),
        copied => Err(ChunkError::Differ("quarantining the rows", wanted, copied)),
    }
}

/// Deletes the copies of rows that stay in their table.
async fn discard(
    child: &mut Session,
    work: &ChunkWork<'_>,
    quarantine: &str,
    places: &[usize],
) -> Result<(), ChunkError> {
    let doing = ChunkError::doing("deleting the copies of refused rows");
    let (condition, wanted) = condition(child, work, places)?;
    let plan = child.dialect.text(work.plan).map_err(unwritable);
    let sql = format!(
        "DELETE FROM {} WHERE bird_run = {} AND bird_chunk = {} AND {condition}",
        child.table(quarantine),
        plan.map_err(&doing)?,
        work.chunk
    );
    match child.change(&sql).await.map_err(&doing)? {
        deleted if deleted == wanted => Ok(()),
        deleted => Err(ChunkError::Differ(
            "deleting the copies of refused rows",
            wanted,
            deleted,
        )),
    }
}

/// Removes rows, or sets their keys to NULL. As many must change as there are.
async fn remove(
    child: &mut Session,
    work: &ChunkWork<'_>,
    places: &[usize],
    deferred: &Deferred,
) -> Result<(), ChunkError> {
    let doing = ChunkError::doing("removing the rows");
    let (condition, wanted) = condition(child, work, places)?;
    let table = child.table(&work.tables.child.name);
    let columns = work.reference.from.columns.iter();
    let sql = match work.action {
        Action::Quarantine | Action::Delete => format!("DELETE FROM {table} WHERE {condition}"),
        Action::SetNull => {
            let set: Vec<String> = columns
                .map(|name| format!("{} = NULL", child.dialect.quote(name)))
                .collect();
            format!("UPDATE {table} SET {} WHERE {condition}", set.join(", "))
        }
    };
    let changed = child.change(&sql).await.map_err(&doing)?;
    // A foreign key of the table to itself may have removed some of the rows before their turn.
    let cascaded = changed < wanted && work.action != Action::SetNull && {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
        keys::count(child, &sql).await.map_err(&doing)? == 0
    };
    if changed != wanted && !cascaded {
        return Err(ChunkError::Differ("removing the rows", wanted, changed));
    }
    deferred.check(child).await.map_err(&doing)
}
