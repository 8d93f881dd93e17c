//! Two ordered streams of keys for each reference, one pass over the parents for all of them.

use futures_util::future::{LocalBoxFuture, join, join_all};

use super::confirm::{Fresh, Out};
use super::error::Fault;
use super::key_stream;
use super::key_stream::Source;
use super::task::{Part, Portion, Shared, Task, Told};
use super::worker::{Lane, Read, Reader};
use crate::audit::{Merge, Side};
use crate::dialect::keys::Range;
use crate::model::key::Batch;

/// So many candidates are confirmed before more are looked for.
const MANY: usize = 2000;

/// So many parents are a piece that is told to be done.
const PIECE: u64 = 250_000;

/// Merges ordered streams of keys.
pub struct MergeReader;

impl Reader for MergeReader {
    fn read<'r>(
        &'r self,
        lane: &'r mut Lane,
        portion: &'r mut Portion,
    ) -> LocalBoxFuture<'r, Result<Option<Read>, Fault>> {
        Box::pin(read(lane, portion))
    }
}

/// Reads the keys of a range. Every child's statement is sent at once, the parents' when the first
/// keys of all children have arrived.
async fn read(lane: &mut Lane, portion: &mut Portion) -> Result<Option<Read>, Fault> {
    let task = lane.task.clone();
    let Some(first) = task.first() else {
        return Ok(None);
    };
    let (mut sources, mut work) = (Vec::new(), Vec::new());
    for (member, session) in task.members.iter().zip(&mut lane.children) {
        let wrong = Fault::other(&member.child.database, "reading its keys");
        let asked = member
            .child
            .end(None)
            .map_err(wrong)?
            .counted(&portion.range);
        let (source, reading) = key_stream::open(session, asked, true);
        sources.push(source);
        work.push(reading);
    }
    let wrong = Fault::other(&first.parent.database, "reading its keys");
    let end = first.parent.end(None).map_err(wrong)?;
    let asked = first.parents(&end, &portion.range);
    let (parents, reading) = key_stream::open(&mut lane.parents, asked, false);
    let merging = Merging {
        task: &task,
        shared: &lane.shared,
        to: &lane.to,
        portion,
        fresh: &mut lane.fresh,
        parts: vec![Part::default(); task.members.len()],
        told: 0,
    };
    let (read, _) = join(merging.run(sources, parents), join(join_all(work), reading)).await;
    read
}

/// A merge that is fed from sources.
pub struct Merging<'m> {
    pub task: &'m Task,
    pub shared: &'m Shared,
    pub to: &'m tokio::sync::mpsc::Sender<Told>,
    pub portion: &'m mut Portion,
    pub fresh: &'m mut Fresh,
    pub parts: Vec<Part>,
    /// How many parents were told to be done.
    pub told: u64,
}

impl Merging<'_> {
    async fn run(
        mut self,
        mut sources: Vec<Source>,
        mut parents: Source,
    ) -> Result<Option<Read>, Fault> {
        let mut merge = Merge::new(sources.len());
        while let Some(side) = merge.want() {
            if self.shared.is_stopped() {
                return Ok(None);
            }
            let source = match side {
                Side::Child(at) => sources.get_mut(at),
                Side::Parents => Some(&mut parents),
            };
            let Some(source) = source else { break };
            let batch = source.next().await;
            let batch = batch.map_err(Fault::of(self.name(side), self.doing(side)))?;
            self.feed(&mut merge, side, batch)?;
            if merge.waiting() >= MANY {
                self.confirm(&mut merge).await?;
            }
            if merge.parents() - self.told >= PIECE && self.task.has_bounds() {
                self.piece(&mut merge).await?;
            }
        }
        // What is left of the parents belongs to their session, which is needed again.
        let failed = Fault::of(self.name(Side::Parents), "reading its keys");
        let mut beyond = 0;
        while let Some(batch) = parents.next().await.map_err(&failed)? {
            self.shared.count(batch.rows());
            beyond += batch.len() as u64;
        }
        drop(failed);
        drop((sources, parents));
        self.confirm(&mut merge).await?;
        let parts = self.take(&mut merge);
        let parents = merge.parents() - self.told + beyond;
        Ok(Some(Read { parts, parents }))
    }

    /// Tells that everything up to the last parent is done: the statements go on, but an audit
    /// that is cut short need not read it again.
    async fn piece(&mut self, merge: &mut Merge) -> Result<(), Fault> {
        let Some(reached) = merge.reached().map(<[u8]>::to_vec) else {
            return Ok(());
        };
        self.confirm(merge).await?;
        let range = Range {
            after: self.portion.range.after.replace(reached.clone()),
            upto: Some(reached),
        };
        let number = std::mem::replace(&mut self.portion.number, self.shared.number());
        let parents = merge.parents() - self.told;
        self.told += parents;
        let done = Told::Done(Portion { number, range }, self.take(merge), parents);
        // Whoever stopped listening has stopped the audit.
        let _: Result<(), _> = self.to.send(done).await;
        Ok(())
    }

    /// What was found since it was last taken.
    fn take(&mut self, merge: &mut Merge) -> Vec<Part> {
        let parts = self.parts.iter_mut().enumerate();
        parts
            .map(|(at, part)| {
                part.totals = merge.take_totals(at);
                std::mem::take(part)
            })
            .collect()
    }

    fn name(&self, side: Side) -> &str {
        let member = match side {
            Side::Child(at) => self.task.members.get(at).map(|member| &member.child),
            Side::Parents => self.task.first().map(|member| &member.parent),
        };
        member.map_or("", |side| &side.database)
    }

    fn doing(&self, side: Side) -> &'static str {
        let member = match side {
            Side::Child(at) => self.task.members.get(at),
            Side::Parents => None,
        };
        member.map_or("reading its keys", |member| member.child.reading_keys())
    }

    /// Feeds the merge, and counts.
    fn feed(
        &mut self,
        merge: &mut Merge,
        side: Side,
        mut batch: Option<Batch>,
    ) -> Result<(), Fault> {
        if let Some(batch) = &mut batch {
            self.shared.count(batch.rows());
            let part = match side {
                Side::Child(at) => self.parts.get_mut(at),
                Side::Parents => None,
            };
            if let Some(part) = part {
                part.malformed.take(&mut batch.malformed);
            }
        }
        let fed = merge.feed(side, batch);
        fed.map_err(|wrong| Fault::disorder(self.name(wrong.0)))
    }

    async fn confirm(&mut self, merge: &mut Merge) -> Result<(), Fault> {
        let members = self.task.members.iter().zip(&mut self.parts);
        for ((member, part), keys) in members.zip(merge.missing()) {
            let mut out = Out {
                portion: self.portion.number,
                to: self.to,
                part,
            };
            self.fresh.confirm(member, &keys, &mut out).await?;
        }
        Ok(())
    }
}
