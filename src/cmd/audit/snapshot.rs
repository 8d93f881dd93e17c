//! Both ends in one transaction of one session: a server whose snapshots span its databases shows
//! them at one instant. One session sends one statement at a time, so the parents of a range are
//! kept while the children's keys stream past them.

use futures_util::future::join;

use super::confirming::Out;
use super::lane::{Lane, Read};
use super::task::{Fault, Part, Portion, Why};
use super::{hashing, joining, source};
use crate::audit::{Merge, Side, Strategy};
use crate::model::key::Batch;

/// Begins the snapshot, where the lane is not in it yet.
pub async fn begin(lane: &mut Lane) -> Result<(), Fault> {
    if lane.in_snapshot {
        return Ok(());
    }
    let Some(first) = lane.task.first() else {
        return Ok(());
    };
    let side = &first.parent;
    let doing = "beginning a snapshot of both ends";
    let Some(begin) = side.dialect.keys().snapshot() else {
        let why = "its snapshots end at one database".to_owned();
        return Err(Fault::other(&side.database, doing)(why));
    };
    let failed = Fault::of(&side.database, doing);
    lane.parents.run(begin).await.map_err(failed)?;
    lane.in_snapshot = true;
    Ok(())
}

/// Reads the keys of a range, each child in turn.
pub async fn read(lane: &mut Lane, portion: &Portion) -> Result<Option<Read>, Fault> {
    begin(lane).await?;
    match lane.task.choice.strategy {
        Strategy::Sql => return joining::read(lane, portion).await,
        Strategy::Hash | Strategy::Probe => return hashing::read(lane, portion).await,
        Strategy::Merge => {}
    }
    let task = lane.task.clone();
    let Some(first) = task.first() else {
        return Ok(None);
    };
    let side = &first.parent;
    let wrong = Fault::other(&side.database, "reading its keys");
    let end = side.end(task.qualified(side)).map_err(wrong)?;
    let asked = match first.unique {
        true => end.ordered(&portion.range),
        false => end.distinct(&portion.range),
    };
    let mut parents: Vec<Batch> = Vec::new();
    let (mut keys, reading) = source::open(&mut lane.parents, asked, true);
    let shared = lane.shared.clone();
    let taking = async {
        let failed = Fault::of(&side.database, "reading its keys");
        while let Some(batch) = keys.next().await.map_err(&failed)? {
            shared.count(batch.rows());
            parents.push(batch);
        }
        Ok(())
    };
    let (taken, ()) = join(taking, reading).await;
    taken?;
    let mut parts = Vec::new();
    for at in 0..task.members.len() {
        if shared.is_stopped() {
            return Ok(None);
        }
        parts.push(member(lane, portion, at, &parents).await?);
    }
    let parents = parents.iter().map(|batch| batch.len() as u64).sum();
    Ok(Some(Read { parts, parents }))
}

/// Merges one child with the parents of the range.
async fn member(
    lane: &mut Lane,
    portion: &Portion,
    at: usize,
    parents: &[Batch],
) -> Result<Part, Fault> {
    let (task, mut part) = (lane.task.clone(), Part::default());
    let Some(member) = task.members.get(at) else {
        return Ok(part);
    };
    let side = &member.child;
    let wrong = Fault::other(&side.database, "reading its keys");
    let asked = side
        .end(task.qualified(side))
        .map_err(wrong)?
        .counted(&portion.range);
    let mut merge = Merge::new(1);
    let (mut keys, reading) = source::open(&mut lane.parents, asked, true);
    let (shared, mut kept) = (lane.shared.clone(), parents.iter());
    let merging = async {
        let failed = Fault::of(&side.database, "reading its keys");
        while let Some(wanted) = merge.want() {
            let mut batch = match wanted {
                Side::Child(_) => keys.next().await.map_err(&failed)?,
                Side::Parents => kept.next().cloned(),
            };
            if let (Side::Child(_), Some(batch)) = (wanted, &mut batch) {
                shared.count(batch.rows());
                part.malformed.append(&mut batch.malformed);
            }
            merge.feed(wanted, batch).map_err(|_| Fault {
                database: side.database.clone(),
                doing: "merging keys",
                why: Why::Disorder,
            })?;
        }
        drop(keys);
        Ok(())
    };
    let (merged, ()) = join(merging, reading).await;
    merged?;
    part.totals = merge.totals(0);
    let found: Vec<Vec<u8>> = merge.candidates().into_iter().map(|one| one.key).collect();
    let mut out = Out {
        portion: portion.number,
        to: &lane.to,
        part: &mut part,
    };
    hashing::confirm(
        &task,
        &mut lane.parents,
        &mut lane.fresh,
        member,
        &found,
        &mut out,
    )
    .await?;
    Ok(part)
}
