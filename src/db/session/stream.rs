//! Streams millions of rows: cells are read in the driver's own buffers.

use std::ops::ControlFlow;

use futures_util::TryStreamExt;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{Sqlite, SqliteValueRef};
use sqlx::{AssertSqlSafe, Decode, Either, Executor, Row as _, TypeInfo, ValueRef};
use tokio::sync::mpsc::Sender;

use super::{Connection, DbError, Session, guard};
use crate::dialect::ErrorKind;
use crate::dialect::keys::{Cell, Cells, KeyQuery, KeyReader, RowReader};
use crate::dialect::postgres::copy::Copy;
use crate::model::key::Batch;

/// A receiver of rows.
pub(in crate::db) trait Sink {
    /// Takes a row.
    fn row(&mut self, cells: &impl Cells) -> Result<(), String>;

    /// Whether it has to hand on its rows before it takes more.
    fn is_full(&self) -> bool;

    /// Hands on its rows. Breaks if the receiver wants no more.
    async fn hand_on(&mut self) -> ControlFlow<()>;
}

impl Session {
    /// Sends a query and gives its rows to the sink, as they come.
    pub(in crate::db) async fn stream(
        &mut self,
        sql: &str,
        sink: &mut impl Sink,
    ) -> Result<(), DbError> {
        let streaming = async {
            match &mut self.connection {
                Connection::MySql(it) => fetch(it.fetch_many(text(sql)), sink, MySqlCells).await,
                Connection::Sqlite(it) => fetch(it.fetch_many(text(sql)), sink, SqliteCells).await,
                Connection::Postgres(it) => copy(it, sql, sink).await,
            }
        };
        match guard::guarded(streaming).await? {
            Ok(()) => Ok(()),
            Err(Broken::Sql(error)) => Err(self.explain(error, sql).await),
            Err(Broken::Row(message)) => Err(DbError::new(ErrorKind::Other, message)),
        }
    }
}

enum Broken {
    Sql(sqlx::Error),
    Row(String),
}

fn text(sql: &str) -> sqlx::RawSql {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
}

/// The rows of a driver that hands them on one by one.
async fn fetch<D, R, C: Cells>(
    mut rows: futures_util::stream::BoxStream<'_, Result<Either<D, R>, sqlx::Error>>,
    sink: &mut impl Sink,
    cells: impl Fn(R) -> C,
) -> Result<(), Broken> {
    while let Some(row) = rows.try_next().await.map_err(Broken::Sql)? {
        let Either::Right(row) = row else {
            // The end of a statement.
            continue;
        };
        sink.row(&cells(row)).map_err(Broken::Row)?;
        if sink.is_full() && sink.hand_on().await.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// PostgreSQL copies out its rows with a tenth of the work that sending them takes.
async fn copy(
    connection: &mut sqlx::PgConnection,
    sql: &str,
    sink: &mut impl Sink,
) -> Result<(), Broken> {
    let statement = format!("COPY ({sql}) TO STDOUT (FORMAT binary)");
    let refused = match connection.copy_out_raw(&statement).await {
        Ok(chunks) => return copied(chunks, sink).await,
        Err(refused) => refused,
    };
    // The driver leaves the end of a refused COPY unread, and would take it for the answer to
    // whatever is asked next: nothing may be.
    let end = text("SELECT pg_terminate_backend(pg_backend_pid())");
    let _: Result<_, sqlx::Error> = connection.execute(end).await;
    Err(Broken::Sql(refused))
}

async fn copied<B: AsRef<[u8]>>(
    mut chunks: futures_util::stream::BoxStream<'_, Result<B, sqlx::Error>>,
    sink: &mut impl Sink,
) -> Result<(), Broken> {
    let mut rows = Copy::default();
    while let Some(chunk) = chunks.try_next().await.map_err(Broken::Sql)? {
        rows.chunk(chunk.as_ref(), |row| sink.row(row))
            .map_err(Broken::Row)?;
        if sink.is_full() && sink.hand_on().await.is_break() {
            return Ok(());
        }
    }
    rows.ended().map_err(Broken::Row)
}

struct MySqlCells(sqlx::mysql::MySqlRow);

impl Cells for MySqlCells {
    fn cell(&self, at: usize) -> Result<Cell<'_>, String> {
        let value = self.0.try_get_raw(at).map_err(|error| error.to_string())?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let bytes = <&[u8] as Decode<sqlx::MySql>>::decode(value);
        bytes.map(Cell::Bytes).map_err(|error| error.to_string())
    }
}

struct SqliteCells(sqlx::sqlite::SqliteRow);

impl Cells for SqliteCells {
    fn cell(&self, at: usize) -> Result<Cell<'_>, String> {
        let value = self.0.try_get_raw(at).map_err(|error| error.to_string())?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        type Read<'c> = fn(SqliteValueRef<'c>) -> Result<Cell<'c>, BoxDynError>;
        // Millions of cells come this way: the name of the type is compared, and not copied.
        let read: Read<'_> = match value.type_info().name() {
            "INTEGER" => |value| <i64 as Decode<Sqlite>>::decode(value).map(Cell::Integer),
            "REAL" => |value| <f64 as Decode<Sqlite>>::decode(value).map(Cell::Real),
            "TEXT" => |value| <&[u8] as Decode<Sqlite>>::decode(value).map(Cell::Text),
            _ => |value| <&[u8] as Decode<Sqlite>>::decode(value).map(Cell::Bytes),
        };
        let cell = read(value);
        cell.map_err(|error| error.to_string())
    }
}

/// Sends keys on in batches.
pub(in crate::db) struct Sending<'a> {
    reader: KeyReader,
    to: &'a Sender<Batch>,
}

impl<'a> Sending<'a> {
    pub(in crate::db) fn new(asked: &KeyQuery, to: &'a Sender<Batch>) -> Self {
        Sending {
            reader: KeyReader::new(asked),
            to,
        }
    }

    /// Hands on what is left.
    pub(in crate::db) async fn finish(self) {
        // Whether anybody still wants it makes no difference any more.
        let _: Result<(), _> = self.to.send(self.reader.last()).await;
    }
}

impl Sink for Sending<'_> {
    fn row(&mut self, cells: &impl Cells) -> Result<(), String> {
        self.reader.row(cells)
    }

    fn is_full(&self) -> bool {
        self.reader.is_full()
    }

    async fn hand_on(&mut self) -> ControlFlow<()> {
        match self.to.send(self.reader.take()).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Keeps all keys of a small answer.
impl Sink for KeyReader {
    fn row(&mut self, cells: &impl Cells) -> Result<(), String> {
        KeyReader::row(self, cells)
    }

    fn is_full(&self) -> bool {
        false
    }

    async fn hand_on(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Sink for RowReader<'_> {
    fn row(&mut self, cells: &impl Cells) -> Result<(), String> {
        RowReader::row(self, cells)
    }

    fn is_full(&self) -> bool {
        false
    }

    async fn hand_on(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
