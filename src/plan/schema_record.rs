//! The schema that a run records after it wrote: for which history it holds, and which drift it
//! leaves as drift.

use std::collections::HashMap;
use std::hash::Hash;

use sha2::{Digest as _, Sha256};

use crate::model::hex;
use crate::model::history::History;
use crate::model::schema::{Object, Options, Schema, Table};

/// Hex SHA-256 over what a database remembers of its migrations. A recorded schema holds for one such
/// state: whoever applies a migration without recording the schema gives the database another one.
#[must_use]
pub fn state(history: &History) -> String {
    state_up_to(history, i64::MAX)
}

/// The state in which only the versions up to one were applied.
#[must_use]
pub fn state_up_to(history: &History, last: i64) -> String {
    let mut hash = Sha256::new();
    for row in history.applied.iter().filter(|row| row.version <= last) {
        hash.update(format!("{} {}\n", row.version, row.checksum));
    }
    for entry in history.journal.iter().filter(|row| row.version <= last) {
        let (direction, progress) = (entry.direction.word(), entry.progress.word());
        hash.update(format!(
            "{} {direction} {} {} {progress}\n",
            entry.version, entry.statement, entry.digest
        ));
    }
    hex::digits(&hash.finalize())
}

/// The schema to record after a run: what the run left, without the drift that was there before it.
///
/// `recorded` is the schema recorded before the run, `before` and `after` are the live schema on both
/// sides of it. A part that had drifted and that the run did not touch stays as it was recorded, so
/// that it is still drift; a part that the run changed is as the run left it.
#[must_use]
pub fn without_drift(recorded: &Schema, before: &Schema, after: &Schema) -> Schema {
    let table = |recorded: Option<&Table>, before: Option<&Table>, after: Option<&Table>| match (
        recorded, before, after,
    ) {
        (Some(recorded), Some(before), Some(after)) => {
            Some(table_without_drift(recorded, before, after))
        }
        _ => part(&recorded, &before, &after).cloned(),
    };
    let mut schema = Schema {
        settings: after.settings.clone(),
        tables: merged(
            [&recorded.tables, &before.tables, &after.tables],
            |table| table.name.clone(),
            table,
        ),
        objects: parts(
            [&recorded.objects, &before.objects, &after.objects],
            Object::id,
        ),
        opaque_objects: parts(
            [
                &recorded.opaque_objects,
                &before.opaque_objects,
                &after.opaque_objects,
            ],
            |object| object.what.clone(),
        ),
        unstated: after.unstated.clone(),
        access: after.access.clone(),
    };
    options([&recorded.settings, &before.settings], &mut schema.settings);
    schema.sort();
    schema
}

fn table_without_drift(recorded: &Table, before: &Table, after: &Table) -> Table {
    if recorded == before {
        return after.clone();
    }
    if before == after {
        return recorded.clone();
    }
    let mut table = Table {
        name: after.name.clone(),
        columns: parts(
            [&recorded.columns, &before.columns, &after.columns],
            |column| column.name.clone(),
        ),
        keys: parts([&recorded.keys, &before.keys, &after.keys], |key| {
            key.name.clone()
        }),
        foreign_keys: parts(
            [
                &recorded.foreign_keys,
                &before.foreign_keys,
                &after.foreign_keys,
            ],
            |key| key.name.clone(),
        ),
        checks: parts([&recorded.checks, &before.checks, &after.checks], |check| {
            check.name.clone()
        }),
        options: after.options.clone(),
        comment: part(&recorded.comment, &before.comment, &after.comment).clone(),
        partitions: part(&recorded.partitions, &before.partitions, &after.partitions).clone(),
        parents: part(&recorded.parents, &before.parents, &after.parents).clone(),
        opaque_clauses: part(
            &recorded.opaque_clauses,
            &before.opaque_clauses,
            &after.opaque_clauses,
        )
        .clone(),
        needs: after.needs.clone(),
        create_statement: after.create_statement.clone(),
    };
    options([&recorded.options, &before.options], &mut table.options);
    table
}

/// One part on the three sides: the recorded one if it had drifted and the run left it alone.
fn part<'p, T: PartialEq>(recorded: &'p T, before: &T, after: &'p T) -> &'p T {
    if recorded != before && before == after {
        recorded
    } else {
        after
    }
}

