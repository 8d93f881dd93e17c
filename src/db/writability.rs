//! Whether a server is to be written to: a replica is not, nor is one that somebody has closed.

use super::keys;
use super::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::keys::Replication;

/// What keeps a server from being written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// This setting says so.
    Setting(String),
    /// It follows another server, and no setting closes it.
    Replica,
}

impl Closed {
    /// Why nothing was made there.
    pub fn told(&self) -> DbError {
        let why = match self {
            Closed::Setting(setting) => format!("`{setting}` says so"),
            Closed::Replica => "it follows another server".to_owned(),
        };
        let message = format!("the server is not to be written to: {why}");
        DbError::new(ErrorKind::Closed, message)
    }
}

/// Asks the server; nothing where it is open. An account that may not ask whether it is a replica
/// finds it open.
pub async fn look(session: &mut Session) -> Result<Option<Closed>, DbError> {
    if let Some(query) = session.dialect.unwritable_query()
        && let Some(setting) = session.value(query).await?
    {
        return Ok(Some(Closed::Setting(setting)));
    }
    if !session.dialect.replicas_take_writes() {
        return Ok(None);
    }
    let standing = keys::replication(session).await?;
    let follows = matches!(standing, Replication::Replica(_));
    Ok(follows.then_some(Closed::Replica))
}
