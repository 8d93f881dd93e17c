//! [`Session`]: one connection in a known state. The only user of sqlx.
//!
//! A session is never pooled: its lock, its settings and its statements belong together.

mod error;
mod guard;
mod keepalive;
mod mysql;
mod postgres;
mod probe;
mod sample;
mod sqlite;
pub(in crate::db) mod stream;
mod tls;
mod trust;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::time::error::Elapsed;

use sqlx::{AssertSqlSafe, Database, Decode, Either, Executor};

use crate::dialect::{Dialect, Driver, ErrorKind, catalog};
use crate::invariant::broken;
use crate::model::history::OWN_TABLES;
use crate::model::server::Server;
use crate::model::target::Target;
pub use error::DbError;
use error::{from_driver, other_server};
pub use sample::Sample;
pub use watch::Watch;

/// The timeout of a connection attempt. PgBouncer delays a client for 15 seconds after a failed
/// login, and the first attempt on a missing database is one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The time that a server has to answer the end of a session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// One row, every cell as text.
pub type Row = Vec<Option<String>>;

/// The purpose of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The engine itself refuses every write.
    ReadOnly,
    Write,
    /// Writes, and creates the file of an embedded database if it is missing.
    Create,
}

/// An open connection.
pub struct Session {
    connection: Connection,
    pub dialect: &'static dyn Dialect,
    pub schema: Option<String>,
    pub server: Server,
    /// Its id on the server, set by [`Session::limit`].
    pub id: Option<String>,
    access: Access,
    target: Target,
    /// The timeouts of a writing session.
    limits: Option<String>,
    /// Looks after statements that give no answer, once the session has an id and writes.
    watch: Option<Arc<Watch>>,
    /// Whether an answer did not come: what arrives next would be that one.
    is_lost: bool,
}

/// The rows of each statement of a text, up to the one that failed, and its error.
pub type Answers = (Vec<Vec<Row>>, Option<DbError>);

enum Connection {
    MySql(Box<sqlx::MySqlConnection>),
    Postgres(Box<sqlx::PgConnection>),
    Sqlite(Box<sqlx::SqliteConnection>),
}

/// Runs the same code for a connection of any driver.
macro_rules! each {
    ($connection:expr, $it:ident => $work:expr) => {
        match $connection {
            Connection::MySql($it) => $work,
            Connection::Postgres($it) => $work,
            Connection::Sqlite($it) => $work,
        }
    };
}

/// Awaits work on the connection of a session, and gives up if its watch does.
macro_rules! watched {
    ($session:expr, $work:expr) => {
        match $session.watch.clone() {
            _ if $session.is_lost => Err(lost()),
            None => $work.await,
            Some(watch) => match watch.over($work).await {
                Ok(done) => done,
                Err(lost) => {
                    $session.is_lost = true;
                    Err(lost)
                }
            },
        }
    };
}

