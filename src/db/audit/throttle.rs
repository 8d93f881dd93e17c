//! Limits the speed of an audit: rows per second, lag of replicas, load of servers. Workers wait
//! before they begin a range, never inside a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::endpoints::Inspected;
use super::error::RESUME;
use super::settings::{Progress, Settings};
use super::task::{Shared, Task};
use crate::db::limits::{INTERVAL, Monitor, MonitoredServer};
use crate::db::session::DbError;
use crate::model::diagnostic::{Diagnostic, Failure};

/// The most rows of one statement: about ten seconds, during which the server keeps old row
/// versions.
const STATEMENT_ROWS: u64 = 50_000_000;
/// The same if the load of servers is limited.
const MONITORED_STATEMENT_ROWS: u64 = 1_000_000;
/// The fewest parents in a range.
const MIN_RANGE: u64 = 50_000;
/// The length of one sleep, so that a request to stop is noticed.
const NAP: Duration = Duration::from_millis(50);

/// The limits of a run, shared by all workers.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// The most rows per second.
    rate: Option<u64>,
    /// Whether the load or lag of servers is limited.
    monitors: bool,
    begun: Instant,
    /// Whether a limit is exceeded, or was not checked yet.
    paused: Arc<AtomicBool>,
}

impl Throttle {
    pub fn new(settings: &Settings<'_>) -> Throttle {
        let monitors = settings.limits.are_set();
        Throttle {
            rate: settings.rate,
            monitors,
            begun: Instant::now(),
            paused: Arc::new(AtomicBool::new(monitors)),
        }
    }

    /// The number of parents in a range; `None` if one statement reads all keys.
    pub fn step(&self, task: &Task) -> Option<u64> {
        if let Some(rate) = self.rate {
            // About four ranges per second.
            return Some((rate / 4).clamp(100, 200_000));
        }
        let members = task.members.iter();
        let rows: u64 = members
            .map(|member| member.child.estimate.rows.unwrap_or(0))
            .sum();
        let least = if self.monitors {
            MONITORED_STATEMENT_ROWS
        } else {
            STATEMENT_ROWS
        };
        let pieces = (rows / least).max(4 * task.workers as u64 - 4);
        let parents = task.lead.parent.estimate.rows.unwrap_or(0);
        (pieces > 0).then(|| (parents / (pieces + 1)).max(MIN_RANGE))
    }

    /// Waits until a worker may continue.
    pub async fn pause(&self, shared: &Shared) {
        while !shared.is_stopped() && (self.is_paused() || self.is_too_fast(shared)) {
            tokio::time::sleep(NAP).await;
        }
    }

    fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    fn is_too_fast(&self, shared: &Shared) -> bool {
        let Some(rate) = self.rate else { return false };
        let due = self.begun.elapsed().as_secs_f64() * rate.max(1) as f64;
        shared.read() as f64 > due
    }

    /// Pauses the workers while a limit is exceeded; ends only if a server can no longer be asked.
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
                let paused = monitor.is_exceeded(notice).await?;
                self.paused.store(paused, Ordering::Relaxed);
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

/// Opens sessions with all servers that are read, replicas included, if a limit was set.
pub async fn monitor(
    settings: &Settings<'_>,
    inspected: &[Inspected],
) -> Result<Option<Monitor>, Failure> {
    if !settings.limits.are_set() {
        return Ok(None);
    }
    let mut servers = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let prepared = inspected.iter().filter_map(|one| one.prepared.as_deref());
    for endpoint in prepared.flat_map(|one| [&one.child, &one.parent]) {
        let place = endpoint.read_at().shown();
        if seen.contains(&place) {
            continue;
        }
        let doing = "opening a session to check its load";
        let failed = |error: DbError| error.diagnose(&endpoint.database, doing);
        let session = endpoint.reading().await;
        servers.push(MonitoredServer {
            name: endpoint.database.clone(),
            session: session.map_err(|error| Failure::failed(failed(error)))?,
            target: endpoint.read_at().clone(),
            replica: endpoint.read_replica.is_some(),
        });
        seen.push(place);
    }
    Ok(Some(Monitor::new(&settings.limits, servers)))
}
