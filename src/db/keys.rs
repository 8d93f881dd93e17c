//! Keys of references, as they arrive from a database.

use tokio::sync::mpsc::Sender;

use super::session::stream::Sending;
use super::session::{DbError, Session};
use crate::dialect::Trouble;
use crate::dialect::keys::{After, Asked, End, Found, Range, Reader, RowsAsked, RowsReader};
use crate::model::key::Batch;
use crate::model::target::Target;

/// Sends the query and hands on its keys in order, in batches of some thousand; ends early when
/// nobody listens any more, and then the session is good for nothing but to be dropped.
pub async fn read(session: &mut Session, asked: &Asked, to: &Sender<Batch>) -> Result<(), DbError> {
    let mut sending = Sending::new(asked, to);
    session.stream(&asked.sql, &mut sending).await?;
    sending.finish().await;
    Ok(())
}

/// A small answer at once: each key once, in the order of their bytes.
pub async fn all(session: &mut Session, asked: &Asked) -> Result<Batch, DbError> {
    let mut reader = Reader::new(asked);
    session.stream(&asked.sql, &mut reader).await?;
    Ok(reader.all())
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

/// The name under which [`attach`] makes another file visible.
pub const ATTACHED: &str = "bird_parents";

/// Makes the tables of another file visible to a session of an embedded engine; once is enough.
pub async fn attach(session: &mut Session, target: &Target) -> Result<(), DbError> {
    let Target::File(file) = target else {
        return Ok(());
    };
    let path = file.path.to_string_lossy();
    match session.dialect.keys().attach(&path, ATTACHED) {
        Some(attach) => session.run(&attach).await,
        None => Ok(()),
    }
}

/// How many rows of a range have a key, and how many different keys.
pub async fn totals(
    session: &mut Session,
    end: &End<'_>,
    range: &Range,
) -> Result<(u64, u64), DbError> {
    let rows = session.rows(&end.totals(range)).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    let number = |at: usize| -> u64 {
        let cell = row.get(at).and_then(Option::as_deref);
        cell.and_then(|cell| cell.parse().ok()).unwrap_or(0)
    };
    Ok((number(0), number(1)))
}

/// Which server this is, where the engine tells and the account may ask.
pub async fn identity(session: &mut Session) -> Result<Option<String>, DbError> {
    let Some(query) = session.dialect.identity_query(&session.server) else {
        return Ok(None);
    };
    match session.value(query).await {
        Err(error) if error.trouble == Trouble::Connection => Err(error),
        told => Ok(told.unwrap_or_default()),
    }
}
