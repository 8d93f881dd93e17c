//! Completion checks: whether a statement that commits by itself has run, from the definitions of
//! its objects before it was sent and now.
//!
//! A statement counts as run only if its own text leads from the old definitions to the present
//! ones, and as not run only if nothing has changed and running it does what it says. In every
//! other case somebody else changed the objects, and a person decides.

use std::fmt;

use super::{AutoCommitted, Object, ObjectKind};

/// The definitions of a statement's objects, in their order; `None` for one that does not exist.
pub type Definitions = Vec<Option<String>>;

/// The answer of a completion check, and what is to be done about the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// It has not run, or running it again changes nothing.
    NotRun,
    Ran,
    /// It was half done; this statement does the rest.
    Remaining(String),
    /// It failed and left something behind, which this statement clears away.
    CleanUp(String),
    /// A person has to decide.
    InDoubt,
}

impl Completion {
    pub(crate) fn ran_if(proven: bool) -> Completion {
        if proven {
            Completion::Ran
        } else {
            Completion::InDoubt
        }
    }

    pub(crate) fn not_run_if(proven: bool) -> Completion {
        if proven {
            Completion::NotRun
        } else {
            Completion::InDoubt
        }
    }
}

/// An object of a statement with its definitions before the statement was sent and now.
#[derive(Debug, Clone, Copy)]
pub struct ObjectState<'s> {
    pub object: &'s Object,
    pub before: Option<&'s str>,
    pub now: Option<&'s str>,
}

impl ObjectState<'_> {
    pub(crate) fn is_unchanged(&self) -> bool {
        self.before == self.now
    }
}

/// A check that works out what the objects of a statement have to be after it, and compares that
/// with what they are. Each engine writes its own.
pub trait CompletionCheck: fmt::Debug + Send + Sync {
    /// Concludes from the objects, in the order of the statement, whether it ran.
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion;

    /// Whether equal definitions before and now already prove that the statement has not run.
    fn trusts_equality(&self) -> bool {
        true
    }
}

/// Concludes whether a statement ran. `before` was written into the journal before the statement
/// was sent; no other run has changed the objects since, because the session that sent it held
/// the lock.
pub fn completion(
    statement: &AutoCommitted,
    before: &Definitions,
    now: &Definitions,
) -> Completion {
    let objects = &statement.objects;
    let comparable = before.len() == objects.len() && now.len() == objects.len();
    let Some(check) = statement.check.as_deref() else {
        return Completion::InDoubt;
    };
    if objects.is_empty() || !comparable {
        return Completion::InDoubt;
    }
    if before == now && check.trusts_equality() {
        return Completion::NotRun;
    }
    let definitions = std::iter::zip(before, now);
    let states: Vec<ObjectState<'_>> = std::iter::zip(objects, definitions)
        .map(|(object, (before, now))| ObjectState {
            object,
            before: before.as_deref(),
            now: now.as_deref(),
        })
        .collect();
    check.completion(&states)
}

/// The check of a DROP: each of its objects is gone, still there, or another one.
#[derive(Debug)]
pub struct Dropped {
    /// The text before the names of the objects, if several objects are dropped one by one.
    pub each: Option<String>,
    /// Whether an object is still the same one, by its definitions before and now.
    pub is_same: fn(&str, &str) -> bool,
}

impl Dropped {
    fn stays(&self, state: &ObjectState<'_>) -> bool {
        match (state.before, state.now) {
            (Some(before), Some(now)) => (self.is_same)(before, now),
            _ => state.is_unchanged(),
        }
    }
}

impl CompletionCheck for Dropped {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        let (mut left, mut dropped) = (Vec::new(), 0);
        // A table's creation time follows the table itself.
        let is_aspect = |state: &ObjectState<'_>| state.object.kind == ObjectKind::CreationTime;
        for (position, first) in objects.iter().enumerate() {
            if is_aspect(first) {
                continue;
            }
            let mut aspects = objects
                .iter()
                .skip(position + 1)
                .take_while(|state| is_aspect(state));
            match (first.before, first.now) {
                (Some(_), None) => dropped += 1,
                (None, None) => {}
                _ if self.stays(first) && aspects.all(|state| self.stays(state)) => {
                    left.push(first.object.name.as_str());
                }
                _ => return Completion::InDoubt,
            }
        }
        if dropped == 0 {
            Completion::NotRun
        } else if left.is_empty() {
            Completion::Ran
        } else if let Some(each) = &self.each {
            Completion::Remaining(format!("{each} {}", left.join(", ")))
        } else {
            Completion::InDoubt
        }
    }

    fn trusts_equality(&self) -> bool {
        false
    }
}
