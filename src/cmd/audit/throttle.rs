//! How fast an audit may go: rows each second, the lag of replicas, the load of servers.

use std::time::{Duration, Instant};

use super::task::Shared;

/// The limits of a run.
pub struct Throttle {
    /// Rows each second.
    pub rate: Option<u64>,
    begun: Instant,
}

/// How long one sleep is, so that a stop is noticed.
const NAP: Duration = Duration::from_millis(100);

impl Throttle {
    pub fn new(rate: Option<u64>) -> Throttle {
        Throttle {
            rate,
            begun: Instant::now(),
        }
    }

    /// How many parents a range may have, so that a pause comes about every second.
    pub fn step(&self, most: u64) -> u64 {
        self.rate.map_or(most, |rate| (rate / 4).clamp(100, most))
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
