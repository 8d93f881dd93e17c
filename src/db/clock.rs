//! The time of journal and history rows.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The current time in UTC, as refinery writes it in its history.
pub fn now() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default()
}
