//! How fast an audit may go: rows each second, the lag of replicas, the load of servers. Lanes wait
//! before they begin a range, and never inside a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Args;
use super::ends::{Looked, Side};
use super::task::{Fault, Shared, Task};
use crate::cmd::Context;
use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::Trouble;
use crate::dialect::keys::Replication;

/// A statement reads about so many rows, at most: some ten seconds, for which a server keeps what
/// others delete meanwhile.
const LONG: u64 = 50_000_000;
/// As well, where servers are watched.
const WATCHED: u64 = 1_000_000;
/// The least number of parents that are worth a range.
const LEAST: u64 = 50_000;
/// How long one sleep is, so that a stop is noticed.
const NAP: Duration = Duration::from_millis(50);
/// How often servers are asked.
const ROUND: Duration = Duration::from_secs(1);

/// The limits of a run, for all lanes.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Rows each second.
    rate: Option<u64>,
    /// Seconds behind the primary.
    lag: Option<u64>,
    /// Statements that run on a server.
    load: Option<u64>,
    begun: Instant,
    /// A server is too busy, or a replica too far behind; or nobody has looked yet.
    held: Arc<AtomicBool>,
}

impl Throttle {
    pub fn new(args: &Args) -> Throttle {
        Throttle {
            rate: args.max_rate,
            lag: args.max_lag.map(|lag| lag.as_secs()),
            load: args.max_load,
            begun: Instant::now(),
            held: Arc::new(AtomicBool::new(
                args.max_lag.is_some() || args.max_load.is_some(),
            )),
        }
    }

    fn watches(&self) -> bool {
        self.lag.is_some() || self.load.is_some()
    }

    /// How many parents a range has; none where all keys are read by one statement.
    pub fn step(&self, task: &Task) -> Option<u64> {
        if let Some(rate) = self.rate {
            // A pause about every second.
            return Some((rate / 4).clamp(100, 200_000));
        }
        let members = task.members.iter();
        let rows: u64 = members
            .map(|member| member.child.estimate.rows.unwrap_or(0))
            .sum();
        let least = if self.watches() { WATCHED } else { LONG };
        let pieces = (rows / least).max(4 * task.lanes as u64 - 4);
        let parents = task.first()?.parent.estimate.rows.unwrap_or(0);
        (pieces > 0).then(|| (parents / (pieces + 1)).max(LEAST))
    }

    /// Waits until a lane may go on.
    pub async fn pause(&self, shared: &Shared) {
        while !shared.is_stopped() && (self.is_held() || self.is_too_fast(shared)) {
            tokio::time::sleep(NAP).await;
        }
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    fn is_too_fast(&self, shared: &Shared) -> bool {
        let Some(rate) = self.rate else { return false };
        let due = self.begun.elapsed().as_secs_f64() * rate.max(1) as f64;
        shared.read() as f64 > due
    }

    /// Asks the servers again and again whether to wait, until it is dropped; nothing is asked
    /// where no limit was named.
    pub async fn watch(&self, context: &Context, looked: &[Looked]) -> Result<(), Fault> {
        if !self.watches() {
            return std::future::pending().await;
        }
        let mut watched = watched(looked).await?;
        let (mut waits, mut is_first) = (false, true);
        loop {
            let (mut why, mut replicas) = (None, 0);
            for one in &mut watched {
                let asked = self.ask(one, &mut replicas).await;
                let failed = Fault::of(&one.side.database, "looking how busy it is");
                why = why.or(asked.map_err(failed)?);
            }
            if is_first && self.lag.is_some() && replicas == 0 {
                let none = "--max-lag: no server that is read from is known to be a replica";
                context.progress.notice(none);
            }
            match (&why, waits) {
                (Some(why), false) => context.progress.notice(&format!("waiting: {why}")),
                (None, true) => context.progress.notice("going on"),
                _ => {}
            }
            (waits, is_first) = (why.is_some(), false);
            self.held.store(waits, Ordering::Relaxed);
            tokio::time::sleep(ROUND).await;
        }
    }

    /// Why a server is to be left alone for a while. A session that broke is opened anew, because
    /// lanes would do that, too.
    async fn ask(
        &self,
        watched: &mut Watched<'_>,
        replicas: &mut usize,
    ) -> Result<Option<String>, DbError> {
        match self.too_much(watched, replicas).await {
            Err(error) if error.trouble == Trouble::Connection => {
                watched.session = watched.side.reading().await?;
                self.too_much(watched, replicas).await
            }
            told => told,
        }
    }

    async fn too_much(
        &self,
        watched: &mut Watched<'_>,
        replicas: &mut usize,
    ) -> Result<Option<String>, DbError> {
        let Watched { session, told, .. } = watched;
        if let Some(most) = self.lag
            && let Replication::Replica(following) = keys::replication(session).await?
        {
            *replicas += 1;
            match following.behind {
                None => return Ok(Some(format!("{told} does not follow"))),
                Some(lag) if lag > most => return Ok(Some(format!("{told} is {lag} s behind"))),
                Some(_) => {}
            }
        }
        if let Some(most) = self.load
            && let Some(running) = keys::load(session).await?
            && running > most
        {
            return Ok(Some(format!("{running} statements run on {told}")));
        }
        Ok(None)
    }
}

/// A server that is read from.
struct Watched<'l> {
    side: &'l Side,
    session: Session,
    /// What it is called.
    told: String,
}

/// A session with every server that is read from, the replicas among them.
async fn watched(looked: &[Looked]) -> Result<Vec<Watched<'_>>, Fault> {
    let mut watched: Vec<Watched<'_>> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let prepared = looked.iter().filter_map(|one| one.prepared.as_deref());
    for side in prepared.flat_map(|one| [&one.child, &one.parent]) {
        let place = side.read_at().shown();
        if seen.contains(&place) {
            continue;
        }
        let failed = Fault::of(&side.database, "opening a session to look how busy it is");
        let of = match side.reader.is_some() {
            true => "the replica",
            false => "the server",
        };
        watched.push(Watched {
            side,
            session: side.reading().await.map_err(failed)?,
            told: format!("{of} of {}", side.database),
        });
        seen.push(place);
    }
    Ok(watched)
}
