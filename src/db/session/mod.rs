//! The live half of an engine: one connection, set to one known state. The only user of sqlx.
//!
//! A session is never pooled: the lock that it takes, the settings that it makes and the
//! statements that it runs belong together.

mod error;
mod guard;
mod mysql;
mod postgres;
mod sample;
mod sqlite;
pub(in crate::db) mod stream;

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Database, Decode, Either, Executor};

use crate::dialect::{Dialect, Driver, ErrorKind, catalog};
use crate::invariant::broken;
use crate::model::server::Server;
use crate::model::target::Target;
pub use error::DbError;
use error::from_driver;
pub use sample::Sample;

/// How long a server may take to answer a connection attempt. PgBouncer lets a client wait 15
/// seconds after a login that failed, and the first look for a database that does not exist is one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// One row, every cell as text.
pub type Row = Vec<Option<String>>;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The engine itself refuses every write.
    Look,
    Write,
    /// Write, and make the file of an embedded database where it is missing.
    Create,
}

/// An open connection.
pub struct Session {
    connection: Connection,
    pub dialect: &'static dyn Dialect,
    pub schema: Option<String>,
    pub server: Server,
    /// Its number on the server, once it was asked for.
    pub id: Option<String>,
    access: Access,
    /// What a writing session is set to beside its known state.
    limits: Option<String>,
}

/// One answer per statement of a text, up to the one that failed.
pub type Answers = (Vec<Vec<Row>>, Option<DbError>);

enum Connection {
    MySql(Box<sqlx::MySqlConnection>),
    Postgres(Box<sqlx::PgConnection>),
    Sqlite(Box<sqlx::SqliteConnection>),
}

/// Runs the same words on whichever connection it is.
macro_rules! each {
    ($connection:expr, $it:ident => $work:expr) => {
        match $connection {
            Connection::MySql($it) => $work,
            Connection::Postgres($it) => $work,
            Connection::Sqlite($it) => $work,
        }
    };
}

impl Session {
    /// Connects, sets the session to its known state and asks who is there.
    pub async fn open(
        target: &Target,
        dialect: &'static dyn Dialect,
        schema: Option<&str>,
        access: Access,
    ) -> Result<Session, DbError> {
        let connecting = async {
            match (dialect.facts().driver, target) {
                (Driver::MySql, Target::Server(server)) => mysql::connect(server).await,
                (Driver::Postgres, Target::Server(server)) => postgres::connect(server).await,
                (Driver::Sqlite, Target::File(file)) => sqlite::connect(file, access).await,
                (Driver::MySql | Driver::Postgres, Target::File(_))
                | (Driver::Sqlite, Target::Server(_)) => {
                    let expected = "a target is of its dialect's kind";
                    let broken = broken(concat!(file!(), ":", line!()), expected);
                    Err(sqlx::Error::Configuration(broken.into()))
                }
            }
        };
        let greeting = async {
            let connection = guard::guarded(connecting).await?;
            let connection = connection.map_err(|error| from_driver(error, dialect, ""))?;
            let mut session = Session {
                connection,
                dialect,
                schema: schema.map(str::to_owned),
                server: Server::default(),
                id: None,
                access,
                limits: None,
            };
            let sql = format!("{}{}", session.settings(), dialect.server_query());
            let rows = session.rows(&sql).await?;
            session.server = dialect.server(rows.first().map_or(&[], Vec::as_slice));
            Ok(session)
        };
        // A server that lets bird in and then says nothing is as good as one that does not.
        match tokio::time::timeout(CONNECT_TIMEOUT, greeting).await {
            Ok(session) => session,
            Err(_) => {
                let seconds = CONNECT_TIMEOUT.as_secs();
                let message = format!("no answer within {seconds} seconds");
                Err(DbError::new(ErrorKind::Connection, message))
            }
        }
    }

    /// Another connection to the same place, with the same rights.
    pub async fn another(&self, target: &Target) -> Result<Session, DbError> {
        Session::open(target, self.dialect, self.schema.as_deref(), self.access).await
    }

    fn settings(&self) -> String {
        let looking = self.access == Access::Look;
        self.dialect.settings(self.schema.as_deref(), looking)
    }

    /// Sets the session back to its known state, after statements that may have changed it.
    pub async fn reset(&mut self) -> Result<(), DbError> {
        let mut sql = self.dialect.reset(self.schema.as_deref());
        if let Some(limits) = &self.limits {
            sql = format!("{}; {limits}", sql.trim_end_matches(';'));
        }
        self.run(&sql).await
    }

    /// Sets how long a statement may wait for a lock in the server's queue, and run; and learns
    /// by which number it can be cancelled.
    pub async fn limit(
        &mut self,
        lock: Duration,
        statement: Option<Duration>,
    ) -> Result<(), DbError> {
        self.limits = self.dialect.limits(lock, statement);
        if let Some(limits) = self.limits.clone() {
            self.run(&limits).await?;
        }
        if let Some(notice) = self.dialect.tcp_keepalive() {
            // An old server, or one on a system without the means, does without.
            let _: Result<(), DbError> = self.run(notice).await;
        }
        if let Some(query) = self.dialect.session_query() {
            self.id = self.value(query).await?;
        }
        Ok(())
    }

    /// Gets ready to write, and to wait for others by itself.
    pub async fn prepare_to_write(&mut self) -> Result<(), DbError> {
        match &mut self.connection {
            Connection::Sqlite(_) => self.run(sqlite::WRITER_WAITS).await,
            Connection::MySql(_) | Connection::Postgres(_) => Ok(()),
        }
    }

    /// A table, qualified for this session.
    pub fn table(&self, table: &str) -> String {
        self.dialect.table(self.schema.as_deref(), table)
    }

