//! Diesel: one row per migration; its folder's date and time without dashes is the version.

use super::{Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, cell, number, time};

pub static TOOL: Tool = Tool {
    name: "diesel",
    tables: &["__diesel_schema_migrations"],
    columns: &[("version", Ask::Text), ("run_on", Ask::Time)],
    absent_column: None,
    companion_table: None,
    order: &["version"],
    read,
    is_unchanged: None,
    step: None,
    down_marker: None,
};

fn read(rows: &[ToolRow]) -> ForeignHistory {
    let applied = rows.iter().map(|row| {
        let version = cell(row, 0).unwrap_or_default();
        ForeignMigration {
            version: version.to_owned(),
            number: number(&version.replace('-', "")),
            applied_on: time(row, 1),
            ..ForeignMigration::default()
        }
    });
    ForeignHistory {
        applied: applied.collect(),
        ..ForeignHistory::default()
    }
}
