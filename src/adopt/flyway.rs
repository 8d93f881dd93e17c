//! Flyway: one row per migration, with versions of several parts, baselines and undos.

use super::{
    Ask, ForeignHistory, ForeignMigration, Tool, ToolRow, UpTo, cell, is_true, number, time,
    unfinished,
};

pub static TOOL: Tool = Tool {
    name: "flyway",
    tables: &["flyway_schema_history", "schema_version"],
    columns: &[
        ("installed_rank", Ask::Text),
        ("version", Ask::Text),
        ("description", Ask::Text),
        ("type", Ask::Text),
        ("script", Ask::Text),
        ("checksum", Ask::Text),
        ("installed_on", Ask::Time),
        ("success", Ask::Text),
    ],
    absent_column: None,
    companion_table: None,
    order: &["installed_rank"],
    read,
    is_unchanged: Some(is_unchanged),
    step: None,
    down_marker: None,
};

fn read(rows: &[ToolRow]) -> ForeignHistory {
    let mut history = ForeignHistory::default();
    for row in rows {
        let kind = cell(row, 3).unwrap_or_default();
        let script = cell(row, 4).unwrap_or_default();
        let version = cell(row, 1);
        // The row of the creation of the schema or of its own table.
        if matches!(kind, "SCHEMA" | "TABLE") {
            continue;
        }
        if !is_true(cell(row, 7)) {
            let failed = version.map_or(script, |version| version);
            let message = format!("{failed} failed and was not repaired");
            let hint = "let Flyway finish or repair it first";
            history.refused.push(unfinished("flyway", message, hint));
            continue;
        }
        // A repeatable migration has no version: its script is its name.
        let original = ForeignMigration {
            version: version.unwrap_or(script).to_owned(),
            number: version.and_then(number),
            about: cell(row, 2).map(str::to_owned),
            applied_on: time(row, 6),
            checksum: cell(row, 5).filter(|_| kind == "SQL").map(str::to_owned),
        };
        let last = original.version.clone();
        // A repeatable migration that ran again, or a row that reverts another one.
        history.applied.retain(|earlier| earlier.version != last);
        if kind.ends_with("BASELINE") || kind == "INIT" {
            history.up_to.push(UpTo {
                last: original,
                must_exist: false,
            });
        } else if !kind.starts_with("UNDO") && kind != "DELETE" {
            history.applied.push(original);
        }
    }
    history
}

/// CRC-32 over the lines without their ends, as a signed number.
fn is_unchanged(text: &str, checksum: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut hash = crc32fast::Hasher::new();
    for line in text.split(['\n', '\r']) {
        hash.update(line.as_bytes());
    }
    let hash = i32::from_ne_bytes(hash.finalize().to_ne_bytes());
    checksum.parse() == Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_lines_and_a_byte_order_mark_do_not_count() {
        // The CRC-32 of `ab` is 0x9e83486d.
        for text in ["ab", "a\nb\n", "a\r\nb\r\n", "\u{feff}a\rb"] {
            assert!(is_unchanged(text, "-1635563411"), "{text:?}");
        }
        assert!(!is_unchanged("a b", "-1635563411"));
        assert!(!is_unchanged("ab", "x"));
    }

    #[test]
    fn later_rows_take_earlier_ones_back() {
        let row = |version: Option<&str>, kind: &str, script: &str| -> ToolRow {
            let cells = [Some("1"), version, Some("x"), Some(kind), Some(script)];
            let rest = [None, None, Some("t")];
            let all = cells.into_iter().chain(rest);
            all.map(|cell| cell.map(str::to_owned)).collect()
        };
        let history = read(&[
            row(None, "SCHEMA", "\"public\""),
            row(Some("1"), "BASELINE", "<< Flyway Baseline >>"),
            row(Some("1.2"), "SQL", "V1_2__x.sql"),
            row(None, "SQL", "R__x.sql"),
            row(Some("2"), "SQL", "V2__x.sql"),
            row(Some("3"), "SQL", "V3__x.sql"),
            row(None, "SQL", "R__x.sql"),
            row(Some("2"), "UNDO_SQL", "U2__x.sql"),
            row(Some("3"), "DELETE", "V3__x.sql"),
        ]);
        let applied: Vec<&str> = history.applied.iter().map(|one| &*one.version).collect();
        assert_eq!(applied, ["1.2", "R__x.sql"]);
        let until: Vec<&str> = history.up_to.iter().map(|one| &*one.last.version).collect();
        assert_eq!(until, ["1"]);
        assert!(history.refused.is_empty());
    }
}
