//! The reader that lets the engine join both endpoints: in one snapshot of a server, or with the
//! file of the parents attached.

use super::confirm::{OrphanSink, confirm};
use super::error::ReadError;
use super::external_sort;
use super::external_sort::{KeyCollector, read_back_error};
use super::task::{Chunk, ChunkCounts};
use super::worker::{ChunkResult, Worker};
use crate::db::keys;

/// Reads the keys of a range, one child after the other. Candidates are kept until the statement
/// ends, because a snapshot confirms them in the same session.
pub async fn read(
    worker: &mut Worker,
    chunk: &mut Chunk,
) -> Result<Option<ChunkResult>, ReadError> {
    let task = worker.task.clone();
    let mut all_counts = Vec::new();
    for (at, member) in task.members.iter().enumerate() {
        let (child, parent) = (&member.child, &member.parent);
        let wrong = ReadError::other(&child.database, "comparing its keys");
        let failed = ReadError::of(&child.database, "comparing its keys");
        // An embedded engine sees the parents in a file that is attached to the child's.
        let ours = child.end(task.qualifier(child)).map_err(&wrong)?;
        let theirs = parent.end(task.parent_qualifier(parent)).map_err(&wrong)?;
        let shared = worker.shared.clone();
        let attach = !task.snapshot && worker.attached.insert(at);
        let session = worker.child(at)?;
        if attach {
            keys::attach(session, &parent.target)
                .await
                .map_err(&failed)?;
        }
        let mut counts = ChunkCounts::default();
        let mut collector = KeyCollector {
            shared: &shared,
            counts: Some(&mut counts),
            limit: external_sort::MEMORY / task.workers,
        };
        let unmatched = ours.unmatched(&theirs, &chunk.range);
        let Some(mut missing) = collector.sort(session, child, unmatched).await? else {
            return Ok(None);
        };
        let (rows, keys) = keys::totals(session, &ours, &chunk.range)
            .await
            .map_err(&failed)?;
        shared.count(rows.saturating_sub(counts.read.rows));
        counts.read.rows = rows;
        counts.read.keys = keys;
        while let Some(batch) = missing.batch().map_err(read_back_error(child))? {
            if shared.is_stopped() {
                return Ok(None);
            }
            let candidates: Vec<Vec<u8>> = batch.iter().map(|(key, _)| key.to_vec()).collect();
            let mut out = OrphanSink {
                chunk: chunk.number,
                to: &worker.to,
                counts: &mut counts,
            };
            let (parents, fresh) = (&mut worker.parents, &mut worker.fresh);
            confirm(&task, parents, fresh, member, &candidates, &mut out).await?;
        }
        all_counts.push(counts);
    }
    Ok(Some(ChunkResult {
        all_counts,
        parents: 0,
    }))
}
