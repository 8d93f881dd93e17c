//! `docs/internals/sessions.md` lists what bird reads by name, what its sessions set, and where it
//! waits; a new one that is missing there fails here.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use bird::adopt::TOOLS;
use bird::dialect::DIALECTS;
use bird::model::history::OWN_TABLES;

use super::source::{root, sources};

/// The cells in backquotes of the first column of a section's table.
fn named(section: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("docs/internals/sessions.md")).expect("the page");
    let heading = format!("## {section}\n");
    let (_, rest) = page.split_once(&heading).expect("the section");
    let text = rest.split("\n## ").next().unwrap_or_default();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_table_that_is_known_by_name_is_listed() {
    let mut known: BTreeSet<String> = OWN_TABLES.iter().map(|&name| name.to_owned()).collect();
    known.insert("bird_quarantine_…".to_owned());
    for tool in TOOLS {
        known.extend(tool.tables.iter().map(|&name| name.to_owned()));
        known.extend(tool.companion_table.map(|(name, _)| name.to_owned()));
    }
    assert_eq!(named("Tables that bird knows by name"), known);
}

/// Catalogs of the engines, which nobody but the server writes.
const CATALOGS: &[&str] = &[
    "information_schema.",
    "performance_schema.",
    "mysql.",
    "pg_",
    "sqlite_",
    "pragma_",
];

/// Names in the queries that the queries themselves define, functions, and keywords.
const INSIDE: &[&str] = &[
    "LATERAL",
    "SET",
    "STDIN",
    "TO",
    "OF",
    "below",
    "code",
    "db",
    "generate_series",
    "kept",
    "me",
    "member",
    "now",
    "object",
    "rows_",
    "strange",
    "unnest",
];

#[test]
fn no_query_names_another_table() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        for text in &source.strings {
            // Prose has these words as well, but no SELECT before them.
            if !text.contains("SELECT ") && !text.contains("INSERT INTO ") {
                continue;
            }
            for verb in [" FROM ", " JOIN ", " INTO ", "UPDATE "] {
                let places = text
                    .match_indices(verb)
                    .map(|(at, _)| &text[at + verb.len()..]);
                for place in places {
                    let end = |sign: char| !sign.is_alphanumeric() && !"_.".contains(sign);
                    let name = place.trim_start().split(end).next().unwrap_or_default();
                    let is_catalog = CATALOGS.iter().any(|catalog| name.starts_with(catalog));
                    if !name.is_empty() && !is_catalog && !INSIDE.contains(&name) {
                        wrong.push(format!("{}: {verb}{name}", source.path));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_setting_of_a_session_is_listed() {
    let mut set = BTreeSet::new();
    for dialect in DIALECTS {
        let second = Duration::from_secs(1);
        let texts = [
            dialect.settings(None, true),
            dialect.settings(None, false),
            dialect.limits(second, Some(second)).unwrap_or_default(),
        ];
        for text in texts {
            set.extend(settings(&text));
        }
    }
    assert_eq!(named("Settings that bird fixes"), set);
}

/// The names that a text sets.
fn settings(text: &str) -> BTreeSet<String> {
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let mut names = BTreeSet::new();
    // `SET name TO`, `PRAGMA name`, and the list of a `set_config`.
    for statement in text.split(';') {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["SET", name, "TO", ..] | ["PRAGMA", name, ..] => {
                names.insert((*name).to_owned());
            }
            _ => {}
        }
        if let Some((_, list)) = statement.split_once("ARRAY[")
            && let Some((list, _)) = list.split_once(']')
        {
            names.extend(list.split('\'').skip(1).step_by(2).map(str::to_owned));
        }
        if statement.contains("set_config('search_path'") {
            names.insert("search_path".to_owned());
        }
        // `SET name = value, name = value, NAMES utf8mb4`, with comments for one product.
        let Some(list) = statement.trim_start().strip_prefix("SET ") else {
            continue;
        };
        for (at, _) in list.match_indices(" = ") {
            let before = list[..at].trim_end_matches(is_name).len();
            names.insert(list[before..at].to_owned());
        }
        if list.contains(" NAMES ") {
            names.insert("NAMES".to_owned());
        }
    }
    names
}

#[test]
fn every_wait_is_listed_with_its_limit() {
    let marks = [
        "time::sleep(",
        "time::timeout(",
        "future::pending()",
        "thread::sleep(",
    ];
    let mut waits = BTreeSet::new();
    for source in sources("src") {
        let waits_here = marks.iter().any(|mark| source.code.contains(mark))
            || source.code.contains("use tokio::time::timeout;");
        if waits_here && !source.path.ends_with("failpoint.rs") {
            waits.insert(source.path);
        }
    }
    assert_eq!(named("Waits"), waits);
}
