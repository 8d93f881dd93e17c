//! Taking rows out for good that a run has kept, chunk by chunk.

use super::super::failpoint;
use super::super::session::Session;
use super::Broken;
use super::journal::{Chunk, Way};
use super::kept_rows;
use super::kept_rows::{Released, Run};
use super::retry::Patience;

/// Deletes what is kept of a chunk.
pub async fn perform(
    session: &mut Session,
    run: Run<'_>,
    chunk: &Chunk,
    patience: &Patience<'_>,
) -> Result<Released, Broken> {
    kept_rows::perform(session, run, Way::Purge, chunk, patience, async |session| {
        let doing = Broken::doing("deleting the rows that were kept");
        let table = chunk.quarantine.as_deref().unwrap_or_default();
        let which = kept_rows::which(session, run.plan, chunk).map_err(&doing)?;
        let sql = format!("DELETE FROM {} WHERE {which}", session.table(table));
        let rows = session.change(&sql).await.map_err(&doing)?;
        failpoint::at("purge-deleted");
        Ok(Released {
            rows,
            ..Released::default()
        })
    })
    .await
}
