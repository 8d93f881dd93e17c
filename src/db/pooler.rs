//! Detects a pooler that pools by transaction, where a session's lock protects nothing.
//!
//! To ask twice whether the lock is held proves nothing: a pooler with a single client gives it the
//! same session every time. So a second connection begins a transaction and names its session while
//! the first connection names its own. A shared session shows in one of three ways: both have the
//! same one, the first one's has changed, or the first has to wait for the second one's end.
//!
//! Some poolers hand out the session that was returned last: the one that the first connection has
//! just used, unless another client was quicker. Others hand out the one that was returned first:
//! then two queries of the first connection get two sessions, unless there is only one. Other
//! clients can hide this for a moment, so the check runs several times.

use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::session::{DbError, Session};
use crate::dialect::Lock;
use crate::model::target::Target;

/// The number of checks.
const ROUNDS: usize = 3;
/// How long a connection may take to get a session.
const PATIENCE: Duration = Duration::from_secs(2);
/// The number of attempts to release a lock in a session that is shared.
const SEARCHES: usize = 10;

/// How connections share a server's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pooling {
    /// The connection keeps its session to its end: no pooler, or one that pools by session.
    Dedicated,
    /// The session may change after each transaction.
    PerTransaction,
    /// A second connection could not be opened, and why.
    Unknown(String),
}

/// Detects how a connection's session is pooled. If it is shared, releases a lock that it has taken
/// already, in whichever session holds it by now.
pub async fn detect_pooling(
    session: &mut Session,
    target: &Target,
    lock: &Lock,
) -> Result<Pooling, DbError> {
    let own = session.value(lock.session).await?;
    let mut other = match timeout(PATIENCE, second(session, target, lock)).await {
        Ok(Ok(other)) => other,
        Ok(Err(error)) => return Ok(Pooling::Unknown(error.to_string())),
        // A pooler that gives whole sessions has no other one: this connection keeps its own, and
        // gets its answer at once. In a pool that others use up, it has to wait as well.
        Err(_) => {
            let start = Instant::now();
            if session.value(lock.session).await? == own && start.elapsed() < PATIENCE {
                return Ok(Pooling::Dedicated);
            }
            return shared(session, None, lock).await;
        }
    };
    for round in 1..=ROUNDS {
        if other.name == own || !keeps(session, &mut other, lock, &own).await? {
            return shared(session, Some(other.session), lock).await;
        }
        if round < ROUNDS {
            other.session.run("ROLLBACK").await?;
            if session.value(lock.session).await? != own {
                return shared(session, Some(other.session), lock).await;
            }
            other.name = begin(&mut other.session, lock).await?;
        }
    }
    other.session.run("ROLLBACK").await?;
    other.session.close().await;
    Ok(Pooling::Dedicated)
}

async fn shared(
    session: &mut Session,
    other: Option<Session>,
    lock: &Lock,
) -> Result<Pooling, DbError> {
    match (lock.pins, other) {
        (true, other) => give_back(session, other, lock).await,
        (false, Some(other)) => other.close().await,
        (false, None) => {}
    }
    Ok(Pooling::PerTransaction)
}

/// The second connection, inside a transaction, and the name of its session.
struct Other {
    session: Session,
    name: Option<String>,
}

async fn second(session: &Session, target: &Target, lock: &Lock) -> Result<Other, DbError> {
    let mut session = session.another(target).await?;
    let name = begin(&mut session, lock).await?;
    Ok(Other { session, name })
}

/// Begins a transaction, which keeps its session to itself until it ends, and names the session.
async fn begin(session: &mut Session, lock: &Lock) -> Result<Option<String>, DbError> {
    session.value(&format!("BEGIN; {}", lock.session)).await
}

/// Whether a connection still has its session while the other is in its transaction.
async fn keeps(
    session: &mut Session,
    other: &mut Other,
    lock: &Lock,
    own: &Option<String>,
) -> Result<bool, DbError> {
    let mut asking = pin!(session.value(lock.session));
    match timeout(PATIENCE, &mut asking).await {
        Ok(now) => Ok(now? == *own),
        Err(_) => {
            // The query waits for the other connection's session, or the server is slow. The answer
            // decides once that session is free, and must be read before the next query's answer.
            other.session.run("ROLLBACK").await?;
            Ok(asking.await? == *own)
        }
    }
}

/// Releases a lock in a session that is shared: the second connection may have that session now, or
/// the first one gets it again.
pub async fn give_back(session: &mut Session, other: Option<Session>, lock: &Lock) {
    // bird is about to refuse; whatever fails here changes nothing about that.
    let mut released = false;
    if let Some(mut other) = other {
        released = release(&mut other, lock).await;
        let _: Result<(), DbError> = other.run("ROLLBACK").await;
        other.close().await;
    }
    for _ in 0..SEARCHES {
        released = released || release(session, lock).await;
    }
}

/// Releases the lock if this connection's session holds it at this moment.
async fn release(session: &mut Session, lock: &Lock) -> bool {
    let answer = session.value(&lock.release).await;
    answer.is_ok_and(|answer| answer.as_deref() == Some("1"))
}
