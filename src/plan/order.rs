//! One order for the steps of all databases: each database's own order, and every `requires`.

use super::{DatabasePlan, in_file};
use crate::model::diagnostic::Diagnostic;

/// Gives all steps in an order in which each may run, or names a circle.
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
    let mut fault = Diagnostic::error(
        "requires-circle",
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
        fault = fault
            .database(&database.name)
            .at(in_file(&step.migration, span));
    }
    fault
}
