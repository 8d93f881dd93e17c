//! golang-migrate: one row, the version up to which everything is applied.

use super::{Ask, Original, Row, Told, Tool, UpTo, cell, is_false, number, unfinished};

pub static TOOL: Tool = Tool {
    name: "golang-migrate",
    tables: &["schema_migrations"],
    columns: &[("version", Ask::Text), ("dirty", Ask::Text)],
    never: None,
    beside: None,
    order: &["version"],
    read,
    is_unchanged: None,
    step: None,
    way_back: None,
};

fn read(rows: &[Row]) -> Told {
    let mut told = Told::default();
    for row in rows {
        let version = cell(row, 0).unwrap_or_default();
        if !is_false(cell(row, 1)) {
            let message = format!("the database is dirty at version {version}");
            let hint = "find out which statements of it are applied, finish or undo them by hand, \
                        then: migrate force VERSION";
            told.refused
                .push(unfinished("golang-migrate", message, hint));
            continue;
        }
        told.up_to.push(UpTo {
            last: Original {
                version: version.to_owned(),
                number: number(version),
                ..Original::default()
            },
            must_exist: true,
        });
    }
    told
}
