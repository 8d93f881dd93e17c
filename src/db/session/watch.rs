//! The watch over a statement that gives no answer: another session asks the server whether it still
//! runs. TCP keep-alive notices a dead network, but not a proxy or a tunnel that swallows an answer.

use std::future::Future;
use std::time::Duration;

use super::{Access, DbError, Session};
use crate::db::failpoint;
use crate::dialect::{Dialect, ErrorKind};
use crate::model::target::Target;

/// How long a statement runs before its session is looked at, and the pause between two looks.
const INTERVAL: Duration = Duration::from_secs(30);
/// The pause before a second look, where the first found the session idle: an answer may be on its way.
const GRACE: Duration = Duration::from_secs(5);
/// How often the server must fail to answer another session before it counts as gone.
const FAILURES: u32 = 3;

/// What is needed to look at a session from another one.
pub struct Watch {
    target: Target,
    dialect: &'static dyn Dialect,
    busy: String,
}

impl Watch {
    /// The watch over a session with an id; `None` if the engine has none.
    pub fn of(session: &Session, id: &str) -> Option<Watch> {
        Some(Watch {
            target: session.target.clone(),
            dialect: session.dialect,
            busy: session.dialect.busy_query(id)?,
        })
    }

    /// Waits for work, or for the certainty that its answer will not come, which is the outer error.
    pub async fn over<T>(
        &self,
        work: impl Future<Output = Result<T, DbError>>,
    ) -> Result<Result<T, DbError>, DbError> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            error = self.lost(failpoint::duration("BIRD_WATCH_MS", INTERVAL)) => Err(error),
        }
    }

    /// Ends when a statement that was just cancelled has ended without an answer, or when the server
    /// does not answer any more.
    pub async fn after_cancel(&self) -> DbError {
        self.lost(failpoint::duration("BIRD_WATCH_MS", GRACE)).await
    }

    async fn lost(&self, interval: Duration) -> DbError {
        let (mut idle, mut failures) = (0, 0);
        let mut pause = interval;
        loop {
            tokio::time::sleep(pause).await;
            pause = interval;
            match self.is_busy().await {
                Ok(true) => (idle, failures) = (0, 0),
                Ok(false) if idle > 0 => {
                    let message = "the statement has ended on the server, but its answer got lost";
                    return DbError::new(ErrorKind::Connection, message);
                }
                Ok(false) => {
                    (idle, failures) = (1, 0);
                    pause = interval.min(GRACE);
                }
                // The server answered, if only with a refusal.
                Err(error) if error.code.is_some() || error.kind != ErrorKind::Connection => {
                    failures = 0;
                }
                Err(_) if failures + 1 < FAILURES => failures += 1,
                Err(error) => {
                    let message = format!("the server does not answer any more: {error}");
                    return DbError::new(ErrorKind::Connection, message);
                }
            }
        }
    }

    /// Whether the session still runs a statement; `false` if it is idle or gone.
    async fn is_busy(&self) -> Result<bool, DbError> {
        // A future of this type holds itself, which needs a box.
        let opening = Session::open(&self.target, self.dialect, None, Access::ReadOnly);
        let mut other = Box::pin(opening).await?;
        let busy = Box::pin(other.value(&self.busy)).await;
        Box::pin(other.close()).await;
        Ok(busy?.as_deref() == Some("1"))
    }
}
