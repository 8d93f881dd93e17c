//! Keys in no order that could be trusted: counted in a hash table, then compared with the
//! parents, either all of them or those that are looked up.

use std::collections::HashSet;
use std::fs::File;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;

use super::confirm::{Out, confirm};
use super::endpoints::Prepared;
use super::error::Fault;
use super::external_sort;
use super::external_sort::{Gathering, spilled};
use super::task::{Part, Portion, Task};
use super::worker::{Lane, Read, Reader};
use crate::audit::{self, Merge, Ordered, Strategy};
use crate::db::keys;
use crate::dialect::keys::Asked;

/// How many keys are looked up at once.
const LOOK_UP: usize = 500;

/// Hashes keys that come in any order.
pub struct HashReader;

impl Reader for HashReader {
    fn read<'r>(
        &'r self,
        lane: &'r mut Lane,
        portion: &'r mut Portion,
    ) -> LocalBoxFuture<'r, Result<Option<Read>, Fault>> {
        Box::pin(read(lane, portion))
    }
}

/// Reads every child whole, then the parents.
async fn read(lane: &mut Lane, portion: &mut Portion) -> Result<Option<Read>, Fault> {
    let task = lane.task.clone();
    let mut parts = vec![Part::default(); task.members.len()];
    let mut gathered = Vec::new();
    for (at, (member, part)) in task.members.iter().zip(&mut parts).enumerate() {
        let asked = child(&task, member)?;
        let session = match lane.children.get_mut(at) {
            Some(session) => session,
            None => &mut lane.parents,
        };
        let side = &member.child;
        let shared = lane.shared.clone();
        let mut read = Gathering {
            shared: &shared,
            part: Some(part),
            limit: external_sort::MEMORY / task.members.len(),
        };
        match read.gather(session, side, asked).await? {
            Some(keys) => gathered.push(keys),
            None => return Ok(None),
        }
    }
    let mut finding = Finding {
        lane,
        task: &task,
        portion: portion.number,
        parts,
    };
    // There may be more keys than a catalog or a watermark made expect.
    let rows = finding.parts.iter().map(|part| part.totals.rows).sum();
    let estimate = task.first().and_then(|first| first.parent.estimate.rows);
    let few = task.choice.asked || audit::looking_up_pays(rows, estimate);
    let parents = match task.choice.strategy {
        Strategy::Probe if few => finding.look_up(gathered).await?,
        _ => finding.compare(gathered).await?,
    };
    Ok(parents.map(|parents| Read {
        parts: finding.parts,
        parents,
    }))
}

/// What is asked of a child.
fn child(task: &Task, member: &Prepared) -> Result<Asked, Fault> {
    let side = &member.child;
    let database = task.qualified(side);
    let end = side
        .end(database)
        .map_err(Fault::other(&side.database, "reading its keys"))?;
    Ok(side.whole(&end))
}

/// Candidates on their way to be confirmed.
struct Finding<'f> {
    lane: &'f mut Lane,
    task: &'f Arc<Task>,
    portion: u64,
    parts: Vec<Part>,
}

impl Finding<'_> {
    /// Looks every key up among the parents.
    async fn look_up(&mut self, gathered: Vec<Ordered<File>>) -> Result<Option<u64>, Fault> {
        let mut found = 0;
        for (at, mut keys) in gathered.into_iter().enumerate() {
            let Some(member) = self.task.members.get(at).cloned() else {
                break;
            };
            while let Some(batch) = keys.batch().map_err(spilled(&member.child))? {
                if self.lane.shared.is_stopped() {
                    return Ok(None);
                }
                if let Some(part) = self.parts.get_mut(at) {
                    part.totals.keys += batch.len() as u64;
                }
                let all: Vec<Vec<u8>> = batch.iter().map(|(key, _)| key.to_vec()).collect();
                for some in all.chunks(LOOK_UP) {
                    found += self.some(at, &member, some).await?;
                }
            }
        }
        Ok(Some(found))
    }

    /// Looks some keys up, and confirms what is not there.
    async fn some(
        &mut self,
        at: usize,
        member: &Arc<Prepared>,
        keys: &[Vec<u8>],
    ) -> Result<u64, Fault> {
        let side = &member.parent;
        let failed = Fault::of(&side.database, "looking for parents");
        let end = side.end(self.task.qualified(side));
        let end = end.map_err(Fault::other(&side.database, "looking for parents"))?;
        let present = keys::all(&mut self.lane.parents, &end.among(keys))
            .await
            .map_err(failed)?;
        let present: HashSet<&[u8]> = present.iter().map(|(key, _)| key).collect();
        let missing = keys.iter().filter(|key| !present.contains(key.as_slice()));
        let missing: Vec<Vec<u8>> = missing.cloned().collect();
        self.confirm(at, member, &missing).await?;
        Ok((keys.len() - missing.len()) as u64)
    }

    /// Merges the children's keys with those of all parents.
    async fn compare(&mut self, mut gathered: Vec<Ordered<File>>) -> Result<Option<u64>, Fault> {
        let Some(first) = self.task.first().cloned() else {
            return Ok(None);
        };
        let side = &first.parent;
        let end = side.end(self.task.qualified(side));
        let end = end.map_err(Fault::other(&side.database, "reading its keys"))?;
        let shared = self.lane.shared.clone();
        let mut read = Gathering {
            shared: &shared,
            part: None,
            // The children's keys may still be in memory, and in order.
            limit: external_sort::MEMORY / 4,
        };
        let parents = read
            .gather(&mut self.lane.parents, side, end.unordered())
            .await?;
        let Some(mut parents) = parents else {
            return Ok(None);
        };
        let mut merge = Merge::new(gathered.len());
        while let Some(wanted) = merge.want() {
            let batch = match wanted {
                audit::Side::Child(at) => match gathered.get_mut(at) {
                    Some(keys) => keys.batch().map_err(spilled(side))?,
                    None => None,
                },
                audit::Side::Parents => parents.batch().map_err(spilled(side))?,
            };
            let fed = merge.feed(wanted, batch);
            fed.map_err(|_| Fault::disorder(""))?;
            if merge.waiting() >= LOOK_UP {
                self.take(&mut merge).await?;
            }
        }
        self.take(&mut merge).await?;
        for (at, part) in self.parts.iter_mut().enumerate() {
            part.totals.keys = merge.totals(at).keys;
        }
        let mut beyond = 0;
        while let Some(batch) = parents.batch().map_err(spilled(side))? {
            beyond += batch.len() as u64;
        }
        Ok(Some(merge.parents() + beyond))
    }

    async fn take(&mut self, merge: &mut Merge) -> Result<(), Fault> {
        for (at, keys) in merge.missing().into_iter().enumerate() {
            if let Some(member) = self.task.members.get(at).cloned() {
                self.confirm(at, &member, &keys).await?;
            }
        }
        Ok(())
    }

    async fn confirm(
        &mut self,
        at: usize,
        member: &Arc<Prepared>,
        keys: &[Vec<u8>],
    ) -> Result<(), Fault> {
        let Some(part) = self.parts.get_mut(at) else {
            return Ok(());
        };
        let lane = &mut *self.lane;
        let mut out = Out {
            portion: self.portion,
            to: &lane.to,
            part,
        };
        confirm(
            self.task,
            &mut lane.parents,
            &mut lane.fresh,
            member,
            keys,
            &mut out,
        )
        .await
    }
}
