//! What a table is behind an ALTER TABLE, worked out on what it was.
//!
//! Every clause speaks of the table as it was, so that two columns can change their names.

use super::alter::Clause;
use super::column::{Column, Place};
use super::key::{Check, Foreign, Key};
use super::table::Table;
use crate::dialect::recovery::normalize::GAP;

/// What a table is behind a statement.
pub struct Outcome {
    pub table: Table,
    /// A column went, or changed its name: that is never done twice.
    pub moved: bool,
}

/// Works it out; nothing where the server would refuse it.
pub fn outcome(table: Table, clauses: &[Clause]) -> Option<Outcome> {
    let mut work = Work::new(table);
    for clause in clauses {
        work.apply(clause)?;
    }
    Some(work.finish())
}

/// A column on its way, by the name that it had.
struct Slot {
    was: Option<String>,
    column: Column,
}

/// A table on its way.
struct Work {
    table: Table,
    slots: Vec<Slot>,
    /// Columns, by their names before and behind it.
    names: Vec<(String, String)>,
    added: (Vec<Key>, Vec<Foreign>, Vec<Check>),
    moved: bool,
}

impl Work {
    fn new(mut table: Table) -> Work {
        let columns = std::mem::take(&mut table.columns).into_iter();
        let slots = columns.map(|column| Slot {
            was: Some(column.name.clone()),
            column,
        });
        Work {
            slots: slots.collect(),
            table,
            names: Vec::new(),
            added: Default::default(),
            moved: false,
        }
    }

    fn slot(&self, name: &str) -> Option<usize> {
        let mut slots = self.slots.iter();
        slots.position(|slot| slot.was.as_deref() == Some(name))
    }

    fn apply(&mut self, clause: &Clause) -> Option<()> {
        let table = &mut self.table;
        match clause {
            Clause::Nothing => {}
            Clause::Add(more, unless) => self.add(more, *unless)?,
            Clause::DropColumn(name, exists) => match self.slot(name) {
                Some(at) => self.drop_column(name, at),
                None => exists.then_some(())?,
            },
            Clause::Change(name, said, exists) => match self.slot(name) {
                Some(at) => self.change(at, said)?,
                None => exists.then_some(())?,
            },
            Clause::RenameColumn(old, new, exists) => match self.slot(old) {
                Some(at) => self.rename(at, old, new),
                None => exists.then_some(())?,
            },
            Clause::Default(name, value) => {
                let at = self.slot(name)?;
                let slot = self.slots.get_mut(at)?;
                slot.column.default = value
                    .as_deref()
                    .and_then(|value| slot.column.value_of(value));
            }
            Clause::Visible(name, seen) => {
                let at = self.slot(name)?;
                let rest = &mut self.slots.get_mut(at)?.column.rest;
                rest.retain(|word| word != "invisible");
                rest.extend((!seen).then(|| "invisible".to_owned()));
            }
            Clause::DropPrimary(exists) => {
                let gone = take(&mut table.keys, |key| key.kind == "primary");
                (gone || *exists).then_some(())?;
            }
            Clause::DropKey(name, exists) => {
                let gone = take(&mut table.keys, |key| key.name.as_ref() == Some(name));
                (gone || *exists).then_some(())?;
            }
            Clause::DropForeign(name, exists) => {
                let gone = take(&mut table.foreign, |key| key.name.as_ref() == Some(name));
                (gone || *exists).then_some(())?;
            }
            Clause::DropCheck(name, exists) => {
                let gone = take(&mut table.checks, |check| check.name.as_ref() == Some(name));
                (gone || *exists).then_some(())?;
            }
            Clause::DropConstraint(name, exists) => {
                let gone = take(&mut table.foreign, |key| key.name.as_ref() == Some(name))
                    || take(&mut table.checks, |check| check.name.as_ref() == Some(name))
                    || take(&mut table.keys, |key| key.name.as_ref() == Some(name));
                (gone || *exists).then_some(())?;
            }
            Clause::RenameKey(old, new, exists) => {
                let mut keys = table.keys.iter_mut();
                match keys.find(|key| key.name.as_ref() == Some(old)) {
                    Some(key) => key.name = Some(new.clone()),
                    None => exists.then_some(())?,
                }
            }
            Clause::IgnoreKey(name, state) => {
                let mut keys = table.keys.iter_mut();
                let key = keys.find(|key| key.name.as_ref() == Some(name))?;
                let mut rest: Vec<&str> = key.rest.split(' ').collect();
                rest.retain(|word| !["invisible", "ignored", ""].contains(word));
                rest.extend((!state.is_empty()).then_some(*state));
                key.rest = rest.join(" ");
            }
            Clause::Enforce(name, enforced) => {
                let mut checks = table.checks.iter_mut();
                let check = checks.find(|check| check.name.as_ref() == Some(name))?;
                check.enforced = *enforced;
            }
            Clause::Option(key, value) => {
                if key == "charset" {
                    table.options.remove("collate");
                }
                table.options.insert(key.clone(), value.clone());
            }
            Clause::Convert(set, collation) => self.convert(set, collation.as_ref()),
            Clause::Partition(partitions) => table.partitions.clone_from(partitions),
            Clause::AddParts(parts) => {
                let partitions = table.partitions.as_mut()?;
                partitions.parts.extend(parts.iter().cloned());
            }
            Clause::DropParts(names, exists) => {
                let parts = &mut table.partitions.as_mut()?.parts;
                for name in names {
                    let gone = take(parts, |part| part.name == *name);
                    (gone || *exists).then_some(())?;
                }
            }
            Clause::ReplaceParts(names, more) => {
                let parts = &mut table.partitions.as_mut()?.parts;
                let first = parts.iter().position(|part| names.contains(&part.name))?;
                parts.retain(|part| !names.contains(&part.name));
                let tail = parts.split_off(first.min(parts.len()));
                parts.extend(more.iter().cloned().chain(tail));
            }
        }
        Some(())
    }

