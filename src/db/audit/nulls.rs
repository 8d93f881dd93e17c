//! Reads the rows whose key has a NULL, for references that declare such rows as orphans.

use super::checkpoint::DoneChunk;
use super::endpoints::PreparedReference;
use super::error::ReadError;
use super::scheduler::Scheduler;
use super::task::{Chunk, ChunkCounts, Task};
use super::totals;
use crate::db::keys;
use crate::dialect::keys::FoundRow;
use crate::model::diagnostic::Diagnostic;
use crate::model::orphan::Orphan;
use crate::model::reference::Nulls;
use crate::model::schema::Column;

/// The number of rows that are read by one statement.
const ROWS: u64 = 2000;

/// Reads the rows with NULL of each member; failures are added to `faults`.
pub async fn count(
    scheduler: &Scheduler<'_>,
    number: usize,
    task: &Task,
    faults: &mut Vec<Diagnostic>,
) {
    let mut members = task.members.iter();
    if !members.any(|member| member.reference.null == Nulls::Orphan) {
        return;
    }
    // They are all read again, whatever an earlier run has read of them.
    let dropped = scheduler.record.borrow_mut().checkpoint.drop_task(number);
    if let Err(error) = dropped {
        faults.push(ReadError::unwritten(&error).diagnose());
    }
    for member in &task.members {
        if member.reference.null == Nulls::Orphan
            && let Err(fault) = read(scheduler, number, member).await
        {
            faults.push(fault.diagnose());
        }
    }
}

async fn read(
    scheduler: &Scheduler<'_>,
    task: usize,
    member: &PreparedReference,
) -> Result<(), ReadError> {
    let endpoint = &member.child;
    let doing = "reading its rows with NULL";
    let failed = ReadError::of(&endpoint.database, doing);
    let wrong = ReadError::other(&endpoint.database, doing);
    let written = |error: std::io::Error| ReadError::unwritten(&error);
    totals::of(scheduler.record.borrow_mut().totals, member)?.nulls_left = true;
    let end = endpoint.end(None).map_err(&wrong)?;
    let mut session = endpoint.session().await.map_err(&failed)?;
    let names: Vec<&Column> = endpoint.names.iter().collect();
    let chunk = Chunk {
        number: scheduler.shared.next_number(),
        ..Chunk::default()
    };
    let (mut after, mut rows) = (None, 0);
    let (named, nameless) = end.named(&names);
    if let Some(nameless) = nameless {
        let counted = keys::count(&mut session, &nameless.nulls()).await;
        rows = counted.map_err(&failed)?;
    }
    if let Some(named) = named {
        loop {
            if scheduler.shared.is_stopped() {
                return Ok(());
            }
            let query = named
                .null_rows(&names, after.as_ref(), ROWS)
                .map_err(&wrong)?;
            let (found, next) = keys::rows(&mut session, &query).await.map_err(&failed)?;
            rows += found.len() as u64;
            let orphans = found.iter().map(|row| orphan(member, row)).collect();
            let mut kept = scheduler.record.borrow_mut();
            kept.checkpoint
                .orphans(task, chunk.number, orphans)
                .map_err(written)?;
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    session.close().await;
    let done = DoneChunk::new(task, &chunk, vec![ChunkCounts::default()], 0);
    let mut kept = scheduler.record.borrow_mut();
    kept.checkpoint.done(&done).map_err(written)?;
    let totals = totals::of(kept.totals, member)?;
    totals.nulls_left = false;
    totals.null_rows = rows;
    totals.orphan_rows += rows;
    Ok(())
}

fn orphan(member: &PreparedReference, row: &FoundRow) -> Orphan {
    let names = member.child.names.iter().map(|column| column.name.clone());
    Orphan {
        reference: member.index,
        key: row
            .texts
            .iter()
            .map(|cell| (cell != "NULL").then(|| cell.clone()))
            .collect(),
        row: names.zip(row.identity.iter().cloned()).collect(),
        hidden: false,
    }
}
