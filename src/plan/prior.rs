//! What was in a database before a migration. An undo keeps that, whatever the statements say that
//! found it in place: `CREATE TABLE IF NOT EXISTS`, `CREATE EXTENSION IF NOT EXISTS`.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::dialect::statement::{DdlObject, Head};
use crate::model::schema::{Id, Kind, Schema, Table};
use crate::sql::{Cursor, Name};

/// The parts of the schema that runs found in the database and that no migration before them made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Prior {
    /// The newest version that was applied before bird began to look. What migrations up to this
    /// one found in place is not known.
    unknown_up_to: Option<i64>,
    /// Each part with the newest version that was applied when a run found it.
    parts: BTreeMap<Id, Option<i64>>,
}

/// JSON has no maps whose keys are objects.
#[derive(Serialize, Deserialize)]
struct Stored {
    unknown_up_to: Option<i64>,
    parts: Vec<(Id, Option<i64>)>,
}

impl From<Stored> for Prior {
    fn from(stored: Stored) -> Self {
        Prior {
            unknown_up_to: stored.unknown_up_to,
            parts: stored.parts.into_iter().collect(),
        }
    }
}

impl From<Prior> for Stored {
    fn from(prior: Prior) -> Self {
        Stored {
            unknown_up_to: prior.unknown_up_to,
            parts: prior.parts.into_iter().collect(),
        }
    }
}

impl Prior {
    /// Nothing is known of what migrations up to a version found.
    #[must_use]
    pub fn unknown_up_to(version: Option<i64>) -> Prior {
        Prior {
            unknown_up_to: version,
            parts: BTreeMap::new(),
        }
    }

    /// Adds what a run found in the live schema and the migrations up to `newest` did not make.
    pub fn add(&mut self, live: &Schema, made: &Schema, newest: Option<i64>) {
        let made = parts(made);
        let found = parts(live).into_iter().filter(|part| !made.contains(part));
        for part in found {
            self.parts.entry(part).or_insert(newest);
        }
    }

    /// Whether it is known what a migration found.
    #[must_use]
    pub fn knows(&self, version: i64) -> bool {
        self.unknown_up_to.is_none_or(|unknown| unknown < version)
    }

    /// Whether a part was there before a migration, as far as it is known.
    #[must_use]
    pub fn precedes(&self, part: &Id, version: i64) -> bool {
        let newest = self.parts.get(part);
        newest.is_some_and(|newest| newest.is_none_or(|newest| newest < version))
    }
}

/// All parts of a schema that have a name.
fn parts(schema: &Schema) -> HashSet<Id> {
    let mut all: HashSet<Id> = schema.objects.iter().map(|object| object.id()).collect();
    let opaque = schema.opaque_objects.iter();
    all.extend(opaque.map(|object| Id::new(Kind::Opaque, &object.what)));
    for table in &schema.tables {
        all.insert(table.id());
        all.extend(of_table(table));
    }
    all
}

/// The parts of a table that have a name.
fn of_table(table: &Table) -> Vec<Id> {
    let columns = table.columns.iter().map(|it| (Kind::Column, &it.name));
    let keys = table.keys.iter().map(|it| (Kind::Key, &it.name));
    let foreign = table.foreign_keys.iter().map(|it| (Kind::Key, &it.name));
    let checks = table.checks.iter().map(|it| (Kind::Key, &it.name));
    let all = columns.chain(keys).chain(foreign).chain(checks);
    all.map(|(kind, name)| part(&table.name, kind, name))
        .collect()
}

fn part(table: &str, kind: Kind, name: &str) -> Id {
    Id {
        kind,
        table: Some(table.to_owned()),
        name: name.to_owned(),
    }
}

/// Gives `to` those parts of `from` that it lacks and that stay, and returns their names. The
/// statements from one to the other then leave them alone.
pub fn keep(from: &Schema, to: &mut Schema, stays: impl Fn(&Id) -> bool) -> Vec<Id> {
    let mut kept = Vec::new();
    for table in &from.tables {
        match to.tables.iter_mut().find(|it| it.name == table.name) {
            Some(own) => kept.extend(keep_parts(table, own, &stays)),
            None if stays(&table.id()) => {
                kept.push(table.id());
                to.tables.push(as_found(table, &stays));
            }
            None => {}
        }
    }
    for object in &from.objects {
        let id = object.id();
        if to.object(&id).is_none() && stays(&id) {
            to.objects.push(object.clone());
            kept.push(id);
        }
    }
    for object in &from.opaque_objects {
        let id = Id::new(Kind::Opaque, &object.what);
        let mut own = to.opaque_objects.iter();
        if own.all(|it| it.what != object.what) && stays(&id) {
            to.opaque_objects.push(object.clone());
            kept.push(id);
        }
    }
    to.sort();
    kept
}

