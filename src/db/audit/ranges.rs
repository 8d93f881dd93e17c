//! The ranges of a task, given out one after another. A server looks at every row of a statement
//! that has bounds, so keys are cut into ranges only where several lanes share them, where pauses
//! were asked for, which fall between ranges and never inside a stream, and where a statement
//! would run for very long.

use tokio::sync::mpsc::Sender;

use super::endpoints::Side;
use super::error::Fault;
use super::task::{Shared, Task};
use super::throttle::Throttle;
use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::keys::{Asked, Range};
use crate::model::key::Batch;

/// Gives out the ranges of what is left, until all is given out or the audit is stopped.
pub async fn walk(
    task: &Task,
    rest: Vec<Range>,
    shared: &Shared,
    throttle: &Throttle,
    to: Sender<Range>,
) -> Result<(), Fault> {
    let give = async |range: Range| to.send(range).await.is_ok() && !shared.is_stopped();
    let step = throttle.step(task).filter(|_| task.is_ranged());
    let (Some(member), Some(step)) = (task.first(), step) else {
        for range in rest {
            if !give(range).await {
                break;
            }
        }
        return Ok(());
    };
    let side = &member.parent;
    let doing = "looking for ranges of its keys";
    let failed = Fault::of(&side.database, doing);
    let end = side
        .end(None)
        .map_err(Fault::other(&side.database, doing))?;
    let mut session = side.session().await.map_err(&failed)?;
    'all: for range in rest {
        let mut after = range.after;
        loop {
            let asked = end.boundary(after.as_deref(), step);
            let found = bound(side, &mut session, &asked).await.map_err(&failed)?;
            let bound = (!found.is_empty()).then(|| found.key(0).to_vec());
            // Where a key is spelled in several ways, the column's order may lead back.
            let bound = bound.filter(|bound| after.as_ref().is_none_or(|after| bound > after));
            let upto = range.upto.as_ref();
            let bound = bound.filter(|bound| upto.is_none_or(|upto| bound < upto));
            let more = bound.is_some();
            let next = Range {
                after,
                upto: bound.or_else(|| upto.cloned()),
            };
            after = next.upto.clone();
            if !give(next).await {
                break 'all;
            }
            if !more {
                break;
            }
        }
    }
    session.close().await;
    Ok(())
}

/// Asks for the bound of a range. The session may have been idle for as long as lanes read, and one
/// that broke meanwhile is opened anew.
async fn bound(side: &Side, session: &mut Session, asked: &Asked) -> Result<Batch, DbError> {
    match keys::all(session, asked).await {
        Err(error) if error.kind == ErrorKind::Connection => {
            *session = side.session().await?;
            keys::all(session, asked).await
        }
        answer => answer,
    }
}
