//! What leads from one schema to another. It knows no engine: what is the same was made equal on
//! the way in.

use std::collections::HashMap;

use crate::model::change::{Alter, Change, Difference, Pair, Renamed};
use crate::model::schema::{
    Check, Column, ForeignKey, Id, Key, Kind, Object, OpaqueObject, Options, Schema, Table,
};

/// The differences; `orders` says whether the engine can change the order of columns.
#[must_use]
pub fn diff(from: &Schema, to: &Schema, orders: bool) -> Difference {
    let mut difference = Difference::default();
    let changes = &mut difference.changes;
    for (name, value) in options(&from.settings, &to.settings) {
        changes.push(Change::Setting { name, value });
    }
    for (old, new) in matched(&from.tables, &to.tables, |table| table.name.clone()) {
        match (old, new) {
            (Some(old), None) => changes.push(Change::Drop(old.id())),
            (None, Some(new)) => changes.push(Change::Create(new.id())),
            (Some(old), Some(new)) if old != new => {
                let (moves, alters) = table(old, new, orders)
                    .into_iter()
                    .partition(|alter| !orders && matches!(alter, Alter::MoveColumns(_)));
                let altered = |alters: Vec<Alter>| Change::Alter {
                    table: new.name.clone(),
                    alters,
                };
                if !Vec::is_empty(&alters) {
                    changes.push(altered(alters));
                }
                if !Vec::is_empty(&moves) {
                    difference.remarks.push(altered(moves));
                }
            }
            _ => {}
        }
    }
    for (old, new) in matched(&from.objects, &to.objects, Object::id) {
        match (old, new) {
            (Some(old), None) => changes.push(Change::Drop(old.id())),
            (None, Some(new)) => changes.push(Change::Create(new.id())),
            (Some(old), Some(new)) if old != new => {
                let pair = Pair::new(old.clone(), new.clone());
                changes.push(Change::Replace(Box::new(pair)));
            }
            _ => {}
        }
    }
    let named = |opaque: &OpaqueObject| opaque.what.clone();
    for (old, new) in matched(&from.opaque_objects, &to.opaque_objects, named) {
        if old != new {
            changes.push(Change::Opaque(Pair::new(old.cloned(), new.cloned())));
        }
    }
    difference
}

/// The differences within one table.
fn table(from: &Table, to: &Table, orders: bool) -> Vec<Alter> {
    let mut alters = columns(&from.columns, &to.columns, orders);
    alters.extend(keys(&from.keys, &to.keys));
    let foreign = constraints(&from.foreign_keys, &to.foreign_keys);
    alters.extend(foreign.into_iter().map(|pair| match pair {
        (Some(old), Some(new)) => Alter::ModifyForeignKey(Box::new(Pair::new(old, new))),
        (Some(old), None) => Alter::DropForeignKey(old),
        (None, new) => Alter::AddForeignKey(new.unwrap_or_default()),
    }));
    let checks = constraints(&from.checks, &to.checks);
    alters.extend(checks.into_iter().map(|pair| match pair {
        (Some(old), Some(new)) => Alter::ModifyCheck(Box::new(Pair::new(old, new))),
        (Some(old), None) => Alter::DropCheck(old),
        (None, new) => Alter::AddCheck(new.unwrap_or_default()),
    }));
    let set = options(&from.options, &to.options).into_iter();
    alters.extend(set.map(|(name, value)| Alter::Option { name, value }));
    if from.comment != to.comment {
        let pair = Pair::new(from.comment.clone(), to.comment.clone());
        alters.push(Alter::Comment(pair));
    }
    if from.partitions != to.partitions {
        let pair = Pair::new(from.partitions.clone(), to.partitions.clone());
        alters.push(Alter::Partitions(Box::new(pair)));
    }
    if from.parents != to.parents {
        let pair = Pair::new(from.parents.clone(), to.parents.clone());
        alters.push(Alter::Parents(pair));
    }
    if from.opaque_clauses != to.opaque_clauses {
        let pair = Pair::new(from.opaque_clauses.clone(), to.opaque_clauses.clone());
        alters.push(Alter::Opaque(pair));
    }
    alters
}

