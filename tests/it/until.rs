//! Waiting for something to become true, with an end.

use std::time::{Duration, Instant};

/// Asks again and again; a condition that never comes is a failure that names it.
#[track_caller]
pub fn until(what: &str, mut met: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !met() {
        assert!(Instant::now() < end, "this never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
