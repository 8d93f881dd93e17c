//! Writes the statements that turn one schema into another, in an order that works.

pub(super) mod access;
mod alter;
pub(super) mod clause;
mod dependents;
mod filled;
pub(super) mod foreign;
pub(super) mod order;
pub(super) mod partition;
pub(super) mod rename;
pub(super) mod risk;
pub(super) mod script;
pub(super) mod settings;
pub(super) mod statement;
pub(super) mod trigger;

use std::collections::{BTreeMap, HashMap, HashSet};

use self::clause::quote;
use self::foreign::{Added, Foreign, foreign};
use super::variant::Variant;
use crate::dialect::catalog::SchemaLocation;
use crate::model::change::{Alter, Change, Ddl, DdlStep, Difference, Hazard, Unsupported};
use crate::model::schema::{Check, ForeignKey, Id, Kind, Object, Schema, Table};

/// The context in which the statements are written.
struct Writer<'w> {
    variant: &'static Variant,
    from: &'w Schema,
    to: &'w Schema,
    old_tables: HashMap<&'w str, &'w Table>,
    new_tables: HashMap<&'w str, &'w Table>,
    new_objects: HashMap<Id, &'w Object>,
    foreign: Foreign,
    ddl: Ddl,
}

pub fn write(
    place: &SchemaLocation<'_>,
    difference: &Difference,
    from: &Schema,
    to: &Schema,
) -> Ddl {
    let mut writer = Writer {
        variant: Variant::of(place.server),
        from,
        to,
        old_tables: by_name(from),
        new_tables: by_name(to),
        new_objects: to
            .objects
            .iter()
            .map(|object| (object.id(), object))
            .collect(),
        foreign: foreign(difference, from, to),
        ddl: Ddl::default(),
    };
    writer.refuse(difference);
    writer.settings(difference);
    writer.drop_programs(difference);
    writer.drop_foreign_keys();
    writer.drop_tables(difference);
    writer.drop_sequences(difference, true);
    let freed = writer.free_check_names(difference);
    writer.sequences(difference);
    writer.create_tables(difference);
    writer.alter_tables(difference, &freed);
    writer.add_foreign_keys();
    writer.drop_sequences(difference, false);
    writer.programs(difference);
    let mut ddl = writer.ddl;
    access::give_back(&mut ddl, &from.access.0);
    ddl
}

fn by_name(schema: &Schema) -> HashMap<&str, &Table> {
    let tables = schema.tables.iter();
    tables.map(|table| (table.name.as_str(), table)).collect()
}

/// The kinds that are dropped before the tables change and created after that.
const PROGRAMS: &[Kind] = &[
    Kind::Event,
    Kind::Trigger,
    Kind::View,
    Kind::Function,
    Kind::Procedure,
];

impl<'w> Writer<'w> {
    fn push(&mut self, step: DdlStep) {
        self.ddl.steps.push(step);
    }

    /// Reports unsupported definitions, which bird does not write.
    fn refuse(&mut self, difference: &Difference) {
        let mut refuse = |about: Id, why: String| {
            self.ddl.unsupported.push(Unsupported { about, why });
        };
        for change in &difference.changes {
            match change {
                Change::Create(id) if id.kind == Kind::Table => {
                    let table = self.new_tables.get(id.name.as_str());
                    for clause in table.map_or(&[][..], |table| &table.opaque_clauses) {
                        refuse(id.clone(), format!("bird does not understand `{clause}`"));
                    }
                }
                Change::Alter { table, alters } => {
                    for alter in alters {
                        let Alter::Opaque(pair) = alter else {
                            continue;
                        };
                        let lines = pair.to.iter().chain(&pair.from);
                        let lines: Vec<&str> = lines.map(String::as_str).collect();
                        let why = format!("bird does not understand `{}`", lines.join("`, `"));
                        refuse(Id::table(table), why);
                    }
                }
                Change::Opaque(pair) => {
                    let opaque = pair.to.as_ref().or(pair.from.as_ref());
                    let what = opaque.map_or("", |opaque| &opaque.what);
                    let id = Id::new(Kind::Opaque, what);
                    refuse(id, format!("bird does not understand the {what}"));
                }
                _ => {}
            }
        }
        let new = self.new_objects.values();
        let changed = changed(difference);
        for object in new.filter(|object| changed.contains(&object.id())) {
            if let Some(why) = statement::unwritable(object) {
                refuse(object.id(), why);
            }
        }
        for change in &difference.changes {
            if let Change::Alter { table, alters } = change {
                for why in self.impossible(table, alters) {
                    self.ddl.unsupported.push(Unsupported {
                        about: Id::table(table),
                        why,
                    });
                }
            }
        }
    }

