//! Both ends in one transaction of one session: a server whose snapshots span its databases shows
//! them at one instant. One session sends one statement at a time, so some keys of the child are
//! kept while the parents stream past them.

use std::collections::VecDeque;

use futures_util::future::{LocalBoxFuture, join};

use super::confirm::{Out, confirm};
use super::error::Fault;
use super::key_stream;
use super::task::{Part, Portion, Told};
use super::worker::{Lane, Read, Reader};
use crate::audit::{Merge, Page, Side};
use crate::dialect::keys::{Asked, Range};
use crate::model::key::Batch;

/// In so many ways a UUID may be spelled.
const SPELLINGS: u64 = 4;

/// Merges page by page in the one session of a snapshot.
pub struct PageReader;

impl Reader for PageReader {
    fn read<'r>(
        &'r self,
        lane: &'r mut Lane,
        portion: &'r mut Portion,
    ) -> LocalBoxFuture<'r, Result<Option<Read>, Fault>> {
        Box::pin(read(lane, portion))
    }
}

/// Reads the keys of a range, page by page: the child's, then the parents up to the last of them.
/// In a snapshot it makes no difference which is read first.
async fn read(lane: &mut Lane, portion: &mut Portion) -> Result<Option<Read>, Fault> {
    let task = lane.task.clone();
    let Some(member) = task.first() else {
        return Ok(None);
    };
    let side = &member.child;
    let wrong = Fault::other(&side.database, "reading its keys");
    let end = side.end(task.qualified(side)).map_err(wrong)?;
    let mut page = Page::first(end.longest());
    loop {
        if lane.shared.is_stopped() {
            return Ok(None);
        }
        let asked = end.counted(&portion.range).limited(page.keys);
        let (keys, last) = page_of(lane, side, asked).await?;
        let all: u64 = keys.iter().map(|batch| batch.len() as u64).sum();
        let bytes: u64 = keys.iter().map(|batch| batch.bytes() as u64).sum();
        if keys.iter().any(|batch| !batch.malformed.is_empty()) {
            let wrong = Fault::other(&side.database, "reading its keys page by page");
            return Err(wrong("some values cannot be keys".to_owned()));
        }
        // A key that is spelled in several ways is several of the server's.
        let upto = last.filter(|_| all >= page.keys / SPELLINGS);
        page = page.next(all, bytes);
        let range = Range {
            after: portion.range.after.clone(),
            upto: upto.clone().or_else(|| portion.range.upto.clone()),
        };
        let (part, parents) = compare(lane, portion.number, keys, &range).await?;
        let Some(upto) = upto else {
            return Ok(Some(Read {
                parts: vec![part],
                parents,
            }));
        };
        portion.range.after = Some(upto);
        let number = std::mem::replace(&mut portion.number, lane.shared.number());
        let done = Told::Done(Portion { number, range }, vec![part], parents);
        // Whoever stopped listening has stopped the audit.
        let _: Result<(), _> = lane.to.send(done).await;
    }
}

/// The keys of one page, and the last of them.
async fn page_of(
    lane: &mut Lane,
    side: &super::endpoints::Side,
    asked: Asked,
) -> Result<(VecDeque<Batch>, Option<Vec<u8>>), Fault> {
    let (mut source, reading) = key_stream::open(&mut lane.parents, asked, true);
    let (shared, mut keys) = (lane.shared.clone(), VecDeque::new());
    let taking = async {
        let failed = Fault::of(&side.database, "reading its keys");
        while let Some(batch) = source.next().await.map_err(&failed)? {
            shared.count(batch.rows());
            keys.push_back(batch);
        }
        Ok(())
    };
    let (taken, ()) = join(taking, reading).await;
    taken?;
    let last = keys.back().and_then(|batch: &Batch| {
        let last = batch.len().checked_sub(1)?;
        Some(batch.key(last).to_vec())
    });
    Ok((keys, last))
}

/// Merges the keys of a page with the parents of its range, and tells what has none.
async fn compare(
    lane: &mut Lane,
    number: u64,
    mut keys: VecDeque<Batch>,
    range: &Range,
) -> Result<(Part, u64), Fault> {
    let (task, mut part) = (lane.task.clone(), Part::default());
    let Some(member) = task.first() else {
        return Ok((part, 0));
    };
    let side = &member.parent;
    let wrong = Fault::other(&side.database, "reading its keys");
    let end = side.end(task.qualified(side)).map_err(wrong)?;
    let asked = member.parents(&end, range);
    let mut merge = Merge::new(1);
    let (mut parents, reading) = key_stream::open(&mut lane.parents, asked, true);
    let shared = lane.shared.clone();
    let merging = async {
        let failed = Fault::of(&side.database, "reading its keys");
        while let Some(wanted) = merge.want() {
            let batch = match wanted {
                Side::Child(_) => keys.pop_front().map(|mut batch| {
                    part.malformed.take(&mut batch.malformed);
                    batch
                }),
                Side::Parents => parents.next().await.map_err(&failed)?,
            };
            let fed = merge.feed(wanted, batch);
            fed.map_err(|_| Fault::disorder(&side.database))?;
        }
        let mut beyond = 0;
        while let Some(batch) = parents.next().await.map_err(&failed)? {
            beyond += batch.len() as u64;
        }
        drop(parents);
        shared.count(merge.parents() + beyond);
        Ok(beyond)
    };
    let (merged, ()) = join(merging, reading).await;
    let read = merge.parents() + merged?;
    part.totals = merge.totals(0);
    let missing = merge.missing().concat();
    let mut out = Out {
        portion: number,
        to: &lane.to,
        part: &mut part,
    };
    let (parents, fresh) = (&mut lane.parents, &mut lane.fresh);
    confirm(&task, parents, fresh, member, &missing, &mut out).await?;
    Ok((part, read))
}
