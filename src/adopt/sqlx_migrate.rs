//! sqlx: one row per migration, with the checksum of the file's bytes.

use sha2::{Digest as _, Sha384};

use super::{
    Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, cell, is_true, number, time, unfinished,
};
use crate::model::hex;

pub static TOOL: Tool = Tool {
    name: "sqlx",
    tables: &["_sqlx_migrations"],
    columns: &[
        ("version", Ask::Text),
        ("description", Ask::Text),
        ("installed_on", Ask::Time),
        ("success", Ask::Text),
        ("checksum", Ask::Hex),
    ],
    absent_column: None,
    companion_table: None,
    order: &["version"],
    read,
    is_unchanged: Some(is_unchanged),
    step: None,
    down_marker: None,
};

fn read(rows: &[ToolRow]) -> ForeignHistory {
    let mut history = ForeignHistory::default();
    for row in rows {
        let version = cell(row, 0).unwrap_or_default();
        if !is_true(cell(row, 3)) {
            let message = format!("{version} was started, but did not succeed");
            let hint = "find out which of its statements are applied, finish them by hand, and \
                        set `success` of its row";
            history.refused.push(unfinished("sqlx", message, hint));
            continue;
        }
        history.applied.push(ForeignMigration {
            version: version.to_owned(),
            number: number(version),
            about: cell(row, 1).map(str::to_owned),
            applied_on: time(row, 2),
            checksum: cell(row, 4).map(str::to_owned),
        });
    }
    history
}

/// Compares SHA-384 checksums over all bytes.
fn is_unchanged(text: &str, checksum: &str) -> bool {
    let hash = Sha384::digest(text);
    checksum.eq_ignore_ascii_case(&hex::digits(&hash))
}
