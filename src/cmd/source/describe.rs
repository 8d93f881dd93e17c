//! Describes a difference in words and as JSON.

use serde_json::{Value, json};

use crate::dialect::catalog::{Catalog, SchemaPart};
use crate::model::change::{Alter, Change, Pair};
use crate::model::schema::{Id, Key, KeyKind, Schema};

/// What happens to an object or to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Added,
    Dropped,
    Changed,
    Renamed,
    Moved,
    NotUnderstood,
}

impl How {
    /// The word in tables and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            How::Added => "added",
            How::Dropped => "dropped",
            How::Changed => "changed",
            How::Renamed => "renamed",
            How::Moved => "moved",
            How::NotUnderstood => "not understood",
        }
    }

    /// The word where the first side is a live database and the second one what its migrations
    /// give: nobody has dropped what only the database has.
    pub fn drift_word(self) -> &'static str {
        match self {
            How::Added => "only in the migrations",
            How::Dropped => "only in the database",
            other => other.word(),
        }
    }

    /// What has happened to a part between two readings of one schema.
    pub fn since(self) -> &'static str {
        match self {
            How::Added => "was added",
            How::Dropped => "was dropped",
            How::Renamed => "was renamed",
            How::Changed | How::Moved | How::NotUnderstood => "was changed",
        }
    }

    /// The difference as a predicate of a finding.
    pub fn predicate(self, from: &str, to: &str) -> String {
        match self {
            How::Added => format!("is in {to}, but not in {from}"),
            How::Dropped => format!("is in {from}, but not in {to}"),
            How::NotUnderstood => "differs, and bird does not understand it".to_owned(),
            How::Changed | How::Renamed | How::Moved => "differs".to_owned(),
        }
    }
}

/// One line of a difference.
pub struct Line {
    /// The object: `table users`.
    pub object: String,
    /// The part of it: `column nick`; empty for the object itself.
    pub part: String,
    pub how: How,
    pub old: String,
    pub new: String,
}

/// The lines of one change.
pub fn lines(catalog: &dyn Catalog, change: &Change, from: &Schema, to: &Schema) -> Vec<Line> {
    let object = change.about();
    let whole = |how, old, new| {
        vec![Line {
            object: object.clone(),
            part: String::new(),
            how,
            old,
            new,
        }]
    };
    match change {
        Change::Create(id) => whole(How::Added, String::new(), definition(catalog, to, id)),
        Change::Drop(id) => whole(How::Dropped, definition(catalog, from, id), String::new()),
        Change::Replace(pair) => whole(
            How::Changed,
            catalog.describe(SchemaPart::Object(&pair.from)),
            catalog.describe(SchemaPart::Object(&pair.to)),
        ),
        Change::Setting { value, .. } => {
            let Pair { from, to } = value.clone();
            whole(
                How::Changed,
                from.unwrap_or_default(),
                to.unwrap_or_default(),
            )
        }
        Change::Opaque(pair) => {
            let printed = |one: &Option<crate::model::schema::OpaqueObject>| {
                one.as_ref()
                    .map_or_else(String::new, |one| one.definition.clone())
            };
            whole(How::NotUnderstood, printed(&pair.from), printed(&pair.to))
        }
        Change::Alter { alters, .. } => alters
            .iter()
            .map(|alter| {
                let (part, how, old, new) = altered(catalog, alter);
                Line {
                    object: object.clone(),
                    part,
                    how,
                    old,
                    new,
                }
            })
            .collect(),
    }
}

fn definition(catalog: &dyn Catalog, schema: &Schema, id: &Id) -> String {
    match (schema.object(id), schema.table(&id.name)) {
        (Some(object), _) => catalog.describe(SchemaPart::Object(object)),
        (None, Some(table)) => catalog.describe(SchemaPart::Table(table)),
        (None, None) => String::new(),
    }
}

/// A name that the engine chose is not shown.
fn named(what: &str, named: bool, name: &str) -> String {
    if named {
        format!("{what} {name}")
    } else {
        what.to_owned()
    }
}

fn key_name(key: &Key) -> String {
    match key.kind {
        KeyKind::Primary => "primary key".to_owned(),
        KeyKind::Unique => named("unique key", key.named, &key.name),
        KeyKind::Exclusion => named("exclusion", key.named, &key.name),
        _ => named("index", key.named, &key.name),
    }
}

