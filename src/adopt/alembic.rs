//! Alembic: one row per head of a graph of revisions; what led there is applied as well.

use super::{Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, VersionStep, cell, number};

pub static TOOL: Tool = Tool {
    name: "alembic",
    tables: &["alembic_version"],
    columns: &[("version_num", Ask::Text)],
    absent_column: None,
    companion_table: None,
    order: &["version_num"],
    read,
    is_unchanged: None,
    step: Some(step),
    down_marker: None,
};

fn read(rows: &[ToolRow]) -> ForeignHistory {
    let heads = rows.iter().map(|row| {
        let version = cell(row, 0).unwrap_or_default();
        ForeignMigration {
            version: version.to_owned(),
            number: number(version),
            ..ForeignMigration::default()
        }
    });
    ForeignHistory {
        heads: heads.collect(),
        ..ForeignHistory::default()
    }
}

/// `Running upgrade a, b -> c`, as `alembic upgrade --sql` writes it above each revision.
fn step(comment: &str) -> Option<VersionStep> {
    let (from, to) = comment.strip_prefix("Running upgrade")?.split_once("->")?;
    let list = |side: &str| -> Vec<String> {
        let names = side.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    // What follows the revisions is its message.
    let to = to.trim_start().split(char::is_whitespace).next()?;
    Some(VersionStep {
        from: list(from),
        to: list(to),
    })
}