fn parts<T: Clone + PartialEq, N: Eq + Hash>(sides: [&[T]; 3], name: impl Fn(&T) -> N) -> Vec<T> {
    merged(sides, name, |recorded, before, after| {
        part(&recorded, &before, &after).cloned()
    })
}

/// Merges three lists name by name, in the order of the last one.
fn merged<T, N: Eq + Hash>(
    [recorded, before, after]: [&[T]; 3],
    name: impl Fn(&T) -> N,
    merge: impl Fn(Option<&T>, Option<&T>, Option<&T>) -> Option<T>,
) -> Vec<T> {
    let [in_recorded, in_before, in_after] = [recorded, before, after].map(|list| {
        let parts = list.iter().map(|part| (name(part), part));
        parts.collect::<HashMap<N, &T>>()
    });
    let lost = recorded
        .iter()
        .filter(|part| !in_after.contains_key(&name(part)));
    let all = after.iter().chain(lost);
    all.filter_map(|part| {
        let name = name(part);
        let [recorded, before, after] =
            [&in_recorded, &in_before, &in_after].map(|list| list.get(&name).copied());
        merge(recorded, before, after)
    })
    .collect()
}

/// Puts drifted options back that the run left alone.
fn options([recorded, before]: [&Options; 2], after: &mut Options) {
    for name in recorded.keys().chain(before.keys()) {
        let (was, is) = (recorded.get(name), before.get(name));
        if was != is && is == after.get(name) {
            match was {
                Some(value) => drop(after.insert(name.clone(), value.clone())),
                None => drop(after.remove(name)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::Column;

    /// `a(x y) b(z)` as a schema.
    fn schema(text: &str) -> Schema {
        let tables = text.split_inclusive(')').filter_map(|table| {
            let (name, columns) = table.trim().strip_suffix(')')?.split_once('(')?;
            let columns = columns.split_whitespace().map(|column| {
                let (name, sql) = column.split_once(':').unwrap_or((column, "int"));
                Column {
                    name: name.to_owned(),
                    sql: sql.to_owned(),
                    ..Column::default()
                }
            });
            Some(Table {
                name: name.to_owned(),
                columns: columns.collect(),
                ..Table::default()
            })
        });
        Schema {
            tables: tables.collect(),
            ..Schema::default()
        }
    }

    #[test]
    fn drift_stays_drift_and_what_the_run_changed_is_recorded() {
        for (recorded, before, after, expected) in [
            // Without drift it is what the run left.
            ("a(x)", "a(x)", "a(x y) b(z)", "a(x y) b(z)"),
            ("a(x) b(z)", "a(x) b(z)", "a(x)", "a(x)"),
            // Objects that somebody added, dropped or changed.
            ("a(x)", "a(x) b(z)", "a(x y) b(z)", "a(x y)"),
            ("a(x) b(z)", "a(x)", "a(x y)", "a(x y) b(z)"),
            ("a(x) b(z)", "a(x) b(z w)", "a(x y) b(z w)", "a(x y) b(z)"),
            // Drift in the very table that the run changes.
            ("a(x)", "a(x hand)", "a(x hand y)", "a(x y)"),
            ("a(x old)", "a(x)", "a(x y)", "a(x y old)"),
            ("a(x:int)", "a(x:text)", "a(x:text y)", "a(x:int y)"),
            // The run mends the drift, or takes it over.
            ("a(x old)", "a(x)", "a(x old)", "a(x old)"),
            ("a(x)", "a(x hand)", "a(x)", "a(x)"),
            ("a(x:int)", "a(x:text)", "a(x:date)", "a(x:date)"),
            ("a(x)", "a(x) b(z)", "a(x) b(z w)", "a(x) b(z w)"),
            ("a(x) b(z)", "a(x)", "a(x) b(w)", "a(x) b(w)"),
        ] {
            let [recorded, before, after, expected] =
                [recorded, before, after, expected].map(schema);
            assert_eq!(without_drift(&recorded, &before, &after), expected);
        }
    }

    #[test]
    fn settings_that_somebody_changed_stay_drift() {
        let with = |value: &str| Schema {
            settings: Options::from([("collation".to_owned(), value.to_owned())]),
            ..Schema::default()
        };
        let settings = |recorded, before, after| {
            without_drift(&with(recorded), &with(before), &with(after)).settings
        };
        assert_eq!(settings("a", "b", "b"), with("a").settings);
        assert_eq!(settings("a", "b", "c"), with("c").settings);
        assert_eq!(settings("a", "a", "c"), with("c").settings);
    }
}
