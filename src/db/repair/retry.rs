//! Retries chunks after lock conflicts; nothing is locked while waiting.

use std::time::{Duration, Instant};

use super::super::lock::{self, NoLock, PAUSE};
use super::super::session::Session;
use super::super::stop::Stop;
use super::ChunkError;

/// The limits of retrying.
pub struct Retry<'p> {
    pub timeout: Duration,
    /// Called once when waiting begins.
    pub waiting: &'p dyn Fn(Option<&str>),
    pub stop: &'p Stop,
}

impl Retry<'_> {
    /// Repeats an attempt while locks conflict. A failed attempt holds no locks.
    pub(super) async fn attempt<T>(
        &self,
        mut work: impl AsyncFnMut() -> Result<T, ChunkError>,
    ) -> Result<T, ChunkError> {
        let start = Instant::now();
        loop {
            let done = work().await;
            let is_busy = done.as_ref().is_err_and(ChunkError::is_busy);
            if !is_busy || start.elapsed() >= self.timeout {
                return done;
            }
            let pause = self.stop.race(tokio::time::sleep(PAUSE)).await;
            pause.map_err(|exit| ChunkError::Lock(NoLock::Stopped(exit)))?;
        }
    }

    /// Begins the transaction of a chunk.
    pub(super) async fn begin(&self, session: &mut Session) -> Result<(), ChunkError> {
        let begun = lock::begin(session, self.timeout, self.waiting, self.stop).await;
        begun.map_err(ChunkError::Lock)
    }

    /// Commits a chunk.
    pub(super) async fn commit(&self, session: &mut Session) -> Result<(), ChunkError> {
        let committed = lock::commit(session, self.timeout, self.waiting, self.stop).await;
        committed.map_err(ChunkError::Lock)
    }
}
