//! Checks the `requires` of migrations and finds an order of steps that satisfies all of them.

use super::{DatabasePlan, Plan, Problems, Subject};
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::name::did_you_mean;

/// Checks the `requires` of one database's steps and sets the migrations that each step waits for.
pub(super) fn requirements(
    subjects: &[Subject<'_>],
    plan: &mut Plan,
    at: usize,
    problems: &mut Problems,
) {
    let mut waits = Vec::new();
    let Some(database) = plan.databases.get(at) else {
        return;
    };
    for (index, step) in database.steps.iter().enumerate() {
        for requires in &step.script.requires {
            let told = |code, message: String| {
                Diagnostic::new(code, message)
                    .database(&database.name)
                    .at(step.place(requires.range.clone()))
            };
            let (other, version) = (&requires.database, requires.version);
            let Some(subject) = subjects.iter().find(|subject| subject.name == other) else {
                let names = subjects.iter().map(|subject| subject.name);
                let message = format!("there is no database `{other}`, or it has no URL");
                let mut fault = told(Code::RequiresUnknown, message);
                fault.hint = did_you_mean(other, names);
                problems.failed.push(fault);
                continue;
            };
            let applied = subject
                .history
                .applied
                .iter()
                .any(|row| row.version == version);
            let planned = plan.of(other).is_some_and(|plan| {
                plan.steps
                    .iter()
                    .any(|step| step.migration.version == version)
            });
            if !applied && planned {
                waits.push((index, (other.clone(), version)));
            } else if !applied {
                let known = subject.migrations.iter().any(|m| m.version == version);
                let hint = match (known, subject.selected) {
                    (false, _) => format!("`{other}` has no migration V{version}"),
                    (true, false) => format!("migrate `{other}` as well: leave --database out"),
                    (true, true) => format!("raise --to for `{other}`"),
                };
                let title = step.migration.title();
                let message = format!(
                    "{}: {title} requires {other}@{version}, which is not applied",
                    database.name
                );
                problems
                    .refused
                    .push(told(Code::RequiresUnmet, message).hint(hint));
            }
        }
    }
    if let Some(database) = plan.databases.get_mut(at) {
        for (index, wait) in waits {
            if let Some(step) = database.steps.get_mut(index) {
                step.waits_for.push(wait);
            }
        }
    }
}

/// All steps in an order in which each may run; an error names a circle.
pub fn order(databases: &[DatabasePlan]) -> Result<Vec<(usize, usize)>, Diagnostic> {
    let total: usize = databases.iter().map(|database| database.steps.len()).sum();
    let mut next = vec![0; databases.len()];
    let mut order = Vec::with_capacity(total);
    while order.len() < total {
        let before = order.len();
        for (at, database) in databases.iter().enumerate() {
            while let Some(step) = database.steps.get(next[at])
                && step
                    .waits_for
                    .iter()
                    .all(|wait| is_done(databases, &next, wait))
            {
                order.push((at, next[at]));
                next[at] += 1;
            }
        }
        if order.len() == before {
            return Err(circle(databases, &next));
        }
    }
    Ok(order)
}

fn is_done(databases: &[DatabasePlan], next: &[usize], (name, version): &(String, i64)) -> bool {
    let done = databases
        .iter()
        .zip(next)
        .find(|(database, _)| database.name == *name);
    done.is_none_or(|(database, next)| {
        let waiting = database.steps.get(*next..).unwrap_or_default();
        !waiting
            .iter()
            .any(|step| step.migration.version == *version)
    })
}

fn circle(databases: &[DatabasePlan], next: &[usize]) -> Diagnostic {
    let stuck = databases
        .iter()
        .zip(next)
        .filter_map(|(database, next)| Some((database, database.steps.get(*next)?)));
    let stuck: Vec<_> = stuck.collect();
    let told: Vec<String> = stuck
        .iter()
        .flat_map(|(database, step)| {
            let me = format!("{}@{}", database.name, step.migration.version);
            let waits = step.waits_for.iter();
            waits.map(move |(name, version)| format!("{me} requires {name}@{version}"))
        })
        .collect();
    let mut fault = Diagnostic::new(
        Code::RequiresCircle,
        "migrations require each other in a circle",
    )
    .note(told.join("; "))
    .hint("take one of these `requires` out");
    if let Some((database, step)) = stuck.first() {
        let span = step
            .script
            .requires
            .first()
            .map_or(0..0, |requires| requires.range.clone());
        fault = fault.database(&database.name).at(step.place(span));
    }
    fault
}
