//! Plan of an undo: the migrations to undo, newest first, or the reasons against it.

use super::consents::Consents;
use super::migration_state::{MigrationState, lost_journal, migration_state};
use super::stored_migration::applied_text;
use super::{DatabasePlan, Plan, Problems, Subject, in_file, requires, step};
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::history::{Applied, Direction};
use crate::model::migration::{Migration, title};
use crate::sql::script;

/// Plans to undo what is applied above each subject's `to`, which stays. Without any `to`, the
/// newest migration is undone.
pub fn undo(subjects: &[Subject<'_>], allow: &[String]) -> Result<Plan, Failure> {
    let mut problems = Problems::default();
    let mut plan = Plan::default();
    let named = subjects.iter().any(|subject| subject.to.is_some());
    for subject in subjects.iter().filter(|subject| subject.selected) {
        let chosen = subject.to.is_some() || !named;
        plan.databases.push(if chosen {
            database(subject, allow, &mut problems)
        } else {
            empty(subject)
        });
    }
    for at in 0..plan.databases.len() {
        required_by(subjects, &mut plan, at, &mut problems)?;
    }
    if problems.failed.is_empty() && problems.refused.is_empty() {
        match requires::order(&plan.databases) {
            Ok(order) => plan.order = order,
            Err(diagnostic) => problems.failed.push(diagnostic),
        }
    }
    problems.into_result(plan)
}

/// The versions to undo, newest first; empty if that is not possible, which the plan reports.
#[must_use]
pub fn taken_back(subject: &Subject<'_>, named: bool) -> Vec<i64> {
    if !subject.selected || (named && subject.to.is_none()) {
        return Vec::new();
    }
    let rows = rows(subject, &mut Problems::default());
    let rows = rows.unwrap_or_default().into_iter();
    rows.map(|row| row.version).collect()
}

/// Whether a migration of this database may require one of another, by a search in its text.
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

fn database(subject: &Subject<'_>, allow: &[String], problems: &mut Problems) -> DatabasePlan {
    let mut plan = empty(subject);
    let syntax = subject.dialect.syntax();
    let mut state = migration_state(syntax, subject.migrations, subject.history);
    // What was applied is known from its stored text, whatever the file says now.
    let is_kept = |row: &Applied| applied_text(row, &subject.history.stored).is_some();
    state.changed.retain(|(_, row)| !is_kept(row));
    plan.largest = state.current.unwrap_or(0);
    let faults = state.disagreements(subject.name);
    // This run continues what is half undone.
    let faults = faults
        .into_iter()
        .filter(|fault| fault.code != Code::HalfUndone);
    problems.refused.extend(faults);
    if let Some(fault) = half_applied(subject, &state) {
        problems.refused.push(fault);
    }
    let Some(rows) = rows(subject, problems) else {
        return plan;
    };
    let consents_to = |code: Code| allow.iter().any(|allowed| allowed == code.name());
    if let Some(lost) = state.lost_journal
        && !rows.is_empty()
        && !consents_to(Code::LostJournal)
    {
        problems.missing.push(lost_journal(subject.name, lost));
    }
    let mut untransactional = subject.untransactional.to_vec();
    let mut consents = Consents::new(subject, allow);
    for row in rows {
        let file = subject
            .migrations
            .iter()
            .find(|file| file.version == row.version);
        // A missing file is a disagreement, which is reported already.
        let Some(file) = file else { continue };
        let Some(undoing) = file.undoing() else {
            problems.refused.push(no_undo(subject, file));
            continue;
        };
        let back = Direction::Undo;
        let step = step::step(
            subject,
            &undoing,
            back,
            &state,
            &mut untransactional,
            problems,
        );
        let Some(step) = step else { continue };
        problems.missing.extend(consents.step(&step));
        plan.steps.push(step);
    }
    plan
}

/// The applied migrations to undo, newest first.
fn rows<'s>(subject: &'s Subject<'_>, problems: &mut Problems) -> Option<Vec<&'s Applied>> {
    let applied = &subject.history.applied;
    let Some(to) = subject.to else {
        return Some(applied.last().into_iter().collect());
    };
    // `--to 0` keeps nothing, unless there is a migration with that number.
    if to != 0 && !applied.iter().any(|row| row.version == to) {
        let message = format!("V{to} is not applied to `{}`", subject.name);
        let versions: Vec<String> = applied
            .iter()
            .map(|row| format!("V{}", row.version))
            .collect();
        let hint = match versions.as_slice() {
            [] => "no migration is applied".to_owned(),
            [only] => format!("only {only} is applied"),
            [first, .., last] => {
                format!("{first} to {last} are applied; the named version stays applied")
            }
        };
        let fault = Diagnostic::new(Code::NoVersion, message).database(subject.name);
        problems.failed.push(fault.hint(hint));
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

fn half_applied(subject: &Subject<'_>, state: &MigrationState<'_>) -> Option<Diagnostic> {
    let mut partially_applied = state.partially_applied.iter();
    let partial = partially_applied.find(|partial| partial.direction == Direction::Up)?;
    let message = format!("V{} of `{}` is half applied", partial.version, subject.name);
    let fault = Diagnostic::new(Code::HalfApplied, message).database(subject.name);
    let stands = format!(
        "{} of its {} statements are applied",
        partial.applied, partial.of
    );
    let hint = "run bird migrate first, which finishes it; then undo it";
    Some(fault.note(stands).hint(hint))
}

fn no_undo(subject: &Subject<'_>, file: &Migration) -> Diagnostic {
    let message = format!("{} of `{}` has no undo file", file.title(), subject.name);
    let wanted = file.file.strip_suffix(".sql").unwrap_or(&file.file);
    Diagnostic::new(Code::NoUndo, message)
        .database(subject.name)
        .at(in_file(subject.dialect.syntax(), file, 0..0))
        .hint(format!(
            "write {wanted}.undo.sql with the statements that undo it"
        ))
}

/// Makes a step wait for the undo of migrations in other databases that require it.
fn required_by(
    subjects: &[Subject<'_>],
    plan: &mut Plan,
    at: usize,
    problems: &mut Problems,
) -> Result<(), Failure> {
    let mut waits = Vec::new();
    let own = invariant!(plan.databases.get(at), some, "the database is in the plan");
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
                    let title = title(file.version, &file.name);
                    let message = format!(
                        "{title} of `{}` is applied and requires {}@{}",
                        other.name, own.name, on.version
                    );
                    let fault = Diagnostic::new(Code::Required, message).database(&own.name);
                    let hint = format!("undo that first: bird undo --database {}", other.name);
                    problems.refused.push(fault.hint(hint));
                }
            }
        }
    }
    requires::add_waits(plan, at, waits)
}
