//! goose: a log of what went up and down; the last row of a version counts.

use super::{Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, cell, is_true, number, time};

pub static TOOL: Tool = Tool {
    name: "goose",
    tables: &["goose_db_version"],
    columns: &[
        ("id", Ask::Text),
        ("version_id", Ask::Text),
        ("is_applied", Ask::Text),
        ("tstamp", Ask::Time),
    ],
    absent_column: None,
    companion_table: None,
    order: &["id"],
    read,
    is_unchanged: None,
    step: None,
    down_marker: Some("+goose Down"),
};

fn read(rows: &[ToolRow]) -> ForeignHistory {
    let mut history = ForeignHistory::default();
    for row in rows {
        let version = cell(row, 1).unwrap_or_default();
        // The first row of the log is not a migration.
        if number(version) == Some(0) {
            continue;
        }
        history.applied.retain(|earlier| earlier.version != version);
        if is_true(cell(row, 2)) {
            history.applied.push(ForeignMigration {
                version: version.to_owned(),
                number: number(version),
                applied_on: time(row, 3),
                ..ForeignMigration::default()
            });
        }
    }
    history
}
