//! The reader for keys without a reliable order: counts them in a hash table, then compares them
//! with all parents or looks them up among the parents.

use std::collections::HashSet;
use std::fs::File;
use std::sync::Arc;

use super::confirm::{OrphanSink, confirm};
use super::endpoints::PreparedReference;
use super::error::ReadError;
use super::external_sort;
use super::external_sort::{KeyCollector, read_back_error};
use super::task::{Chunk, ChunkCounts, Task};
use super::worker::{ChunkResult, Worker};
use crate::audit::{self, Merge, MergeInput, SortedKeys, Strategy};
use crate::db::keys;
use crate::dialect::keys::KeyQuery;
use crate::invariant;

/// The number of keys that one statement looks up.
const LOOK_UP: usize = 500;

/// Reads all keys of every child, then the parents.
pub async fn read(
    worker: &mut Worker,
    chunk: &mut Chunk,
) -> Result<Option<ChunkResult>, ReadError> {
    let task = worker.task.clone();
    let mut all_counts = vec![ChunkCounts::default(); task.members.len()];
    let mut gathered = Vec::new();
    for (at, (member, counts)) in task.members.iter().zip(&mut all_counts).enumerate() {
        let query = child(&task, member)?;
        let shared = worker.shared.clone();
        let session = worker.child(at)?;
        let endpoint = &member.child;
        let mut read = KeyCollector {
            shared: &shared,
            counts: Some(counts),
            limit: external_sort::MEMORY / task.members.len(),
        };
        match read.sort(session, endpoint, query).await? {
            Some(keys) => gathered.push(keys),
            None => return Ok(None),
        }
    }
    let mut finding = HashComparison {
        worker,
        task: &task,
        chunk: chunk.number,
        all_counts,
    };
    // There may be more keys than the catalog or the watermark suggested.
    let rows = finding
        .all_counts
        .iter()
        .map(|counts| counts.read.rows)
        .sum();
    let estimate = task.lead.parent.estimate.rows;
    let few = task.choice.requested || audit::probing_pays(rows, estimate);
    let parents = match task.choice.strategy {
        Strategy::Probe if few => finding.look_up(gathered).await?,
        _ => finding.compare(gathered).await?,
    };
    Ok(parents.map(|parents| ChunkResult {
        all_counts: finding.all_counts,
        parents,
    }))
}

/// The query for the keys of a child.
fn child(task: &Task, member: &PreparedReference) -> Result<KeyQuery, ReadError> {
    let endpoint = &member.child;
    let database = task.qualifier(endpoint);
    let end = endpoint
        .end(database)
        .map_err(ReadError::other(&endpoint.database, "reading its keys"))?;
    Ok(endpoint.whole(&end))
}

/// Compares the keys of a chunk with the parents, and confirms candidates.
struct HashComparison<'f> {
    worker: &'f mut Worker,
    task: &'f Arc<Task>,
    chunk: u64,
    all_counts: Vec<ChunkCounts>,
}

