//! Plan of a run: the steps that follow from files, histories and journals, or the reasons why
//! there are none.
//!
//! It exists before the first write and for all databases at once: if one would be refused, none
//! is written.

mod accept;
mod consents;
mod destructive;
mod difference;
mod migration_state;
pub mod prior;
mod reference_guard;
mod replayable;
mod requires;
pub mod reversal;
pub mod reviewed;
pub mod schema_record;
mod step;
pub mod stored_migration;
mod undo;

pub use accept::Accepted;
pub use destructive::{DestructiveStatement, KnownTables, destructive_statements};
pub use migration_state::{
    MigrationState, PartiallyApplied, differing, lost_journal, migration_state,
};
pub use reference_guard::{ReferenceGuard, ReferencedChange};
pub use undo::{builds_on, taken_back, undo};

use std::ops::Range;

use crate::dialect::Dialect;
use crate::dialect::recovery::RecoveryClass;
use crate::invariant::present;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Location, Severity};
use crate::model::exit::Exit;
use crate::model::history::{Direction, Entry, History, Width};
use crate::model::migration::Migration;
use crate::model::name::nearest;
use crate::model::reference::Reference;
use crate::model::script::Script;
use crate::sql::Syntax;
use crate::sql::script;
use consents::Consents;

/// One database as planning sees it.
pub struct Subject<'p> {
    pub name: &'p str,
    /// Whether this run migrates it; of the others only the state counts.
    pub selected: bool,
    pub dialect: &'static dyn Dialect,
    /// Its name on its server.
    pub database: &'p str,
    /// The schema in it, on engines with schemas.
    pub schema: Option<&'p str>,
    pub migrations: &'p [Migration],
    pub history: &'p History,
    /// Lower-cased names of tables whose rows cannot be rolled back, and of objects that may write to
    /// such tables.
    pub untransactional: &'p [String],
    /// The last version to apply.
    pub to: Option<i64>,
    /// Whether the text of what is applied is kept.
    pub keep_sql: bool,
    /// The versions whose changed files `--accept-checksum` accepts.
    pub accept: &'p [i64],
    /// Tables that hold no rows now, as statements name them: nothing is lost with them.
    pub without_rows: &'p [String],
    /// Tables that do not exist now, as statements name them.
    pub absent: &'p [String],
    /// The references of the project, whose tables and columns are guarded.
    pub references: &'p [Reference],
}

impl<'p> Subject<'p> {
    /// The files of the applied migrations.
    fn applied(&self) -> impl Iterator<Item = &'p Migration> {
        let applied = &self.history.applied;
        let is_applied = |file: &&Migration| applied.iter().any(|row| row.version == file.version);
        self.migrations.iter().filter(is_applied)
    }
}

/// The steps of a run, by database.
#[derive(Debug, Default)]
pub struct Plan {
    pub databases: Vec<DatabasePlan>,
    /// All steps as pairs of indexes into `databases` and its `steps`, in an order that satisfies
    /// every `requires`.
    pub order: Vec<(usize, usize)>,
    /// Notes and warnings about its files and statements.
    pub notes: Vec<Diagnostic>,
    /// The consents that it needs and that nobody has given.
    pub missing: Vec<Diagnostic>,
}

#[derive(Debug)]
pub struct DatabasePlan {
    pub name: String,
    /// Accepted changed files, whose checksums are written before the first step.
    pub accepted: Vec<Accepted>,
    pub steps: Vec<Step>,
    /// The largest version that its history will hold.
    pub largest: i64,
}

