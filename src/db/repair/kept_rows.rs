//! Releases the quarantined rows of a run: `--undo` restores them, `--purge` deletes them for good.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::clock::now;
use super::super::failpoint;
use super::super::keys;
use super::super::session::{DbError, Session};
use super::journal::{self, JournalEntry, JournaledChunk, Operation};
use super::retry::Retry;
use super::{ChunkError, roll_back, unwritable};
use crate::dialect::ErrorKind;
use crate::model::repair::RepairCounts;

/// The run of the plan, and the run that releases its rows.
#[derive(Clone, Copy)]
pub struct PlanRun<'r> {
    pub plan: &'r str,
    pub by: Uuid,
}

/// The result of releasing the rows of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// The number of rows that were released.
    pub rows: u64,
    /// The rows that remain quarantined.
    pub conflicts: Vec<Conflict>,
}

/// A row that was not restored: its identity, and the reason.
pub type Conflict = (Vec<String>, String);

/// The chunks of a run, the last first, each with the number of its rows that are still
/// quarantined.
pub async fn chunks(session: &mut Session, plan: &str) -> Result<Vec<JournaledChunk>, DbError> {
    let mut chunks = journal::chunks(session, plan).await?;
    let mut tables: HashMap<String, HashMap<u64, u64>> = HashMap::new();
    for chunk in &mut chunks {
        let Some(table) = &chunk.quarantine else {
            continue;
        };
        if !tables.contains_key(table) {
            tables.insert(table.clone(), kept(session, plan, table).await?);
        }
        let kept = tables.get(table).and_then(|kept| kept.get(&chunk.chunk));
        chunk.kept = kept.copied().unwrap_or_default();
    }
    Ok(chunks)
}

/// Counts the rows of each chunk in a quarantine table; empty if the table is missing.
async fn kept(
    session: &mut Session,
    plan: &str,
    table: &str,
) -> Result<HashMap<u64, u64>, DbError> {
    session.require_trusted(&[table]).await?;
    let sql = format!(
        "SELECT bird_chunk, COUNT(*) FROM {} WHERE bird_run = {} GROUP BY bird_chunk",
        session.table(table),
        session.dialect.text(plan).map_err(unwritable)?
    );
    let rows = match session.rows(&sql).await {
        Err(error) if error.kind == ErrorKind::MissingTable => Vec::new(),
        rows => rows?,
    };
    rows.iter()
        .map(|row| Ok((keys::number(row, 0)?, keys::number(row, 1)?)))
        .collect()
}

/// The condition for the rows of a chunk.
pub(super) fn which(
    session: &Session,
    plan: &str,
    chunk: &JournaledChunk,
) -> Result<String, DbError> {
    let plan = session.dialect.text(plan).map_err(unwritable)?;
    Ok(format!(
        "bird_run = {plan} AND bird_chunk = {}",
        chunk.chunk
    ))
}

/// Releases the rows of a chunk in a transaction with its journal entry. Rolls back if no row was
/// released.
pub(super) async fn perform(
    session: &mut Session,
    run: PlanRun<'_>,
    operation: Operation,
    chunk: &JournaledChunk,
    retry: &Retry<'_>,
    mut work: impl AsyncFnMut(&mut Session) -> Result<Released, ChunkError>,
) -> Result<Released, ChunkError> {
    retry
        .attempt(async || {
            let started_on = now();
            let doing = async {
                retry.begin(session).await?;
                failpoint::at(&format!("{}-begun", operation.word()));
                let released = work(session).await?;
                if released.rows > 0 {
                    write(session, run, operation, chunk, &released, &started_on).await?;
                    failpoint::at(&format!("{}-journaled", operation.word()));
                    retry.commit(session).await?;
                    failpoint::at(&format!("{}-committed", operation.word()));
                }
                Ok(released)
            };
            let done = doing.await;
            if !done.as_ref().is_ok_and(|released| released.rows > 0) {
                roll_back(session).await;
            }
            done
        })
        .await
}

/// Adds the journal entry about released rows.
async fn write(
    session: &mut Session,
    run: PlanRun<'_>,
    operation: Operation,
    chunk: &JournaledChunk,
    released: &Released,
    started_on: &str,
) -> Result<(), ChunkError> {
    let reached = journal::reached(session, run.plan, operation).await;
    let (last, _) = reached.map_err(ChunkError::doing("reading the journal of repairs"))?;
    let left = released.conflicts.len() as u64;
    let entry = JournalEntry {
        plan: run.plan,
        operation,
        chunk: last + 1,
        digest: &chunk.digest,
        reference: &chunk.reference,
        action: chunk.action,
        quarantine: chunk.quarantine.as_deref(),
        // The chunk that the rows belong to.
        through: chunk.chunk,
        outcome: RepairCounts {
            planned: released.rows + left,
            repaired: released.rows,
            refused: left,
            ..RepairCounts::default()
        },
        by: run.by,
        started_on,
    };
    let written = journal::append(session, &entry).await;
    written.map_err(ChunkError::doing("writing the journal of repairs"))
}
