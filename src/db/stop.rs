//! Ctrl-C and SIGTERM: bird stops after the running statement, with the state known.

use std::future::Future;

use tokio::sync::watch;

use crate::model::exit::Exit;

/// Whether someone asked bird to stop, how, and how often.
#[derive(Clone)]
pub struct Stop(watch::Receiver<Asked>);

#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    exit: Option<Exit>,
    times: u32,
}

impl Stop {
    /// Listens for signals from now on. `heard` is called for each with its number: the first stops
    /// bird after the running statement, the second cancels that statement on its server.
    pub fn listen(heard: impl Fn(u32, Exit) + Send + 'static) -> Stop {
        let (sender, receiver) = watch::channel(Asked::default());
        // From this line on, not from when the task first runs.
        let Ok(mut signals) = Signals::new() else {
            return Stop(receiver);
        };
        tokio::spawn(async move {
            for times in 1.. {
                let exit = signals.next().await;
                sender.send_replace(Asked {
                    exit: Some(exit),
                    times,
                });
                heard(times, exit);
            }
        });
        Stop(receiver)
    }

    /// A stop that nobody can ask for.
    pub fn never() -> Stop {
        Stop(watch::channel(Asked::default()).1)
    }

    /// The exit code of the signal that was received.
    pub fn asked(&self) -> Option<Exit> {
        self.0.borrow().exit
    }

    /// Ends when a second signal has come.
    pub async fn again(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| asked.times > 1).await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits for work that may be dropped at any moment; `Err` when a signal came first.
    pub async fn race<T>(&self, work: impl Future<Output = T>) -> Result<T, Exit> {
        let mut receiver = self.0.clone();
        let asked = async {
            match receiver.wait_for(|asked| asked.exit.is_some()).await {
                Ok(asked) => asked.exit.unwrap_or(Exit::Interrupted),
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
