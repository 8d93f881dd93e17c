//! The plan: from files, histories and journals to what is to be done, or why it must not be.
//!
//! It exists before the first write and for all databases at once: if one would be refused, none
//! is written.

mod accept;
mod consents;
mod destructive;
mod difference;
mod migration_state;
mod reference_guard;
mod replayable;
mod requires;
mod step;
pub mod stored_migration;
mod undo;

pub use accept::Accepted;
pub use destructive::{Loss, Tables, losses};
pub use migration_state::{Partial, Standing, differing, standing};
pub use reference_guard::{Guarded, Guards};
pub use undo::{builds_on, taken_back, undo};

use crate::model::code::Code;
use std::ops::Range;

use crate::dialect::Dialect;
use crate::dialect::recovery::RecoveryClass;
use crate::model::diagnostic::{Diagnostic, Failure, Location};
use crate::model::exit::Exit;
use crate::model::history::{Direction, Entry, History, Width};
use crate::model::migration::Migration;
use crate::model::name::nearest;
use crate::model::reference::Reference;
use crate::model::script::Script;
use crate::sql::Syntax;
use crate::sql::script;
use consents::Asks;

/// One database as planning sees it.
pub struct Subject<'p> {
    pub name: &'p str,
    /// Whether this run is about it; of the others only their state counts.
    pub selected: bool,
    pub dialect: &'static dyn Dialect,
    /// What it is called where it is.
    pub database: &'p str,
    /// The schema inside of it, on engines that have them.
    pub schema: Option<&'p str>,
    pub migrations: &'p [Migration],
    pub history: &'p History,
    /// Lower-cased names whose rows cannot be rolled back, or behind which such rows may stand.
    pub untransactional: &'p [String],
    /// The last version to apply.
    pub to: Option<i64>,
    /// Whether the text of what is applied is kept.
    pub keep_sql: bool,
    /// The versions whose changed files a person accepts as they are.
    pub accept: &'p [i64],
    /// The references of the project: what they point to or from is guarded.
    pub references: &'p [Reference],
}

impl<'p> Subject<'p> {
    /// The files of what is applied.
    fn applied(&self) -> impl Iterator<Item = &'p Migration> {
        let applied = &self.history.applied;
        let is_applied = |file: &&Migration| applied.iter().any(|row| row.version == file.version);
        self.migrations.iter().filter(is_applied)
    }
}

/// What is to be done, by database.
#[derive(Debug, Default)]
pub struct Plan {
    pub databases: Vec<DatabasePlan>,
    /// All steps as pairs of places in `databases` and in its `steps`, in an order that keeps
    /// every `requires`.
    pub order: Vec<(usize, usize)>,
    /// What is worth saying of its statements.
    pub remarks: Vec<Diagnostic>,
}

#[derive(Debug)]
pub struct DatabasePlan {
    pub name: String,
    /// What is written before the first step: changed files that are accepted.
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
    /// How its engine writes SQL.
    pub syntax: &'static Syntax,
    /// One per statement: what the journal knows it by.
    pub digests: Vec<String>,
    /// The first statement to run, from 0: those before it are applied.
    pub from: usize,
    /// The first statement's row in the journal, where an earlier run has sent that statement
    /// and has not told how it ended.
    pub doubt: Option<Entry>,
    pub direction: Direction,
    /// One per statement: what it is to the journal, where no transaction holds the file.
    pub recovery: Vec<RecoveryClass>,
    /// One transaction holds the file and its history row.
    pub transactional: bool,
    /// The tables that the file drops or rebuilds; see [`Statements::rebuilt_tables`](crate::dialect::Statements::rebuilt_tables).
    pub rebuilt: Vec<String>,
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
}

impl DatabasePlan {
    /// Nothing is to be written.
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

    /// The text of one statement as it may be shown, of the same length.
    pub fn shown(&self, statement: usize) -> String {
        let sql = self.sql(statement);
        script::blot(sql, &script::secrets(self.syntax, sql))
    }

    pub fn location(&self, statement: usize) -> Location {
        let found = self.script.statements.get(statement);
        self.place(found.map_or(0..0, |found| found.range.clone()))
    }

    /// The place of some bytes of the file.
    pub fn place(&self, span: Range<usize>) -> Location {
        in_file(self.syntax, &self.migration, span)
    }
}

