//! How busy servers may be while bird works on them: the flags, and whoever asks the servers.

use std::time::Duration;

use super::open;
use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::Trouble;
use crate::dialect::keys::Replication;
use crate::model::diagnostic::Diagnostic;
use crate::model::target::Target;
use crate::output::progress::Progress;
use crate::project::parse_duration;

/// How often servers are asked.
pub const ROUND: Duration = Duration::from_secs(1);

/// Flags of every command that makes room for other work on its servers.
#[derive(Debug, Clone, clap::Args)]
pub struct Limits {
    /// Wait while a replica is further behind: 5s, 1m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub max_lag: Option<Duration>,
    /// Wait while more statements run on a server
    #[arg(long, value_name = "N")]
    pub max_load: Option<u64>,
}

impl Limits {
    /// Whether there is anything to ask servers for.
    pub fn are_set(&self) -> bool {
        self.max_lag.is_some() || self.max_load.is_some()
    }
}

/// A server that can be asked.
pub struct Watched {
    /// The database that it is asked for.
    pub name: String,
    pub session: Session,
    /// Where it is.
    pub target: Target,
    /// It was named as a replica.
    pub replica: bool,
}

/// Servers that are asked again and again whether to wait.
pub struct Watch {
    limits: Limits,
    servers: Vec<Watched>,
    /// Whether to wait, as it was the last time.
    held: bool,
}

impl Watch {
    pub fn new(limits: &Limits, servers: Vec<Watched>) -> Watch {
        Watch {
            limits: limits.clone(),
            servers,
            held: false,
        }
    }

    /// Asks every server whether to wait, and tells people when that changes.
    pub async fn is_too_much(&mut self, progress: &Progress) -> Result<bool, Diagnostic> {
        let why = self.ask().await?.why;
        match (&why, self.held) {
            (Some(why), false) => progress.notice(&format!("waiting: {why}")),
            (None, true) => progress.notice("going on"),
            _ => {}
        }
        self.held = why.is_some();
        Ok(self.held)
    }

    /// Which limit none of the servers can ever reach.
    pub async fn in_vain(&mut self) -> Result<Option<&'static str>, Diagnostic> {
        let told = self.ask().await?;
        Ok(if self.limits.max_lag.is_some() && !told.lag {
            Some("--max-lag: no server of this run is known to be a replica")
        } else if self.limits.max_load.is_some() && !told.load {
            Some("--max-load: no server of this run tells how many statements run on it")
        } else {
            None
        })
    }

    async fn ask(&mut self) -> Result<Told, Diagnostic> {
        let mut told = Told::default();
        for server in &mut self.servers {
            let asked = server.ask_anew(&self.limits, &mut told).await;
            asked.map_err(|error| {
                let doing = "looking how busy its server is";
                open::cannot_ask_of(&server.name, doing, &error)
            })?;
        }
        Ok(told)
    }

    pub async fn close(self) {
        for server in self.servers {
            server.session.close().await;
        }
    }
}

/// What servers have told.
#[derive(Default)]
struct Told {
    /// One of them, how far behind it is.
    lag: bool,
    /// One of them, how many statements run on it.
    load: bool,
    /// Why to wait.
    why: Option<String>,
}

impl Watched {
    /// Asks in a new session where the one that there was has broken, because those who work on the
    /// server begin anew, too.
    async fn ask_anew(&mut self, limits: &Limits, told: &mut Told) -> Result<(), DbError> {
        match self.ask(limits, told).await {
            Err(error) if error.trouble == Trouble::Connection => {
                self.session = self.session.another(&self.target).await?;
                self.ask(limits, told).await
            }
            asked => asked,
        }
    }

    async fn ask(&mut self, limits: &Limits, told: &mut Told) -> Result<(), DbError> {
        let kind = if self.replica { "replica" } else { "server" };
        let (name, session) = (format!("the {kind} of {}", self.name), &mut self.session);
        let mut why = None;
        if let Some(most) = limits.max_lag
            && let Replication::Replica(following) = keys::replication(session).await?
        {
            told.lag = true;
            why = behind(following.behind, most).map(|behind| format!("{name} {behind}"));
        }
        if let Some(most) = limits.max_load
            && let Some(running) = keys::load(session).await?
        {
            told.load = true;
            let is_busy = running > most;
            why = why.or_else(|| is_busy.then(|| format!("{running} statements run on {name}")));
        }
        told.why = told.why.take().or(why);
        Ok(())
    }
}

/// What is wrong with a replica that is so many seconds behind, if anything is.
fn behind(lag: Option<u64>, most: Duration) -> Option<String> {
    match lag {
        None => Some("does not follow".to_owned()),
        Some(lag) => (Duration::from_secs(lag) > most).then(|| format!("is {lag} s behind")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_waited_for_while_it_is_further_behind_or_does_not_follow() {
        let most = Duration::from_millis(2500);
        assert_eq!(behind(Some(0), most), None);
        assert_eq!(behind(Some(2), most), None);
        assert_eq!(behind(Some(3), most).as_deref(), Some("is 3 s behind"));
        assert_eq!(behind(None, most).as_deref(), Some("does not follow"));
    }
}