/// Column orders stand in the remarks where the engine cannot change them, and there the place of
/// a new column is one too.
fn columns(from: &[Column], to: &[Column], orders: bool) -> Vec<Alter> {
    let mut alters = Vec::new();
    for (old, new) in matched(from, to, |column| column.name.clone()) {
        match (old, new) {
            (Some(old), None) => alters.push(Alter::DropColumn(Box::new(old.clone()))),
            (None, Some(new)) => alters.push(Alter::AddColumn(Box::new(new.clone()))),
            (Some(old), Some(new)) if old != new => {
                let pair = Pair::new(old.clone(), new.clone());
                alters.push(Alter::ModifyColumn(Box::new(pair)));
            }
            _ => {}
        }
    }
    let names = |all: &[Column], others: &[Column], both: bool| -> Vec<String> {
        let all = all.iter().map(|column| &column.name);
        let has = |name: &str| others.iter().any(|column| column.name == name);
        all.filter(|name| has(name) == both).cloned().collect()
    };
    let (mut old, mut new) = (names(from, to, true), names(to, from, true));
    if !orders {
        old.extend(names(to, from, false));
        new = to.iter().map(|column| column.name.clone()).collect();
    }
    if old != new {
        alters.push(Alter::MoveColumns(Pair::new(old, new)));
    }
    alters
}

fn keys(from: &[Key], to: &[Key]) -> Vec<Alter> {
    let mut alters = Vec::new();
    for (old, new) in constraints(from, to) {
        alters.push(match (old, new) {
            (Some(old), Some(new)) if same_but_name(&old, &new) => {
                Alter::RenameKey(Box::new(Pair::new(old, new)))
            }
            (Some(old), Some(new)) => Alter::ModifyKey(Box::new(Pair::new(old, new))),
            (Some(old), None) => Alter::DropKey(old),
            (None, new) => Alter::AddKey(new.unwrap_or_default()),
        });
    }
    alters
}

/// A part of a table that has a name which it may have from the engine.
trait Named: Clone + PartialEq {
    fn name(&self) -> &str;
    fn named(&self) -> bool;
    fn rename(&mut self, name: &str, named: bool);
}

macro_rules! named {
    ($($part:ty),+) => { $(
        impl Named for $part {
            fn name(&self) -> &str {
                &self.name
            }

            fn named(&self) -> bool {
                self.named
            }

            fn rename(&mut self, name: &str, named: bool) {
                self.name = name.to_owned();
                self.named = named;
            }
        }
    )+ };
}

named!(Key, ForeignKey, Check);

fn same_but_name<T: Named>(old: &T, new: &T) -> bool {
    let mut old = old.clone();
    old.rename(new.name(), new.named());
    old == *new
}

/// The parts that differ: first those under one name are put together, then those that are the
/// same but for their names. Names that both come from the engine say nothing.
fn constraints<T: Named>(from: &[T], to: &[T]) -> Vec<(Option<T>, Option<T>)> {
    let mut lonely = Pair::new(Vec::new(), Vec::new());
    let mut differing = Vec::new();
    for (old, new) in matched(from, to, |part| part.name().to_owned()) {
        match (old, new) {
            (Some(old), Some(new)) if same_but_name(old, new) => {}
            // Two names that the engine chose are the same by chance.
            (Some(old), Some(new)) if !old.named() && !new.named() => {
                lonely.from.push(old);
                lonely.to.push(new);
            }
            (Some(old), Some(new)) => differing.push((Some(old.clone()), Some(new.clone()))),
            (Some(old), None) => lonely.from.push(old),
            (None, new) => lonely.to.extend(new),
        }
    }
    for old in lonely.from {
        let twin = lonely.to.iter().position(|new| same_but_name(old, *new));
        match twin.map(|at| lonely.to.remove(at)) {
            Some(new) if !old.named() && !new.named() => {}
            Some(new) => differing.push((Some(old.clone()), Some(new.clone()))),
            None => differing.push((Some(old.clone()), None)),
        }
    }
    let added = lonely.to.into_iter();
    differing.extend(added.map(|new| (None, Some(new.clone()))));
    differing
}

