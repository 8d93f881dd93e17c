//! The journal of repairs: one row per chunk, committed with it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::clock::now;
use super::super::session::{DbError, Row, Session};
use super::unwritable;
use crate::dialect::ErrorKind;
use crate::dialect::repairs;
use crate::model::repair::{Action, Outcome};

/// Which way a chunk went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Repair,
    /// Rows were put back.
    Undo,
    /// Rows that were kept are gone for good.
    Purge,
}

impl Way {
    pub(super) fn word(self) -> &'static str {
        match self {
            Way::Repair => "repair",
            Way::Undo => "undo",
            Way::Purge => "purge",
        }
    }
}

/// A chunk that is about to be committed.
pub struct Entry<'e> {
    /// The run of the plan.
    pub plan: &'e str,
    pub way: Way,
    pub chunk: u64,
    pub digest: &'e str,
    pub reference: &'e str,
    pub action: Action,
    pub quarantine: Option<&'e str>,
    pub through: u64,
    pub outcome: Outcome,
    /// The run that does it.
    pub by: Uuid,
    pub started_on: &'e str,
}

/// What the journal has of a plan.
#[derive(Debug, Clone, Default)]
pub struct Past {
    pub chunks: u64,
    /// The number of the last row of the plan that is done with.
    pub through: u64,
    /// Of the plan that these chunks are of.
    pub digest: Option<String>,
    /// How many chunks put rows back.
    pub undone: u64,
    /// How many rows that were kept are gone for good.
    pub purged: u64,
    /// By reference.
    pub outcomes: BTreeMap<String, Outcome>,
}

/// A chunk that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub chunk: u64,
    pub digest: String,
    pub reference: String,
    pub action: Action,
    pub quarantine: Option<String>,
    /// How many of its rows are still kept aside, once somebody has counted them.
    pub kept: u64,
}

/// Makes the journal's table.
pub async fn ensure(session: &mut Session) -> Result<(), DbError> {
    let sql = session
        .dialect
        .repairs()
        .journal_table(session.schema.as_deref());
    session.run(&sql).await
}

/// What the journal has of a plan; nothing where there is no journal.
pub async fn past(session: &mut Session, plan: &str) -> Result<Past, DbError> {
    let sql = format!(
        "SELECT direction, digest, reference, COUNT(*), MAX(through), SUM(planned), \
         SUM(repaired), SUM(healed), SUM(gone), SUM(changed), SUM(refused) FROM {} \
         WHERE run = {} GROUP BY direction, digest, reference",
        table(session),
        text(session, plan)?
    );
    let mut past = Past::default();
    for row in found(session.rows(&sql).await)? {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        let number = |at: usize| cell(at).parse::<u64>().unwrap_or(0);
        if cell(0) == Way::Undo.word() {
            past.undone += number(3);
            continue;
        }
        if cell(0) == Way::Purge.word() {
            past.purged += number(6);
            continue;
        }
        past.chunks += number(3);
        past.through = past.through.max(number(4));
        past.digest = Some(cell(1).to_owned());
        let outcome = Outcome {
            planned: number(5),
            repaired: number(6),
            healed: number(7),
            gone: number(8),
            changed: number(9),
            refused: number(10),
            chunks: number(3),
        };
        past.outcomes.insert(cell(2).to_owned(), outcome);
    }
    Ok(past)
}

/// Up to where a plan is done, asked within the transaction of its next chunk: the number of the
/// last chunk, and of the last row.
pub async fn reached(session: &mut Session, plan: &str, way: Way) -> Result<(u64, u64), DbError> {
    let sql = format!(
        "SELECT COALESCE(MAX(chunk), 0), COALESCE(MAX(through), 0) FROM {} \
         WHERE run = {} AND direction = '{}'",
        table(session),
        text(session, plan)?,
        way.word()
    );
    let rows = session.rows(&sql).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    let number = |at: usize| {
        let cell = row.get(at).and_then(Option::as_deref);
        cell.and_then(|cell| cell.parse().ok()).unwrap_or(0)
    };
    Ok((number(0), number(1)))
}

/// The chunks of a plan that have changed rows, the last first.
pub(super) async fn chunks(session: &mut Session, plan: &str) -> Result<Vec<Chunk>, DbError> {
    let sql = format!(
        "SELECT chunk, digest, reference, action, quarantine FROM {} \
         WHERE run = {} AND direction = '{}' AND repaired > 0 ORDER BY chunk DESC",
        table(session),
        text(session, plan)?,
        Way::Repair.word()
    );
    let rows = found(session.rows(&sql).await)?;
    let chunks = rows.into_iter().map(|row| {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        Some(Chunk {
            chunk: cell(0).parse().ok()?,
            digest: cell(1).to_owned(),
            reference: cell(2).to_owned(),
            action: Action::from_word(cell(3))?,
            quarantine: row.get(4).cloned().flatten(),
            kept: 0,
        })
    });
    let chunks: Option<Vec<Chunk>> = chunks.collect();
    chunks.ok_or_else(|| unwritable("a row of the journal of repairs cannot be read".to_owned()))
}

/// Adds a chunk.
pub async fn append(session: &mut Session, entry: &Entry<'_>) -> Result<(), DbError> {
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
        entry.way.word(),
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
    repairs::journal(session.dialect, session.schema.as_deref())
}

fn text(session: &Session, text: &str) -> Result<String, DbError> {
    session.dialect.text(text).map_err(unwritable)
}

/// A journal that is not there has no rows.
fn found(rows: Result<Vec<Row>, DbError>) -> Result<Vec<Row>, DbError> {
    match rows {
        Err(error) if error.kind == ErrorKind::MissingTable => Ok(Vec::new()),
        rows => rows,
    }
}
