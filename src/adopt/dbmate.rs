//! dbmate: one row per migration, with only its version.

use super::{Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, cell, number};

/// The companion table that Rails has and dbmate has not.
pub const RAILS_COMPANION_TABLE: &str = "ar_internal_metadata";

pub static TOOL: Tool = Tool {
    name: "dbmate",
    tables: &["schema_migrations"],
    columns: &[("version", Ask::Text)],
    absent_column: Some("dirty"),
    companion_table: Some((RAILS_COMPANION_TABLE, false)),
    order: &["version"],
    read,
    is_unchanged: None,
    step: None,
    down_marker: Some("migrate:down"),
};

pub fn read(rows: &[ToolRow]) -> ForeignHistory {
    let applied = rows.iter().map(|row| {
        let version = cell(row, 0).unwrap_or_default();
        ForeignMigration {
            version: version.to_owned(),
            number: number(version),
            ..ForeignMigration::default()
        }
    });
    ForeignHistory {
        applied: applied.collect(),
        ..ForeignHistory::default()
    }
}
