//! [`Sample`]: the first rows of a query and its row count.

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Column as _, ColumnIndex, Database, Decode, Executor, Row as _, TypeInfo as _,
    ValueRef as _,
};

use super::{Connection, DbError, Fetch, Row, Session, guard};
use crate::dialect::ErrorKind;
use crate::model::key::{Compare, describe};

/// The first rows of a query and its row count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// The names of its columns, where there is a row.
    pub columns: Vec<String>,
    /// The first of them.
    pub rows: Vec<Row>,
    pub count: u64,
    /// The count was stopped: there are at least so many.
    pub at_least: bool,
}

impl Session {
    /// Counts the rows of one SELECT up to `most`, and keeps the first few, whatever their columns
    /// are. Where there are more, the session is in the middle of them, and only good for closing.
    ///
    /// # Errors
    ///
    /// What the engine had against it.
    pub async fn sample(&mut self, sql: &str, keep: usize, most: u64) -> Result<Sample, DbError> {
        let limits = (keep, most);
        let result = match &mut self.connection {
            Connection::MySql(it) => guard::guarded(read(&mut **it, sql, limits)).await,
            Connection::Postgres(it) => guard::guarded(read(&mut **it, sql, limits)).await,
            Connection::Sqlite(it) => guard::guarded(read(&mut **it, sql, limits)).await,
        };
        match result? {
            Ok(sample) => Ok(sample),
            Err(Fetch::Cell(message)) => Err(DbError::new(ErrorKind::Other, message)),
            Err(Fetch::Sql(error)) => Err(self.explain(error, sql).await),
        }
    }
}

async fn read<'c, D, E>(it: E, sql: &str, (keep, most): (usize, u64)) -> Result<Sample, Fetch>
where
    D: Database,
    E: Executor<'c, Database = D>,
    usize: ColumnIndex<D::Row>,
    for<'r> Option<String>: Decode<'r, D>,
    for<'r> Option<Vec<u8>>: Decode<'r, D>,
{
    let mut rows = it.fetch(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())));
    let mut sample = Sample::default();
    while let Some(row) = rows.try_next().await.map_err(Fetch::Sql)? {
        if sample.count == most {
            sample.at_least = true;
            break;
        }
        if sample.count == 0 {
            let columns = row.columns().iter();
            sample.columns = columns.map(|column| column.name().to_owned()).collect();
        }
        sample.count += 1;
        if sample.rows.len() < keep {
            let cells = (0..row.len()).map(|at| cell(&row, at));
            sample.rows.push(cells.collect::<Result<_, _>>()?);
        }
    }
    Ok(sample)
}

/// The types whose values are bytes, by words in their names.
const BYTES: &[&str] = &["BLOB", "BINARY", "BYTEA", "BIT", "GEOMETRY"];

/// A cell as people read it: text as it is, bytes that are no text as a UUID or as digits.
fn cell<'r, R: sqlx::Row>(row: &'r R, at: usize) -> Result<Option<String>, Fetch>
where
    usize: ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database>,
{
    let is_text = |text: &String| {
        !text
            .chars()
            .any(|sign| sign.is_control() && !sign.is_whitespace())
    };
    let value = row.try_get_raw(at).map_err(Fetch::Sql)?;
    let info = value.type_info();
    let is_bytes = BYTES.iter().any(|word| info.name().contains(word));
    let text = row.try_get_unchecked::<Option<String>, usize>(at);
    if let Ok(text) = text
        && (!is_bytes || text.as_ref().is_none_or(is_text))
    {
        return Ok(text);
    }
    let bytes = row.try_get_unchecked::<Option<Vec<u8>>, usize>(at);
    let bytes = bytes.map_err(Fetch::Sql)?;
    Ok(bytes.map(|bytes| describe(&Compare::Bytes, &bytes)))
}
