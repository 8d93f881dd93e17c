//! Looks up the parents of a chunk, and locks the gaps of missing ones until the chunk has
//! committed.

use std::collections::HashSet;

use super::super::keys;
use super::super::session::{DbError, Session};
use super::{ChunkError, roll_back};
use crate::dialect::keys::KeySource;
use crate::invariant;

/// Ends the transaction of [`present`].
pub async fn release(session: &mut Session) {
    if session.dialect.repairs().begin_absent().is_some() {
        roll_back(session).await;
    }
}

/// The keys that exist, and the number of others that could appear before the commit.
pub async fn present(
    session: &mut Session,
    end: &KeySource<'_>,
    keys: &[Vec<u8>],
    locks: bool,
) -> Result<(HashSet<Vec<u8>>, u64), ChunkError> {
    let doing = ChunkError::doing("looking for parents again");
    if keys.is_empty() {
        return Ok((HashSet::new(), 0));
    }
    let begin = session.dialect.repairs().begin_absent().filter(|_| locks);
    if let Some(begin) = begin {
        session.run(begin).await.map_err(&doing)?;
    }
    let batch = keys::all(session, &end.among(keys)).await.map_err(&doing)?;
    let mut present: HashSet<Vec<u8>> = batch.iter().map(|(key, _)| key.to_vec()).collect();
    let missing: Vec<&Vec<u8>> = keys.iter().filter(|key| !present.contains(*key)).collect();
    if begin.is_none() {
        return Ok((present, missing.len() as u64));
    }
    let (appeared, held) = hold(session, end, &missing).await.map_err(&doing)?;
    let open = missing.len().saturating_sub(held);
    present.extend(appeared);
    Ok((present, open as u64))
}

/// Locks the gaps of missing keys while the transaction lasts, if an index has them. Returns the
/// keys that have appeared, and how many gaps are locked. Gaps above the highest key are not
/// locked, because every new row of a numbered table would wait there.
async fn hold(
    session: &mut Session,
    end: &KeySource<'_>,
    missing: &[&Vec<u8>],
) -> Result<(Vec<Vec<u8>>, usize), DbError> {
    let exact: Vec<(&Vec<u8>, String, String)> = missing
        .iter()
        .filter_map(|key| {
            let (condition, literal) = end.exactly(key)?;
            Some((*key, condition, literal))
        })
        .collect();
    let first = end.parts.first();
    let column = &invariant!(first, some, "a key has a column").column;
    if exact.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let below: Vec<String> = exact
        .iter()
        .map(|(_, _, literal)| format!("SELECT {literal} < MAX({column}) FROM {}", end.from))
        .collect();
    let below = session.rows(&below.join("; ")).await?;
    let within = exact.iter().zip(below).filter(|(_, row)| {
        let cell = row.first().and_then(Option::as_deref);
        cell == Some("1")
    });
    let within: Vec<_> = within.map(|(one, _)| one).collect();
    if within.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let repairs = session.dialect.repairs();
    let reads: Vec<String> = within
        .iter()
        .map(|(_, condition, _)| {
            repairs.lock_rows_or_gap(&format!("SELECT 1 FROM {} WHERE {condition}", end.from))
        })
        .collect();
    let (answers, error) = session.answers(&reads.join("; ")).await;
    if let Some(error) = error {
        return Err(error);
    }
    invariant!(
        answers.len() == within.len(),
        "each locking read has an answer"
    );
    let mut appeared = Vec::new();
    for ((key, _, _), _) in within
        .iter()
        .zip(answers)
        .filter(|(_, rows)| !rows.is_empty())
    {
        // The server may find a different key equal.
        let mut query = end.among(std::slice::from_ref(*key));
        query.sql = repairs.lock_rows_or_gap(&query.sql);
        let batch = keys::all(session, &query).await?;
        if batch.iter().any(|(found, _)| found == key.as_slice()) {
            appeared.push((*key).clone());
        }
    }
    Ok((appeared, within.len()))
}
