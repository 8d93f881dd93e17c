//! dbmate: one row per migration, nothing but its version.

use super::{Ask, Original, Row, Told, Tool, cell, number};

/// The companion table that Rails has and dbmate has not.
pub const RAILS_COMPANION_TABLE: &str = "ar_internal_metadata";

pub static TOOL: Tool = Tool {
    name: "dbmate",
    tables: &["schema_migrations"],
    columns: &[("version", Ask::Text)],
    never: Some("dirty"),
    beside: Some((RAILS_COMPANION_TABLE, false)),
    order: &["version"],
    read,
    is_unchanged: None,
    step: None,
    way_back: Some("migrate:down"),
};

pub fn read(rows: &[Row]) -> Told {
    let applied = rows.iter().map(|row| {
        let version = cell(row, 0).unwrap_or_default();
        Original {
            version: version.to_owned(),
            number: number(version),
            ..Original::default()
        }
    });
    Told {
        applied: applied.collect(),
        ..Told::default()
    }
}