/// One migration that is to be applied.
#[derive(Debug)]
pub struct Step {
    pub migration: Migration,
    pub script: Script,
    /// The lexical rules of its engine.
    pub syntax: &'static Syntax,
    /// The digest of each statement, its identity in the journal.
    pub digests: Vec<String>,
    /// The index of the first statement to run; those before it are applied.
    pub from: usize,
    /// The first statement's row in the journal if an earlier run sent it and its outcome is not
    /// known.
    pub in_doubt: Option<Entry>,
    pub direction: Direction,
    /// The recovery class of each statement, which counts if the file runs without a transaction.
    pub recovery: Vec<RecoveryClass>,
    /// Whether one transaction holds the file and its history row.
    pub transactional: bool,
    /// The tables that the file drops or rebuilds; see [`Statements::rebuilt_tables`](crate::dialect::Statements::rebuilt_tables).
    pub rebuilt: Vec<String>,
    /// Whether foreign keys are not enforced while the file runs, and are checked at its end.
    pub suspends_keys: bool,
    /// Whether statements of the file switch foreign keys on or off, which does nothing in its transaction.
    pub switches_keys: bool,
    /// Whether a statement may change the session's settings.
    pub changes_session: bool,
    /// Whether the file's text is kept.
    pub keep_sql: bool,
    /// The migrations of other databases that this run applies and that must be applied first.
    pub waits_for: Vec<(String, i64)>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && self.databases.iter().all(DatabasePlan::is_idle)
    }

    pub fn of(&self, database: &str) -> Option<&DatabasePlan> {
        self.databases.iter().find(|plan| plan.name == database)
    }

    /// The steps in the order in which they would run, each with its database.
    pub fn ordered(&self) -> impl Iterator<Item = (&DatabasePlan, &Step)> {
        self.order.iter().map(|&(database, step)| {
            let found = self.databases.get(database);
            let found = found.and_then(|own| Some((own, own.steps.get(step)?)));
            present(found, "the order of a plan names its own steps")
        })
    }

    /// The plan, unless a consent is missing.
    pub fn consented(mut self) -> Result<Plan, Failure> {
        Failure::refuse(std::mem::take(&mut self.missing)).map(|()| self)
    }
}

impl DatabasePlan {
    /// Whether nothing is to be written.
    pub fn is_idle(&self) -> bool {
        self.steps.is_empty() && self.accepted.is_empty()
    }
}

impl Step {
    /// The text of one statement.
    pub fn sql(&self, statement: usize) -> &str {
        let found = self.script.statements.get(statement);
        found
            .and_then(|found| self.migration.text.get(found.range.clone()))
            .unwrap_or_default()
    }

    /// The text of one statement with its secrets blotted out, of the same length.
    pub fn shown(&self, statement: usize) -> String {
        let sql = self.sql(statement);
        script::blot(sql, &script::secrets(self.syntax, sql))
    }

    pub fn location(&self, statement: usize) -> Location {
        let found = self.script.statements.get(statement);
        self.place(found.map_or(0..0, |found| found.range.clone()))
    }

    /// The location of a range of the file.
    pub fn place(&self, span: Range<usize>) -> Location {
        in_file(self.syntax, &self.migration, span)
    }
}

