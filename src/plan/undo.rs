//! The way back: which migrations are taken back, newest first, or why they must not be.

use super::consents::Asks;
use super::migration_state::{Standing, standing};
use super::{DatabasePlan, Plan, Subject, Trouble, in_file, requires, step};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::history::{Applied, Direction};
use crate::model::migration::{Migration, title};
use crate::sql::script;

/// Plans to take back what is applied above each subject's `to`, which stays; of the only one
/// that has none, the newest migration.
pub fn undo(subjects: &[Subject<'_>], allow: &[String]) -> Result<Plan, Failure> {
    let mut trouble = Trouble::default();
    let mut plan = Plan::default();
    let named = subjects.iter().any(|subject| subject.to.is_some());
    for subject in subjects.iter().filter(|subject| subject.selected) {
        let chosen = subject.to.is_some() || !named;
        plan.databases.push(if chosen {
            database(subject, allow, &mut trouble)
        } else {
            empty(subject)
        });
    }
    for at in 0..plan.databases.len() {
        required_by(subjects, &mut plan, at, &mut trouble);
    }
    if trouble.failed.is_empty() && trouble.refused.is_empty() {
        match requires::order(&plan.databases) {
            Ok(order) => plan.order = order,
            Err(diagnostic) => trouble.failed.push(diagnostic),
        }
    }
    trouble.into_result(plan)
}

/// The versions that are to be taken back, newest first; nothing where that cannot be done and the
/// plan is going to tell why.
#[must_use]
pub fn taken_back(subject: &Subject<'_>, named: bool) -> Vec<i64> {
    if !subject.selected || (named && subject.to.is_none()) {
        return Vec::new();
    }
    let rows = rows(subject, &mut Trouble::default());
    let rows = rows.unwrap_or_default().into_iter();
    rows.map(|row| row.version).collect()
}

/// Whether a migration of this database may build on one of another, by a cheap look.
pub fn builds_on(migrations: &[Migration], others: &[&str]) -> bool {
    migrations.iter().any(|migration| {
        let names = |name: &&str| migration.text.contains(&format!("{name}@"));
        migration.text.contains("requires") && others.iter().any(names)
    })
}

fn empty(subject: &Subject<'_>) -> DatabasePlan {
    DatabasePlan {
        name: subject.name.to_owned(),
        accepted: Vec::new(),
        steps: Vec::new(),
        largest: 0,
    }
}

fn database(subject: &Subject<'_>, allow: &[String], trouble: &mut Trouble) -> DatabasePlan {
    let mut plan = empty(subject);
    let syntax = subject.dialect.syntax();
    let standing = standing(syntax, subject.migrations, subject.history);
    plan.largest = standing.current.unwrap_or(0);
    let faults = standing.disagreements(subject.name);
    // What is half undone is what this run goes on with.
    let faults = faults
        .into_iter()
        .filter(|fault| fault.code != Code::HalfUndone);
    trouble.refused.extend(faults);
    if let Some(fault) = half_applied(subject, &standing) {
        trouble.refused.push(fault);
    }
    let Some(rows) = rows(subject, trouble) else {
        return plan;
    };
    let mut untransactional = subject.untransactional.to_vec();
    let mut asks = Asks::new(subject, allow);
    for row in rows {
        let file = subject
            .migrations
            .iter()
            .find(|file| file.version == row.version);
        // A missing file is a disagreement, and told already.
        let Some(file) = file else { continue };
        let Some(undoing) = file.undoing() else {
            trouble.refused.push(no_undo(subject, file));
            continue;
        };
        let back = Direction::Undo;
        let step = step::step(
            subject,
            &undoing,
            back,
            &standing,
            &mut untransactional,
            trouble,
        );
        let Some(step) = step else { continue };
        trouble.refused.extend(asks.step(&step));
        plan.steps.push(step);
    }
    plan
}

/// What is to be taken back, newest first.
fn rows<'s>(subject: &'s Subject<'_>, trouble: &mut Trouble) -> Option<Vec<&'s Applied>> {
    let applied = &subject.history.applied;
    let Some(to) = subject.to else {
        return Some(applied.last().into_iter().collect());
    };
    if !applied.iter().any(|row| row.version == to) {
        let message = format!("V{to} is not applied to `{}`", subject.name);
        let versions: Vec<String> = applied
            .iter()
            .map(|row| format!("V{}", row.version))
            .collect();
        let hint = match versions.as_slice() {
            [] => "nothing is applied there".to_owned(),
            [only] => format!("only {only} is applied there"),
            [first, .., last] => {
                format!("{first} to {last} are applied there; the one that is named stays")
            }
        };
        let fault = Diagnostic::new(Code::NoVersion, message).database(subject.name);
        trouble.failed.push(fault.hint(hint));
        return None;
    }
    Some(
        applied
            .iter()
            .rev()
            .take_while(|row| row.version > to)
            .collect(),
    )
}

fn half_applied(subject: &Subject<'_>, standing: &Standing<'_>) -> Option<Diagnostic> {
    let mut partials = standing.partials.iter();
    let partial = partials.find(|partial| partial.direction == Direction::Up)?;
    let message = format!("V{} of `{}` is half applied", partial.version, subject.name);
    let fault = Diagnostic::new(Code::HalfApplied, message).database(subject.name);
    let stands = format!(
        "{} of its {} statements are applied",
        partial.applied, partial.of
    );
    let hint = "run bird migrate first: it goes on there, and then it can be undone";
    Some(fault.note(stands).hint(hint))
}

fn no_undo(subject: &Subject<'_>, file: &Migration) -> Diagnostic {
    let message = format!("{} of `{}` has no undo file", file.title(), subject.name);
    let wanted = file.file.strip_suffix(".sql").unwrap_or(&file.file);
    Diagnostic::new(Code::NoUndo, message)
        .database(subject.name)
        .at(in_file(subject.dialect.syntax(), file, 0..0))
        .hint(format!(
            "write {wanted}.undo.sql, with the statements that take it back"
        ))
}

/// What other databases have built on a migration has to be taken back before it.
fn required_by(subjects: &[Subject<'_>], plan: &mut Plan, at: usize, trouble: &mut Trouble) {
    let mut waits = Vec::new();
    let Some(own) = plan.databases.get(at) else {
        return;
    };
    for other in subjects.iter().filter(|other| other.name != own.name) {
        let is_applied = |file: &&Migration| {
            let rows = other.history.applied.iter();
            rows.map(|row| row.version)
                .any(|version| version == file.version)
        };
        for file in other.migrations.iter().filter(is_applied) {
            if !builds_on(std::slice::from_ref(file), &[own.name.as_str()]) {
                continue;
            }
            let Ok(script) = script::read(other.dialect.syntax(), &file.text) else {
                continue;
            };
            let required = script.requires.iter().filter(|on| on.database == own.name);
            for on in required {
                let steps = own.steps.iter();
                let Some(index) = steps
                    .map(|step| step.migration.version)
                    .position(|v| v == on.version)
                else {
                    continue;
                };
                let undone = plan.of(other.name).is_some_and(|plan| {
                    let mut steps = plan.steps.iter();
                    steps.any(|step| step.migration.version == file.version)
                });
                if undone {
                    waits.push((index, (other.name.to_owned(), file.version)))
                } else {
                    let told = title(file.version, &file.name);
                    let message = format!(
                        "{told} of `{}` requires {}@{}, and is applied",
                        other.name, own.name, on.version
                    );
                    let fault = Diagnostic::new(Code::Required, message).database(&own.name);
                    let hint = format!("take that back first: bird undo --database {}", other.name);
                    trouble.refused.push(fault.hint(hint));
                }
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
