//! Rows that fit both schemas, and what must survive of them.

use std::fmt::Write as _;

use super::model::{Id, Schema, Table};
use super::spell::{base, is_generated, quote, value};

/// The tables in both schemas whose rows cannot stand in the way of any change.
fn safe<'s>(from: &'s Schema, to: &'s Schema) -> Vec<(&'s Table, &'s Table)> {
    let mut safe = Vec::new();
    for old in &from.tables {
        let Some(new) = to.tables.iter().find(|it| it.name == old.name) else {
            continue;
        };
        let plain = |table: &Table| {
            table.partitions.is_none() && table.uniques.is_empty() && table.foreign_keys.is_empty()
        };
        let id = |table: &Table| matches!(table.id, Id::Plain("text"));
        let fits = new.columns.iter().all(|column| {
            let before = old.columns.iter().find(|it| it.name == column.name);
            match before {
                None => !column.required,
                Some(before) => {
                    let (one, other) = (base(from, &before.kind), base(to, &column.kind));
                    let own = |kind: &str| kind.starts_with(|c: char| "mcMC".contains(c));
                    one == other && !own(one) && (before.required || !column.required)
                }
            }
        });
        let filled = old.columns.iter().all(|column| {
            !column.required
                || is_generated(from, old, column)
                || value(from, &column.kind, 1).is_some()
        });
        if filled && plain(old) && plain(new) && fits && id(old) == id(new) {
            safe.push((old, new));
        }
    }
    safe
}

pub fn rows(from: &Schema, to: &Schema) -> String {
    let mut sql = String::new();
    for (old, _) in safe(from, to) {
        for row in 1..=2 {
            let mut names = vec!["id".to_owned()];
            let mut values = vec![format!("'{row}'")];
            for column in &old.columns {
                if is_generated(from, old, column) {
                    continue;
                }
                let Some(value) = value(from, &column.kind, row) else {
                    continue;
                };
                names.push(quote(&column.name));
                values.push(value);
            }
            let _ = writeln!(
                sql,
                "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({});",
                quote(&old.name),
                names.join(", "),
                values.join(", ")
            );
        }
    }
    sql
}

pub fn kept(from: &Schema, to: &Schema) -> String {
    let asked: Vec<String> = safe(from, to)
        .iter()
        .map(|(old, _)| {
            let name = quote(&old.name);
            format!("SELECT '{}' || id::text FROM ONLY {name}", old.name)
        })
        .collect();
    if asked.is_empty() {
        String::new()
    } else {
        format!("{} ORDER BY 1", asked.join(" UNION ALL "))
    }
}
