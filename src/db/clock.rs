//! Times as journal and history rows have them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The current time in UTC, as refinery writes it in its history.
pub fn now() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// The seconds since 1970 of a time as [`now`] writes it; `None` if it is no such time.
pub fn unix_seconds(time: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(time, &Rfc3339).ok()?;
    Some(time.unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_becomes_seconds() {
        assert_eq!(unix_seconds("1970-01-02T00:00:00.5Z"), Some(86_400));
        assert_eq!(unix_seconds("yesterday"), None);
        assert!(unix_seconds(&now()).is_some());
    }
}
