//! Keys of references, as they arrive from a database.

use tokio::sync::mpsc::Sender;

use super::session::stream::Sending;
use super::session::{DbError, Session};
use crate::dialect::keys::{After, Asked, Found, Reader, RowsAsked, RowsReader};
use crate::model::key::Batch;

/// Sends the query and hands on its keys in order, in batches of some thousand; ends early when
/// nobody listens any more, and then the session is good for nothing but to be dropped.
pub async fn read(session: &mut Session, asked: &Asked, to: &Sender<Batch>) -> Result<(), DbError> {
    let mut sending = Sending::new(asked, to);
    session.stream(&asked.sql, &mut sending).await?;
    sending.finish().await;
    Ok(())
}

/// A small answer at once.
pub async fn all(session: &mut Session, asked: &Asked) -> Result<Batch, DbError> {
    let mut reader = Reader::new(asked);
    session.stream(&asked.sql, &mut reader).await?;
    Ok(reader.last())
}

/// Rows and their keys, and where the next page begins where there may be one.
pub async fn rows(
    session: &mut Session,
    asked: &RowsAsked,
) -> Result<(Vec<Found>, Option<After>), DbError> {
    let mut reader = RowsReader::new(asked);
    session.stream(&asked.sql, &mut reader).await?;
    Ok(reader.done())
}

/// Sets a session to what a stream of keys needs.
pub async fn prepare(session: &mut Session) -> Result<(), DbError> {
    match session.dialect.keys().streaming() {
        Some(setting) => session.run(setting).await,
        None => Ok(()),
    }
}
