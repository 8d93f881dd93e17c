//! The reader that merges ordered streams of keys: one stream per child, one of the parents.

use futures_util::future::{join, join_all};

use super::confirm::{FreshSessions, OrphanSink};
use super::error::ReadError;
use super::key_stream;
use super::key_stream::KeyStream;
use super::task::{Chunk, ChunkCounts, Event, Shared, Task};
use super::worker::{ChunkResult, Worker};
use crate::audit::{Merge, MergeInput};
use crate::dialect::keys::KeyRange;
use crate::invariant;
use crate::model::key::Batch;

/// The number of candidates that wait before they are confirmed.
const MAX_CANDIDATES: usize = 2000;

/// The number of parents between two checkpoints.
const CHECKPOINT_KEYS: u64 = 250_000;

/// Reads the keys of a range. The statements of the children are sent at once, that of the parents
/// when the first keys of all children have arrived.
pub async fn read(
    worker: &mut Worker,
    chunk: &mut Chunk,
) -> Result<Option<ChunkResult>, ReadError> {
    let task = worker.task.clone();
    let lead = &task.lead;
    invariant!(
        worker.children.len() == task.members.len(),
        "a worker has a session for each member"
    );
    let (mut streams, mut work) = (Vec::new(), Vec::new());
    for (member, session) in task.members.iter().zip(&mut worker.children) {
        let wrong = ReadError::other(&member.child.database, "reading its keys");
        let query = member.child.end(None).map_err(wrong)?.counted(&chunk.range);
        let (stream, reading) = key_stream::open(session, query, true);
        streams.push(stream);
        work.push(reading);
    }
    let wrong = ReadError::other(&lead.parent.database, "reading its keys");
    let end = lead.parent.end(None).map_err(wrong)?;
    let query = lead.parents(&end, &chunk.range);
    let (parents, reading) = key_stream::open(&mut worker.parents, query, false);
    let merging = MergeRun {
        task: &task,
        shared: &worker.shared,
        to: &worker.to,
        chunk,
        fresh: &mut worker.fresh,
        all_counts: vec![ChunkCounts::default(); task.members.len()],
        reported: 0,
    };
    let (read, _) = join(merging.run(streams, parents), join(join_all(work), reading)).await;
    read
}

/// A merge with the streams that feed it.
pub struct MergeRun<'m> {
    pub task: &'m Task,
    pub shared: &'m Shared,
    pub to: &'m tokio::sync::mpsc::Sender<Event>,
    pub chunk: &'m mut Chunk,
    pub fresh: &'m mut FreshSessions,
    pub all_counts: Vec<ChunkCounts>,
    /// The number of parents up to the last checkpoint.
    pub reported: u64,
}

impl MergeRun<'_> {
    async fn run(
        mut self,
        mut streams: Vec<KeyStream>,
        mut parents: KeyStream,
    ) -> Result<Option<ChunkResult>, ReadError> {
        let mut merge = Merge::new(streams.len());
        while let Some(input) = merge.want() {
            if self.shared.is_stopped() {
                return Ok(None);
            }
            let stream = match input {
                MergeInput::Child(at) => streams.get_mut(at),
                MergeInput::Parents => Some(&mut parents),
            };
            let stream = invariant!(stream, some, "a merge wants children that it has");
            let batch = stream.next().await;
            let batch = batch.map_err(ReadError::of(self.name(input), self.doing(input)))?;
            self.feed(&mut merge, input, batch)?;
            if merge.waiting() >= MAX_CANDIDATES {
                self.confirm(&mut merge).await?;
            }
            if merge.parents() - self.reported >= CHECKPOINT_KEYS && self.task.has_bounds() {
                self.checkpoint(&mut merge).await?;
            }
        }
        // The session of the parents is needed again, so its statement is read to the end.
        let failed = ReadError::of(self.name(MergeInput::Parents), "reading its keys");
        let mut beyond = 0;
        while let Some(batch) = parents.next().await.map_err(&failed)? {
            self.shared.count(batch.rows());
            beyond += batch.len() as u64;
        }
        drop(failed);
        drop((streams, parents));
        self.confirm(&mut merge).await?;
        let all_counts = self.take(&mut merge);
        let parents = merge.parents() - self.reported + beyond;
        Ok(Some(ChunkResult {
            all_counts,
            parents,
        }))
    }

    /// Reports everything up to the last parent as done, so that `--resume` need not read it again.
    /// The statements go on.
    async fn checkpoint(&mut self, merge: &mut Merge) -> Result<(), ReadError> {
        let Some(reached) = merge.reached().map(<[u8]>::to_vec) else {
            return Ok(());
        };
        self.confirm(merge).await?;
        let range = KeyRange {
            after: self.chunk.range.after.replace(reached.clone()),
            upto: Some(reached),
        };
        let number = std::mem::replace(&mut self.chunk.number, self.shared.next_number());
        let parents = merge.parents() - self.reported;
        self.reported += parents;
        let done = Event::Done(Chunk { number, range }, self.take(merge), parents);
        // A receiver that is gone has stopped the audit.
        let _: Result<(), _> = self.to.send(done).await;
        Ok(())
    }

    /// Takes the counts since they were last taken.
    fn take(&mut self, merge: &mut Merge) -> Vec<ChunkCounts> {
        let all_counts = self.all_counts.iter_mut().zip(merge.take_counts());
        all_counts
            .map(|(counts, read)| ChunkCounts {
                read,
                ..std::mem::take(counts)
            })
            .collect()
    }

    fn name(&self, input: MergeInput) -> &str {
        let member = match input {
            MergeInput::Child(at) => self.task.members.get(at).map(|member| &member.child),
            MergeInput::Parents => Some(&self.task.lead.parent),
        };
        member.map_or("", |endpoint| &endpoint.database)
    }

    fn doing(&self, input: MergeInput) -> &'static str {
        let member = match input {
            MergeInput::Child(at) => self.task.members.get(at),
            MergeInput::Parents => None,
        };
        member.map_or("reading its keys", |member| member.child.reading_keys())
    }

    /// Feeds the merge, and counts rows.
    fn feed(
        &mut self,
        merge: &mut Merge,
        input: MergeInput,
        mut batch: Option<Batch>,
    ) -> Result<(), ReadError> {
        if let Some(batch) = &mut batch {
            self.shared.count(batch.rows());
            let counts = match input {
                MergeInput::Child(at) => self.all_counts.get_mut(at),
                MergeInput::Parents => None,
            };
            if let Some(counts) = counts {
                counts.malformed.take(&mut batch.malformed);
            }
        }
        let fed = merge.feed(input, batch);
        fed.map_err(|error| ReadError::merging(error, self.name(input)))
    }

    async fn confirm(&mut self, merge: &mut Merge) -> Result<(), ReadError> {
        let members = self.task.members.iter().zip(&mut self.all_counts);
        for ((member, counts), keys) in members.zip(merge.missing()) {
            let mut out = OrphanSink {
                chunk: self.chunk.number,
                to: self.to,
                counts,
            };
            self.fresh.confirm(member, &keys, &mut out).await?;
        }
        Ok(())
    }
}
