//! Completion checks of MySQL and MariaDB: what the objects of a statement have to be after it.

use super::alter::Alter;
use super::matches;
use super::program::Created;
use crate::dialect::recovery::{Completion, CompletionCheck, ObjectKind, ObjectState};

/// The check of a CREATE: the object is there, and is what the statement says.
impl CompletionCheck for Created {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        match objects.first().map(|state| (state.before, state.now)) {
            Some((None, Some(now))) => Completion::ran_if(self.fits(now)),
            _ => Completion::InDoubt,
        }
    }
}

/// The check of a CREATE TABLE … LIKE: the second table is there, and is what the first one is.
#[derive(Debug)]
pub struct Copied;

impl CompletionCheck for Copied {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        let [source, copy, ..] = objects else {
            return Completion::InDoubt;
        };
        match (source.before, source.now, copy.before, copy.now) {
            (Some(source), Some(still), None, Some(now)) => {
                Completion::ran_if(source == still && matches::copied(source, now))
            }
            _ => Completion::InDoubt,
        }
    }
}

/// The check of an ALTER TABLE: the first table is what it was, changed as the statement says. If
/// there is a second one, the result has its name.
impl CompletionCheck for Alter {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        let same = objects.iter().all(ObjectState::is_unchanged);
        let first = objects.first().map(|state| (state.before, state.now));
        let second = objects.get(1).map(|state| (state.before, state.now));
        match (first, second) {
            (Some((Some(before), Some(_))), None) if same => {
                Completion::not_run_if(!self.hides(before))
            }
            (Some((Some(before), Some(now))), None)
            | (Some((Some(before), None)), Some((None, Some(now)))) => {
                Completion::ran_if(self.explains(before, now))
            }
            _ => Completion::not_run_if(same),
        }
    }

    fn trusts_equality(&self) -> bool {
        false
    }
}

/// The check of a RENAME TABLE: the first object of each pair is gone, and the second one is what
/// the first one was.
#[derive(Debug)]
pub struct Renamed(pub Vec<(usize, usize)>);

impl CompletionCheck for Renamed {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        let renamed = |(from, to): &(usize, usize)| {
            let (from, to) = (&objects[*from], &objects[*to]);
            match ((from.before, from.now), (to.before, to.now)) {
                ((Some(was), None), (None, Some(is))) => {
                    let names = (from.object.parts.last(), to.object.parts.last());
                    matches::renamed(was, is, names)
                }
                // With IF EXISTS a missing table is passed over.
                ((None, None), _) => to.is_unchanged(),
                _ => false,
            }
        };
        Completion::ran_if(self.0.iter().all(renamed))
    }
}

/// The check of a RENAME TABLE that reuses names: table identifiers are followed from name to
/// name.
#[derive(Debug)]
pub struct Swapped(pub Vec<(usize, usize)>);

impl CompletionCheck for Swapped {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        let hidden = |seen: Option<&str>| seen.is_some_and(|seen| table_id(seen).is_none());
        let mut states = objects.iter();
        if states.any(|state| hidden(state.before) || hidden(state.now)) {
            return Completion::InDoubt;
        }
        let ids = |side: fn(&ObjectState<'_>) -> Option<String>| -> Vec<Option<String>> {
            objects.iter().map(side).collect()
        };
        let before = ids(|state| state.before.and_then(table_id).map(str::to_owned));
        let now = ids(|state| state.now.and_then(table_id).map(str::to_owned));
        if before == now {
            Completion::NotRun
        } else {
            Completion::ran_if(follow(before, &self.0).is_some_and(|wanted| wanted == now))
        }
    }

    fn trusts_equality(&self) -> bool {
        false
    }
}

/// The table identifiers after all renames; `None` if the server would refuse one of them.
fn follow(mut ids: Vec<Option<String>>, pairs: &[(usize, usize)]) -> Option<Vec<Option<String>>> {
    for (from, to) in pairs {
        let moved = ids.get_mut(*from)?.take()?;
        let to = ids.get_mut(*to)?;
        to.is_none().then_some(())?;
        *to = Some(moved);
    }
    Some(ids)
}

/// The check of a TRUNCATE: the table has another identifier, and is empty.
#[derive(Debug)]
pub struct Emptied;

impl CompletionCheck for Emptied {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        objects.first().map_or(Completion::InDoubt, emptied)
    }

    fn trusts_equality(&self) -> bool {
        false
    }
}

/// The check of a CREATE OR REPLACE: the first object has another table identifier and is empty,
/// and the second one is what the statement says.
#[derive(Debug)]
pub struct Replaced(pub Created);

impl CompletionCheck for Replaced {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        let [storage, definition, ..] = objects else {
            return Completion::InDoubt;
        };
        match (definition.before, definition.now) {
            (_, Some(now)) if storage.before.is_none() => Completion::ran_if(self.0.fits(now)),
            // A server that dies in it may have dropped the old one and not made the new one; the
            // old one was to go anyway.
            (Some(_), None) => Completion::NotRun,
            (_, now) => match emptied(storage) {
                Completion::NotRun => Completion::not_run_if(definition.is_unchanged()),
                // A sequence always has its one row.
                Completion::InDoubt if definition.object.kind != ObjectKind::Sequence => {
                    Completion::InDoubt
                }
                _ => {
                    let fits = now.is_some_and(|now| self.0.fits(now));
                    Completion::ran_if(fits && moved(storage))
                }
            },
        }
    }

    fn trusts_equality(&self) -> bool {
        false
    }
}

/// The identifier under which a table's rows are stored. `None` if it cannot be seen.
fn table_id(definition: &str) -> Option<&str> {
    let (id, _) = definition.split_once('\t')?;
    (!id.is_empty()).then_some(id)
}

/// Whether the rows are stored elsewhere than before.
fn moved(state: &ObjectState<'_>) -> bool {
    let (before, now) = (
        state.before.and_then(table_id),
        state.now.and_then(table_id),
    );
    before.is_some() && now.is_some() && before != now
}

/// Whether a table was emptied. Another identifier means that it was emptied or rebuilt; after
/// emptying it has no rows, unless another session has written since.
fn emptied(state: &ObjectState<'_>) -> Completion {
    let (Some(before), Some(now)) = (state.before, state.now) else {
        return Completion::not_run_if(state.is_unchanged());
    };
    match (table_id(before), table_id(now)) {
        (Some(before), Some(now)) if before == now => Completion::NotRun,
        (Some(_), Some(_)) => Completion::ran_if(now.ends_with("\t0")),
        _ => Completion::InDoubt,
    }
}
