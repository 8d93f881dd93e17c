//! The planner: the statements that change one schema into another, in a valid order. First drops,
//! then tables, then indexes, views and triggers.

pub(super) mod alter;
pub(super) mod clause;
pub(super) mod guard;
pub(super) mod order;
pub(super) mod rebuild;
pub(super) mod risk;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use self::clause::quote;
use self::order::ordered;
use self::rebuild::{Marks, Rebuild};
use super::ddl::virtual_table;
use crate::model::change::{Alter, Change, Ddl, DdlStep, Difference, Hazard, Unsupported};
use crate::model::schema::{Id, Key, KeyKind, Kind, Object, Schema, Table};

/// The setting for renames. Without it a rename rewrites all statements that mention the table. Like
/// DROP COLUMN it then fails if a view or a trigger mentions a missing object.
const LENIENT: &str = "PRAGMA legacy_alter_table = ON";
const STRICT: &str = "PRAGMA legacy_alter_table = OFF";

pub fn write(difference: &Difference, from: &Schema, to: &Schema) -> Ddl {
    let mut writer = Writer::new(from, to);
    writer.tables(&difference.changes);
    writer.others(&difference.changes);
    writer.finish()
}

struct Writer<'s> {
    from: &'s Schema,
    to: &'s Schema,
    old: HashMap<&'s str, &'s Table>,
    new: HashMap<&'s str, &'s Table>,
    /// Tables and views that are dropped with their triggers and indexes, by their old names.
    gone: HashSet<&'s str>,
    drops: Vec<DdlStep>,
    /// The statements that change tables without a rebuild.
    middle: Vec<DdlStep>,
    rebuilds: Rebuild,
    marks: Marks,
    indexes: Vec<DdlStep>,
    unsupported: Vec<Unsupported>,
    /// Whether DROP COLUMN changes no stored statement of the old schema.
    quotes: OnceCell<bool>,
}

