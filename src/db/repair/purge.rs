//! Taking rows out for good that a run has kept, chunk by chunk.

use super::super::failpoint;
use super::super::session::Session;
use super::Broken;
use super::aside::{self, Released, Run};
use super::journal::{Chunk, Way};
use super::patience::Patience;

/// Deletes what is kept of a chunk.
pub async fn perform(
    session: &mut Session,
    run: Run<'_>,
    chunk: &Chunk,
    patience: &Patience<'_>,
) -> Result<Released, Broken> {
    aside::perform(session, run, Way::Purge, chunk, patience, async |session| {
        let doing = Broken::doing("deleting the rows that were kept");
        let table = chunk.quarantine.as_deref().unwrap_or_default();
        let which = aside::which(session, run.plan, chunk).map_err(&doing)?;
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
