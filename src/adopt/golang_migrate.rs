//! golang-migrate: one row, the version up to which everything is applied.

use super::{
    Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, UpTo, cell, is_false, number, unfinished,
};

pub static TOOL: Tool = Tool {
    name: "golang-migrate",
    tables: &["schema_migrations"],
    columns: &[("version", Ask::Text), ("dirty", Ask::Text)],
    absent_column: None,
    companion_table: None,
    order: &["version"],
    read,
    is_unchanged: None,
    step: None,
    down_marker: None,
};

fn read(rows: &[ToolRow]) -> ForeignHistory {
    let mut history = ForeignHistory::default();
    for row in rows {
        let version = cell(row, 0).unwrap_or_default();
        if !is_false(cell(row, 1)) {
            let message = format!("the database is dirty at version {version}");
            let hint = "find out which of its statements are applied, finish or undo them by hand, \
                then: migrate force VERSION";
            history
                .refused
                .push(unfinished("golang-migrate", message, hint));
            continue;
        }
        history.up_to.push(UpTo {
            last: ForeignMigration {
                version: version.to_owned(),
                number: number(version),
                ..ForeignMigration::default()
            },
            must_exist: true,
        });
    }
    history
}
