//! A reviewed plan and the state of now: what has moved since the plan was written.

use sha2::{Digest as _, Sha256};

use super::{DatabasePlan, Step, Subject};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::hex;
use crate::model::history::{Applied, Width};
use crate::model::migration::{Migration, title};
use crate::model::plan_file::{PlannedApplied, PlannedDatabase, PlannedStep};
use crate::model::schema::Schema;

/// The hint where something has moved since a plan was written.
pub const REVIEW_ANEW: &str = "review a new plan: bird migrate --out FILE";

/// A database of a plan with its state, to be written into a file.
#[must_use]
pub fn planned(
    subject: &Subject<'_>,
    target: String,
    own: Option<&DatabasePlan>,
    schema: Option<Schema>,
) -> PlannedDatabase {
    let steps = own.map_or(&[][..], |own| &own.steps);
    PlannedDatabase {
        name: subject.name.to_owned(),
        target,
        to: subject.to,
        steps: steps.iter().map(planned_step).collect(),
        history: subject.history.applied.iter().map(applied).collect(),
        schema,
    }
}

fn planned_step(step: &Step) -> PlannedStep {
    let statements = step.from..step.script.statements.len();
    PlannedStep {
        version: step.migration.version,
        name: step.migration.name.clone(),
        file: step.migration.file.clone(),
        sha256: sha256(&step.migration),
        from: step.from,
        statements: statements.map(|at| step.shown(at)).collect(),
    }
}

fn applied(row: &Applied) -> PlannedApplied {
    PlannedApplied {
        version: row.version,
        name: row.name.clone(),
        checksum: row.checksum.to_string(),
    }
}

fn sha256(file: &Migration) -> String {
    hex::digits(&Sha256::digest(file.text.as_bytes()))
}

/// What has moved in a database since its plan was written.
#[derive(Debug, Default)]
pub struct Moved {
    /// Files and rows of the history that are not as they were.
    pub found: Vec<Diagnostic>,
    /// Whether an earlier run has applied a part of this plan: the schema is not as it was.
    pub begun: bool,
}

/// Compares a reviewed plan with files, history and plan of now. What an earlier run of the same
/// plan applied has not moved.
#[must_use]
pub fn moved(
    reviewed: &PlannedDatabase,
    subject: &Subject<'_>,
    own: Option<&DatabasePlan>,
) -> Moved {
    let name = subject.name;
    let mut moved = Moved::default();
    let mut fault = |what: String, file: Option<&str>| {
        let mut fault = Diagnostic::new(Code::PlanMoved, format!("{name}: {what}")).database(name);
        fault.location = file.map(Location::file);
        moved.found.push(fault.hint(REVIEW_ANEW));
    };
    let is_file = |step: &PlannedStep| {
        let mut files = subject.migrations.iter();
        files.find(|file| file.version == step.version)
    };
    for step in &reviewed.steps {
        let title = title(step.version, &step.name);
        match is_file(step) {
            None => fault(format!("the file of {title} is missing"), Some(&step.file)),
            Some(file) if file.name != step.name => {
                let what = format!("{title} was renamed to {}", file.title());
                fault(what, Some(&file.file));
            }
            Some(file) if sha256(file) != step.sha256 => {
                let what = format!("{title} was changed after the plan was written");
                fault(what, Some(&file.file));
            }
            Some(_) => {}
        }
    }
    let now = &subject.history.applied;
    for row in &reviewed.history {
        let same = |known: &&Applied| known.version == row.version;
        let title = title(row.version, &row.name);
        match now.iter().find(same) {
            None => fault(
                format!("{title} was applied when the plan was written, but no longer is"),
                None,
            ),
            Some(known) if applied(known) != *row => {
                fault(format!("the history now has a different {title}"), None);
            }
            Some(_) => {}
        }
    }
    let mut begun = false;
    for row in now {
        let was_applied = reviewed
            .history
            .iter()
            .any(|known| known.version == row.version);
        let step = reviewed
            .steps
            .iter()
            .find(|step| step.version == row.version);
        let by_plan = step.and_then(is_file).is_some_and(|file| {
            let widths = [Width::Four, Width::Eight];
            let mut sums = widths.iter().filter_map(|width| file.checksum(*width));
            sums.any(|sum| sum == row.checksum)
        });
        match (was_applied, by_plan) {
            (true, _) => {}
            (false, true) => begun = true,
            (false, false) => {
                let title = title(row.version, &row.name);
                fault(
                    format!("{title} was applied after the plan was written"),
                    None,
                );
            }
        }
    }
    for step in own.map_or(&[][..], |own| &own.steps) {
        let planned = reviewed
            .steps
            .iter()
            .find(|known| known.version == step.migration.version);
        let title = step.migration.title();
        match planned {
            None => {
                let what = format!("{title} is pending but not in the plan");
                fault(what, Some(&step.migration.file));
            }
            Some(planned) if step.from < planned.from => {
                let (was, is) = (planned.from, step.from);
                fault(
                    format!(
                        "{was} statements of {title} were applied when the plan was written, now {is}"
                    ),
                    Some(&step.migration.file),
                );
            }
            Some(planned) => begun |= step.from > planned.from || step.in_doubt.is_some(),
        }
    }
    moved.begun = begun;
    moved
}