impl<'s> Writer<'s> {
    fn new(from: &'s Schema, to: &'s Schema) -> Self {
        let named = |schema: &'s Schema| -> HashMap<&'s str, &'s Table> {
            let tables = schema.tables.iter();
            tables.map(|table| (table.name.as_str(), table)).collect()
        };
        Writer {
            from,
            to,
            old: named(from),
            new: named(to),
            gone: HashSet::new(),
            drops: Vec::new(),
            middle: Vec::new(),
            rebuilds: Rebuild::default(),
            marks: Marks::free(from, to),
            indexes: Vec::new(),
            unsupported: Vec::new(),
            quotes: OnceCell::new(),
        }
    }

    /// Plans the tables: created, dropped and changed ones.
    fn tables(&mut self, changes: &[Change]) {
        let is_table = |id: &&Id| id.kind == Kind::Table;
        let created = changes.iter().filter_map(|change| match change {
            Change::Create(id) => Some(id).filter(is_table),
            _ => None,
        });
        let mut created: Vec<&Table> = created
            .filter_map(|id| self.new.get(id.name.as_str()).copied())
            .collect();
        let dropped = changes.iter().filter_map(|change| match change {
            Change::Drop(id) => Some(id).filter(is_table),
            _ => None,
        });
        let mut dropped: Vec<&Table> = dropped
            .filter_map(|id| self.old.get(id.name.as_str()).copied())
            .collect();
        // Some virtual tables read the tables whose content they index.
        created.sort_by_key(|table| virtual_table::is_virtual(table));
        dropped.sort_by_key(|table| virtual_table::is_virtual(table));
        // Only the letter case of the name differs.
        let mut respelled = Vec::new();
        dropped.retain(|old| {
            let twin = created.iter().position(|new| is_twin(old, new));
            respelled.extend(twin.map(|at| (*old, created.remove(at))));
            twin.is_none()
        });
        for table in ordered(&dropped, |table| (table.name.as_str(), parents(table)))
            .into_iter()
            .rev()
        {
            self.drop_table(table);
        }
        for table in ordered(&created, |table| (table.name.as_str(), parents(table))) {
            self.create_table(table);
        }
        for (old, new) in respelled {
            self.rebuild(old, new, &[]);
        }
        for change in changes {
            if let Change::Alter { table, alters } = change
                && let Some(old) = self.old.get(table.as_str()).copied()
                && let Some(new) = self.new.get(table.as_str()).copied()
            {
                self.alter(old, new, alters);
            }
        }
    }

    fn drop_table(&mut self, table: &'s Table) {
        self.gone.insert(&table.name);
        let sql = format!("DROP TABLE {}", quote(&table.name));
        let why = format!("all rows of {} are lost", table.name);
        self.middle
            .push(DdlStep::new(table.id(), sql).risk(Hazard::DataLoss, why));
    }

    fn create_table(&mut self, table: &Table) {
        self.middle
            .push(DdlStep::new(table.id(), clause::create(table)));
        for key in indexes(table) {
            self.indexes.push(index(table, key, true));
        }
    }

    fn rebuild(&mut self, old: &'s Table, new: &'s Table, alters: &[Alter]) {
        self.gone.insert(&old.name);
        match rebuild::steps(&self.marks, old, new, alters) {
            Some(steps) => self.rebuilds.join(steps),
            None => return self.refuse(new, "bird cannot parse its definition"),
        }
        for key in indexes(new) {
            let stood = indexes(old).any(|old| old == key);
            self.indexes.push(index(new, key, stood));
        }
    }

    fn alter(&mut self, old: &'s Table, new: &'s Table, alters: &[Alter]) {
        if !old.opaque_clauses.is_empty() || !new.opaque_clauses.is_empty() {
            return self.refuse(new, "bird does not understand the table's definition");
        }
        if virtual_table::is_virtual(old) || virtual_table::is_virtual(new) {
            self.gone.insert(&old.name);
            let steps = virtual_table::replace(&self.marks, old, new);
            self.rebuilds.join(steps);
            for key in indexes(new) {
                self.indexes.push(index(new, key, true));
            }
            return;
        }
        let (drops, from) = (&self.quotes, self.from);
        let may_drop = || *drops.get_or_init(|| alter::leaves_quotes(from));
        let Some(steps) = alter::steps(old, new, alters, &may_drop) else {
            return self.rebuild(old, new, alters);
        };
        self.middle.extend(steps);
        for key in indexes(old).filter(|key| !new.keys.contains(key)) {
            let sql = format!("DROP INDEX {}", quote(&key.name));
            self.drops.push(DdlStep::new(new.id(), sql));
        }
        for key in indexes(new).filter(|key| !old.keys.contains(key)) {
            self.indexes.push(index(new, key, false));
        }
    }

    fn refuse(&mut self, table: &Table, why: &str) {
        self.unsupported.push(Unsupported {
            about: table.id(),
            why: why.to_owned(),
        });
    }

    /// Reports parts of the schema that bird does not support.
    fn others(&mut self, changes: &[Change]) {
        for change in changes {
            let (about, why) = match change {
                Change::Opaque(_) => (change.about(), "bird does not understand it".to_owned()),
                Change::Setting { .. } => (change.about(), "no statement sets it".to_owned()),
                _ => continue,
            };
            let about = Id::new(Kind::Opaque, &about);
            self.unsupported.push(Unsupported { about, why });
        }
    }

    fn finish(self) -> Ddl {
        let views = |schema: &'s Schema| objects(schema, Kind::View);
        let new: HashMap<Id, &Object> = by_id(self.to);
        let old: HashMap<Id, &Object> = by_id(self.from);
        let same = |object: &Object, others: &HashMap<Id, &Object>| {
            others
                .get(&object.id())
                .is_some_and(|other| *other == object)
        };
        let mut gone = self.gone;
        let lost: Vec<&Object> = views(self.from).filter(|view| !same(view, &new)).collect();
        gone.extend(lost.iter().map(|view| view.name.as_str()));
        let with_its_table = |trigger: &Object| {
            let table = trigger.table.as_deref().unwrap_or_default();
            gone.contains(table)
        };
        let mut steps = Vec::new();
        let mut stays = !self.from.opaque_objects.is_empty();
        for trigger in objects(self.from, Kind::Trigger) {
            match (with_its_table(trigger), same(trigger, &new)) {
                // It still exists while another table changes.
                (true, _) => stays |= gone.len() > 1,
                (false, true) => stays = true,
                (false, false) => steps.push(dropped(trigger)),
            }
        }
        stays |= views(self.from).any(|view| same(view, &new));
        for view in ordered(&lost, |view| (view.name.as_str(), needs(view)))
            .into_iter()
            .rev()
        {
            steps.push(dropped(view));
        }
        steps.extend(self.drops);
        let refuses =
            |step: &DdlStep| step.sql.contains(" RENAME TO ") || step.sql.contains(" DROP COLUMN ");
        let lenient =
            self.rebuilds.makes.iter().any(refuses) || stays && self.middle.iter().any(refuses);
        let mut middle = self.middle;
        middle.extend(self.rebuilds.makes);
        middle.extend(self.rebuilds.fills);
        middle.extend(self.rebuilds.drops);
        let about = middle
            .first()
            .map(|step| step.about.clone())
            .unwrap_or_default();
        let switch = |sql: &str| lenient.then(|| DdlStep::new(about.clone(), sql));
        steps.extend(switch(LENIENT));
        steps.extend(middle);
        steps.extend(switch(STRICT));
        steps.extend(self.indexes);
        let made: Vec<&Object> = views(self.to).filter(|view| !same(view, &old)).collect();
        for view in ordered(&made, |view| (view.name.as_str(), needs(view))) {
            steps.push(DdlStep::new(view.id(), clause::object(view)));
        }
        for trigger in objects(self.to, Kind::Trigger) {
            if !same(trigger, &old) || with_its_table(trigger) {
                steps.push(DdlStep::new(trigger.id(), clause::object(trigger)));
            }
        }
        Ddl {
            steps,
            unsupported: self.unsupported,
            given_back: Vec::new(),
        }
    }
}

