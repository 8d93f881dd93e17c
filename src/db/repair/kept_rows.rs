//! The rows of a run that are kept aside: what undoing puts back, and purging takes out for good.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::clock::now;
use super::super::failpoint;
use super::super::session::{DbError, Session};
use super::journal::{self, Chunk, Entry, Way};
use super::retry::Patience;
use super::{Broken, roll_back, unwritable};
use crate::dialect::ErrorKind;
use crate::model::repair::Outcome;

/// The run whose rows are kept, and the one that does something with them.
#[derive(Clone, Copy)]
pub struct Run<'r> {
    pub plan: &'r str,
    pub by: Uuid,
}

/// What became of the rows that were kept of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// So many are not kept any more.
    pub rows: u64,
    /// These had to stay.
    pub conflicts: Vec<Conflict>,
}

/// A row that was not put back: what names it, and why.
pub type Conflict = (Vec<String>, String);

/// The chunks of a run, the last first, each with how many of its rows are still kept.
pub async fn chunks(session: &mut Session, plan: &str) -> Result<Vec<Chunk>, DbError> {
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

/// How many rows of each chunk a table keeps; none where it is gone.
async fn kept(
    session: &mut Session,
    plan: &str,
    table: &str,
) -> Result<HashMap<u64, u64>, DbError> {
    let sql = format!(
        "SELECT bird_chunk, COUNT(*) FROM {} WHERE bird_run = {} GROUP BY bird_chunk",
        session.table(table),
        session.dialect.text(plan).map_err(unwritable)?
    );
    let rows = match session.rows(&sql).await {
        Err(error) if error.kind == ErrorKind::MissingTable => Vec::new(),
        rows => rows?,
    };
    let kept = rows.iter().filter_map(|row| {
        let number = |at: usize| row.get(at)?.as_deref()?.parse().ok();
        Some((number(0)?, number(1)?))
    });
    Ok(kept.collect())
}

/// The condition that rows are those of a chunk.
pub(super) fn which(session: &Session, plan: &str, chunk: &Chunk) -> Result<String, DbError> {
    let plan = session.dialect.text(plan).map_err(unwritable)?;
    Ok(format!(
        "bird_run = {plan} AND bird_chunk = {}",
        chunk.chunk
    ))
}

/// Does something with the rows that are kept of a chunk, in a transaction with its row in the
/// journal. Where no row was released, everything is as it was.
pub(super) async fn perform(
    session: &mut Session,
    run: Run<'_>,
    way: Way,
    chunk: &Chunk,
    patience: &Patience<'_>,
    mut work: impl AsyncFnMut(&mut Session) -> Result<Released, Broken>,
) -> Result<Released, Broken> {
    patience
        .attempt(async || {
            let started_on = now();
            let doing = async {
                patience.begin(session).await?;
                failpoint::at(&format!("{}-begun", way.word()));
                let released = work(session).await?;
                if released.rows > 0 {
                    write(session, run, way, chunk, &released, &started_on).await?;
                    failpoint::at(&format!("{}-journaled", way.word()));
                    patience.commit(session).await?;
                    failpoint::at(&format!("{}-committed", way.word()));
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

/// Writes into the journal which rows of a chunk are not kept any more.
async fn write(
    session: &mut Session,
    run: Run<'_>,
    way: Way,
    chunk: &Chunk,
    released: &Released,
    started_on: &str,
) -> Result<(), Broken> {
    let reached = journal::reached(session, run.plan, way).await;
    let (last, _) = reached.map_err(Broken::doing("reading the journal of repairs"))?;
    let left = released.conflicts.len() as u64;
    let entry = Entry {
        plan: run.plan,
        way,
        chunk: last + 1,
        digest: &chunk.digest,
        reference: &chunk.reference,
        action: chunk.action,
        quarantine: chunk.quarantine.as_deref(),
        // The chunk whose rows they were.
        through: chunk.chunk,
        outcome: Outcome {
            planned: released.rows + left,
            repaired: released.rows,
            refused: left,
            ..Outcome::default()
        },
        by: run.by,
        started_on,
    };
    let written = journal::append(session, &entry).await;
    written.map_err(Broken::doing("writing the journal of repairs"))
}
