//! One chunk of a repair: its rows are locked, looked at again, then their parents are looked for
//! again, and only what is still an orphan is taken out, in one transaction.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::super::clock::now;
use super::super::session::Session;
use super::super::{failpoint, keys};
use super::journal::{self, Entry, Way};
use super::retry::Patience;
use super::row_state::EndOf;
use super::{Broken, Tables, parents, roll_back, rows, unwritable};
use crate::dialect::keys::Found;
use crate::model::key::{describe, split};
use crate::model::reference::{Nulls, Reference};
use crate::model::repair::{Action, Outcome};
use crate::repair::chunk::{Sorted, Told, still};
use crate::repair::plan::{Planned, PlannedRow};

/// What a chunk is about.
pub struct Work<'w> {
    pub tables: &'w Tables,
    pub reference: &'w Reference,
    pub planned: &'w Planned,
    pub action: Action,
    /// The run of the plan, and its digest.
    pub plan: &'w str,
    pub digest: &'w str,
    /// The table that keeps its rows, where they are kept.
    pub quarantine: Option<&'w str>,
    /// Its number, from 1.
    pub chunk: u64,
    /// The number of the last row of the plan before it.
    pub through: u64,
    pub rows: &'w [PlannedRow],
    /// The run that does it.
    pub by: Uuid,
}

/// The sessions of a chunk: the child's writes, the parent's only looks.
pub struct Pair<'s> {
    pub child: &'s mut Session,
    pub parent: &'s mut Session,
}

/// What came of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    pub outcome: Outcome,
    /// The rows that the engine refused, and what it said.
    pub refused: Vec<(Vec<String>, String)>,
    /// So many parents could still have appeared between the last look and the commit.
    pub open: u64,
}

/// What a look at the rows of a chunk has told.
struct Looked {
    sorted: Sorted,
    refused: Vec<(usize, String)>,
    open: u64,
}

/// Does a chunk, once: whoever is in the way is waited for, with nothing held meanwhile.
pub async fn perform(
    pair: &mut Pair<'_>,
    work: &Work<'_>,
    patience: &Patience<'_>,
) -> Result<Done, Broken> {
    patience
        .attempt(async || {
            let done = attempt(pair, work, patience).await;
            if done.is_err() {
                roll_back(pair.child).await;
            }
            // Nothing that the parent holds outlives the child's transaction.
            parents::release(pair.parent).await;
            done
        })
        .await
}

async fn attempt(
    pair: &mut Pair<'_>,
    work: &Work<'_>,
    patience: &Patience<'_>,
) -> Result<Done, Broken> {
    let started_on = now();
    patience.begin(pair.child).await?;
    failpoint::at("repair-begun");
    let Looked {
        sorted,
        mut refused,
        open,
    } = look(pair, work, true).await?;
    let reached = journal::reached(pair.child, work.plan, Way::Repair).await;
    let reached = reached.map_err(Broken::doing("reading the journal of repairs"))?;
    if reached != (work.chunk - 1, work.through) {
        return Err(Broken::Elsewhere);
    }
    failpoint::at("repair-looked");
    let unkept = rows::all_or_each(pair.child, &sorted.keep, async |child, places| {
        take_out(child, work, places).await
    });
    let unkept = unkept.await?;
    let outcome = sorted.outcome(work.rows.len(), unkept.len());
    refused.extend(unkept);
    let entry = Entry {
        plan: work.plan,
        way: Way::Repair,
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
    let written = journal::append(pair.child, &entry).await;
    written.map_err(Broken::doing("writing the journal of repairs"))?;
    failpoint::at("repair-journaled");
    patience.commit(pair.child).await?;
    failpoint::at("repair-committed");
    let told = refused.into_iter().filter_map(|(place, said)| {
        let row = work.rows.get(place)?;
        Some((row.row.clone(), said))
    });
    Ok(Done {
        outcome,
        refused: told.collect(),
        open,
    })
}

/// What a chunk would do now: it locks nothing and writes nothing.
pub async fn preview(pair: &mut Pair<'_>, work: &Work<'_>) -> Result<Outcome, Broken> {
    let looked = look(pair, work, false).await?;
    Ok(looked.sorted.outcome(work.rows.len(), 0))
}

/// Reads the rows again, then their parents. Whoever is going to write locks the rows, and where
/// the parent's engine can, keeps what is missing from appearing.
async fn look(pair: &mut Pair<'_>, work: &Work<'_>, locks: bool) -> Result<Looked, Broken> {
    let doing = Broken::doing("reading the rows again");
    let (ours, theirs) = (EndOf::new(pair.child), EndOf::new(pair.parent));
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
        match rows::unnameable(pair.child, &identity, &row.row) {
            Some(why) => refused.push((at, why)),
            None => names.push(row.row.clone()),
        }
    }
    let tail = if locks {
        pair.child.dialect.repairs().for_update()
    } else {
        ""
    };
    let asked = child.as_they_are(&identity, &names, tail);
    let asked = asked.map_err(unwritable).map_err(&doing)?;
    let (found, _) = keys::rows(pair.child, &asked).await.map_err(&doing)?;
    if locks {
        failpoint::at("repair-locked");
    }
    let there = there(&found, work);
    let told = there
        .iter()
        .map(|(row, (told, _))| (row.clone(), told.clone()));
    let mut sorted = still(work.rows, &told.collect());
    // What cannot be named is neither gone nor anything else that is known.
    sorted
        .gone
        .retain(|at| !refused.iter().any(|(one, _)| one == at));
    let key_of = |at: &usize| {
        let row = work.rows.get(*at)?;
        there.get(&row.row)?.1.clone()
    };
    let keys: BTreeSet<Vec<u8>> = sorted.keep.iter().filter_map(key_of).collect();
    let keys: Vec<Vec<u8>> = keys.into_iter().collect();
    let (present, open) =
        parents::present(pair.parent, &parent, &keys, locks && tables.lockable).await?;
    if locks {
        failpoint::at("repair-parents");
    }
    let healed = work.rows.iter().filter_map(|row| {
        let (_, key) = there.get(&row.row)?;
        let key = key.as_ref()?;
        present.contains(key).then(|| row.key.clone())
    });
    sorted.heal(work.rows, &healed.collect());
    sorted.unnamed = refused.iter().map(|(at, _)| *at).collect();
    Ok(Looked {
        sorted,
        refused,
        open: if tables.alone { 0 } else { open },
    })
}