/// Adds to one list what another has besides, if it stays.
fn keep_missing<T: Clone>(
    from: &[T],
    to: &mut Vec<T>,
    name: fn(&T) -> &String,
    mut stays: impl FnMut(&str) -> bool,
) {
    let is_missing = |it: &&T| to.iter().all(|own| name(own) != name(it));
    let missing = from.iter().filter(|it| is_missing(it) && stays(name(it)));
    let missing: Vec<T> = missing.cloned().collect();
    to.extend(missing);
}

/// A table without the parts that were added to it.
fn as_found(table: &Table, stays: &impl Fn(&Id) -> bool) -> Table {
    let mut found = table.clone();
    let stays = |kind, name: &str| stays(&part(&table.name, kind, name));
    found.columns.retain(|it| stays(Kind::Column, &it.name));
    if found.columns.is_empty() {
        // Nothing is known of its parts.
        return table.clone();
    }
    // The engine names what has no name of its own, and not always alike.
    found
        .keys
        .retain(|it| !it.named || stays(Kind::Key, &it.name));
    let foreign = &mut found.foreign_keys;
    foreign.retain(|it| !it.named || stays(Kind::Key, &it.name));
    found
        .checks
        .retain(|it| !it.named || stays(Kind::Key, &it.name));
    found
}

fn keep_parts(from: &Table, to: &mut Table, stays: &impl Fn(&Id) -> bool) -> Vec<Id> {
    let mut kept = Vec::new();
    let mut stays = |kind, name: &str| {
        let id = part(&from.name, kind, name);
        let does = stays(&id);
        kept.extend(does.then_some(id));
        does
    };
    for (at, column) in from.columns.iter().enumerate() {
        if to.column(&column.name).is_none() && stays(Kind::Column, &column.name) {
            let before = at.checked_sub(1).and_then(|at| from.columns.get(at));
            let mut own = to.columns.iter();
            let place = own.position(|it| before.is_some_and(|before| it.name == before.name));
            let end = to.columns.len();
            to.columns
                .insert(place.map_or(end, |at| at + 1), column.clone());
        }
    }
    let mut stays_key = |name: &str| stays(Kind::Key, name);
    keep_missing(&from.keys, &mut to.keys, |it| &it.name, &mut stays_key);
    keep_missing(
        &from.foreign_keys,
        &mut to.foreign_keys,
        |it| &it.name,
        &mut stays_key,
    );
    keep_missing(&from.checks, &mut to.checks, |it| &it.name, &mut stays_key);
    kept
}

/// What a statement creates unless it is there: `IF NOT EXISTS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditional {
    /// The table of a column, in lower case.
    table: Option<String>,
    /// In lower case.
    name: String,
}

impl Conditional {
    /// Whether a part of the schema may be it. Where the kind is not known, its name decides.
    #[must_use]
    pub fn may_be(&self, part: &Id) -> bool {
        let last = match part.kind {
            // `schema extensions`
            Kind::Opaque => part.name.rsplit(' ').next().unwrap_or_default(),
            _ => &part.name,
        };
        let table = part.table.as_deref().map(str::to_lowercase);
        let of_it = part.kind != Kind::Column || self.table == table;
        let with_it = self.table.is_none() && table.as_deref() == Some(self.name.as_str());
        with_it || of_it && last.to_lowercase() == self.name
    }
}

