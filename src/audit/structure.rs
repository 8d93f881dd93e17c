//! Whether a reference can hold at all: both ends are columns of tables, their types can be
//! compared, the target is unique, the source is indexed.

use crate::dialect::{Dialect, sizes};
use crate::model::diagnostic::Diagnostic;
use crate::model::name::ColumnNames;
use crate::model::reference::Reference;
use crate::model::schema::{Column, Family, Key, KeyKind, Schema, Table};

/// One end of a reference, and the schema that it is looked for in.
#[derive(Clone, Copy)]
pub struct End<'e> {
    pub schema: &'e Schema,
    pub dialect: &'e dyn Dialect,
}

/// What is wrong with a reference.
#[must_use]
pub fn structure(reference: &Reference, from: End<'_>, to: End<'_>) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let child = find(reference, &reference.from, from, &mut faults);
    let parent = find(reference, &reference.to, to, &mut faults);
    if let (Some((_, children)), Some((_, parents))) = (&child, &parent)
        && reference.compare.is_empty()
    {
        let pairs = std::iter::zip(children, parents);
        let why = pairs.filter_map(|(child, parent)| {
            incomparable((child, from.dialect), (parent, to.dialect))
        });
        faults.extend(why.map(|why| {
            let fault = Diagnostic::error("reference-type", format!("{reference}: {why}"));
            let hint = "give both columns one type, or say how they are compared with `compare`";
            at(reference, fault.hint(hint))
        }));
    }
    if let Some((table, columns)) = parent
        && !table.keys.iter().any(|key| is_unique(key, &columns))
    {
        let message = format!(
            "{reference}: {} is not unique, so a value of it names no one row",
            reference.to
        );
        let fault = Diagnostic::error("reference-not-unique", message);
        faults.push(at(
            reference,
            fault.hint("make it the primary key, or a unique key"),
        ));
    }
    if let Some((table, columns)) = child
        && !table.keys.iter().any(|key| leads(key, &columns))
    {
        let message = format!(
            "{reference}: no index of {} begins with {}, so every audit reads and sorts the whole table",
            table.name,
            reference.from.columns.join(", ")
        );
        let fault = Diagnostic::warning("reference-not-indexed", message);
        faults.push(at(
            reference,
            fault.hint("make an index that begins with it"),
        ));
    }
    faults
}

fn at(reference: &Reference, fault: Diagnostic) -> Diagnostic {
    let fault = fault.database(&reference.from.database);
    match &reference.location {
        Some(location) => fault.at(location.clone()),
        None => fault,
    }
}

/// The table and the columns of one end.
fn find<'s>(
    reference: &Reference,
    name: &ColumnNames,
    end: End<'s>,
    faults: &mut Vec<Diagnostic>,
) -> Option<(&'s Table, Vec<&'s Column>)> {
    let mut missing = |code, message: String| {
        let message = format!("{reference}: {message}");
        faults.push(at(reference, Diagnostic::error(code, message)));
    };
    let Some(table) = end.schema.table(&name.table) else {
        let mut objects = end.schema.objects.iter();
        match objects.find(|object| object.name == name.table) {
            Some(object) => missing(
                "reference-not-table",
                format!(
                    "{}.{} is a {}",
                    name.database,
                    name.table,
                    object.kind.told()
                ),
            ),
            None => missing(
                "reference-missing",
                format!("there is no table {}.{}", name.database, name.table),
            ),
        }
        return None;
    };
    let mut columns = Vec::new();
    for (column, name) in name.columns.iter().zip(name.each()) {
        match table.column(column) {
            Some(column) => columns.push(column),
            None => missing("reference-missing", format!("there is no column {name}")),
        }
    }
    (columns.len() == name.columns.len()).then_some((table, columns))
}

/// Why two columns cannot be compared as they are.
fn incomparable(
    (child, ours): (&Column, &dyn Dialect),
    (parent, theirs): (&Column, &dyn Dialect),
) -> Option<String> {
    let families = (ours.family(&child.sql), theirs.family(&parent.sql));
    let length = |column: &Column| sizes(&column.sql).first().copied();
    let differ = format!("{} and {} cannot be compared", child.sql, parent.sql);
    match families {
        (Family::Binary, Family::Binary) => {
            let lengths = (length(child), length(parent));
            matches!(lengths, (Some(one), Some(other)) if one != other).then_some(differ)
        }
        // A UUID is 16 bytes wherever it is.
        (Family::Uuid, Family::Binary) | (Family::Binary, Family::Uuid) => {
            let other = length(child).or(length(parent));
            other.is_some_and(|bytes| bytes != 16).then_some(differ)
        }
        (one, other) => (one != other).then_some(differ),
    }
}

