//! Renders RENAME statements.

use super::clause::{quote, text};
use crate::model::change::{DdlStep, Renamed};
use crate::model::schema::{Kind, Object, Schema, Table};

pub fn rename(schema: &Schema, renamed: &Renamed) -> Option<DdlStep> {
    let (from, to) = (renamed.from.as_str(), renamed.to.as_str());
    if let Some(table) = schema.table(from) {
        let sql = format!("ALTER TABLE {} RENAME TO {}", quote(from), quote(to));
        return Some(DdlStep::new(table.id(), sql));
    }
    let mut objects = schema.objects.iter();
    let object = objects.find(|it| it.table.is_none() && (it.name == from || base(it) == from));
    if let Some(object) = object {
        let to = to.split('(').next().unwrap_or(to);
        let sql = format!("ALTER {} RENAME TO {}", named(object)?, quote(to));
        return Some(DdlStep::new(object.id(), sql));
    }
    let (whole, from) = from.split_once('.')?;
    let (_, to) = to.split_once('.')?;
    match schema.table(whole) {
        Some(table) => part_of_table(schema, table, from, to),
        None => part_of_object(schema, whole, from, to),
    }
}

/// Renames a column, a key, a constraint or another part of a table.
fn part_of_table(schema: &Schema, table: &Table, from: &str, to: &str) -> Option<DdlStep> {
    let (on, old, new) = (quote(&table.name), quote(from), quote(to));
    let constraint = table.checks.iter().any(|check| check.name == from)
        || table.foreign_keys.iter().any(|key| key.name == from);
    let mut objects = schema.objects.iter();
    let object = objects.find(|it| it.table.as_ref() == Some(&table.name) && it.name == from);
    let sql = if table.column(from).is_some() {
        format!("ALTER TABLE {on} RENAME COLUMN {old} TO {new}")
    } else if table.keys.iter().any(|key| key.name == from) {
        format!("ALTER INDEX {old} RENAME TO {new}")
    } else if constraint {
        format!("ALTER TABLE {on} RENAME CONSTRAINT {old} TO {new}")
    } else {
        let what = object?.kind.noun().to_uppercase();
        format!("ALTER {what} {old} ON {on} RENAME TO {new}")
    };
    Some(DdlStep::new(table.id(), sql))
}

/// A column of a view, a label of an enum, an attribute of a composite type, a check of a domain.
fn part_of_object(schema: &Schema, whole: &str, from: &str, to: &str) -> Option<DdlStep> {
    let mut objects = schema.objects.iter();
    let object = objects.find(|it| it.table.is_none() && it.name == whole)?;
    let (old, new) = (quote(from), quote(to));
    let has_column = object.columns.iter().any(|column| column.name == from);
    let clause = match object.kind {
        Kind::View | Kind::MaterializedView if has_column => {
            format!("RENAME COLUMN {old} TO {new}")
        }
        Kind::Composite if has_column => format!("RENAME ATTRIBUTE {old} TO {new}"),
        Kind::Enum if object.labels.iter().any(|label| label == from) => {
            format!("RENAME VALUE {} TO {}", text(from), text(to))
        }
        Kind::Domain if object.checks.iter().any(|check| check.name == from) => {
            format!("RENAME CONSTRAINT {old} TO {new}")
        }
        _ => return None,
    };
    Some(DdlStep::new(
        object.id(),
        format!("ALTER {} {clause}", named(object)?),
    ))
}

/// A routine's name without its arguments.
fn base(object: &Object) -> &str {
    match object.kind {
        Kind::Function | Kind::Procedure | Kind::Aggregate => {
            object.name.split('(').next().unwrap_or_default()
        }
        _ => &object.name,
    }
}

/// An object as `ALTER` names it.
fn named(object: &Object) -> Option<String> {
    let own = quote(&object.name);
    Some(match object.kind {
        Kind::Enum | Kind::Composite | Kind::Range => format!("TYPE {own}"),
        Kind::Function | Kind::Procedure | Kind::Aggregate => {
            let (name, arguments) = object.name.rsplit_once('(')?;
            let arguments = match object.options.get("identity") {
                Some(identity) => format!("{identity})"),
                None => arguments.to_owned(),
            };
            let what = object.kind.noun().to_uppercase();
            format!("{what} {}({arguments}", quote(name))
        }
        Kind::Extension
        | Kind::Operator
        | Kind::Trigger
        | Kind::Rule
        | Kind::Policy
        | Kind::Event
        | Kind::Grant
        | Kind::Opaque
        | Kind::Column
        | Kind::Key
        | Kind::Table => return None,
        kind => format!("{} {own}", kind.noun().to_uppercase()),
    })
}
