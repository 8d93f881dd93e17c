//! How fast an audit may go: rows each second, the lag of replicas, the load of servers. Lanes wait
//! before they begin a range, and never inside a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::endpoints::Looked;
use super::error::RESUME;
use super::settings::{Progress, Settings};
use super::task::{Shared, Task};
use crate::db::limits::{INTERVAL, Monitor, MonitoredServer};
use crate::db::session::DbError;
use crate::model::diagnostic::{Diagnostic, Failure};

/// A statement reads about so many rows, at most: some ten seconds, for which a server keeps what
/// others delete meanwhile.
const LONG: u64 = 50_000_000;
/// As well, where servers are watched.
const WATCHED: u64 = 1_000_000;
/// The least number of parents that are worth a range.
const LEAST: u64 = 50_000;
/// How long one sleep is, so that a stop is noticed.
const NAP: Duration = Duration::from_millis(50);

/// The limits of a run, for all lanes.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Rows each second.
    rate: Option<u64>,
    /// Whether servers are asked how busy they are.
    watches: bool,
    begun: Instant,
    /// A server is too busy, or a replica too far behind; or nobody has looked yet.
    held: Arc<AtomicBool>,
}

impl Throttle {
    pub fn new(settings: &Settings<'_>) -> Throttle {
        let watches = settings.limits.are_set();
        Throttle {
            rate: settings.rate,
            watches,
            begun: Instant::now(),
            held: Arc::new(AtomicBool::new(watches)),
        }
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
        let least = if self.watches { WATCHED } else { LONG };
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

    /// Holds the lanes while servers are too busy; ends with what was wrong, where they cannot be
    /// asked any more.
    pub async fn follow(&self, settings: &Settings<'_>, monitor: Option<Monitor>) -> Diagnostic {
        let Some(mut monitor) = monitor else {
            return std::future::pending().await;
        };
        let following = async {
            let notice = |text: &str| (settings.progress)(Progress::Notice(text));
            if let Some(limit) = monitor.unobservable().await? {
                notice(limit);
            }
            loop {
                let held = monitor.is_exceeded(notice).await?;
                self.held.store(held, Ordering::Relaxed);
                tokio::time::sleep(INTERVAL).await;
            }
        };
        let ended: Result<std::convert::Infallible, Diagnostic> = following.await;
        match ended {
            Ok(never) => match never {},
            Err(fault) => fault.hint(RESUME),
        }
    }
}

/// Watches every server that is read from, the replicas among them, where a limit was named.
pub async fn monitor(
    settings: &Settings<'_>,
    looked: &[Looked],
) -> Result<Option<Monitor>, Failure> {
    if !settings.limits.are_set() {
        return Ok(None);
    }
    let mut servers = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let prepared = looked.iter().filter_map(|one| one.prepared.as_deref());
    for side in prepared.flat_map(|one| [&one.child, &one.parent]) {
        let place = side.read_at().shown();
        if seen.contains(&place) {
            continue;
        }
        let doing = "opening a session to look how busy it is";
        let failed = |error: DbError| error.diagnose(&side.database, doing);
        let session = side.reading().await;
        servers.push(MonitoredServer {
            name: side.database.clone(),
            session: session.map_err(|error| Failure::failed(failed(error)))?,
            target: side.read_at().clone(),
            replica: side.reader.is_some(),
        });
        seen.push(place);
    }
    Ok(Some(Monitor::new(&settings.limits, servers)))
}
