//! Simulates an ALTER TABLE: works out the table after it from the table before it.
//!
//! Every clause refers to the table before the statement, so that two columns can swap their
//! names.

use super::alter::Clause;
use super::column::is_text;
use super::table::Table;
use crate::dialect::mysql::ddl::column::{Column, Position};
use crate::dialect::mysql::ddl::key::{Check, ForeignKey, Key, PartSource};
use crate::model::schema::KeyKind;

/// The table after a statement.
pub struct Outcome {
    pub table: Table,
    /// Whether a column was dropped or renamed: that must not be done twice.
    pub moved: bool,
}

/// The table after these clauses. `None` if the server would refuse one of them.
pub fn simulate(table: Table, clauses: &[Clause]) -> Option<Outcome> {
    let mut work = Work::new(table);
    for clause in clauses {
        work.apply(clause)?;
    }
    Some(work.finish())
}

/// A column during the simulation.
struct Slot {
    /// Its name before the statement, if it existed.
    was: Option<String>,
    column: Column,
    /// Whether it is converted to another character set.
    converted: bool,
}

/// A table during the simulation.
struct Work {
    table: Table,
    slots: Vec<Slot>,
    /// Names of columns before and after the statement.
    names: Vec<(String, String)>,
    added: (Vec<Key>, Vec<ForeignKey>, Vec<Check>),
    moved: bool,
}

