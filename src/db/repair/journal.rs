//! The journal of repairs: one row per chunk, committed with it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::clock::now;
use super::super::keys;
use super::super::session::{DbError, Row, Session};
use super::unwritable;
use crate::dialect::ErrorKind;
use crate::model::history::REPAIR_TABLE;
use crate::model::repair::{Action, RepairCounts};

/// The operation of a journal entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Repair,
    /// Rows were restored.
    Undo,
    /// Quarantined rows were deleted for good.
    Purge,
}

impl Operation {
    pub(super) fn word(self) -> &'static str {
        match self {
            Operation::Repair => "repair",
            Operation::Undo => "undo",
            Operation::Purge => "purge",
        }
    }
}

/// A chunk that is being committed.
pub struct JournalEntry<'e> {
    /// The run of the plan.
    pub plan: &'e str,
    pub operation: Operation,
    pub chunk: u64,
    pub digest: &'e str,
    pub reference: &'e str,
    pub action: Action,
    pub quarantine: Option<&'e str>,
    pub through: u64,
    pub outcome: RepairCounts,
    /// The run that writes the entry.
    pub by: Uuid,
    pub started_on: &'e str,
}

/// The progress of a plan in the journal.
#[derive(Debug, Clone, Default)]
pub struct JournaledPlan {
    pub chunks: u64,
    /// The number of the last row of the plan that was processed.
    pub through: u64,
    /// The digest of the plan that these chunks belong to.
    pub digest: Option<String>,
    /// The number of chunks that restored rows.
    pub undone: u64,
    /// The number of quarantined rows that were deleted for good.
    pub purged: u64,
    /// The counts by reference.
    pub outcomes: BTreeMap<String, RepairCounts>,
}

/// A chunk that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournaledChunk {
    pub chunk: u64,
    pub digest: String,
    pub reference: String,
    pub action: Action,
    pub quarantine: Option<String>,
    /// The number of its rows that are still quarantined, once they were counted.
    pub kept: u64,
}

/// Creates the journal table.
pub async fn ensure(session: &mut Session) -> Result<(), DbError> {
    let sql = session
        .dialect
        .repair_journal_table(session.schema.as_deref());
    session.create_own_table(REPAIR_TABLE, &sql).await
}

/// Reads the progress of a plan; empty if there is no journal.
pub async fn journaled_plan(session: &mut Session, plan: &str) -> Result<JournaledPlan, DbError> {
    let sql = format!(
        "SELECT direction, digest, reference, COUNT(*), MAX(through), SUM(planned), \
         SUM(repaired), SUM(healed), SUM(gone), SUM(changed), SUM(refused) FROM {} \
         WHERE run = {} GROUP BY direction, digest, reference",
        table(session),
        text(session, plan)?
    );
    let mut progress = JournaledPlan::default();
    for row in found(session.rows(&sql).await)? {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        let number = |at: usize| keys::number(&row, at);
        if cell(0) == Operation::Undo.word() {
            progress.undone += number(3)?;
            continue;
        }
        if cell(0) == Operation::Purge.word() {
            progress.purged += number(6)?;
            continue;
        }
        progress.chunks += number(3)?;
        progress.through = progress.through.max(number(4)?);
        progress.digest = Some(cell(1).to_owned());
        let outcome = RepairCounts {
            planned: number(5)?,
            repaired: number(6)?,
            healed: number(7)?,
            gone: number(8)?,
            changed: number(9)?,
            refused: number(10)?,
            chunks: number(3)?,
        };
        progress.outcomes.insert(cell(2).to_owned(), outcome);
    }
    Ok(progress)
}

/// The numbers of the last chunk and of the last row that were processed, read in the transaction
/// of the next chunk.
pub async fn reached(
    session: &mut Session,
    plan: &str,
    operation: Operation,
) -> Result<(u64, u64), DbError> {
    let sql = format!(
        "SELECT COALESCE(MAX(chunk), 0), COALESCE(MAX(through), 0) FROM {} \
         WHERE run = {} AND direction = '{}'",
        table(session),
        text(session, plan)?,
        operation.word()
    );
    let rows = session.rows(&sql).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    Ok((keys::number(&row, 0)?, keys::number(&row, 1)?))
}

/// The chunks of a plan that changed rows, the last first.
pub(super) async fn chunks(
    session: &mut Session,
    plan: &str,
) -> Result<Vec<JournaledChunk>, DbError> {
    let sql = format!(
        "SELECT chunk, digest, reference, action, quarantine FROM {} \
         WHERE run = {} AND direction = '{}' AND repaired > 0 ORDER BY chunk DESC",
        table(session),
        text(session, plan)?,
        Operation::Repair.word()
    );
    let rows = found(session.rows(&sql).await)?;
    let chunks = rows.into_iter().map(|row| {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        Some(JournaledChunk {
            chunk: cell(0).parse().ok()?,
            digest: cell(1).to_owned(),
            reference: cell(2).to_owned(),
            action: Action::from_word(cell(3))?,
            quarantine: row.get(4).cloned().flatten(),
            kept: 0,
        })
    });
    let chunks: Option<Vec<JournaledChunk>> = chunks.collect();
    chunks.ok_or_else(|| unwritable("a row of the journal of repairs cannot be read".to_owned()))
}

/// Adds an entry.
pub async fn append(session: &mut Session, entry: &JournalEntry<'_>) -> Result<(), DbError> {
    let outcome = &entry.outcome;
    let quarantine = match entry.quarantine {
        Some(name) => text(session, name)?,
        None => "NULL".to_owned(),
    };
    let sql = format!(
        "INSERT INTO {} (run, direction, chunk, digest, reference, action, quarantine, through, \
         planned, repaired, healed, gone, changed, refused, by_run, started_on, ended_on) \
         VALUES ({}, '{}', {}, {}, {}, '{}', {quarantine}, {}, {}, {}, {}, {}, {}, {}, '{}', '{}', '{}')",
        table(session),
        text(session, entry.plan)?,
        entry.operation.word(),
        entry.chunk,
        text(session, entry.digest)?,
        text(session, entry.reference)?,
        entry.action.word(),
        entry.through,
        outcome.planned,
        outcome.repaired,
        outcome.healed,
        outcome.gone,
        outcome.changed,
        outcome.refused,
        entry.by,
        entry.started_on,
        now(),
    );
    session.run(&sql).await
}

fn table(session: &Session) -> String {
    session
        .dialect
        .table(session.schema.as_deref(), REPAIR_TABLE)
}

fn text(session: &Session, text: &str) -> Result<String, DbError> {
    session.dialect.text(text).map_err(unwritable)
}

/// Treats a missing journal as empty.
fn found(rows: Result<Vec<Row>, DbError>) -> Result<Vec<Row>, DbError> {
    match rows {
        Err(error) if error.kind == ErrorKind::MissingTable => Ok(Vec::new()),
        rows => rows,
    }
}
