//! [`DbError`]: the error of a statement or of a connection.

use std::fmt;
use std::time::Duration;

use super::{postgres, tls};
use crate::dialect::{Dialect, ErrorKind};
use crate::invariant::Broken;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;

/// An error of an engine, or of the connection to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbError {
    pub kind: ErrorKind,
    /// The engine's own code: an error number, a SQLSTATE.
    pub code: Option<String>,
    pub message: String,
    /// The byte of the statement at which the engine points.
    pub at: Option<usize>,
    /// Details and hints of the engine.
    pub notes: Vec<String>,
    /// How long bird waited for the server to accept connections, if it was asked to.
    pub waited: Option<Duration>,
}

impl From<Broken> for DbError {
    fn from(broken: Broken) -> Self {
        DbError::new(ErrorKind::Other, broken.to_string())
    }
}

impl DbError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        DbError {
            kind,
            code: None,
            message: message.into(),
            at: None,
            notes: Vec::new(),
            waited: None,
        }
    }

    /// The code of a diagnostic about it.
    pub fn diagnostic_code(&self) -> Code {
        match self.kind {
            ErrorKind::Denied => Code::Denied,
            ErrorKind::HiddenRows => Code::HiddenRows,
            ErrorKind::ReadOnly => Code::ReadOnly,
            ErrorKind::Connection => Code::Connection,
            ErrorKind::Untrusted => Code::Untrusted,
            _ => Code::Database,
        }
    }

    /// The diagnostic about a database that failed to answer; `doing` says what it was asked for.
    pub fn diagnose(&self, database: &str, doing: &str) -> Diagnostic {
        let message = format!("{database}: {doing}: {}", self);
        let mut fault = Diagnostic::new(self.diagnostic_code(), message).database(database);
        fault.notes = self.notes.clone();
        fault
    }
}

/// The message with the engine's code.
impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} ({code})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for DbError {}

/// The [`DbError`] of a driver's error.
pub(super) fn from_driver(error: sqlx::Error, dialect: &dyn Dialect, sql: &str) -> DbError {
    match error {
        sqlx::Error::Database(error) => {
            let mut described = DbError::new(ErrorKind::Other, error.message());
            let error = error.as_error();
            if let Some(error) = error.downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                described.code = Some(error.number().to_string());
            } else if let Some(error) = error.downcast_ref::<sqlx::postgres::PgDatabaseError>() {
                postgres::explain(error, sql, &mut described);
            } else if let Some(error) = error.downcast_ref::<sqlx::sqlite::SqliteError>() {
                use sqlx::error::DatabaseError;
                described.code = error.code().map(|code| code.into_owned());
            }
            let code = described.code.as_deref().unwrap_or_default();
            described.kind = dialect.error_kind(code, &described.message);
            described.at = described
                .at
                .or_else(|| dialect.pointed_at(&described.message, sql));
            described
        }
        // An embedded engine has no connection: this is about the file's folder.
        sqlx::Error::Io(error) if dialect.facts().is_embedded() => {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Other,
            };
            DbError::new(kind, format!("creating its folder: {error}"))
        }
        // A handshake that fails arrives as trouble with the stream.
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            DbError::new(ErrorKind::Certificate, tls::explain(&error.to_string()))
        }
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DbError::new(ErrorKind::Connection, "the server closed the connection")
        }
        sqlx::Error::Io(error) => DbError::new(ErrorKind::Connection, error.to_string()),
        sqlx::Error::Tls(error) => {
            DbError::new(ErrorKind::Certificate, tls::explain(&error.to_string()))
        }
        sqlx::Error::Protocol(message) => DbError::new(ErrorKind::Connection, message),
        other => DbError::new(ErrorKind::Other, other.to_string()),
    }
}

/// The error about a server whose first answer a driver does not understand.
pub(super) fn other_server(dialect: &dyn Dialect, why: &str) -> DbError {
    let engine = dialect.facts().name;
    let message = format!("the server at this address does not speak the {engine} protocol{why}");
    DbError::new(ErrorKind::Other, message)
}