impl HashComparison<'_> {
    /// Looks up every key among the parents.
    async fn look_up(&mut self, gathered: Vec<SortedKeys<File>>) -> Result<Option<u64>, ReadError> {
        let mut found = 0;
        for (at, mut keys) in gathered.into_iter().enumerate() {
            let member = self.member(at)?;
            while let Some(batch) = keys.batch().map_err(read_back_error(&member.child))? {
                if self.worker.shared.is_stopped() {
                    return Ok(None);
                }
                self.counts(at)?.read.keys += batch.len() as u64;
                let all: Vec<Vec<u8>> = batch.iter().map(|(key, _)| key.to_vec()).collect();
                for some in all.chunks(LOOK_UP) {
                    found += self.some(at, &member, some).await?;
                }
            }
        }
        Ok(Some(found))
    }

    /// Looks up some keys, and confirms those without a parent. Returns how many have one.
    async fn some(
        &mut self,
        at: usize,
        member: &Arc<PreparedReference>,
        keys: &[Vec<u8>],
    ) -> Result<u64, ReadError> {
        let endpoint = &member.parent;
        let failed = ReadError::of(&endpoint.database, "looking for parents");
        let end = endpoint.end(self.task.qualifier(endpoint));
        let end = end.map_err(ReadError::other(&endpoint.database, "looking for parents"))?;
        let present = keys::all(&mut self.worker.parents, &end.among(keys))
            .await
            .map_err(failed)?;
        let present: HashSet<&[u8]> = present.iter().map(|(key, _)| key).collect();
        let missing = keys.iter().filter(|key| !present.contains(key.as_slice()));
        let missing: Vec<Vec<u8>> = missing.cloned().collect();
        self.confirm(at, member, &missing).await?;
        Ok((keys.len() - missing.len()) as u64)
    }

    /// Merges the children's keys with those of all parents.
    async fn compare(
        &mut self,
        mut gathered: Vec<SortedKeys<File>>,
    ) -> Result<Option<u64>, ReadError> {
        let endpoint = &self.task.lead.parent;
        let end = endpoint.end(self.task.qualifier(endpoint));
        let end = end.map_err(ReadError::other(&endpoint.database, "reading its keys"))?;
        let shared = self.worker.shared.clone();
        let mut read = KeyCollector {
            shared: &shared,
            counts: None,
            // The sorted keys of the children may still be in memory.
            limit: external_sort::MEMORY / 4,
        };
        let parents = read
            .sort(&mut self.worker.parents, endpoint, end.unordered())
            .await?;
        let Some(mut parents) = parents else {
            return Ok(None);
        };
        let mut merge = Merge::new(gathered.len());
        while let Some(wanted) = merge.want() {
            let batch = match wanted {
                MergeInput::Child(at) => {
                    let keys = gathered.get_mut(at);
                    let keys = invariant!(keys, some, "a merge wants children that it has");
                    keys.batch().map_err(read_back_error(endpoint))?
                }
                MergeInput::Parents => parents.batch().map_err(read_back_error(endpoint))?,
            };
            let fed = merge.feed(wanted, batch);
            fed.map_err(|error| ReadError::merging(error, ""))?;
            if merge.waiting() >= LOOK_UP {
                self.take(&mut merge).await?;
            }
        }
        self.take(&mut merge).await?;
        for (counts, merged) in self.all_counts.iter_mut().zip(merge.counts()) {
            counts.read.keys = merged.keys;
        }
        let mut beyond = 0;
        while let Some(batch) = parents.batch().map_err(read_back_error(endpoint))? {
            beyond += batch.len() as u64;
        }
        Ok(Some(merge.parents() + beyond))
    }

    async fn take(&mut self, merge: &mut Merge) -> Result<(), ReadError> {
        for (at, keys) in merge.missing().into_iter().enumerate() {
            let member = self.member(at)?;
            self.confirm(at, &member, &keys).await?;
        }
        Ok(())
    }

    fn member(&self, at: usize) -> Result<Arc<PreparedReference>, ReadError> {
        let member = self.task.members.get(at).cloned();
        Ok(invariant!(
            member,
            some,
            "keys belong to a member of their task"
        ))
    }

    fn counts(&mut self, at: usize) -> Result<&mut ChunkCounts, ReadError> {
        let counts = self.all_counts.get_mut(at);
        Ok(invariant!(counts, some, "each member has its counts"))
    }

    async fn confirm(
        &mut self,
        at: usize,
        member: &Arc<PreparedReference>,
        keys: &[Vec<u8>],
    ) -> Result<(), ReadError> {
        let counts = self.all_counts.get_mut(at);
        let counts = invariant!(counts, some, "each member has its counts");
        let worker = &mut *self.worker;
        let mut out = OrphanSink {
            chunk: self.chunk,
            to: &worker.to,
            counts,
        };
        confirm(
            self.task,
            &mut worker.parents,
            &mut worker.fresh,
            member,
            keys,
            &mut out,
        )
        .await
    }
}
