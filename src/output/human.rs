//! Numbers and durations as people read them.

use std::time::Duration;

use crate::model::count::grouped;

/// A duration: `1.2 ms`, `12 ms`, `7.0 s`, `2 min 5 s`, `3 h 12 min`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() < 10 => format!("{:.1} ms", duration.as_secs_f64() * 1000.0),
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A duration in whole seconds: `7 s`, `2 min 5 s`.
#[must_use]
pub fn seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => duration(time),
    }
}

/// A count with separators: `1,494`.
#[must_use]
pub fn count(number: u64) -> String {
    grouped(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_unit_that_fits() {
        let shown = |milliseconds| duration(Duration::from_millis(milliseconds));
        assert_eq!(duration(Duration::from_micros(1234)), "1.2 ms");
        assert_eq!(shown(12), "12 ms");
        assert_eq!(shown(999), "999 ms");
        assert_eq!(shown(7_022), "7.0 s");
        assert_eq!(shown(59_900), "59.9 s");
        assert_eq!(shown(125_000), "2 min 5 s");
        assert_eq!(shown(11_520_000), "3 h 12 min");
        assert_eq!(seconds(Duration::from_millis(59_999)), "59 s");
        assert_eq!(seconds(Duration::from_secs(60)), "1 min 0 s");
    }

    #[test]
    fn counts_have_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_494), "1,494");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
