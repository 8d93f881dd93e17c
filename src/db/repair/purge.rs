//! Deletes the quarantined rows of a run for good, chunk by chunk.

use super::super::failpoint;
use super::super::session::Session;
use super::ChunkError;
use super::journal::{JournaledChunk, Operation};
use super::kept_rows;
use super::kept_rows::{PlanRun, Released};
use super::retry::Retry;
use crate::invariant;

/// Deletes the quarantined rows of a chunk.
pub async fn perform(
    session: &mut Session,
    run: PlanRun<'_>,
    chunk: &JournaledChunk,
    retry: &Retry<'_>,
) -> Result<Released, ChunkError> {
    kept_rows::perform(
        session,
        run,
        Operation::Purge,
        chunk,
        retry,
        async |session| {
            let doing = ChunkError::doing("deleting the quarantined rows");
            let table = chunk.quarantine.as_deref();
            let table = invariant!(table, some, "rows that are kept are in a table");
            let which = kept_rows::which(session, run.plan, chunk).map_err(&doing)?;
            let sql = format!("DELETE FROM {} WHERE {which}", session.table(table));
            let rows = session.change(&sql).await.map_err(&doing)?;
            failpoint::at("purge-deleted");
            Ok(Released {
                rows,
                ..Released::default()
            })
        },
    )
    .await
}
