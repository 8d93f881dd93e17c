//! Statements that cannot be replayed in a scratch database: the schema that bird expects from the
//! migrations lacks their effects, so a note announces it.

use super::{Plan, Step, Subject};
use crate::dialect::containment::{Containment, Scope, check};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Severity};

/// The first words of statements about rows, which do not change the schema.
const ROWS: &[&str] = &[
    "INSERT", "REPLACE", "UPDATE", "DELETE", "SELECT", "COPY", "SET",
];

/// A note for each such statement of a plan.
pub(super) fn notes(subjects: &[Subject<'_>], plan: &Plan) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for subject in subjects {
        let others = subjects.iter().filter(|other| other.name != subject.name);
        let mut scope = Scope {
            own: subject.database.to_owned(),
            shadow: subject.database.to_owned(),
            schema: subject.schema.map(str::to_owned),
            others: others.map(|other| other.database.to_owned()).collect(),
            ..Scope::default()
        };
        let steps = plan.of(subject.name).map_or(&[][..], |plan| &plan.steps);
        for step in steps {
            for at in step.from..step.script.statements.len() {
                notes.extend(note(subject, &mut scope, step, at));
            }
        }
    }
    notes
}

fn note(
    subject: &Subject<'_>,
    scope: &mut Scope,
    step: &Step,
    statement: usize,
) -> Option<Diagnostic> {
    let sql = step.sql(statement);
    let first = sql.split_whitespace().next().unwrap_or_default();
    if ROWS.iter().any(|word| word.eq_ignore_ascii_case(first)) {
        return None;
    }
    let outside = match check(subject.dialect, sql, scope) {
        Containment::Outside(outside) => outside,
        Containment::Inside { dynamic_sql, .. } => {
            scope.dynamic_routines.extend(dynamic_sql);
            return None;
        }
        Containment::Dynamic(_) => return None,
    };
    let message = format!(
        "{}: statement {} of {} is not replayable: it {}",
        subject.name,
        statement + 1,
        step.migration.title(),
        outside.why
    );
    let note = Diagnostic::new(Code::NotReplayable, message)
        .severity(Severity::Note)
        .database(subject.name)
        .at(step.location(statement))
        .note("no scratch database runs it, so the schema that bird expects lacks its effect");
    outside.matters.then_some(note)
}