/// Whether the key lets each key of these columns stand once.
fn is_unique(key: &Key, columns: &[&Column]) -> bool {
    let unique = matches!(key.kind, KeyKind::Primary | KeyKind::Unique);
    let whole = key.parts.iter().all(|part| {
        let named = |column: &&Column| part.column.as_deref() == Some(&column.name);
        part.prefix.is_none() && columns.iter().any(named)
    });
    unique && whole && key.filter.is_none()
}

/// Whether an index by this key finds the keys of these columns in their order.
#[must_use]
pub fn leads(key: &Key, columns: &[&Column]) -> bool {
    let serves = !matches!(
        key.kind,
        KeyKind::Fulltext | KeyKind::Spatial | KeyKind::Exclusion
    );
    let first = key.parts.iter().take(columns.len());
    let same = std::iter::zip(first, columns).all(|(part, column)| {
        part.column.as_deref() == Some(&column.name) && part.prefix.is_none()
    });
    serves && key.filter.is_none() && key.parts.len() >= columns.len() && same
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;
    use crate::model::diagnostic::Severity;
    use crate::model::reference::Nulls;
    use crate::model::schema::KeyPart;

    fn column(name: &str, sql: &str) -> Column {
        Column {
            name: name.to_owned(),
            sql: sql.to_owned(),
            ..Column::default()
        }
    }

    fn schema(table: &str, column_of: Column, keys: &[KeyKind]) -> Schema {
        let part = KeyPart {
            column: Some(column_of.name.clone()),
            ..KeyPart::default()
        };
        let keys = keys.iter().map(|kind| Key {
            kind: *kind,
            parts: vec![part.clone()],
            ..Key::default()
        });
        Schema {
            tables: vec![Table {
                name: table.to_owned(),
                keys: keys.collect(),
                columns: vec![column_of],
                ..Table::default()
            }],
            ..Schema::default()
        }
    }

    fn codes(child: &Schema, ours: &str, parent: &Schema, theirs: &str) -> Vec<&'static str> {
        let reference = Reference {
            from: ColumnNames::parse("twitter.messages.author_id").unwrap(),
            to: ColumnNames::parse("ums.users.id").unwrap(),
            filter: None,
            to_filter: None,
            null: Nulls::Ok,
            compare: Vec::new(),
            severity: Severity::Error,
            max_orphans: 0,
            location: None,
        };
        let end = |schema, scheme| End {
            schema,
            dialect: by_scheme(scheme).unwrap(),
        };
        let faults = structure(&reference, end(child, ours), end(parent, theirs));
        faults.iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn a_reference_needs_two_columns_that_fit() {
        let bytes = column("id", "binary(16)");
        let parent = schema("users", bytes, &[KeyKind::Primary]);
        let child =
            |sql: &str, keys: &[KeyKind]| schema("messages", column("author_id", sql), keys);
        let index = [KeyKind::Index];
        let none: [&str; 0] = [];
        assert_eq!(
            codes(&child("uuid", &index), "postgres", &parent, "mysql"),
            none
        );
        assert_eq!(
            codes(&child("BLOB", &index), "sqlite", &parent, "mysql"),
            none
        );
        assert_eq!(
            codes(&child("binary(16)", &[]), "mysql", &parent, "mysql"),
            ["reference-not-indexed"]
        );
        for wrong in ["binary(8)", "char(36)", "bigint"] {
            let faults = codes(&child(wrong, &index), "mysql", &parent, "mysql");
            assert_eq!(faults, ["reference-type"], "{wrong}");
        }
        let loose = schema("users", column("id", "bigint"), &[KeyKind::Index]);
        let faults = codes(&child("integer", &index), "postgres", &loose, "mysql");
        assert_eq!(faults, ["reference-not-unique"]);
        let other = schema("people", column("id", "bigint"), &[]);
        let faults = codes(&child("bigint", &index), "mysql", &other, "mysql");
        assert_eq!(faults, ["reference-missing"]);
    }
}
