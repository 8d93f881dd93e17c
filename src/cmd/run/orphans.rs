//! Orphans as reports show them: JSON for programs, a table for people.

use serde_json::{Map, Value, json};

use crate::model::orphan::Orphan;
use crate::model::reference::Reference;
use crate::output::Grid;

/// What tells a reference from others with the same ends: its name, else its conditions.
pub fn identity(reference: &Reference) -> Map<String, Value> {
    let is_twin = reference.name.is_none() && !reference.suffix.is_empty();
    let all = [
        ("name", &reference.name, true),
        ("where", &reference.filter, is_twin),
        ("to_where", &reference.to_filter, is_twin),
    ];
    let shown = all.into_iter().filter(|(_, _, is_shown)| *is_shown);
    shown
        .filter_map(|(key, text, _)| Some((key.to_owned(), json!(text.as_ref()?))))
        .collect()
}

/// Renders an orphan as JSON: its key and its row.
pub fn json(orphan: &Orphan) -> Map<String, Value> {
    let key = match orphan.key.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    let row: Map<String, Value> = orphan
        .row
        .iter()
        .map(|(column, cell)| (column.clone(), json!(cell)))
        .collect();
    let mut object = Map::new();
    object.insert("key".into(), key);
    object.insert("row".into(), Value::Object(row));
    if orphan.hidden {
        object.insert("hidden".into(), json!(true));
    }
    object
}

/// Renders orphans as a table; `key` heads their keys.
pub fn grid(key: &'static str, orphans: &[Orphan]) -> Grid {
    let mut grid = Grid {
        headers: vec![key, "row"],
        ..Grid::default()
    };
    for orphan in orphans {
        let (key, row) = cells(orphan);
        grid.rows.push(vec![key, row]);
    }
    grid
}

/// The key and the row of an orphan as text.
pub fn cells(orphan: &Orphan) -> (String, String) {
    let key = orphan
        .key
        .iter()
        .map(|part| part.as_deref().unwrap_or("NULL"));
    let hidden = if orphan.hidden {
        " (there, but it does not count)"
    } else {
        ""
    };
    let row = orphan
        .row
        .iter()
        .map(|(column, cell)| format!("{column} {cell}"));
    (
        format!("{}{hidden}", key.collect::<Vec<_>>().join(", ")),
        row.collect::<Vec<_>>().join(", "),
    )
}
