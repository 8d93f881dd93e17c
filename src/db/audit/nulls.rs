//! Rows whose key has a NULL, where a reference says that such a row is an orphan.

use super::checkpoint::Done;
use super::endpoints::Prepared;
use super::error::Fault;
use super::error::cannot;
use super::scheduler::Driving;
use super::task::{Part, Portion, Task};
use crate::db::keys;
use crate::dialect::keys::Found;
use crate::model::diagnostic::Diagnostic;
use crate::model::orphan::Orphan;
use crate::model::reference::Nulls;
use crate::model::schema::Column;

/// How many rows are read at once.
const ROWS: u64 = 2000;

/// Counts them, member by member; why that failed stands among the faults.
pub async fn count(
    driving: &Driving<'_>,
    number: usize,
    task: &Task,
    faults: &mut Vec<Diagnostic>,
) {
    let mut asked = task.members.iter();
    if !asked.any(|member| member.reference.null == Nulls::Orphan) {
        return;
    }
    // They are read whole again, whatever an audit that was cut short has read of them.
    let dropped = driving.written.borrow_mut().journal.drop_task(number);
    if let Err(error) = dropped {
        faults.push(cannot(&Fault::unwritten(&error)));
    }
    for member in &task.members {
        if let Some(tally) = driving.written.borrow_mut().tallies.get_mut(member.index) {
            tally.nulls_left = member.reference.null == Nulls::Orphan;
        }
        if member.reference.null == Nulls::Orphan
            && let Err(fault) = read(driving, number, member).await
        {
            faults.push(cannot(&fault));
        }
    }
}

async fn read(driving: &Driving<'_>, task: usize, member: &Prepared) -> Result<(), Fault> {
    let side = &member.child;
    let doing = "reading its rows with NULL";
    let failed = Fault::of(&side.database, doing);
    let wrong = Fault::other(&side.database, doing);
    let written = |error: std::io::Error| Fault::unwritten(&error);
    let end = side.end(None).map_err(&wrong)?;
    let mut session = side.session().await.map_err(&failed)?;
    let names: Vec<&Column> = side.names.iter().collect();
    let portion = Portion {
        number: driving.shared.number(),
        ..Portion::default()
    };
    let (mut after, mut rows) = (None, 0);
    let (named, nameless) = end.named(&names);
    if let Some(nameless) = nameless {
        let counted = session.value(&nameless.nulls()).await.map_err(&failed)?;
        rows = counted
            .and_then(|counted| counted.parse().ok())
            .unwrap_or(0);
    }
    if let Some(named) = named {
        loop {
            if driving.shared.is_stopped() {
                return Ok(());
            }
            let asked = named
                .null_rows(&names, after.as_ref(), ROWS)
                .map_err(&wrong)?;
            let (found, next) = keys::rows(&mut session, &asked).await.map_err(&failed)?;
            rows += found.len() as u64;
            let orphans = found.iter().map(|row| orphan(member, row)).collect();
            let mut kept = driving.written.borrow_mut();
            kept.journal
                .orphans(task, portion.number, orphans)
                .map_err(written)?;
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    session.close().await;
    let done = Done::new(task, &portion, vec![Part::default()], 0);
    let mut kept = driving.written.borrow_mut();
    kept.journal.done(&done).map_err(written)?;
    if let Some(tally) = kept.tallies.get_mut(member.index) {
        tally.nulls_left = false;
        tally.null_rows = rows;
        tally.orphan_rows += rows;
    }
    Ok(())
}

fn orphan(member: &Prepared, row: &Found) -> Orphan {
    let names = member.child.names.iter().map(|column| column.name.clone());
    Orphan {
        reference: member.index,
        key: row
            .told
            .iter()
            .map(|cell| (cell != "NULL").then(|| cell.clone()))
            .collect(),
        row: names.zip(row.identity.iter().cloned()).collect(),
        hidden: false,
    }
}