/// What a statement creates in the schema of its database unless it is there. `home` is the
/// qualifier that names that schema.
#[must_use]
pub fn conditionals(dialect: &dyn Dialect, home: &str, sql: &str) -> Vec<Conditional> {
    let mut words = Cursor::head(dialect.syntax(), sql);
    let verb = words.first();
    let own = |name: &Name| {
        name.qualifier()
            .is_none_or(|it| it.eq_ignore_ascii_case(home))
    };
    words.next();
    let Some(head) = Head::read(&mut words) else {
        return Vec::new();
    };
    let named = |table: Option<&Name>, name: &Name| Conditional {
        table: table.map(|table| table.last().to_lowercase()),
        name: name.last().to_lowercase(),
    };
    match verb.as_str() {
        "CREATE" => {
            words.eat("CONCURRENTLY");
            if !words.eat_if_exists() || head.has("TEMPORARY") || head.has("TEMP") {
                return Vec::new();
            }
            let name = words.name().filter(own);
            name.iter().map(|name| named(None, name)).collect()
        }
        "ALTER" if head.kind == DdlObject::Table => {
            words.eat_if_exists();
            words.eat("ONLY");
            let Some(table) = words.name().filter(own) else {
                return Vec::new();
            };
            let added = words.clauses().into_iter().filter_map(|mut clause| {
                clause.expect("ADD")?;
                let is_key = clause.eat_any(&["CONSTRAINT", "INDEX", "KEY", "FOREIGN"]);
                clause.eat_any(&["COLUMN", "KEY"]);
                if !clause.eat_if_exists() {
                    return None;
                }
                let name = clause.name()?;
                Some(named(Some(&table).filter(|_| !is_key), &name))
            });
            added.collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;
    use crate::model::schema::{Column, Key, Object};

    fn table(name: &str, columns: &[&str], keys: &[&str]) -> Table {
        let columns = columns.iter().map(|name| Column {
            name: (*name).to_owned(),
            ..Column::default()
        });
        let keys = keys.iter().map(|name| Key {
            name: (*name).to_owned(),
            named: true,
            ..Key::default()
        });
        Table {
            name: name.to_owned(),
            columns: columns.collect(),
            keys: keys.collect(),
            ..Table::default()
        }
    }

    fn schema(tables: Vec<Table>) -> Schema {
        Schema {
            tables,
            ..Schema::default()
        }
    }

    #[test]
    fn what_was_found_stays_and_what_was_added_goes() {
        let mut prior = Prior::default();
        let found = schema(vec![table("t", &["a", "b"], &["own"])]);
        prior.add(&found, &Schema::default(), None);
        let after = schema(vec![
            table("new", &["a"], &[]),
            table("t", &["a", "b", "c"], &["own", "added"]),
        ]);
        let mut before = Schema::default();
        let kept = keep(&after, &mut before, |part| prior.precedes(part, 1));
        assert_eq!(kept, [Id::table("t")]);
        assert_eq!(before, found);
    }

    #[test]
    fn a_found_column_keeps_its_place() {
        let mut prior = Prior::default();
        let made = schema(vec![table("t", &["a", "b"], &[])]);
        let found = schema(vec![table("t", &["a", "x", "b"], &["i"])]);
        prior.add(&found, &made, Some(4));
        assert!(prior.knows(5) && prior.precedes(&part("t", Kind::Column, "x"), 5));
        assert!(!prior.precedes(&part("t", Kind::Column, "x"), 4));
        let mut before = made.clone();
        keep(&found, &mut before, |part| prior.precedes(part, 5));
        assert_eq!(before, found);
        let text = serde_json::to_string(&prior).unwrap();
        assert_eq!(serde_json::from_str::<Prior>(&text).unwrap(), prior);
        assert!(!Prior::unknown_up_to(Some(5)).knows(5));
    }

    #[test]
    fn extensions_and_schemas_stay_as_well() {
        let extension = Object {
            kind: Kind::Extension,
            name: "citext".to_owned(),
            ..Object::default()
        };
        let found = Schema {
            objects: vec![extension],
            ..Schema::default()
        };
        let mut before = Schema::default();
        let dialect = by_scheme("postgres").unwrap();
        let sql = "CREATE EXTENSION IF NOT EXISTS \"citext\"";
        let all = conditionals(dialect, "public", sql);
        let kept = keep(&found, &mut before, |part| {
            all.iter().any(|it| it.may_be(part))
        });
        assert_eq!(kept, [Id::new(Kind::Extension, "citext")]);
        assert_eq!(before, found);
    }

    #[test]
    fn only_a_condition_may_have_found_something() {
        let dialect = by_scheme("postgres").unwrap();
        for (sql, expected) in [
            ("CREATE TABLE t (a int)", None),
            ("CREATE TABLE IF NOT EXISTS T (a int)", Some(Id::table("t"))),
            ("CREATE TABLE IF NOT EXISTS other.t (a int)", None),
            ("CREATE TEMP TABLE IF NOT EXISTS t (a int)", None),
            (
                "CREATE SCHEMA IF NOT EXISTS extra",
                Some(Id::new(Kind::Opaque, "schema extra")),
            ),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
                Some(part("t", Kind::Key, "i")),
            ),
            (
                "ALTER TABLE t ADD COLUMN b int, ADD COLUMN IF NOT EXISTS c int",
                Some(part("t", Kind::Column, "c")),
            ),
            ("DROP TABLE IF EXISTS t", None),
        ] {
            let all = conditionals(dialect, "public", sql);
            assert_eq!(all.len(), usize::from(expected.is_some()), "{sql}");
            for (found, expected) in all.iter().zip(&expected) {
                assert!(found.may_be(expected), "{sql}");
                assert!(!found.may_be(&Id::table("another")), "{sql}");
            }
        }
    }
}
