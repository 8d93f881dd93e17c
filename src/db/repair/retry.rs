//! How a chunk goes along with others: whoever is in the way is waited for, with nothing held.

use std::time::{Duration, Instant};

use super::super::lock::{self, NoLock, PAUSE};
use super::super::session::Session;
use super::super::stop::Stop;
use super::Broken;

/// How long someone else may be in the way.
pub struct Patience<'p> {
    pub timeout: Duration,
    /// Hears once that there is someone to wait for.
    pub waiting: &'p dyn Fn(Option<&str>),
    pub stop: &'p Stop,
}

impl Patience<'_> {
    /// Attempts something again and again while someone is in the way; an attempt that failed
    /// leaves nothing held.
    pub(super) async fn attempt<T>(
        &self,
        mut work: impl AsyncFnMut() -> Result<T, Broken>,
    ) -> Result<T, Broken> {
        let start = Instant::now();
        loop {
            let done = work().await;
            let is_busy = done.as_ref().is_err_and(Broken::is_busy);
            if !is_busy || start.elapsed() >= self.timeout {
                return done;
            }
            let pause = self.stop.race(tokio::time::sleep(PAUSE)).await;
            pause.map_err(|exit| Broken::Lock(NoLock::Stopped(exit)))?;
        }
    }

    /// Begins the transaction of a chunk.
    pub(super) async fn begin(&self, session: &mut Session) -> Result<(), Broken> {
        let begun = lock::begin(session, self.timeout, self.waiting, self.stop).await;
        begun.map_err(Broken::Lock)
    }

    /// Commits a chunk.
    pub(super) async fn commit(&self, session: &mut Session) -> Result<(), Broken> {
        let committed = lock::commit(session, self.timeout, self.waiting, self.stop).await;
        committed.map_err(Broken::Lock)
    }
}