    fn impossible(&self, table: &str, alters: &[Alter]) -> Vec<String> {
        let alters = alters.iter();
        alters
            .filter_map(|alter| match alter {
                Alter::Option { name, value }
                    if name.ends_with(" directory") && value.from != value.to =>
                {
                    Some(format!("the server keeps {table} in its place: {name}"))
                }
                _ => None,
            })
            .collect()
    }

    fn settings(&mut self, difference: &Difference) {
        for change in &difference.changes {
            if let Change::Setting { name, value } = change
                && name == "collation"
                && let Some(collation) = &value.to
            {
                let about = Id::default();
                self.push(DdlStep::new(about, statement::database(collation)));
            }
        }
    }

    /// Drops the removed objects, and those that cannot be replaced in one statement.
    fn drop_programs(&mut self, difference: &Difference) {
        let kept = trigger::kept(self.from, self.to);
        for kind in PROGRAMS {
            let mut steps = Vec::new();
            for change in &difference.changes {
                let id = match change {
                    Change::Drop(id) => id.clone(),
                    Change::Replace(pair) if self.is_dropped_first(&pair.from) => pair.from.id(),
                    _ => continue,
                };
                if id.kind != *kind || self.goes_with_table(&id) {
                    continue;
                }
                if matches!(change, Change::Replace(_)) && kept.contains(&id) {
                    continue;
                }
                steps.push(statement::drop(&id));
            }
            self.ddl.steps.extend(steps);
        }
    }

    /// Whether one statement replaces the older object.
    fn replaced(&self, difference: &Difference) -> HashSet<Id> {
        let changes = difference.changes.iter();
        changes
            .filter_map(|change| match change {
                Change::Replace(pair) if !self.is_dropped_first(&pair.from) => Some(pair.to.id()),
                _ => None,
            })
            .collect()
    }

    fn is_dropped_first(&self, object: &Object) -> bool {
        match object.kind {
            Kind::Trigger => true,
            Kind::Event | Kind::Function | Kind::Procedure => !self.variant.replaces_routines,
            _ => false,
        }
    }

    /// Whether the table of a trigger is dropped, and the trigger with it.
    fn goes_with_table(&self, id: &Id) -> bool {
        let table = id.table.as_deref();
        table.is_some_and(|table| {
            self.old_tables.contains_key(table) && !self.new_tables.contains_key(table)
        })
    }

    fn drop_foreign_keys(&mut self) {
        for (table, keys) in std::mem::take(&mut self.foreign.drops) {
            self.push(without_keys(&table, &keys));
        }
    }

