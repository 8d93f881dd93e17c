//! How fast an audit may go: rows each second, the lag of replicas, the load of servers.

use std::time::{Duration, Instant};

use super::task::{Shared, Task};

/// The limits of a run.
pub struct Throttle {
    /// Rows each second.
    pub rate: Option<u64>,
    begun: Instant,
}

/// A statement reads about so many rows, at most: some ten seconds, for which a server keeps what
/// others delete meanwhile.
const LONG: u64 = 50_000_000;
/// The least number of parents that are worth a range.
const LEAST: u64 = 50_000;
/// How long one sleep is, so that a stop is noticed.
const NAP: Duration = Duration::from_millis(100);

impl Throttle {
    pub fn new(rate: Option<u64>) -> Throttle {
        Throttle {
            rate,
            begun: Instant::now(),
        }
    }

    /// How many parents a range has; none where all keys are read by one statement.
    pub fn step(&self, task: &Task) -> Option<u64> {
        if let Some(rate) = self.rate {
            // A pause about every second.
            return Some((rate / 4).clamp(100, 200_000));
        }
        let rows = task
            .members
            .iter()
            .map(|member| member.child.estimate.rows.unwrap_or(0));
        let pieces = (rows.sum::<u64>() / LONG).max(4 * task.lanes as u64 - 4);
        let parents = task.first()?.parent.estimate.rows.unwrap_or(0);
        (pieces > 0).then(|| (parents / (pieces + 1)).max(LEAST))
    }

    /// Waits until it may go on.
    pub async fn pause(&self, shared: &Shared) {
        while !shared.is_stopped() && self.is_too_fast(shared) {
            tokio::time::sleep(NAP).await;
        }
    }

    fn is_too_fast(&self, shared: &Shared) -> bool {
        let Some(rate) = self.rate else { return false };
        let read = shared.read();
        let due = self.begun.elapsed().as_secs_f64() * rate.max(1) as f64;
        read as f64 > due
    }
}
