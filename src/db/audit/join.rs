//! One statement of the engine itself gives the keys that no parent has, where it sees both ends:
//! in one snapshot of one server, or with the parents' file attached.

use futures_util::future::LocalBoxFuture;

use super::confirm::{Out, confirm};
use super::error::Fault;
use super::external_sort;
use super::external_sort::{Gathering, spilled};
use super::task::{Part, Portion};
use super::worker::{Lane, Read, Reader};
use crate::db::keys;

/// Lets the engine compare the keys.
pub struct JoinReader;

impl Reader for JoinReader {
    fn read<'r>(
        &'r self,
        lane: &'r mut Lane,
        portion: &'r mut Portion,
    ) -> LocalBoxFuture<'r, Result<Option<Read>, Fault>> {
        Box::pin(read(lane, portion))
    }
}

/// Reads the keys of a range, each child in turn. What has no parent is kept until the statement is
/// done, because in a snapshot the same session confirms it.
async fn read(lane: &mut Lane, portion: &mut Portion) -> Result<Option<Read>, Fault> {
    let task = lane.task.clone();
    let mut parts = Vec::new();
    for (at, member) in task.members.iter().enumerate() {
        let (child, parent) = (&member.child, &member.parent);
        let wrong = Fault::other(&child.database, "comparing its keys");
        let failed = Fault::of(&child.database, "comparing its keys");
        // An embedded engine sees the parents in the file that is attached to the child's.
        let ours = child.end(task.qualified(child)).map_err(&wrong)?;
        let theirs = parent.end(task.beside(parent)).map_err(&wrong)?;
        let session = match lane.children.get_mut(at) {
            Some(session) => session,
            None => &mut lane.parents,
        };
        if !task.snapshot && lane.attached.insert(at) {
            keys::attach(session, &parent.target)
                .await
                .map_err(&failed)?;
        }
        let mut part = Part::default();
        let mut gathering = Gathering {
            shared: &lane.shared,
            part: Some(&mut part),
            limit: external_sort::MEMORY / task.lanes,
        };
        let unmatched = ours.unmatched(&theirs, &portion.range);
        let Some(mut missing) = gathering.gather(session, child, unmatched).await? else {
            return Ok(None);
        };
        let (rows, keys) = keys::totals(session, &ours, &portion.range)
            .await
            .map_err(&failed)?;
        lane.shared.count(rows.saturating_sub(part.totals.rows));
        part.totals.rows = rows;
        part.totals.keys = keys;
        while let Some(batch) = missing.batch().map_err(spilled(child))? {
            if lane.shared.is_stopped() {
                return Ok(None);
            }
            let candidates: Vec<Vec<u8>> = batch.iter().map(|(key, _)| key.to_vec()).collect();
            let mut out = Out {
                portion: portion.number,
                to: &lane.to,
                part: &mut part,
            };
            let (parents, fresh) = (&mut lane.parents, &mut lane.fresh);
            confirm(&task, parents, fresh, member, &candidates, &mut out).await?;
        }
        parts.push(part);
    }
    Ok(Some(Read { parts, parents: 0 }))
}