    /// Drops tables, children before their parents.
    fn drop_tables(&mut self, difference: &Difference) {
        let gone: Vec<&Table> = difference
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Drop(id) if id.kind == Kind::Table => {
                    self.old_tables.get(id.name.as_str()).copied()
                }
                _ => None,
            })
            .collect();
        let mut gone = order::behind_needs(gone, |table| table.id(), |table| parents(table));
        gone.reverse();
        let names: Vec<&str> = gone.iter().map(|table| table.name.as_str()).collect();
        let places: HashMap<&str, usize> =
            names.iter().enumerate().map(|(at, it)| (*it, at)).collect();
        for (at, table) in gone.iter().enumerate() {
            let keys = table.foreign_keys.iter();
            let circle: Vec<ForeignKey> = keys
                .filter(|key| {
                    places
                        .get(key.to.as_str())
                        .is_some_and(|parent| *parent < at)
                })
                .cloned()
                .collect();
            if !circle.is_empty() {
                self.push(without_keys(&table.name, &circle));
            }
        }
        for table in gone {
            let sql = format!("DROP TABLE {}", quote(&table.name));
            let why = format!("the rows of `{}` are lost", table.name);
            let step = DdlStep::new(table.id(), sql).risk(Hazard::DataLoss, why);
            self.push(step);
        }
    }

    fn sequences(&mut self, difference: &Difference) {
        for change in &difference.changes {
            match change {
                Change::Create(id) if id.kind == Kind::Sequence => {
                    let new = self.new_objects.get(id).copied();
                    let steps = new.map(|new| statement::create(new, false, None));
                    self.ddl.steps.extend(steps.into_iter().flatten());
                }
                Change::Replace(pair) if pair.to.kind == Kind::Sequence => {
                    if let Some(step) = statement::alter_sequence(&pair.from, &pair.to) {
                        let why = "its next value may be outside the new bounds";
                        self.push(step.risk(Hazard::MayFail, why));
                        continue;
                    }
                    let why = "its next value starts again";
                    self.push(statement::drop(&pair.from.id()).risk(Hazard::DataLoss, why));
                    let steps = statement::create(&pair.to, false, None);
                    self.ddl.steps.extend(steps);
                }
                _ => {}
            }
        }
    }

    /// Drops sequences after the defaults that use them, or before an object takes their name.
    fn drop_sequences(&mut self, difference: &Difference, early: bool) {
        for change in &difference.changes {
            if let Change::Drop(id) = change
                && id.kind == Kind::Sequence
                && early == self.is_taken(&id.name)
            {
                let why = "its next value is lost";
                self.push(statement::drop(id).risk(Hazard::DataLoss, why));
            }
        }
    }

    fn is_taken(&self, name: &str) -> bool {
        let view = Id::new(Kind::View, name);
        self.new_tables.contains_key(name) || self.new_objects.contains_key(&view)
    }

    /// The checks that go and whose names another table gets: they are dropped first where a name
    /// belongs to the whole database.
    fn free_check_names(&mut self, difference: &Difference) -> Vec<Check> {
        if !self.variant.check_names_are_of_database {
            return Vec::new();
        }
        let mut wanted: HashMap<&str, &str> = HashMap::new();
        for table in self.new_tables.values() {
            let names = table.checks.iter().map(|check| check.name.as_str());
            wanted.extend(names.map(|name| (name, table.name.as_str())));
        }
        let mut freed = Vec::new();
        for change in &difference.changes {
            let Change::Alter { table, alters } = change else {
                continue;
            };
            for alter in alters {
                let Alter::DropCheck(check) = alter else {
                    continue;
                };
                if wanted
                    .get(check.name.as_str())
                    .is_some_and(|other| other != table)
                {
                    let clause = format!("DROP CHECK {}", quote(&check.name));
                    let sql = alter::statement(table, &[clause]);
                    self.push(DdlStep::new(Id::table(table), sql));
                    freed.push(check.clone());
                }
            }
        }
        freed
    }

    /// Creates tables, parents first; foreign keys to missing tables are added later.
    fn create_tables(&mut self, difference: &Difference) {
        let altered: HashSet<&str> = difference
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Alter { table, .. } => Some(table.as_str()),
                _ => None,
            })
            .collect();
        let new: Vec<&Table> = difference
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Create(id) if id.kind == Kind::Table => {
                    self.new_tables.get(id.name.as_str()).copied()
                }
                _ => None,
            })
            .collect();
        let new = order::behind_needs(new, |table| table.id(), |table| parents(table));
        let mut made: HashSet<&str> = HashSet::new();
        for table in new {
            made.insert(&table.name);
            let (now, later): (Vec<_>, Vec<_>) = table.foreign_keys.iter().partition(|key| {
                let to = key.to.as_str();
                key.options.contains_key("database")
                    || made.contains(to)
                    || self.old_tables.contains_key(to) && !altered.contains(to)
            });
            let sql = clause::create(table, &now, self.variant);
            let mut steps = vec![DdlStep::new(table.id(), sql)];
            let silent = table.columns.iter();
            let silent = silent.filter(|column| column.options.contains_key("default"));
            steps.extend(silent.map(|column| alter::silence(table, column)));
            self.ddl.steps.extend(settings::around_new(table, steps));
            let adds = later.into_iter().map(|key| Added {
                key: key.clone(),
                again: true,
            });
            let adds: Vec<Added> = adds.collect();
            if !adds.is_empty() {
                let all = self.foreign.adds.entry(table.name.clone()).or_default();
                all.extend(adds);
            }
        }
    }

    fn alter_tables(&mut self, difference: &Difference, freed: &[Check]) {
        let mut left: Vec<String> = self.foreign.adds.keys().cloned().collect();
        for change in &difference.changes {
            if let Change::Alter { table, alters } = change {
                left.retain(|name| name != table);
                let done = |alter: &&Alter| matches!(alter, Alter::DropCheck(check) if freed.contains(check));
                let alters = alters.iter().filter(|alter| !done(alter));
                let alters: Vec<Alter> = alters.cloned().collect();
                self.alter_table(table, &alters);
            }
        }
        // Whose foreign keys were only taken away for the change of another table.
        for table in left {
            self.alter_table(&table, &[]);
        }
    }

    fn alter_table(&mut self, table: &str, alters: &[Alter]) {
        // A new table is here for its foreign keys alone, which are added when all tables exist.
        let (Some(old), Some(new)) = (
            self.old_tables.get(table).copied(),
            self.new_tables.get(table).copied(),
        ) else {
            return;
        };
        let foreign = self.foreign.adds.get(table).map_or(&[][..], Vec::as_slice);
        let main = alter::alter(old, new, alters, foreign, self.variant);
        let mut steps = partition::around(new, alters);
        steps.before.extend(main);
        steps.before.append(&mut steps.behind);
        let steps = settings::around_change(old, new, steps.before);
        self.ddl.steps.extend(steps);
    }

    fn add_foreign_keys(&mut self) {
        for (table, keys) in std::mem::take(&mut self.foreign.adds) {
            let clauses = keys.iter();
            let clauses = clauses.map(|added| format!("ADD {}", clause::foreign_key(&added.key)));
            let clauses: Vec<String> = clauses.collect();
            let sql = alter::statement(&table, &clauses);
            let mut step = DdlStep::new(Id::table(&table), sql);
            for added in keys.iter().filter(|added| !added.again) {
                let why = format!("existing rows may have no parent in `{}`", added.key.to);
                step = step.risk(Hazard::MayFail, why);
            }
            let new = self.new_tables.get(table.as_str()).copied();
            let steps = match new {
                Some(new) => settings::around_new(new, vec![step]),
                None => vec![step],
            };
            self.ddl.steps.extend(steps);
        }
    }

    /// Creates routines, views after their sources, triggers and events.
    fn programs(&mut self, difference: &Difference) {
        let settled = self.to.settings.get("collation").map(String::as_str);
        let changed = changed(difference);
        let replaced = self.replaced(difference);
        let mut kinds: BTreeMap<Kind, Vec<&Object>> = BTreeMap::new();
        for object in &self.to.objects {
            if changed.contains(&object.id()) {
                kinds.entry(object.kind).or_default().push(object);
            }
        }
        let mut take = |kind| kinds.remove(&kind).unwrap_or_default();
        let (functions, procedures) = (take(Kind::Function), take(Kind::Procedure));
        let views = order::behind_needs(
            take(Kind::View),
            |view| view.id(),
            |view| view.needs.0.clone(),
        );
        let events = take(Kind::Event);
        let all = functions.into_iter().chain(procedures).chain(views);
        for object in all {
            let replaces = replaced.contains(&object.id());
            let steps = statement::create(object, replaces, settled);
            self.ddl.steps.extend(steps);
        }
        let triggers = trigger::placed(&changed, self.from, self.to);
        for object in triggers.iter().chain(events) {
            let replaces = replaced.contains(&object.id());
            let steps = statement::create(object, replaces, settled);
            self.ddl.steps.extend(steps);
        }
    }
}

/// The objects that are created or replaced.
fn changed(difference: &Difference) -> HashSet<Id> {
    let changes = difference.changes.iter();
    changes
        .filter_map(|change| match change {
            Change::Create(id) => Some(id.clone()),
            Change::Replace(pair) => Some(pair.to.id()),
            _ => None,
        })
        .collect()
}

/// The tables that must be created before a table.
fn parents(table: &Table) -> Vec<Id> {
    let keys = table.foreign_keys.iter();
    let keys = keys.filter(|key| !key.options.contains_key("database") && key.to != table.name);
    keys.map(|key| Id::table(&key.to)).collect()
}

fn without_keys(table: &str, keys: &[ForeignKey]) -> DdlStep {
    let clauses = keys.iter();
    let clauses: Vec<String> = clauses
        .map(|key| format!("DROP FOREIGN KEY {}", quote(&key.name)))
        .collect();
    DdlStep::new(Id::table(table), alter::statement(table, &clauses))
}
