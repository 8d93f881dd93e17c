//! Checks the `requires` of migrations and finds an order of steps that satisfies all of them.

use super::{DatabasePlan, Plan, Problems, Subject};
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::did_you_mean;

/// Checks the `requires` of one database's steps and sets the migrations that each step waits for.
pub(super) fn requirements(
    subjects: &[Subject<'_>],
    plan: &mut Plan,
    at: usize,
    problems: &mut Problems,
) -> Result<(), Failure> {
    let mut waits = Vec::new();
    let database = invariant!(plan.databases.get(at), some, "the database is in the plan");
    for (index, step) in database.steps.iter().enumerate() {
        for requires in &step.script.requires {
            let fault = |code, message: String| {
                Diagnostic::new(code, message)
                    .database(&database.name)
                    .at(step.place(requires.range.clone()))
            };
            let (other, version) = (&requires.database, requires.version);
            let Some(subject) = subjects.iter().find(|subject| subject.name == other) else {
                let names = subjects.iter().map(|subject| subject.name);
                let message = format!("there is no database `{other}`, or it has no URL");
                let mut unknown = fault(Code::RequiresUnknown, message);
                unknown.hint = did_you_mean(other, names);
                problems.failed.push(unknown);
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
                    (true, true) if subject.to.is_none() => {
                        format!(
                            "add statements to `{other}` V{version}: an empty migration is skipped"
                        )
                    }
                    (true, true) => format!("raise --to for `{other}`"),
                };
                let title = step.migration.title();
                let message = format!(
                    "{}: {title} requires {other}@{version}, which is not applied",
                    database.name
                );
                problems
                    .refused
                    .push(fault(Code::RequiresUnmet, message).hint(hint));
            }
        }
    }
    add_waits(plan, at, waits)
}

/// Makes steps of one database wait for migrations of others.
pub(super) fn add_waits(
    plan: &mut Plan,
    at: usize,
    waits: Vec<(usize, (String, i64))>,
) -> Result<(), Failure> {
    let database = plan.databases.get_mut(at);
    let database = invariant!(database, some, "the database is in the plan");
    for (index, wait) in waits {
        let step = database.steps.get_mut(index);
        invariant!(step, some, "the waiting step is in the plan")
            .waits_for
            .push(wait);
    }
    Ok(())
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
    let requirements: Vec<String> = stuck
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
    .note(requirements.join("; "))
    .hint("remove one of these `requires`");
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
