//! Diesel: one row per migration; its folder's date and time without dashes is the version.

use super::{Ask, Original, Row, Told, Tool, cell, number, time};

pub static TOOL: Tool = Tool {
    name: "diesel",
    tables: &["__diesel_schema_migrations"],
    columns: &[("version", Ask::Text), ("run_on", Ask::Time)],
    never: None,
    beside: None,
    order: &["version"],
    read,
    is_unchanged: None,
    step: None,
    way_back: None,
};

fn read(rows: &[Row]) -> Told {
    let applied = rows.iter().map(|row| {
        let version = cell(row, 0).unwrap_or_default();
        Original {
            version: version.to_owned(),
            number: number(&version.replace('-', "")),
            applied_on: time(row, 1),
            ..Original::default()
        }
    });
    Told {
        applied: applied.collect(),
        ..Told::default()
    }
}
