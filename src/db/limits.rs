//! Limits on how busy servers may be while bird works on them, and the sessions that check them.

use std::time::Duration;

use super::keys;
use super::session::{DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::keys::Replication;
use crate::model::diagnostic::Diagnostic;
use crate::model::target::Target;

/// Time between two checks of the servers.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// The limits of a run; without any, no server is asked.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// How far a replica may be behind.
    pub max_lag: Option<Duration>,
    /// How many statements may run on a server.
    pub max_load: Option<u64>,
}

impl Limits {
    /// Whether there is anything to ask servers for.
    pub fn are_set(&self) -> bool {
        self.max_lag.is_some() || self.max_load.is_some()
    }
}

/// A server that is checked.
pub struct MonitoredServer {
    /// The database of the run that it serves.
    pub name: String,
    pub session: Session,
    pub target: Target,
    /// Whether it was named as a replica.
    pub replica: bool,
}

/// The servers of a run with their limits.
pub struct Monitor {
    limits: Limits,
    servers: Vec<MonitoredServer>,
    /// Whether the last check exceeded a limit.
    held: bool,
}

impl Monitor {
    pub fn new(limits: &Limits, servers: Vec<MonitoredServer>) -> Monitor {
        Monitor {
            limits: limits.clone(),
            servers,
            held: false,
        }
    }

    /// Asks every server whether to wait; `notice` hears when the answer changes.
    pub async fn is_exceeded(&mut self, notice: impl Fn(&str)) -> Result<bool, Diagnostic> {
        let why = self.ask().await?.why;
        match (&why, self.held) {
            (Some(why), false) => notice(&format!("waiting: {why}")),
            (None, true) => notice("going on"),
            _ => {}
        }
        self.held = why.is_some();
        Ok(self.held)
    }

    /// A complaint about a limit that none of the servers can report on; `None` if there is none.
    pub async fn unobservable(&mut self) -> Result<Option<&'static str>, Diagnostic> {
        let observed = self.ask().await?;
        Ok(if self.limits.max_lag.is_some() && !observed.lag {
            Some("--max-lag: no server of this run is known to be a replica")
        } else if self.limits.max_load.is_some() && !observed.load {
            Some("--max-load: no server of this run reports how many statements it runs")
        } else {
            None
        })
    }

    async fn ask(&mut self) -> Result<Observed, Diagnostic> {
        let mut observed = Observed::default();
        for server in &mut self.servers {
            let asked = server.ask_with_reconnect(&self.limits, &mut observed).await;
            asked
                .map_err(|error| error.diagnose(&server.name, "checking the load of its server"))?;
        }
        Ok(observed)
    }

    pub async fn close(self) {
        for server in self.servers {
            server.session.close().await;
        }
    }
}

/// The answers of one check.
#[derive(Default)]
struct Observed {
    /// Whether a server reported how far behind it is.
    lag: bool,
    /// Whether a server reported how many statements run on it.
    load: bool,
    /// The first limit that is exceeded.
    why: Option<String>,
}

impl MonitoredServer {
    /// Checks, in a new session if the old one broke: the workers on that server reconnect, too.
    async fn ask_with_reconnect(
        &mut self,
        limits: &Limits,
        observed: &mut Observed,
    ) -> Result<(), DbError> {
        match self.ask(limits, observed).await {
            Err(error) if error.kind == ErrorKind::Connection => {
                self.session = self.session.another(&self.target).await?;
                self.ask(limits, observed).await
            }
            asked => asked,
        }
    }

    async fn ask(&mut self, limits: &Limits, observed: &mut Observed) -> Result<(), DbError> {
        let kind = if self.replica { "replica" } else { "server" };
        let (name, session) = (format!("the {kind} of {}", self.name), &mut self.session);
        let mut why = None;
        if let Some(most) = limits.max_lag
            && let Replication::Replica(following) = keys::replication(session).await?
        {
            observed.lag = true;
            why = behind(following.behind, most).map(|behind| format!("{name} {behind}"));
        }
        if let Some(most) = limits.max_load
            && let Some(running) = keys::load(session).await?
        {
            observed.load = true;
            let is_busy = running > most;
            why = why.or_else(|| is_busy.then(|| format!("{running} statements run on {name}")));
        }
        observed.why = observed.why.take().or(why);
        Ok(())
    }
}

/// A complaint about a replica's lag; `None` if it is within the limit.
fn behind(lag: Option<u64>, most: Duration) -> Option<String> {
    match lag {
        None => Some("does not replicate".to_owned()),
        Some(lag) => (Duration::from_secs(lag) > most).then(|| format!("is {lag} s behind")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_exceeds_its_limit_if_it_lags_or_does_not_follow() {
        let most = Duration::from_millis(2500);
        assert_eq!(behind(Some(0), most), None);
        assert_eq!(behind(Some(2), most), None);
        assert_eq!(behind(Some(3), most).as_deref(), Some("is 3 s behind"));
        assert_eq!(behind(None, most).as_deref(), Some("does not replicate"));
    }
}
