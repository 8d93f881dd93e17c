//! The reader that merges both endpoints in one transaction of one session, which shows them at one
//! instant. A session runs one statement at a time, so a page of the child's keys is kept in memory
//! while the parents are streamed.

use std::collections::VecDeque;

use futures_util::future::join;

use super::confirm::{OrphanSink, confirm};
use super::error::ReadError;
use super::key_stream;
use super::task::{Chunk, ChunkCounts, Event};
use super::worker::{ChunkResult, Worker};
use crate::audit::{Merge, MergeInput, Page};
use crate::dialect::keys::{KeyQuery, KeyRange};
use crate::invariant;
use crate::model::key::Batch;

/// The number of spellings of a UUID that bird accepts.
const SPELLINGS: u64 = 4;

/// Reads the keys of a range page by page: those of the child, then the parents up to the last of
/// them. In a snapshot the order does not matter.
pub async fn read(
    worker: &mut Worker,
    chunk: &mut Chunk,
) -> Result<Option<ChunkResult>, ReadError> {
    let task = worker.task.clone();
    let member = &task.lead;
    let endpoint = &member.child;
    let wrong = ReadError::other(&endpoint.database, "reading its keys");
    let end = endpoint.end(task.qualifier(endpoint)).map_err(wrong)?;
    let mut page = Page::first(end.longest());
    loop {
        if worker.shared.is_stopped() {
            return Ok(None);
        }
        let query = end.counted(&chunk.range).limited(page.keys);
        let (keys, last) = page_of(worker, endpoint, query).await?;
        let all: u64 = keys.iter().map(|batch| batch.len() as u64).sum();
        let bytes: u64 = keys.iter().map(|batch| batch.bytes() as u64).sum();
        if keys.iter().any(|batch| !batch.malformed.is_empty()) {
            let wrong = ReadError::other(&endpoint.database, "reading its keys page by page");
            return Err(wrong("some values cannot be keys".to_owned()));
        }
        // The server counts each spelling of a key as a key of its own.
        let upto = last.filter(|_| all >= page.keys / SPELLINGS);
        page = page.next(all, bytes);
        let range = KeyRange {
            after: chunk.range.after.clone(),
            upto: upto.clone().or_else(|| chunk.range.upto.clone()),
        };
        let (counts, parents) = compare(worker, chunk.number, keys, &range).await?;
        let Some(upto) = upto else {
            return Ok(Some(ChunkResult {
                all_counts: vec![counts],
                parents,
            }));
        };
        chunk.range.after = Some(upto);
        let number = std::mem::replace(&mut chunk.number, worker.shared.next_number());
        let done = Event::Done(Chunk { number, range }, vec![counts], parents);
        // A receiver that is gone has stopped the audit.
        let _: Result<(), _> = worker.to.send(done).await;
    }
}

/// Reads the keys of one page. Returns them and the last of them.
async fn page_of(
    worker: &mut Worker,
    endpoint: &super::endpoints::Endpoint,
    query: KeyQuery,
) -> Result<(VecDeque<Batch>, Option<Vec<u8>>), ReadError> {
    let (mut stream, reading) = key_stream::open(&mut worker.parents, query, true);
    let (shared, mut keys) = (worker.shared.clone(), VecDeque::new());
    let taking = async {
        let failed = ReadError::of(&endpoint.database, "reading its keys");
        while let Some(batch) = stream.next().await.map_err(&failed)? {
            shared.count(batch.rows());
            keys.push_back(batch);
        }
        Ok::<_, ReadError>(())
    };
    let (taken, ()) = join(taking, reading).await;
    taken?;
    let last = keys.back().and_then(|batch: &Batch| {
        let last = batch.len().checked_sub(1)?;
        Some(batch.key(last).to_vec())
    });
    Ok((keys, last))
}

/// Merges the keys of a page with the parents of its range, and confirms candidates.
async fn compare(
    worker: &mut Worker,
    number: u64,
    mut keys: VecDeque<Batch>,
    range: &KeyRange,
) -> Result<(ChunkCounts, u64), ReadError> {
    let (task, mut counts) = (worker.task.clone(), ChunkCounts::default());
    let member = &task.lead;
    let endpoint = &member.parent;
    let wrong = ReadError::other(&endpoint.database, "reading its keys");
    let end = endpoint.end(task.qualifier(endpoint)).map_err(wrong)?;
    let query = member.parents(&end, range);
    let mut merge = Merge::new(1);
    let (mut parents, reading) = key_stream::open(&mut worker.parents, query, true);
    let shared = worker.shared.clone();
    let merging = async {
        let failed = ReadError::of(&endpoint.database, "reading its keys");
        while let Some(wanted) = merge.want() {
            let batch = match wanted {
                MergeInput::Child(_) => keys.pop_front().map(|mut batch| {
                    counts.malformed.take(&mut batch.malformed);
                    batch
                }),
                MergeInput::Parents => parents.next().await.map_err(&failed)?,
            };
            let fed = merge.feed(wanted, batch);
            fed.map_err(|error| ReadError::merging(error, &endpoint.database))?;
        }
        let mut beyond = 0;
        while let Some(batch) = parents.next().await.map_err(&failed)? {
            beyond += batch.len() as u64;
        }
        drop(parents);
        shared.count(merge.parents() + beyond);
        Ok::<_, ReadError>(beyond)
    };
    let (merged, ()) = join(merging, reading).await;
    let read = merge.parents() + merged?;
    counts.read = invariant!(merge.counts().pop(), some, "a page has one child");
    let missing = merge.missing().concat();
    let mut out = OrphanSink {
        chunk: number,
        to: &worker.to,
        counts: &mut counts,
    };
    let (parents, fresh) = (&mut worker.parents, &mut worker.fresh);
    confirm(&task, parents, fresh, member, &missing, &mut out).await?;
    Ok((counts, read))
}
