//! Produces the ranges of a task. Bounds cost the server time for every row, so keys are cut into
//! ranges only if several workers share them, if pauses are needed (they fall between ranges, never
//! inside a stream), or if a statement would run for very long.

use tokio::sync::mpsc::Sender;

use super::endpoints::Endpoint;
use super::error::ReadError;
use super::task::{Shared, Task};
use super::throttle::Throttle;
use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::keys::{KeyQuery, KeyRange};
use crate::model::key::Batch;

/// Sends the remaining ranges, until all are sent or the audit is stopped.
pub async fn produce(
    task: &Task,
    rest: Vec<KeyRange>,
    shared: &Shared,
    throttle: &Throttle,
    to: Sender<KeyRange>,
) -> Result<(), ReadError> {
    let give = async |range: KeyRange| to.send(range).await.is_ok() && !shared.is_stopped();
    let step = throttle.step(task).filter(|_| task.is_ranged());
    let Some(step) = step else {
        for range in rest {
            if !give(range).await {
                break;
            }
        }
        return Ok(());
    };
    let endpoint = &task.lead.parent;
    let doing = "looking for ranges of its keys";
    let failed = ReadError::of(&endpoint.database, doing);
    let end = endpoint
        .end(None)
        .map_err(ReadError::other(&endpoint.database, doing))?;
    let mut session = endpoint.session().await.map_err(&failed)?;
    'all: for range in rest {
        let mut after = range.after;
        loop {
            let query = end.boundary(after.as_deref(), step);
            let found = bound(endpoint, &mut session, &query)
                .await
                .map_err(&failed)?;
            let bound = (!found.is_empty()).then(|| found.key(0).to_vec());
            // If a key has several spellings, the order of the column may lead back.
            let bound = bound.filter(|bound| after.as_ref().is_none_or(|after| bound > after));
            let upto = range.upto.as_ref();
            let bound = bound.filter(|bound| upto.is_none_or(|upto| bound < upto));
            let more = bound.is_some();
            let next = KeyRange {
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

/// Queries the bound of a range. The session is idle while workers read, so one that broke meanwhile
/// is opened again.
async fn bound(
    endpoint: &Endpoint,
    session: &mut Session,
    query: &KeyQuery,
) -> Result<Batch, DbError> {
    match keys::all(session, query).await {
        Err(error) if error.kind == ErrorKind::Connection => {
            *session = endpoint.session().await?;
            keys::all(session, query).await
        }
        answer => answer,
    }
}
