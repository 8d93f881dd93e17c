//! Whether a server's session belongs to one connection alone.
//!
//! A pooler may hand a session to whoever asks next, and then a lock of the session holds for
//! nobody. Asking twice whether the lock is held proves nothing: a pooler with a single client
//! gives it the same session every time. So a second connection begins a transaction and names its
//! session while the first names its own. A session that is handed around shows: either both have
//! the same one, or the first one's has changed, or it has to wait for the second one's end.
//!
//! Poolers hand out the session that came back last, and that is the one the first connection has
//! just used, unless another client was quicker; or the one that came back first, and then two
//! questions of the first connection are answered by two sessions, unless there is only one. Other
//! clients can hide it for a moment, so it is looked at several times.

use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::session::{DbError, Session};
use crate::dialect::Lock;
use crate::model::target::Target;

/// How often it is looked.
const ROUNDS: usize = 3;
/// How long a connection may take to get a session.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the lock is looked for, where it must be given back to a session that is handed
/// around.
const SEARCHES: usize = 10;

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    Own,
    Shared,
    /// There was no second connection to be had, and why.
    Unknown(String),
}

/// Finds out who else gets the session of a connection. Where it is shared, a lock that it has
/// taken already is given back, wherever it is by now.
pub async fn sharing(
    session: &mut Session,
    target: &Target,
    lock: &Lock,
) -> Result<Sharing, DbError> {
    let own = session.value(lock.session).await?;
    let mut other = match timeout(PATIENCE, second(session, target, lock)).await {
        Ok(Ok(other)) => other,
        Ok(Err(error)) => return Ok(Sharing::Unknown(error.to_string())),
        // A pooler that gives whole sessions has no other one: this connection keeps its own, and
        // gets its answer at once. In a pool that others use up, it has to wait as well.
        Err(_) => {
            let start = Instant::now();
            if session.value(lock.session).await? == own && start.elapsed() < PATIENCE {
                return Ok(Sharing::Own);
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
    Ok(Sharing::Own)
}

async fn shared(
    session: &mut Session,
    other: Option<Session>,
    lock: &Lock,
) -> Result<Sharing, DbError> {
    match (lock.pins, other) {
        (true, other) => give_back(session, other, lock).await,
        (false, Some(other)) => other.close().await,
        (false, None) => {}
    }
    Ok(Sharing::Shared)
}

/// The second connection, inside a transaction, and what its session is called.
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
            // It waits for the other one's session, or the server is slow: when the other one's is
            // free, the answer tells. One that is still to come would stand before the next one's.
            other.session.run("ROLLBACK").await?;
            Ok(asking.await? == *own)
        }
    }
}

/// Releases a lock whose session is handed around: the second connection may have that session
/// now, or the first one gets it again.
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

/// Releases the lock where this connection's session has it at this moment.
async fn release(session: &mut Session, lock: &Lock) -> bool {
    let answer = session.value(&lock.release).await;
    answer.is_ok_and(|answer| answer.as_deref() == Some("1"))
}
