//! Prisma Migrate: one row per attempt, with the checksum of its `migration.sql`.

use sha2::{Digest as _, Sha256};

use super::{Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, cell, number, time, unfinished};
use crate::model::hex;

pub static TOOL: Tool = Tool {
    name: "prisma",
    tables: &["_prisma_migrations"],
    columns: &[
        ("migration_name", Ask::Text),
        ("checksum", Ask::Text),
        // Once as a text, for whether it is set, and once as a time.
        ("finished_at", Ask::Text),
        ("finished_at", Ask::UtcTime),
        ("rolled_back_at", Ask::Text),
        ("started_at", Ask::UtcTime),
    ],
    absent_column: None,
    companion_table: None,
    order: &["started_at", "migration_name"],
    read,
    is_unchanged: Some(is_unchanged),
    step: None,
    down_marker: None,
};

fn read(rows: &[ToolRow]) -> ForeignHistory {
    let mut history = ForeignHistory::default();
    for row in rows {
        let name = cell(row, 0).unwrap_or_default();
        let (finished, rolled_back) = (cell(row, 2).is_some(), cell(row, 4).is_some());
        if rolled_back {
            continue;
        }
        if !finished {
            let message = format!("{name} was started, but neither finished nor rolled back");
            let hint = "first resolve it with Prisma: prisma migrate resolve";
            history.refused.push(unfinished("prisma", message, hint));
            continue;
        }
        // `20240101120000_init`: the number is the version, the rest is a name.
        let digits = name.split('_').next().unwrap_or_default();
        history.applied.retain(|earlier| earlier.version != name);
        history.applied.push(ForeignMigration {
            version: name.to_owned(),
            number: number(digits),
            about: None,
            applied_on: time(row, 3),
            checksum: cell(row, 1)
                .filter(|sum| !sum.is_empty())
                .map(str::to_owned),
        });
    }
    history
}

/// Compares SHA-256 checksums with either line ending; early versions left out leading zeros.
fn is_unchanged(text: &str, checksum: &str) -> bool {
    let lines = text.replace("\r\n", "\n");
    let texts = [text.to_owned(), lines, text.replace('\n', "\r\n")];
    texts.iter().any(|text| {
        let hash = Sha256::digest(text);
        let digits = hex::digits(&hash);
        let early: String = hash.iter().map(|byte| format!("{byte:x}")).collect();
        checksum == digits || checksum == early
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_prismas() {
        let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert!(is_unchanged("hello", hello));
        // As early versions wrote it: `0e` is `e`, and `04` is `4`.
        let early = "2cf24dba5fb0a3e26e83b2ac5b9e29e1b161e5c1fa7425e7343362938b9824";
        assert!(is_unchanged("hello", early));
        assert!(!is_unchanged("hello\n", hello));
        let dos = Sha256::digest("a\r\nb");
        assert!(is_unchanged("a\nb", &hex::digits(&dos)));
    }
}
