//! One statement of the engine itself gives the keys that no parent has, where it sees both ends:
//! in one snapshot of one server, or with the parents' file attached.

use super::confirming::{Out, confirm};
use super::lane::{Lane, Read};
use super::task::{Fault, Part, Portion};
use crate::db::keys;

/// Reads the keys of a range, each child in turn.
pub async fn read(lane: &mut Lane, portion: &mut Portion) -> Result<Option<Read>, Fault> {
    let task = lane.task.clone();
    let mut parts = Vec::new();
    for (at, member) in task.members.iter().enumerate() {
        if lane.shared.is_stopped() {
            return Ok(None);
        }
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
        let unmatched = ours.unmatched(&theirs, &portion.range);
        let found = keys::all(session, &unmatched).await.map_err(&failed)?;
        let (rows, all) = keys::totals(session, &ours, &portion.range)
            .await
            .map_err(&failed)?;
        lane.shared.count(rows);
        let mut part = Part {
            malformed: found.malformed.clone(),
            ..Part::default()
        };
        part.totals.rows = rows;
        part.totals.keys = all;
        let found: Vec<Vec<u8>> = found.iter().map(|(key, _)| key.to_vec()).collect();
        let mut out = Out {
            portion: portion.number,
            to: &lane.to,
            part: &mut part,
        };
        confirm(
            &task,
            &mut lane.parents,
            &mut lane.fresh,
            member,
            &found,
            &mut out,
        )
        .await?;
        parts.push(part);
    }
    Ok(Some(Read { parts, parents: 0 }))
}
