//! Writes renames of tables and columns, which keep their rows.

use super::clause::{self, quote};
use crate::dialect::catalog::SchemaLocation;
use crate::dialect::mysql::variant::Variant;
use crate::model::change::{DdlStep, Renamed};
use crate::model::schema::{Id, Kind, Schema};

pub fn rename(place: &SchemaLocation<'_>, schema: &Schema, renamed: &Renamed) -> Option<DdlStep> {
    if schema.table(&renamed.from).is_some() {
        return Some(moved(Kind::Table, &renamed.from, &renamed.to));
    }
    let mut objects = schema.objects.iter();
    if let Some(object) = objects.find(|object| object.name == renamed.from) {
        return match object.kind {
            Kind::View | Kind::Sequence => Some(moved(object.kind, &renamed.from, &renamed.to)),
            Kind::Event => {
                let (from, to) = (quote(&renamed.from), quote(&renamed.to));
                let sql = format!("ALTER EVENT {from} RENAME TO {to}");
                Some(DdlStep::new(object.id(), sql))
            }
            _ => None,
        };
    }
    column(place, schema, renamed)
}

fn moved(kind: Kind, from: &str, to: &str) -> DdlStep {
    let sql = format!("RENAME TABLE {} TO {}", quote(from), quote(to));
    DdlStep::new(Id::new(kind, to), sql)
}

/// Renames a column within its table.
fn column(place: &SchemaLocation<'_>, schema: &Schema, renamed: &Renamed) -> Option<DdlStep> {
    let mut tables = schema.tables.iter();
    let (table, from) = tables.find_map(|table| {
        let from = renamed.from.strip_prefix(&table.name)?.strip_prefix('.')?;
        table.column(from).map(|column| (table, column))
    })?;
    let (_, to) = renamed.to.rsplit_once('.')?;
    let least = Variant::of(place.server).rename_column_since;
    let clause = if place.server.version.is_at_least(least) {
        format!("RENAME COLUMN {} TO {}", quote(&from.name), quote(to))
    } else {
        let mut new = from.clone();
        to.clone_into(&mut new.name);
        let collation = table.options.get("collation").map(String::as_str);
        let definition = clause::column(&new, collation);
        format!("CHANGE COLUMN {} {definition}", quote(&from.name))
    };
    let sql = format!("ALTER TABLE {} {clause}", quote(&table.name));
    Some(DdlStep::new(table.id(), sql))
}