    /// Sends one text in one round trip and waits for its end. A text of several statements is
    /// for bird's own bookkeeping; a migration's statement goes alone.
    pub async fn run(&mut self, sql: &str) -> Result<(), DbError> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let result = each!(&mut self.connection, it => guard::guarded(async { it.execute(text).await.map(drop) }).await);
        match result? {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain(error, sql).await),
        }
    }

    /// Sends one statement and tells how many rows it has changed.
    pub async fn change(&mut self, sql: &str) -> Result<u64, DbError> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let result = each!(&mut self.connection, it => guard::guarded(async { it.execute(text).await.map(|done| done.rows_affected()) }).await);
        match result? {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.explain(error, sql).await),
        }
    }

    /// The rows of all SELECTs in one text, in one round trip.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, DbError> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let mut rows = Vec::new();
        let result = each!(&mut self.connection, it => {
            let mut answers = it.fetch_many(text);
            let fetching = async {
                loop {
                    match answers.try_next().await {
                        Ok(Some(Either::Right(row))) => match cells(&row) {
                            Ok(cells) => rows.push(cells),
                            Err(error) => break Err(error),
                        },
                        // How many rows a statement changed.
                        Ok(Some(Either::Left(_))) => {}
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(Fetch::Sql(error)),
                    }
                }
            };
            guard::guarded(fetching).await
        });
        match result? {
            Ok(()) => Ok(rows),
            Err(Fetch::Cell(message)) => Err(DbError::new(ErrorKind::Other, message)),
            Err(Fetch::Sql(error)) => Err(self.explain(error, sql).await),
        }
    }

    /// What each SELECT of a text answers, in one round trip; where one fails, the rest is not run.
    /// Bytes that are no text, such as a binary default within a definition, are told as [`catalog::text_of_bytes`] says.
    pub async fn answers(&mut self, sql: &str) -> Answers {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let (mut all, mut rows) = (Vec::new(), Vec::new());
        let result = each!(&mut self.connection, it => {
            let mut answers = it.fetch_many(text);
            let fetching = async {
                loop {
                    match answers.try_next().await {
                        Ok(Some(Either::Right(row))) => match lenient_cells(&row) {
                            Ok(cells) => rows.push(cells),
                            Err(error) => break Some(error),
                        },
                        Ok(Some(Either::Left(_))) => all.push(std::mem::take(&mut rows)),
                        Ok(None) => break None,
                        Err(error) => break Some(Fetch::Sql(error)),
                    }
                }
            };
            guard::guarded(fetching).await
        });
        let error = match result {
            Ok(None) => None,
            Ok(Some(Fetch::Cell(message))) => Some(DbError::new(ErrorKind::Other, message)),
            Ok(Some(Fetch::Sql(error))) => Some(self.explain(error, sql).await),
            Err(error) => Some(error),
        };
        (all, error)
    }

    /// The rows of one SELECT that may give thousands, of so many columns.
    pub async fn many_rows(&mut self, sql: &str, columns: usize) -> Result<Vec<Row>, DbError> {
        if !matches!(self.connection, Connection::Sqlite(_)) {
            return self.rows(sql).await;
        }
        // The driver hands every row from thread to thread, which costs more than the query.
        let packed = self.value(&sqlite::packed(sql, columns)).await?;
        serde_json::from_str(packed.as_deref().unwrap_or("[]")).map_err(|error| {
            DbError::new(ErrorKind::Other, format!("a row cannot be read: {error}"))
        })
    }

    /// The first cell of the first row.
    pub async fn value(&mut self, sql: &str) -> Result<Option<String>, DbError> {
        let rows = self.rows(sql).await?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next().flatten()))
    }

    /// An error with its place in the statement, where the engine knows it.
    async fn explain(&mut self, error: sqlx::Error, sql: &str) -> DbError {
        let mut told = from_driver(error, self.dialect, sql);
        if let Connection::Sqlite(connection) = &mut self.connection {
            told.at = sqlite::error_offset(connection).await;
        }
        told
    }

    /// Says goodbye, so that the server does not log a broken connection and a pooler finds
    /// nothing of bird's in a session that it hands to the next.
    pub async fn close(mut self) {
        use sqlx::Connection as _;
        if let Some(teardown) = self.dialect.teardown() {
            let _: Result<(), DbError> = self.run(teardown).await;
        }
        // The work is done; how the teardown goes changes nothing.
        let _: Result<(), sqlx::Error> = each!(self.connection, it => it.close().await);
    }
}

enum Fetch {
    Sql(sqlx::Error),
    Cell(String),
}

/// All cells as text. bird's own queries ask for nothing that an engine cannot give as text.
fn cells<'r, R: sqlx::Row>(row: &'r R) -> Result<Row, Fetch>
where
    usize: sqlx::ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database>,
    R::Database: Database,
{
    (0..row.len())
        .map(|at| {
            row.try_get_unchecked::<Option<String>, usize>(at)
                .map_err(|error| Fetch::Cell(format!("a cell is not text: {error}")))
        })
        .collect()
}

/// As [`cells`], whatever the bytes are.
fn lenient_cells<'r, R: sqlx::Row>(row: &'r R) -> Result<Row, Fetch>
where
    usize: sqlx::ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database>,
    R::Database: Database,
{
    let cell = |at: usize| {
        let text = row.try_get_unchecked::<Option<String>, usize>(at);
        text.or_else(|_| {
            let bytes = row.try_get_unchecked::<Option<Vec<u8>>, usize>(at)?;
            Ok(bytes.map(|bytes| catalog::text_of_bytes(&bytes)))
        })
    };
    (0..row.len())
        .map(|at| {
            cell(at)
                .map_err(|error: sqlx::Error| Fetch::Cell(format!("a cell is not text: {error}")))
        })
        .collect()
}
