//! sqlx: one row per migration, with the checksum of the file's bytes.

use sha2::{Digest as _, Sha384};

use super::{Ask, Original, Row, Told, Tool, cell, is_true, number, time, unfinished};
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
    never: None,
    beside: None,
    order: &["version"],
    read,
    is_unchanged: Some(is_unchanged),
    step: None,
    way_back: None,
};

fn read(rows: &[Row]) -> Told {
    let mut told = Told::default();
    for row in rows {
        let version = cell(row, 0).unwrap_or_default();
        if !is_true(cell(row, 3)) {
            let message = format!("{version} was begun and has not ended well");
            let hint = "find out which of its statements are applied, finish them by hand, and \
                        set `success` of its row";
            told.refused.push(unfinished("sqlx", message, hint));
            continue;
        }
        told.applied.push(Original {
            version: version.to_owned(),
            number: number(version),
            about: cell(row, 1).map(str::to_owned),
            applied_on: time(row, 2),
            checksum: cell(row, 4).map(str::to_owned),
        });
    }
    told
}

/// SHA-384 over all bytes.
fn is_unchanged(text: &str, checksum: &str) -> bool {
    let hash = Sha384::digest(text);
    checksum.eq_ignore_ascii_case(&hex::digits(&hash))
}
