//! How busy servers may be while bird works on them: the flags, and whoever asks the servers.

use std::time::Duration;

use super::open;
use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::keys::Replication;
use crate::model::diagnostic::Diagnostic;
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
pub struct Server {
    /// The database that it is asked for.
    pub name: String,
    pub session: Session,
    /// It was named as a replica.
    pub replica: bool,
}

/// A server that is asked, and what it can tell.
struct Asked {
    server: Server,
    /// It follows another server, so that it can be behind.
    follows: bool,
    /// It tells how many statements run on it.
    counts: bool,
}

/// Servers that are asked again and again whether to wait.
pub struct Watch {
    limits: Limits,
    asked: Vec<Asked>,
    /// What was told the last time.
    held: bool,
}

impl Watch {
    /// Refuses a limit that none of the servers could ever reach, and a replica that is none.
    pub async fn new(limits: &Limits, servers: Vec<Server>) -> Result<Watch, Diagnostic> {
        let mut asked = Vec::new();
        let mut denied = None;
        for mut server in servers {
            let (name, session) = (&server.name, &mut server.session);
            let standing = keys::replication(session).await;
            let standing = standing.map_err(|error| cannot(name, &error))?;
            let follows = matches!(standing, Replication::Replica(_));
            if standing == Replication::Unknown {
                denied = Some(name.clone());
            }
            if limits.max_lag.is_some() && server.replica && !follows {
                return Err(no_replica(denied.as_deref(), Some(name)));
            }
            let running = keys::load(session).await;
            let counts = running.map_err(|error| cannot(name, &error))?.is_some();
            asked.push(Asked {
                server,
                follows,
                counts,
            });
        }
        if limits.max_lag.is_some() && !asked.iter().any(|one| one.follows) {
            return Err(no_replica(denied.as_deref(), None));
        }
        if limits.max_load.is_some() && !asked.iter().any(|one| one.counts) {
            let message = "--max-load: no server here tells how many statements it runs";
            let fault = Diagnostic::error("usage", message);
            return Err(fault.hint("--max-rate slows bird down everywhere"));
        }
        Ok(Watch {
            limits: limits.clone(),
            asked,
            held: false,
        })
    }

    /// Asks every server whether to wait, and tells people when that changes.
    pub async fn is_too_much(&mut self, progress: &Progress) -> Result<bool, Diagnostic> {
        let mut why = None;
        for one in &mut self.asked {
            let asked = one.too_much(&self.limits).await;
            why = why.or(asked.map_err(|error| cannot(&one.server.name, &error))?);
        }
        match (&why, self.held) {
            (Some(why), false) => progress.notice(&format!("waiting: {why}")),
            (None, true) => progress.notice("going on"),
            _ => {}
        }
        self.held = why.is_some();
        Ok(self.held)
    }

    pub async fn close(self) {
        for one in self.asked {
            one.server.session.close().await;
        }
    }
}

impl Asked {
    /// Why it is to be left alone for a while.
    async fn too_much(&mut self, limits: &Limits) -> Result<Option<String>, DbError> {
        let (name, session) = (&self.server.name, &mut self.server.session);
        if let Some(most) = limits.max_lag.filter(|_| self.follows)
            && let Replication::Replica(lag) = keys::replication(session).await?
            && let Some(behind) = behind(lag, most)
        {
            return Ok(Some(format!("the replica of {name} {behind}")));
        }
        if let Some(most) = limits.max_load
            && let Some(running) = keys::load(session).await?
            && running > most
        {
            let why = format!("{running} statements run on the server of {name}");
            return Ok(Some(why));
        }
        Ok(None)
    }
}

/// What is wrong with a replica that is so many seconds behind, if anything is.
fn behind(lag: Option<u64>, most: Duration) -> Option<String> {
    match lag {
        None => Some("does not follow".to_owned()),
        Some(lag) => (Duration::from_secs(lag) > most).then(|| format!("is {lag} s behind")),
    }
}

fn cannot(name: &str, error: &DbError) -> Diagnostic {
    open::cannot_ask_of(name, "looking how busy its server is", error)
}

/// Why there is no lag to look at: a server does not tell, or nothing follows; the one that was
/// named for a database, or any.
fn no_replica(denied: Option<&str>, named: Option<&str>) -> Diagnostic {
    let message = "--max-lag: there is no replica to look at";
    let fault = Diagnostic::error("usage", message).hint("name one: --replica NAME=URL");
    fault.note(match (denied, named) {
        (Some(name), _) => {
            format!("the account of `{name}` may not ask whether its server follows another one")
        }
        (None, Some(name)) => {
            format!("the server that was named as a replica of `{name}` follows no other")
        }
        (None, None) => "none of the servers follows another one".to_owned(),
    })
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