/// What the rows that are there refer to: as it is told, and as a key where it is one.
fn there(found: &[Found], work: &Work<'_>) -> HashMap<Vec<String>, (Told, Option<Vec<u8>>)> {
    let planned = work.rows.iter().map(|row| (&row.row, &row.key));
    let planned: HashMap<&Vec<String>, &Told> = planned.collect();
    let nulls = work.reference.null == Nulls::Orphan;
    let compare = &work.tables.compare;
    let all = found.iter().map(|row| {
        let canonical = row.key.as_ref().map(|key| {
            let parts = split(key, compare.len());
            let told = std::iter::zip(compare, &parts);
            told.map(|(compare, part)| Some(describe(compare, part)))
                .collect::<Told>()
        });
        let cells = row.told.iter().map(|cell| match (&row.key, cell.as_str()) {
            (None, "NULL") => None,
            _ => Some(cell.clone()),
        });
        let cells: Told = cells.collect();
        // Reports tell a key as it is compared, or as the row has it.
        let same = planned
            .get(&row.identity)
            .is_some_and(|key| match &canonical {
                Some(canonical) => *key == canonical || **key == cells,
                // What is no key has no parent to look for; only a NULL is known to be an orphan.
                None => nulls && **key == cells && cells.contains(&None),
            });
        let told = match (same, canonical) {
            (true, _) => planned.get(&row.identity).map(|key| (*key).clone()),
            (false, Some(canonical)) => Some(canonical),
            (false, None) => None,
        };
        // Nothing is planned that has no column.
        (
            row.identity.clone(),
            (told.unwrap_or_default(), row.key.clone()),
        )
    });
    all.collect()
}

/// Takes rows out that are locked and orphans; as many must go as were kept.
async fn take_out(child: &mut Session, work: &Work<'_>, places: &[usize]) -> Result<(), Broken> {
    let rows: Vec<&PlannedRow> = places.iter().filter_map(|at| work.rows.get(*at)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let wanted = rows.len() as u64;
    let doing = Broken::doing("taking the rows out");
    let tables = work.tables;
    let identity = rows::named(&tables.child, &work.planned.key).map_err(&doing)?;
    let names: Vec<Vec<String>> = rows.iter().map(|row| row.row.clone()).collect();
    let condition = rows::these(child, &identity, &names).map_err(&doing)?;
    let name = tables.child.name.as_str();
    if let Some(quarantine) = work.quarantine {
        let reason = format!("orphan: {}", work.planned.name());
        let which = (work.plan, work.chunk, reason.as_str());
        let sql = rows::copy(child, &tables.kept, (name, quarantine), which, &condition);
        let copied = child.change(&sql.map_err(&doing)?).await;
        let copied = copied.map_err(Broken::doing("keeping the rows"))?;
        if copied != wanted {
            return Err(Broken::Differ("keeping the rows", wanted, copied));
        }
    }
    failpoint::at("repair-kept");
    let quote = |name: &String| child.dialect.quote(name);
    let table = child.table(name);
    let columns = work.reference.from.columns.iter();
    let sql = match work.action {
        Action::Quarantine | Action::Delete => format!("DELETE FROM {table} WHERE {condition}"),
        Action::SetNull => {
            let set: Vec<String> = columns
                .map(|name| format!("{} = NULL", quote(name)))
                .collect();
            format!("UPDATE {table} SET {} WHERE {condition}", set.join(", "))
        }
    };
    let changed = child.change(&sql).await.map_err(&doing)?;
    if changed != wanted {
        return Err(Broken::Differ("taking the rows out", wanted, changed));
    }
    failpoint::at("repair-taken");
    Ok(())
}
