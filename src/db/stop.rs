//! Ctrl-C and SIGTERM: bird stops after the running statement, with the state known.

use std::future::Future;

use tokio::sync::watch;

use crate::model::exit::Exit;

/// Whether someone asked bird to stop, and how.
#[derive(Clone)]
pub struct Stop(watch::Receiver<Option<Exit>>);

impl Stop {
    /// Listens for signals from now on. `notice` hears of the first one; the second ends the
    /// process at once, because a statement may run for hours on the server.
    pub fn listen(
        notice: impl Fn() + Send + 'static,
        last: impl Fn(Exit) + Send + 'static,
    ) -> Stop {
        let (sender, receiver) = watch::channel(None);
        // From this line on, not from when the task first runs.
        let Ok(mut signals) = Signals::new() else {
            return Stop(receiver);
        };
        tokio::spawn(async move {
            sender.send_replace(Some(signals.next().await));
            notice();
            let second = signals.next().await;
            last(second);
        });
        Stop(receiver)
    }

    /// A stop that nobody can ask for.
    pub fn never() -> Stop {
        Stop(watch::channel(None).1)
    }

    /// The exit code of the signal that was received.
    pub fn asked(&self) -> Option<Exit> {
        *self.0.borrow()
    }

    /// Waits for work that may be dropped at any moment; `Err` when a signal came first.
    pub async fn race<T>(&self, work: impl Future<Output = T>) -> Result<T, Exit> {
        let mut receiver = self.0.clone();
        let asked = async {
            match receiver.wait_for(Option::is_some).await {
                Ok(exit) => exit.unwrap_or(Exit::Interrupted),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            done = work => Ok(done),
            exit = asked => Err(exit),
        }
    }
}

#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals(
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ))
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.0.recv() => Exit::Interrupted,
            _ = self.1.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) -> Exit {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Exit::Interrupted,
            Err(_) => std::future::pending().await,
        }
    }
}