/// The databases that pending migrations of the selected ones build on.
pub fn required(subjects: &[Subject<'_>]) -> Vec<String> {
    let mut names = Vec::new();
    for subject in subjects.iter().filter(|subject| subject.selected) {
        let syntax = subject.dialect.syntax();
        for migration in standing(syntax, subject.migrations, subject.history).pending {
            // A cheap look first: most migrations require nothing.
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

/// Makes the plan for all selected databases, or tells everything that forbids it. `allow` holds
/// the consents of the command line.
pub fn plan(subjects: &[Subject<'_>], allow: &[String]) -> Result<Plan, Failure> {
    let mut trouble = Trouble::default();
    let mut plan = Plan::default();
    for subject in subjects.iter().filter(|subject| subject.selected) {
        plan.databases.push(database(subject, allow, &mut trouble));
    }
    // What a file requires may be missing only because another file could not be read.
    if trouble.failed.is_empty() {
        for at in 0..plan.databases.len() {
            requires::requirements(subjects, &mut plan, at, &mut trouble);
        }
    }
    if trouble.failed.is_empty() && trouble.refused.is_empty() {
        match requires::order(&plan.databases) {
            Ok(order) => plan.order = order,
            Err(diagnostic) => trouble.failed.push(diagnostic),
        }
    }
    plan.remarks = replayable::remarks(subjects, &plan);
    trouble.into_result(plan)
}

/// What stands in the way, by the exit code that it means.
#[derive(Default)]
struct Trouble {
    failed: Vec<Diagnostic>,
    refused: Vec<Diagnostic>,
}

impl Trouble {
    fn into_result(self, plan: Plan) -> Result<Plan, Failure> {
        let exit = match (self.failed.is_empty(), self.refused.is_empty()) {
            (true, true) => return Ok(plan),
            (true, false) => Exit::Refused,
            (false, _) => Exit::Failed,
        };
        let diagnostics = self.failed.into_iter().chain(self.refused).collect();
        Err(Failure { exit, diagnostics })
    }
}

/// The place of some bytes of a file. What is drawn of it holds no secret.
fn in_file(syntax: &Syntax, migration: &Migration, span: Range<usize>) -> Location {
    let secrets = script::secrets(syntax, &migration.text);
    let drawn = if secrets.is_empty() {
        migration.text.clone()
    } else {
        script::blot(&migration.text, &secrets).into()
    };
    Location::new(&migration.file, &migration.text, drawn, span)
}

fn database(subject: &Subject<'_>, allow: &[String], trouble: &mut Trouble) -> DatabasePlan {
    let mut plan = DatabasePlan {
        name: subject.name.to_owned(),
        accepted: Vec::new(),
        steps: Vec::new(),
        largest: 0,
    };
    let syntax = subject.dialect.syntax();
    let mut standing = standing(syntax, subject.migrations, subject.history);
    plan.accepted = accept::accepted(subject, &mut standing, trouble);
    trouble.refused.extend(standing.disagreements(subject.name));
    if let Some(to) = subject.to
        && !subject
            .migrations
            .iter()
            .any(|migration| migration.version == to)
    {
        let versions: Vec<String> = subject
            .migrations
            .iter()
            .map(|migration| migration.version.to_string())
            .collect();
        let message = format!("`{}` has no migration with the version {to}", subject.name);
        let last = versions
            .last()
            .map_or("it has none".into(), |last| format!("the last is {last}"));
        let hint = nearest(&to.to_string(), versions.iter().map(String::as_str))
            .map_or(last.clone(), |near| format!("{last}; did you mean {near}?"));
        let fault = Diagnostic::new(Code::NoVersion, message)
            .database(subject.name)
            .hint(hint);
        trouble.failed.push(fault);
    }
    let wanted = |migration: &&Migration| subject.to.is_none_or(|to| migration.version <= to);
    let pending: Vec<&Migration> = standing.pending.iter().copied().filter(wanted).collect();
    let consent = |code: Code| allow.iter().any(|allowed| allowed == code.name());
    if !pending.is_empty() && !subject.history.objects.is_empty() && !consent(Code::NonEmpty) {
        trouble.refused.push(non_empty(subject));
    }
    let mut untransactional = subject.untransactional.to_vec();
    let mut asks = Asks::new(subject, allow);
    for migration in pending {
        let up = Direction::Up;
        let step = step::step(
            subject,
            migration,
            up,
            &standing,
            &mut untransactional,
            trouble,
        );
        let Some(step) = step else { continue };
        if subject.history.width == Some(Width::Four)
            && Width::for_version(migration.version) == Width::Eight
        {
            trouble.refused.push(too_large(subject, migration));
        }
        let late = standing
            .current
            .is_some_and(|current| migration.version < current);
        let allowed = || step.script.allow.iter().any(|name| name == "out-of-order");
        if late && !consent(Code::OutOfOrder) && !allowed() {
            trouble
                .refused
                .push(out_of_order(subject, migration, &standing));
        }
        trouble.refused.extend(asks.step(&step));
        plan.steps.push(step);
    }
    let last = plan.steps.last().map_or(0, |step| step.migration.version);
    plan.largest = last.max(standing.current.unwrap_or(0));
    plan
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
        .hint(
            "is this the right database? if it is, bird adopt takes it over as it is, and \
             --allow non-empty applies all migrations to it",
        )
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
    standing: &Standing<'_>,
) -> Diagnostic {
    let current = standing.current.unwrap_or_default();
    let message = format!(
        "{} is pending, but V{current} is applied already",
        migration.title()
    );
    Diagnostic::new(Code::OutOfOrder, message)
        .database(subject.name)
        .at(in_file(subject.dialect.syntax(), migration, 0..0))
        .hint("give the file a version above the last, or apply it late with --allow out-of-order")
}