fn is_twin(old: &Table, new: &Table) -> bool {
    let plain =
        |table: &Table| !virtual_table::is_virtual(table) && table.opaque_clauses.is_empty();
    old.name.eq_ignore_ascii_case(&new.name) && plain(old) && plain(new)
}

fn objects(schema: &Schema, kind: Kind) -> impl Iterator<Item = &Object> {
    schema
        .objects
        .iter()
        .filter(move |object| object.kind == kind)
}

fn by_id(schema: &Schema) -> HashMap<Id, &Object> {
    schema
        .objects
        .iter()
        .map(|object| (object.id(), object))
        .collect()
}

fn parents(table: &Table) -> Vec<&str> {
    table
        .foreign_keys
        .iter()
        .map(|key| key.to.as_str())
        .collect()
}

fn needs(object: &Object) -> Vec<&str> {
    object.needs.0.iter().map(|id| id.name.as_str()).collect()
}

fn dropped(object: &Object) -> DdlStep {
    let word = match object.kind {
        Kind::View => "VIEW",
        _ => "TRIGGER",
    };
    DdlStep::new(object.id(), format!("DROP {word} {}", quote(&object.name)))
}

/// Whether a key is created by CREATE INDEX.
pub fn indexes(table: &Table) -> impl Iterator<Item = &Key> {
    table.keys.iter().filter(|key| !key.constraint)
}

fn index(table: &Table, key: &Key, fits: bool) -> DdlStep {
    let step = DdlStep::new(table.id(), clause::create_index(&table.name, key));
    if key.kind == KeyKind::Unique && !fits {
        let why = format!(
            "it fails where rows of {} are equal in the columns of {}",
            table.name, key.name
        );
        step.risk(Hazard::MayFail, why)
    } else {
        step
    }
}