impl Work {
    fn new(mut table: Table) -> Work {
        let columns = std::mem::take(&mut table.columns).into_iter();
        let slots = columns.map(|column| Slot {
            was: Some(column.name.clone()),
            column,
            converted: false,
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
                self.slots.get_mut(at)?.column.default.clone_from(value);
            }
            Clause::Visible(name, seen) => {
                let at = self.slot(name)?;
                let options = &mut self.slots.get_mut(at)?.column.options;
                options.remove("invisible");
                options.extend((!seen).then(|| ("invisible", "yes".to_owned())));
            }
            Clause::DropPrimary(exists) => {
                let gone = take(&mut table.keys, |key| key.kind == KeyKind::Primary);
                (gone || *exists).then_some(())?;
            }
            Clause::DropKey(name, exists) => {
                let gone = take(&mut table.keys, |key| key.name.as_ref() == Some(name));
                (gone || *exists).then_some(())?;
            }
            Clause::DropForeign(name, exists) => {
                let gone = take(&mut table.foreign_keys, |key| {
                    key.name.as_ref() == Some(name)
                });
                (gone || *exists).then_some(())?;
            }
            Clause::DropCheck(name, exists) => {
                let gone = take(&mut table.checks, |check| check.name.as_ref() == Some(name));
                (gone || *exists).then_some(())?;
            }
            Clause::DropConstraint(name, exists) => {
                let gone = take(&mut table.foreign_keys, |key| {
                    key.name.as_ref() == Some(name)
                }) || take(&mut table.checks, |check| check.name.as_ref() == Some(name))
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
            Clause::ShowKey(name, visible) => {
                let mut keys = table.keys.iter_mut();
                let key = keys.find(|key| key.name.as_ref() == Some(name))?;
                key.options.remove("visible");
                let hidden = (!visible).then(|| ("visible".to_owned(), "no".to_owned()));
                key.options.extend(hidden);
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
                partitions.list.extend(parts.iter().cloned());
            }
            Clause::DropParts(names, exists) => {
                let parts = &mut table.partitions.as_mut()?.list;
                for name in names {
                    let gone = take(parts, |part| part.name == *name);
                    (gone || *exists).then_some(())?;
                }
            }
            Clause::ReplaceParts(names, more) => {
                let parts = &mut table.partitions.as_mut()?.list;
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
                converted: false,
            };
            self.insert(slot, column.position.as_ref())?;
        }
        let Table {
            keys,
            foreign_keys,
            checks,
            ..
        } = &self.table;
        let known = |name: &Option<String>| {
            let mut names = keys.iter().map(|key| &key.name);
            let mut more = foreign_keys.iter().map(|key| &key.name);
            let mut others = checks.iter().map(|check| &check.name);
            unless
                && name.is_some()
                && (names.any(|other| other == name)
                    || more.any(|other| other == name)
                    || others.any(|other| other == name))
        };
        let (new_keys, new_foreign, new_checks) = &mut self.added;
        new_keys.extend(more.keys.iter().filter(|key| !known(&key.name)).cloned());
        new_foreign.extend(
            more.foreign_keys
                .iter()
                .filter(|key| !known(&key.name))
                .cloned(),
        );
        new_checks.extend(
            more.checks
                .iter()
                .filter(|check| !known(&check.name))
                .cloned(),
        );
        Some(())
    }

    fn insert(&mut self, slot: Slot, position: Option<&Position>) -> Option<()> {
        let at = match position {
            None => self.slots.len(),
            Some(Position::First) => 0,
            Some(Position::After(name)) => {
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
        // The server refuses to drop a column if a check refers to other columns too.
        let names = |check: &Check| {
            let mut tokens = check.expression.tokens.iter();
            tokens.any(|token| token.name().as_deref() == Some(name))
        };
        self.table.checks.retain(|check| !names(check));
        for key in &mut self.table.keys {
            key.parts.retain(|part| part.column() != Some(name));
        }
        self.table.keys.retain(|key| !key.parts.is_empty());
    }

    fn change(&mut self, at: usize, said: &Table) -> Option<()> {
        let column = said.columns.first()?.clone();
        let slot = self.slots.get_mut(at)?;
        let old = slot.column.name.clone();
        let position = column.position.clone();
        let new = column.name.clone();
        slot.column = column;
        slot.converted = false;
        self.table
            .checks
            .retain(|check| check.column.as_ref() != Some(&old));
        self.added.0.extend(said.keys.iter().cloned());
        self.added.2.extend(said.checks.iter().cloned());
        if new != old {
            self.moved = true;
            self.names.push((old, new));
        }
        if position.is_some() {
            let slot = self.slots.remove(at);
            self.insert(slot, position.as_ref())?;
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
            if is_text(&slot.column) {
                slot.column.charset = Some(set.to_owned());
                slot.column.collation = collation.cloned();
                slot.converted = true;
            }
        }
        self.table.options.insert("charset".into(), set.to_owned());
        self.table.options.remove("collate");
        let collation = collation.map(|collation| ("collate".to_owned(), collation.clone()));
        self.table.options.extend(collation);
    }

    /// Renames columns in what was there, and adds what is new.
    fn finish(self) -> Outcome {
        let Work {
            mut table,
            slots,
            names,
            added,
            moved,
        } = self;
        let new_name = |name: &str| {
            let renamed = names.iter().find(|(old, _)| old == name);
            renamed.map(|(_, new)| new.clone())
        };
        let rename = |name: &mut String| {
            if let Some(new) = new_name(name) {
                *name = new;
            }
        };
        for key in &mut table.keys {
            for part in &mut key.parts {
                match &mut part.source {
                    PartSource::Column(name, _) => rename(name),
                    PartSource::Expression(code) => code.rename(new_name),
                }
            }
        }
        for key in &mut table.foreign_keys {
            key.columns.iter_mut().for_each(rename);
        }
        for check in &mut table.checks {
            check.expression.rename(new_name);
        }
        for slot in slots {
            let mut column = slot.column;
            if let Some(generated) = &mut column.generated {
                generated.expression.rename(new_name);
            }
            table
                .converted
                .extend(slot.converted.then(|| column.name.clone()));
            table.columns.push(column);
        }
        table.keys.extend(added.0);
        table.foreign_keys.extend(added.1);
        table.checks.extend(added.2);
        table.inherit();
        Outcome { table, moved }
    }
}

/// Removes the first item that is wanted; whether there was one.
fn take<T>(all: &mut Vec<T>, wanted: impl Fn(&T) -> bool) -> bool {
    let found = all.iter().position(wanted);
    found.map(|at| all.remove(at)).is_some()
}