impl Session {
    /// Connects, brings the session into its known state, asks for product and version, and checks that
    /// the tables of bird's own are what bird made.
    pub async fn open(
        target: &Target,
        dialect: &'static dyn Dialect,
        schema: Option<&str>,
        access: Access,
    ) -> Result<Session, DbError> {
        if let Target::Server(server) = target {
            tls::readable(server)?;
        }
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
            let connection = guard::guarded(connecting).await;
            // A driver breaks over the first bytes of another engine's server.
            let connection = connection.map_err(|_| other_server(dialect, ""))?;
            let connection = connection.map_err(|error| match error {
                sqlx::Error::Protocol(message) => other_server(dialect, &format!(": {message}")),
                error => from_driver(error, dialect, ""),
            })?;
            let mut session = Session {
                connection,
                dialect,
                schema: schema.map(str::to_owned),
                server: Server::default(),
                id: None,
                access,
                target: target.clone(),
                limits: None,
                watch: None,
                is_lost: false,
            };
            if !dialect.facts().is_embedded() {
                keepalive::on_all_sockets();
            }
            let sql = format!(
                "{}{}; {}",
                session.settings(),
                session.untrusted_query(OWN_TABLES),
                dialect.server_query()
            );
            let rows = session.rows(&sql).await?;
            // The settings may give rows too.
            session.server = dialect.server(rows.last().map_or(&[], Vec::as_slice));
            trust::require(&rows)?;
            Ok(session)
        };
        let another_engine = async {
            match (dialect.facts().driver, target) {
                (Driver::MySql, Target::Server(server)) => probe::finds_postgres(server).await,
                (Driver::MySql | Driver::Postgres | Driver::Sqlite, _) => {
                    std::future::pending().await
                }
            }
        };
        // Boxed, because it is large, and part of everything that connects.
        let opening = Box::pin(async {
            tokio::select! {
                session = greeting => session,
                () = another_engine => Err(other_server(dialect, "")),
            }
        });
        // A server that accepts the connection and never answers counts as unreachable.
        let limit = match target {
            Target::Server(server) => server.parameters.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            Target::File(_) => CONNECT_TIMEOUT,
        };
        match tokio::time::timeout(limit, opening).await {
            Ok(session) => session,
            Err(_) => {
                let seconds = limit.as_secs();
                let message = format!("no answer within {seconds} seconds");
                Err(DbError::new(ErrorKind::Connection, message))
            }
        }
    }

    /// Opens another session like this one.
    pub async fn another(&self, target: &Target) -> Result<Session, DbError> {
        Session::open(target, self.dialect, self.schema.as_deref(), self.access).await
    }

    /// Whether this session was opened for reading alone.
    pub fn only_reads(&self) -> bool {
        self.access == Access::ReadOnly
    }

    fn settings(&self) -> String {
        let looking = self.only_reads();
        self.dialect.settings(self.schema.as_deref(), looking)
    }

    /// Brings the session back into its known state, after statements that may have changed it.
    pub async fn reset(&mut self) -> Result<(), DbError> {
        let mut sql = self.dialect.reset(self.schema.as_deref());
        if let Some(limits) = &self.limits {
            sql = format!("{}; {limits}", sql.trim_end_matches(';'));
        }
        self.run(&sql).await
    }

    /// Sets the lock timeout and the statement timeout, and asks for the session's id, by which its
    /// statement can be cancelled.
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
            // Older servers and some platforms do not support it.
            let _: Result<(), DbError> = self.run(notice).await;
        }
        if let Some(query) = self.dialect.session_query() {
            self.id = self.value(query).await?;
        }
        if !self.only_reads() {
            let watch = self.id.as_deref().and_then(|id| Watch::of(self, id));
            self.watch = watch.map(Arc::new);
        }
        Ok(())
    }

    /// Makes an embedded database wait for other writers.
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

    /// Runs a text in one round trip. Texts of several statements are bird's own bookkeeping; the
    /// statements of migrations are sent one by one.
    pub async fn run(&mut self, sql: &str) -> Result<(), DbError> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let result = watched!(self, async {
            each!(&mut self.connection, it => guard::guarded(async { it.execute(text).await.map(drop) }).await)
        });
        match result? {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain(error, sql).await),
        }
    }

    /// Runs one statement and returns the number of changed rows.
    pub async fn change(&mut self, sql: &str) -> Result<u64, DbError> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let result = watched!(self, async {
            each!(&mut self.connection, it => guard::guarded(async { it.execute(text).await.map(|done| done.rows_affected()) }).await)
        });
        match result? {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.explain(error, sql).await),
        }
    }

    /// The rows of all SELECTs in one text, in one round trip.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, DbError> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let mut rows = Vec::new();
        let result = {
            let work = async {
                each!(&mut self.connection, it => {
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
                })
            };
            watched!(self, work)
        };
        match result? {
            Ok(()) => Ok(rows),
            Err(Fetch::Cell(message)) => Err(DbError::new(ErrorKind::Other, message)),
            Err(Fetch::Sql(error)) => Err(self.explain(error, sql).await),
        }
    }

    /// The rows of each SELECT of a text, in one round trip. The statements after a failed one are
    /// not run. Bytes that are not UTF-8, such as a binary default in a definition, are read by
    /// [`catalog::text_of_bytes`].
    pub async fn answers(&mut self, sql: &str) -> Answers {
        let text = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let (mut all, mut rows) = (Vec::new(), Vec::new());
        let result = {
            let work = async {
                each!(&mut self.connection, it => {
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
                })
            };
            watched!(self, work)
        };
        let error = match result {
            Ok(None) => None,
            Ok(Some(Fetch::Cell(message))) => Some(DbError::new(ErrorKind::Other, message)),
            Ok(Some(Fetch::Sql(error))) => Some(self.explain(error, sql).await),
            Err(error) => Some(error),
        };
        (all, error)
    }

    /// The rows of a SELECT that may return thousands; it has `columns` columns.
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

    /// The [`DbError`] of a driver's error, with its position in the statement if the engine knows
    /// it.
    async fn explain(&mut self, error: sqlx::Error, sql: &str) -> DbError {
        let mut explained = from_driver(error, self.dialect, sql);
        if let Connection::Sqlite(connection) = &mut self.connection {
            explained.at = sqlite::error_offset(connection).await;
        }
        if let Connection::Postgres(connection) = &mut self.connection
            && explained.kind == ErrorKind::HiddenRows
        {
            postgres::explain_hidden_rows(connection, &mut explained).await;
        }
        explained
    }

    /// Closes the connection, so that the server does not log a broken one, and undoes bird's
    /// settings, because a pooler may give the session to another client.
    pub async fn close(mut self) {
        use sqlx::Connection as _;
        if self.is_lost {
            return;
        }
        let ending = async {
            if let Some(teardown) = self.dialect.teardown() {
                let _: Result<(), DbError> = self.run(teardown).await;
            }
            // The work is done; how the teardown goes changes nothing.
            let _: Result<(), sqlx::Error> = each!(self.connection, it => it.close().await);
        };
        // Nobody waits for a server that does not answer a farewell.
        let _: Result<(), Elapsed> = tokio::time::timeout(CLOSE_TIMEOUT, ending).await;
    }

    /// The watch over this session, for a statement that is cancelled.
    pub fn watch(&self) -> Option<Arc<Watch>> {
        self.watch.clone()
    }
}

/// The error of a statement on a session whose last answer got lost.
fn lost() -> DbError {
    let message = "an earlier answer of this session got lost";
    DbError::new(ErrorKind::Connection, message)
}

enum Fetch {
    Sql(sqlx::Error),
    Cell(String),
}

/// All cells of a row as text. bird's own queries select nothing else.
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

/// Like [`cells`], for cells of any bytes.
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