    fn add(&mut self, more: &Table, unless: bool) -> Option<()> {
        let there = |column: &Column| {
            let mut slots = self.slots.iter();
            slots.any(|slot| slot.column.name == column.name)
        };
        let (known, new): (Vec<&Column>, Vec<&Column>) =
            more.columns.iter().partition(|column| there(column));
        if !known.is_empty() {
            unless.then_some(())?;
        }
        for column in new {
            let slot = Slot {
                was: None,
                column: column.clone(),
            };
            self.place(slot, column.place.as_ref())?;
        }
        let Table {
            keys,
            foreign,
            checks,
            ..
        } = &self.table;
        let known = |name: &Option<String>| {
            let mut names = keys.iter().map(|key| &key.name);
            let mut more = foreign.iter().map(|key| &key.name);
            let mut others = checks.iter().map(|check| &check.name);
            unless
                && name.is_some()
                && (names.any(|other| other == name)
                    || more.any(|other| other == name)
                    || others.any(|other| other == name))
        };
        let (new_keys, new_foreign, new_checks) = &mut self.added;
        new_keys.extend(more.keys.iter().filter(|key| !known(&key.name)).cloned());
        new_foreign.extend(more.foreign.iter().filter(|key| !known(&key.name)).cloned());
        new_checks.extend(
            more.checks
                .iter()
                .filter(|check| !known(&check.name))
                .cloned(),
        );
        Some(())
    }

    fn place(&mut self, slot: Slot, place: Option<&Place>) -> Option<()> {
        let at = match place {
            None => self.slots.len(),
            Some(Place::First) => 0,
            Some(Place::After(name)) => {
                let mut slots = self.slots.iter();
                let now = slots.position(|slot| slot.column.name == *name);
                now.or_else(|| self.slot(name))? + 1
            }
        };
        self.slots.insert(at.min(self.slots.len()), slot);
        Some(())
    }

    fn drop_column(&mut self, name: &str, at: usize) {
        self.moved = true;
        self.slots.remove(at);
        // With a rule of other columns too it could not be dropped.
        let names = |check: &Check| check.expression.split(GAP).any(|word| word == name);
        self.table.checks.retain(|check| !names(check));
        for key in &mut self.table.keys {
            key.parts
                .retain(|part| part.split(GAP).next() != Some(name));
        }
        self.table.keys.retain(|key| !key.parts.is_empty());
    }

    fn change(&mut self, at: usize, said: &Table) -> Option<()> {
        let column = said.columns.first()?.clone();
        let slot = self.slots.get_mut(at)?;
        let old = slot.column.name.clone();
        let place = column.place.clone();
        let new = column.name.clone();
        slot.column = column;
        self.table
            .checks
            .retain(|check| check.of.as_ref() != Some(&old));
        self.added.0.extend(said.keys.iter().cloned());
        self.added.2.extend(said.checks.iter().cloned());
        if new != old {
            self.moved = true;
            self.names.push((old, new));
        }
        if place.is_some() {
            let slot = self.slots.remove(at);
            self.place(slot, place.as_ref())?;
        }
        Some(())
    }

    fn rename(&mut self, at: usize, old: &str, new: &str) {
        if let Some(slot) = self.slots.get_mut(at) {
            slot.column.name = new.to_owned();
        }
        self.moved |= old != new;
        self.names.push((old.to_owned(), new.to_owned()));
    }

    fn convert(&mut self, set: &str, collation: Option<&String>) {
        for slot in &mut self.slots {
            if slot.column.has_characters() {
                slot.column.charset = Some(set.to_owned());
                slot.column.collation = collation.cloned();
                slot.column.converted = true;
            }
        }
        self.table.options.insert("charset".into(), set.to_owned());
        self.table.options.remove("collate");
        let collation = collation.map(|collation| ("collate".to_owned(), collation.clone()));
        self.table.options.extend(collation);
    }

    /// What was there takes the new names of columns over, and what was added comes in.
    fn finish(self) -> Outcome {
        let Work {
            mut table,
            slots,
            names,
            added,
            moved,
        } = self;
        let now = |word: &str| {
            let renamed = names.iter().find(|(old, _)| old == word);
            renamed.map_or(word, |(_, new)| new).to_owned()
        };
        let text = |text: &str| {
            let words: Vec<String> = text.split(GAP).map(now).collect();
            words.join(&GAP.to_string())
        };
        for key in &mut table.keys {
            key.parts = key.parts.iter().map(|part| text(part)).collect();
        }
        for foreign in &mut table.foreign {
            foreign.columns = foreign.columns.iter().map(|column| text(column)).collect();
        }
        for check in &mut table.checks {
            check.expression = text(&check.expression);
        }
        let columns = slots.into_iter().map(|slot| {
            let mut column = slot.column;
            column.generated = column.generated.as_deref().map(text);
            column
        });
        table.columns = columns.collect();
        table.keys.extend(added.0);
        table.foreign.extend(added.1);
        table.checks.extend(added.2);
        table.settle();
        Outcome { table, moved }
    }
}

/// Takes one out; whether there was one.
fn take<T>(all: &mut Vec<T>, wanted: impl Fn(&T) -> bool) -> bool {
    let found = all.iter().position(wanted);
    found.map(|at| all.remove(at)).is_some()
}