/// The databases that pending migrations of the selected ones require.
pub fn required(subjects: &[Subject<'_>]) -> Vec<String> {
    let mut names = Vec::new();
    for subject in subjects.iter().filter(|subject| subject.selected) {
        let syntax = subject.dialect.syntax();
        for migration in migration_state(syntax, subject.migrations, subject.history).pending {
            // Most migrations require nothing: a search for the word saves reading them.
            if !migration.text.contains("requires") {
                continue;
            }
            if let Ok(script) = script::read(syntax, &migration.text) {
                names.extend(
                    script
                        .requires
                        .into_iter()
                        .map(|requires| requires.database),
                );
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Plans the run of all selected databases, or returns every reason against it. `allow` holds the
/// consents of the command line; those that are missing stand in the plan.
pub fn plan(subjects: &[Subject<'_>], allow: &[String]) -> Result<Plan, Failure> {
    let mut problems = Problems::default();
    let mut plan = Plan::default();
    for subject in subjects.iter().filter(|subject| subject.selected) {
        let own = database(subject, allow, &mut plan.notes, &mut problems);
        plan.databases.push(own);
    }
    // A required migration may be missing only because another file could not be read.
    if problems.failed.is_empty() {
        for at in 0..plan.databases.len() {
            requires::requirements(subjects, &mut plan, at, &mut problems)?;
        }
    }
    if problems.failed.is_empty() && problems.refused.is_empty() {
        match requires::order(&plan.databases) {
            Ok(order) => plan.order = order,
            Err(diagnostic) => problems.failed.push(diagnostic),
        }
    }
    let not_replayable = replayable::notes(subjects, &plan);
    plan.notes.extend(not_replayable);
    problems.into_result(plan)
}

/// The reasons against a plan, by exit code.
#[derive(Default)]
struct Problems {
    failed: Vec<Diagnostic>,
    refused: Vec<Diagnostic>,
    /// Consents that are missing: reasons against a run, but not against a plan.
    missing: Vec<Diagnostic>,
}

impl Problems {
    fn into_result(self, mut plan: Plan) -> Result<Plan, Failure> {
        let exit = match (self.failed.is_empty(), self.refused.is_empty()) {
            (true, true) => {
                plan.missing = self.missing;
                return Ok(plan);
            }
            (true, false) => Exit::Refused,
            (false, _) => Exit::Failed,
        };
        let against = self.failed.into_iter().chain(self.refused);
        Err(Failure {
            exit,
            diagnostics: against.chain(self.missing).collect(),
        })
    }
}

/// The location of a range of a file, with a source text whose secrets are blotted out.
fn in_file(syntax: &Syntax, migration: &Migration, span: Range<usize>) -> Location {
    let secrets = script::secrets(syntax, &migration.text);
    let drawn = if secrets.is_empty() {
        migration.text.clone()
    } else {
        script::blot(&migration.text, &secrets).into()
    };
    Location::new(&migration.file, &migration.text, drawn, span)
}

fn database(
    subject: &Subject<'_>,
    allow: &[String],
    notes: &mut Vec<Diagnostic>,
    problems: &mut Problems,
) -> DatabasePlan {
    let mut plan = DatabasePlan {
        name: subject.name.to_owned(),
        accepted: Vec::new(),
        steps: Vec::new(),
        largest: 0,
    };
    let syntax = subject.dialect.syntax();
    let mut state = migration_state(syntax, subject.migrations, subject.history);
    plan.accepted = accept::accepted(subject, &mut state, problems);
    problems.refused.extend(state.disagreements(subject.name));
    if let Some(to) = subject.to {
        problems
            .failed
            .extend(no_version(subject.name, subject.migrations, to));
    }
    let wanted = |migration: &&Migration| subject.to.is_none_or(|to| migration.version <= to);
    let pending: Vec<&Migration> = state.pending.iter().copied().filter(wanted).collect();
    let consent = |code: Code| allow.iter().any(|allowed| allowed == code.name());
    if !pending.is_empty() && !subject.history.objects.is_empty() && !consent(Code::NonEmpty) {
        problems.missing.push(non_empty(subject));
    }
    if let Some(lost) = state.lost_journal
        && !pending.is_empty()
        && !consent(Code::LostJournal)
    {
        problems.missing.push(lost_journal(subject.name, lost));
    }
    let mut untransactional = subject.untransactional.to_vec();
    let mut consents = Consents::new(subject, allow);
    let mut empty: Vec<&Migration> = Vec::new();
    for migration in pending {
        let up = Direction::Up;
        let step = step::step(
            subject,
            migration,
            up,
            &state,
            &mut untransactional,
            problems,
        );
        let Some(step) = step else { continue };
        if step.script.statements.is_empty() && !step.script.empty {
            empty.push(migration);
            continue;
        }
        let before = empty.drain(..);
        let refused = before.map(|file| empty_before(subject, file, migration));
        problems.refused.extend(refused);
        if subject.history.width == Some(Width::Four)
            && Width::for_version(migration.version) == Width::Eight
        {
            problems.refused.push(too_large(subject, migration));
        }
        let late = state
            .current
            .is_some_and(|current| migration.version < current);
        let allowed = || step.script.allow.iter().any(|name| name == "out-of-order");
        if late && !consent(Code::OutOfOrder) && !allowed() {
            problems
                .missing
                .push(out_of_order(subject, migration, &state));
        }
        problems.missing.extend(consents.step(&step));
        plan.steps.push(step);
    }
    notes.extend(empty.into_iter().map(|file| skipped(subject, file)));
    let last = plan.steps.last().map_or(0, |step| step.migration.version);
    plan.largest = last.max(state.current.unwrap_or(0));
    plan
}

/// The reason against a version that no migration has.
pub fn no_version(name: &str, migrations: &[Migration], to: i64) -> Option<Diagnostic> {
    if migrations.iter().any(|migration| migration.version == to) {
        return None;
    }
    let versions: Vec<String> = migrations
        .iter()
        .map(|migration| migration.version.to_string())
        .collect();
    let near = nearest(&to.to_string(), versions.iter().map(String::as_str));
    let hint = match (versions.last(), near) {
        (None, _) => "it has no migrations yet; `bird new NAME` writes the first".to_owned(),
        (Some(last), None) => format!("the last is {last}"),
        (Some(last), Some(near)) => format!("the last is {last}; did you mean {near}?"),
    };
    let message = format!("`{name}` has no migration with the version {to}");
    Some(
        Diagnostic::new(Code::NoVersion, message)
            .database(name)
            .hint(hint),
    )
}

fn non_empty(subject: &Subject<'_>) -> Diagnostic {
    let mut names = subject.history.objects.clone();
    if names.len() > 3 {
        names.truncate(3);
        names.push("…".into());
    }
    let message = format!(
        "`{}` has objects but no history of migrations",
        subject.name
    );
    Diagnostic::new(Code::NonEmpty, message)
        .database(subject.name)
        .note(format!("it holds {}", names.join(", ")))
        .consent(Code::NonEmpty)
        .hint(
            "check that this is the right database; then either record its state with bird adopt, \
             or apply all migrations with --allow non-empty",
        )
}

/// The warning about a migration without statements that nothing follows.
fn skipped(subject: &Subject<'_>, migration: &Migration) -> Diagnostic {
    let title = migration.title();
    let message = format!("{title} of `{}` has no statement: skipped", subject.name);
    Diagnostic::new(Code::EmptyMigration, message)
        .database(subject.name)
        .at(Location::file(&migration.file))
        .hint("write its statements, or `-- bird: empty` if it is meant to have none")
}

/// The refusal of a migration without statements below one that has some.
fn empty_before(subject: &Subject<'_>, migration: &Migration, next: &Migration) -> Diagnostic {
    let message = format!(
        "{} of `{}` has no statement, and {} follows it",
        migration.title(),
        subject.name,
        next.title()
    );
    Diagnostic::new(Code::EmptyMigration, message)
        .severity(Severity::Error)
        .database(subject.name)
        .at(Location::file(&migration.file))
        .note("if it were applied empty, statements could not be added later")
        .hint("write its statements, or `-- bird: empty` if it is meant to have none")
}

fn too_large(subject: &Subject<'_>, migration: &Migration) -> Diagnostic {
    let message = format!(
        "the version {} does not fit the history of `{}`, whose versions are int4",
        migration.version, subject.name
    );
    Diagnostic::new(Code::VersionTooLarge, message)
        .database(subject.name)
        .at(in_file(subject.dialect.syntax(), migration, 0..0))
        .hint("give the file a smaller version: 2147483647 is the largest there")
}

fn out_of_order(
    subject: &Subject<'_>,
    migration: &Migration,
    state: &MigrationState<'_>,
) -> Diagnostic {
    let current = state.current.unwrap_or_default();
    let message = format!(
        "{} is pending, but V{current} is applied already",
        migration.title()
    );
    Diagnostic::new(Code::OutOfOrder, message)
        .database(subject.name)
        .at(in_file(subject.dialect.syntax(), migration, 0..0))
        .consent(Code::OutOfOrder)
        .hint("give the file a version above the last, or apply it late with --allow out-of-order")
}