/// The part, the kind of change, the old and the new text.
fn altered(catalog: &dyn Catalog, alter: &Alter) -> (String, How, String, String) {
    let added = |name: String, part: SchemaPart<'_>| {
        (name, How::Added, String::new(), catalog.describe(part))
    };
    let dropped = |name: String, part: SchemaPart<'_>| {
        (name, How::Dropped, catalog.describe(part), String::new())
    };
    let changed = |name: String, old: SchemaPart<'_>, new: SchemaPart<'_>| {
        (
            name,
            How::Changed,
            catalog.describe(old),
            catalog.describe(new),
        )
    };
    let value = |name: String, value: &Pair<Option<String>>| {
        let Pair { from, to } = value.clone();
        (
            name,
            How::Changed,
            from.unwrap_or_default(),
            to.unwrap_or_default(),
        )
    };
    let list = |name: &str, from: &[String], to: &[String]| {
        (
            name.to_owned(),
            How::Changed,
            from.join(", "),
            to.join(", "),
        )
    };
    match alter {
        Alter::AddColumn(c) => added(format!("column {}", c.name), SchemaPart::Column(c)),
        Alter::DropColumn(c) => dropped(format!("column {}", c.name), SchemaPart::Column(c)),
        Alter::ModifyColumn(p) => {
            let Pair { mut from, mut to } = p.as_ref().clone();
            // Long equal text would hide what differs.
            if from.collation == to.collation {
                (from.collation, to.collation) = (None, None);
            }
            changed(
                format!("column {}", to.name),
                SchemaPart::Column(&from),
                SchemaPart::Column(&to),
            )
        }
        Alter::MoveColumns(p) => {
            let (name, _, old, new) = list("order of columns", &p.from, &p.to);
            (name, How::Moved, old, new)
        }
        Alter::AddKey(k) => added(key_name(k), SchemaPart::Key(k)),
        Alter::DropKey(k) => dropped(key_name(k), SchemaPart::Key(k)),
        Alter::ModifyKey(p) => changed(
            key_name(&p.to),
            SchemaPart::Key(&p.from),
            SchemaPart::Key(&p.to),
        ),
        Alter::RenameKey(p) => (
            key_name(&p.to),
            How::Renamed,
            p.from.name.clone(),
            p.to.name.clone(),
        ),
        Alter::AddForeignKey(k) => added(
            named("foreign key", k.named, &k.name),
            SchemaPart::ForeignKey(k),
        ),
        Alter::DropForeignKey(k) => dropped(
            named("foreign key", k.named, &k.name),
            SchemaPart::ForeignKey(k),
        ),
        Alter::ModifyForeignKey(p) => changed(
            named("foreign key", p.to.named, &p.to.name),
            SchemaPart::ForeignKey(&p.from),
            SchemaPart::ForeignKey(&p.to),
        ),
        Alter::AddCheck(c) => added(named("check", c.named, &c.name), SchemaPart::Check(c)),
        Alter::DropCheck(c) => dropped(named("check", c.named, &c.name), SchemaPart::Check(c)),
        Alter::ModifyCheck(p) => changed(
            named("check", p.to.named, &p.to.name),
            SchemaPart::Check(&p.from),
            SchemaPart::Check(&p.to),
        ),
        Alter::Option { name, value: pair } => value(name.clone(), pair),
        Alter::Comment(pair) => value("comment".to_owned(), pair),
        Alter::Partitions(p) => {
            let text = |one: &Option<crate::model::schema::Partitions>| {
                one.as_ref().map_or_else(String::new, |one| {
                    catalog.describe(SchemaPart::Partitions(one))
                })
            };
            (
                "partitions".to_owned(),
                How::Changed,
                text(&p.from),
                text(&p.to),
            )
        }
        Alter::Parents(p) => {
            let text = |all: &[crate::model::schema::Parent]| {
                let all = all.iter().map(|one| match &one.bound {
                    Some(bound) => format!("{} {bound}", one.table),
                    None => one.table.clone(),
                });
                all.collect::<Vec<_>>()
            };
            list("parents", &text(&p.from), &text(&p.to))
        }
        Alter::Opaque(p) => {
            let (name, _, old, new) = list("definition", &p.from, &p.to);
            (name, How::NotUnderstood, old, new)
        }
    }
}

/// A change as JSON.
pub fn json(catalog: &dyn Catalog, change: &Change, from: &Schema, to: &Schema) -> Value {
    let lines = lines(catalog, change, from, to);
    let word = match change {
        Change::Create(_) => "create",
        Change::Drop(_) => "drop",
        Change::Alter { .. } | Change::Replace(_) | Change::Setting { .. } => "alter",
        Change::Opaque(_) => "not-understood",
    };
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let parts: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "part": text(&line.part),
                "change": line.how.word(),
                "from": text(&line.old),
                "to": text(&line.new),
            })
        })
        .collect();
    json!({ "object": change.about(), "change": word, "parts": parts })
}
