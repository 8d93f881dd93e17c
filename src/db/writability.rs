//! Whether a server is read-only: a replica, or a server that a setting keeps from writes.

use super::keys;
use super::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::keys::Replication;

/// The reason why a server must not be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOnly {
    /// The setting of this name.
    Setting(String),
    /// It follows another server, and no setting keeps it from writes.
    Replica,
}

impl ReadOnly {
    /// The error of a command that would write.
    pub fn error(&self) -> DbError {
        let why = match self {
            ReadOnly::Setting(setting) => format!("`{setting}` says so"),
            ReadOnly::Replica => "it replicates from another server".to_owned(),
        };
        let message = format!("the server does not accept writes: {why}");
        DbError::new(ErrorKind::ReadOnly, message)
    }
}

/// Asks the server. `None` if it takes writes, or if the account may not ask whether it is a
/// replica.
pub async fn read_only(session: &mut Session) -> Result<Option<ReadOnly>, DbError> {
    if let Some(query) = session.dialect.unwritable_query()
        && let Some(setting) = session.value(query).await?
    {
        return Ok(Some(ReadOnly::Setting(setting)));
    }
    if !session.dialect.replicas_take_writes() {
        return Ok(None);
    }
    let standing = keys::replication(session).await?;
    let follows = matches!(standing, Replication::Replica(_));
    Ok(follows.then_some(ReadOnly::Replica))
}
