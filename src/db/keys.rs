//! Reads keys of references, estimates, replication and load from a database.

use tokio::sync::mpsc::Sender;

use super::session::stream::Sending;
use super::session::{DbError, Row, Session};
use crate::dialect::keys::{
    After, Estimate, FoundRow, HiddenRows, KeyQuery, KeyRange, KeyReader, KeySource, Replication,
};
use crate::dialect::keys::{RowQuery, RowReader};
use crate::dialect::{self, ErrorKind};
use crate::model::key::Batch;
use crate::model::target::Target;

/// Sends the query and hands on its keys in order, in batches of some thousand; ends early when
/// nobody listens any more. After that, and after an error, the session is good for nothing but to
/// be dropped.
pub async fn read(
    session: &mut Session,
    asked: &KeyQuery,
    to: &Sender<Batch>,
) -> Result<(), DbError> {
    let mut sending = Sending::new(asked, to);
    session.stream(&asked.sql, &mut sending).await?;
    sending.finish().await;
    Ok(())
}

/// A small answer at once: each key once, in the order of their bytes.
pub async fn all(session: &mut Session, asked: &KeyQuery) -> Result<Batch, DbError> {
    let mut reader = KeyReader::new(asked);
    session.stream(&asked.sql, &mut reader).await?;
    Ok(reader.all())
}

/// Rows and their keys, and where the next page begins where there may be one.
pub async fn rows(
    session: &mut Session,
    asked: &RowQuery,
) -> Result<(Vec<FoundRow>, Option<After>), DbError> {
    let mut reader = RowReader::new(asked);
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

/// No server follows so many others.
const SOURCES: usize = 1000;

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
    end: &KeySource<'_>,
    range: &KeyRange,
) -> Result<(u64, u64), DbError> {
    let rows = session.rows(&end.totals(range)).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    Ok((number(&row, 0)?, number(&row, 1)?))
}

/// Runs a query that counts something.
pub async fn count(session: &mut Session, sql: &str) -> Result<u64, DbError> {
    let rows = session.rows(sql).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    number(&row, 0)
}

/// Reads a count from a row. A missing number must not pass for zero, which would read as "none".
pub fn number(row: &Row, at: usize) -> Result<u64, DbError> {
    let cell = row.get(at).and_then(Option::as_deref);
    let number = cell.and_then(|cell| cell.parse().ok());
    number.ok_or_else(|| DbError::new(ErrorKind::Other, "a count came back without a number"))
}

/// Which server this is, where the engine tells and the account may ask.
pub async fn identity(session: &mut Session) -> Result<Option<String>, DbError> {
    let Some(query) = session.dialect.identity_query(&session.server) else {
        return Ok(None);
    };
    match session.value(query).await {
        Err(error) if error.kind == ErrorKind::Connection => Err(error),
        value => Ok(value.unwrap_or_default()),
    }
}

/// The tables of which the account does not see every row.
pub async fn hidden_rows(session: &mut Session) -> Result<Vec<HiddenRows>, DbError> {
    let schema = session.schema.clone();
    let Some(query) = session.dialect.keys().hidden_rows_query(schema.as_deref()) else {
        return Ok(Vec::new());
    };
    let rows = session.rows(&query).await?;
    Ok(rows
        .iter()
        .filter_map(|row| HiddenRows::read(row))
        .collect())
}

/// About how much an end holds, where its catalog says it.
pub async fn estimate(session: &mut Session, end: &KeySource<'_>) -> Result<Estimate, DbError> {
    let Some(statistics) = end.statistics() else {
        return Ok(Estimate::default());
    };
    if let Some(there) = &statistics.there
        && session.value(there).await?.is_none()
    {
        let Some(otherwise) = &statistics.otherwise else {
            return Ok(Estimate::default());
        };
        let rows = session.value(otherwise).await?;
        return Ok(Estimate {
            rows: rows.and_then(|rows| rows.parse().ok()),
            keys: None,
        });
    }
    let rows = session.rows(&statistics.sql).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    Ok(end.estimate(&row))
}

/// Where the server stands among its replicas.
pub async fn replication(session: &mut Session) -> Result<Replication, DbError> {
    let Some(query) = session.dialect.replication(&session.server) else {
        return Ok(Replication::Primary);
    };
    match session.sample(query, SOURCES, SOURCES as u64).await {
        Ok(sample) => Ok(dialect::keys::replication(&sample.columns, &sample.rows)),
        // What only speaks the language of a product may not know the question.
        Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Other) => {
            Ok(Replication::Unknown)
        }
        Err(error) => Err(error),
    }
}

/// How many statements run on the server, this one among them; nothing where it does not tell.
pub async fn load(session: &mut Session) -> Result<Option<u64>, DbError> {
    let Some(query) = session.dialect.load() else {
        return Ok(None);
    };
    let rows = session.rows(query).await?;
    let last = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().last());
    Ok(last.flatten().and_then(|cell| cell.parse().ok()))
}
