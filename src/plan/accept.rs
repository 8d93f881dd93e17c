//! Checksums of changed files that `--accept-checksum` accepts, by version.

use super::migration_state::MigrationState;
use super::{Problems, Subject, step};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::history::Applied;
use crate::model::migration::{Migration, title};
use crate::sql::script;

/// A row of the history that gets the checksum of its file as it is now.
#[derive(Debug)]
pub struct Accepted {
    pub migration: Migration,
    /// The row before the change.
    pub row: Applied,
    pub keep_sql: bool,
}

/// Takes the accepted files out of those that disagree; the others become problems.
pub(super) fn accepted(
    subject: &Subject<'_>,
    state: &mut MigrationState<'_>,
    problems: &mut Problems,
) -> Vec<Accepted> {
    let mut all = Vec::new();
    for version in subject.accept {
        let is_it = |(file, _): &mut (&Migration, &Applied)| file.version == *version;
        let changed = state.changed.extract_if(.., is_it).next();
        let found = changed.or_else(|| state.reformatted.extract_if(.., is_it).next());
        let Some((file, row)) = found else {
            problems.refused.push(refusal(subject, state, *version));
            continue;
        };
        if let Err(faults) = script::read(subject.dialect.syntax(), &file.text) {
            let faults = faults.into_iter();
            let faults = faults.map(|fault| step::file_fault(subject, file, fault));
            problems.failed.extend(faults);
            continue;
        }
        all.push(Accepted {
            migration: file.clone(),
            row: row.clone(),
            keep_sql: subject.keep_sql,
        });
    }
    all
}

fn refusal(subject: &Subject<'_>, state: &MigrationState<'_>, version: i64) -> Diagnostic {
    let file = subject
        .migrations
        .iter()
        .find(|file| file.version == version);
    let missing = state.missing.iter().find(|row| row.version == version);
    let name = subject.name;
    let (code, message, hint) = match (file, missing) {
        (Some(file), _) if state.pending.contains(&file) => (
            Code::AcceptNotApplied,
            format!(
                "{} is not applied to `{name}`: there is nothing to accept",
                file.title()
            ),
            "bird migrate applies it",
        ),
        (Some(file), _) => (
            Code::AcceptNotChanged,
            format!(
                "{} was not changed after it was applied to `{name}`",
                file.title()
            ),
            "leave --accept-checksum out",
        ),
        (None, Some(row)) => (
            Code::AcceptNoFile,
            format!(
                "the file of {} is missing: there is nothing to accept",
                title(version, &row.name)
            ),
            "restore the file",
        ),
        (None, None) => (
            Code::AcceptNotApplied,
            format!("`{name}` has no migration V{version}, neither as a file nor applied"),
            "bird status --format json lists the versions",
        ),
    };
    let mut refusal = Diagnostic::new(code, message).database(name).hint(hint);
    refusal.location = file.map(|file| Location::file(&file.file));
    refusal
}