/// The values that differ, by name.
fn options(from: &Options, to: &Options) -> Vec<(String, Pair<Option<String>>)> {
    let mut names: Vec<&String> = from.keys().chain(to.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names
        .into_iter()
        .filter(|name| from.get(*name) != to.get(*name));
    differing
        .map(|name| {
            let value = Pair::new(from.get(name).cloned(), to.get(name).cloned());
            (name.clone(), value)
        })
        .collect()
}

/// What two lists have under one name, and what only one of them has: first all of the old one,
/// then what is new, each in its order.
fn matched<'t, T, K: std::hash::Hash + Eq>(
    from: &'t [T],
    to: &'t [T],
    name: impl Fn(&T) -> K,
) -> Vec<(Option<&'t T>, Option<&'t T>)> {
    let new: HashMap<K, &T> = to.iter().map(|new| (name(new), new)).collect();
    let old: HashMap<K, &T> = from.iter().map(|old| (name(old), old)).collect();
    let both = from
        .iter()
        .map(|one| (Some(one), new.get(&name(one)).copied()));
    let added = to.iter().filter(|one| !old.contains_key(&name(one)));
    both.chain(added.map(|one| (None, Some(one)))).collect()
}

/// What may be one thing under two names: a table or a column that is gone beside a twin that is
/// new. A guess for people, never acted upon; where there are several twins there is none.
#[must_use]
pub fn twins(difference: &Difference, from: &Schema, to: &Schema) -> Vec<Renamed> {
    let mut twins = Vec::new();
    let tables = |wanted: fn(&Change) -> Option<&Id>, of: &Schema| -> Vec<Table> {
        let ids = difference.changes.iter().filter_map(wanted);
        let tables = ids.filter(|id| id.kind == Kind::Table);
        tables
            .filter_map(|id| of.table(&id.name))
            .cloned()
            .collect()
    };
    let gone = tables(
        |change| match change {
            Change::Drop(id) => Some(id),
            _ => None,
        },
        from,
    );
    let new = tables(
        |change| match change {
            Change::Create(id) => Some(id),
            _ => None,
        },
        to,
    );
    for (old, new) in pairs(&gone, &new, |old, new| old.columns == new.columns) {
        twins.push(renamed(&old.name, &new.name));
    }
    for change in &difference.changes {
        let Change::Alter { table, alters } = change else {
            continue;
        };
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for alter in alters {
            match alter {
                Alter::DropColumn(column) => gone.push(column.as_ref().clone()),
                Alter::AddColumn(column) => new.push(column.as_ref().clone()),
                _ => {}
            }
        }
        let alike = |old: &Column, new: &Column| {
            let mut old = old.clone();
            old.name.clone_from(&new.name);
            old == *new
        };
        for (old, new) in pairs(&gone, &new, alike) {
            let full = |column: &Column| format!("{table}.{}", column.name);
            twins.push(renamed(&full(old), &full(new)));
        }
    }
    twins
}

fn renamed(from: &str, to: &str) -> Renamed {
    Renamed {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

/// Those that are alike and have no other that is.
fn pairs<'t, T>(
    gone: &'t [T],
    new: &'t [T],
    alike: impl Fn(&T, &T) -> bool,
) -> Vec<(&'t T, &'t T)> {
    let mut pairs = Vec::new();
    for old in gone {
        let mut likes = new.iter().filter(|new| alike(old, new));
        let (first, second) = (likes.next(), likes.next());
        if let (Some(new), None) = (first, second)
            && gone.iter().filter(|old| alike(old, new)).count() == 1
        {
            pairs.push((old, new));
        }
    }
    pairs
}
