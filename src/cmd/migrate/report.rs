//! The report of `bird migrate`: what was applied, or would be.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Args;
use super::accounts;
use super::planned::{planned_blocks, step_json};
use super::script::{comment, script};
use super::stopped;
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::run::missing::MissingConsents;
use crate::cmd::run::state::{self, Named, State, named};
use crate::db::apply::{Done, Notes};
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::Direction;
use crate::model::migration::{Migration, title};
use crate::output::human;
use crate::output::{Block, Grid, Report};
use crate::plan::reversal::Account;
use crate::plan::{Plan, Step, migration_state};
use crate::project::Database;

/// The report of a run.
pub struct MigrateReport {
    direction: Direction,
    dry_run: bool,
    plan: Plan,
    /// The states of the selected databases after the run.
    states: Vec<State>,
    ran: Vec<(String, Ran)>,
    diagnostics: Vec<Diagnostic>,
    /// Whether every migration is shown, however many there are.
    verbose: bool,
    /// Further notes.
    notes: Vec<Diagnostic>,
    /// What takes back each statement where an undo was computed, by database.
    accounts: Vec<(String, Account)>,
    /// The desired-schema files that were written.
    schema_files: Vec<String>,
    /// The consents that the run of a dry run's plan lacks.
    missing: MissingConsents,
    /// The databases that are above the version which they were to reach.
    above: Vec<String>,
    /// The file that the plan was written to.
    out: Option<String>,
    /// The databases of a dry run's plan.
    databases: Vec<Database>,
    exit: Exit,
}

/// The number of migrations from which on a report shows one row per database.
pub const MANY: usize = 20;

/// The row of a database with many migrations; `None` if none was applied.
fn summary_row((name, ran): &(String, Ran)) -> Option<Vec<String>> {
    let (first, last) = (ran.steps.first()?, ran.steps.last()?);
    let migrations = match ran.steps.len() {
        1 => title(first.version, &first.name),
        many => format!("{many} migrations, V{} to V{}", first.version, last.version),
    };
    let statements: usize = ran.steps.iter().map(|step| step.statements).sum();
    let took: Duration = ran.steps.iter().map(|step| step.took).sum();
    Some(vec![
        name.clone(),
        migrations,
        statements.to_string(),
        human::duration(took),
    ])
}

/// What was applied to one database in this run.
#[derive(Debug, Default)]
pub struct Ran {
    /// Changed files that were accepted.
    accepted: Vec<Named>,
    pub steps: Vec<RanStep>,
    /// Why it stopped, with the exit code for this reason alone.
    pub stopped: Option<(Diagnostic, Exit)>,
    /// The step at which it stopped.
    pub stopped_at: Option<usize>,
    /// Whether a statement was sent.
    pub sent: bool,
}

/// One migration that was applied.
#[derive(Debug)]
pub struct RanStep {
    version: i64,
    name: String,
    statements: usize,
    took: Duration,
    /// Whether another runner applied it meanwhile.
    already: bool,
    notes: Notes,
}

impl RanStep {
    /// Notes of the engine half, such as the algorithm that it used.
    fn notes(&self, database: &str) -> Vec<String> {
        let title = title(self.version, &self.name);
        let found = self.notes.found.map(|at| {
            format!(
                "{database}: statement {} of {title} is already applied by an earlier run",
                at + 1
            )
        });
        let algorithms = self.notes.algorithms.iter();
        let algorithms = algorithms.map(|(at, algorithm)| {
            format!(
                "{database}: {title}, statement {}: ALGORITHM={}",
                at + 1,
                algorithm.to_ascii_uppercase()
            )
        });
        found.into_iter().chain(algorithms).collect()
    }
}

impl Ran {
    pub fn accepted(&mut self, migration: &Migration) {
        self.sent = true;
        let accepted = named(migration.version, &migration.name);
        self.accepted.push(accepted);
    }

    pub fn done(&mut self, step: &Step, done: Done, notes: Notes, took: Duration) {
        let already = done == Done::Already;
        let statements = if already {
            0
        } else {
            step.script.statements.len() - step.from
        };
        self.sent |= statements > 0;
        self.steps.push(RanStep {
            version: step.migration.version,
            name: step.migration.name.clone(),
            statements,
            took,
            already,
            notes,
        });
    }

    pub fn stop_at(&mut self, step: usize, stopped: (Diagnostic, Exit)) {
        self.stopped_at = Some(step);
        self.stopped = Some(stopped);
    }
}

/// The states of the selected databases; their histories are moved into them.
fn states(members: &mut [RunDatabase<'_>]) -> Vec<State> {
    let selected = members.iter_mut().filter(|member| member.database.selected);
    selected
        .map(|member| {
            let history = std::mem::take(&mut member.history);
            let server = member.session.as_ref().map(|session| &session.server);
            State::of(member.database, server, &member.migrations, history)
        })
        .collect()
}

/// The notes about the selected databases.
fn notes(members: &[RunDatabase<'_>]) -> Vec<Diagnostic> {
    let selected = members.iter().filter(|member| member.database.selected);
    let notes = selected.flat_map(|member| {
        let database = member.database;
        let syntax = database.dialect.syntax();
        migration_state(syntax, &member.migrations, &member.history).notes(&database.name)
    });
    notes.collect()
}

/// A line for each database that has migrations above the version which it was to reach.
fn above(members: &[RunDatabase<'_>], direction: Direction) -> Vec<String> {
    let up = members.iter().filter(|_| direction == Direction::Up);
    let lines = up.filter_map(|member| {
        let (name, to) = (&member.database.name, member.to?);
        let last = member.history.applied.last()?;
        let is_above = last.version > to;
        is_above.then(|| {
            let current = last.version;
            format!(
                "{name}: V{current} is applied, above V{to}; bird undo --to {name}@{to} undoes it"
            )
        })
    });
    lines.collect()
}

impl MigrateReport {
    /// Makes the report of a run that wrote nothing: a dry run, or nothing to do.
    pub(super) fn planned(
        context: &Context,
        members: &mut [RunDatabase<'_>],
        plan: Plan,
        args: &Args,
    ) -> Self {
        let mut notes = notes(members);
        notes.extend(plan.notes.iter().cloned());
        let missing = MissingConsents::new(plan.missing.iter().cloned());
        let databases = members.iter().map(|member| member.database);
        let databases = databases.filter(|_| args.dry_run).cloned().collect();
        let accounts = members.iter_mut().flat_map(|member| {
            let name = &member.database.name;
            let accounts = std::mem::take(&mut member.accounts).into_iter();
            accounts.map(move |account| (name.clone(), account))
        });
        let accounts = accounts.collect();
        MigrateReport {
            direction: args.direction,
            dry_run: args.dry_run,
            verbose: context.verbose,
            databases,
            above: above(members, args.direction),
            out: args.out.as_ref().map(|path| path.display().to_string()),
            plan,
            notes,
            accounts,
            schema_files: Vec::new(),
            states: states(members),
            ran: Vec::new(),
            diagnostics: Vec::new(),
            exit: missing.exit(),
            missing,
        }
    }

    pub(super) fn ran(
        context: &Context,
        args: &Args,
        members: &mut [RunDatabase<'_>],
        plan: &Plan,
        ran: Vec<Option<Ran>>,
    ) -> Self {
        let mut report = MigrateReport::planned(context, members, Plan::default(), args);
        report.notes.extend(plan.notes.iter().cloned());
        let named = members
            .iter()
            .zip(ran)
            .filter_map(|(member, ran)| Some((member.database.name.clone(), ran?)));
        report.ran = named.collect();
        let sent = report.ran.iter().any(|(_, ran)| ran.sent);
        for (name, ran) in &report.ran {
            let Some((diagnostic, exit)) = &ran.stopped else {
                continue;
            };
            let mut fault = diagnostic.clone();
            let done: Vec<i64> = ran.steps.iter().map(|step| step.version).collect();
            let steps = plan.of(name).map_or(&[][..], |plan| &plan.steps);
            let rest = steps.iter().skip(ran.stopped_at.map_or(0, |at| at + 1));
            let rest: Vec<i64> = rest.map(|step| step.migration.version).collect();
            let stands = stopped::where_it_stands(name, args.direction, &done, &rest);
            fault.notes.push(stands);
            let accounts = &mut report.accounts;
            accounts.retain(|(of, account)| of != name || !rest.contains(&account.version));
            report.diagnostics.push(fault);
            // After a statement was sent, a refusal counts as a stop half-way.
            let exit = match exit {
                Exit::Failed | Exit::Refused if sent => Exit::Stopped,
                Exit::Stopped if !sent => Exit::Failed,
                exit => *exit,
            };
            report.exit = report.exit.most_severe(exit);
        }
        if report.exit == Exit::Done
            && let Some(exit) = context.stop.asked()
            && report.states.iter().any(|state| !state.pending.is_empty())
        {
            report.exit = exit;
        }
        report
    }

    /// Adds a note, if there is one.
    pub(super) fn note(&mut self, note: Option<Diagnostic>) {
        self.notes.extend(note);
    }

    /// Adds the outcome of writing a desired-schema file; `None` if it was up to date.
    pub(super) fn schema_written(&mut self, written: Result<Option<String>, Failure>) {
        match written {
            Ok(file) => self.schema_files.extend(file),
            Err(failure) => {
                let exit = match failure.exit {
                    // The migrations are applied.
                    Exit::Failed | Exit::Refused if self.total().0 > 0 => Exit::Stopped,
                    exit => exit,
                };
                self.exit = self.exit.most_severe(exit);
                self.diagnostics.extend(failure.diagnostics);
            }
        }
    }

    /// Whether the run has applied or undone a migration of a database.
    pub(super) fn has_changed(&self, database: &str) -> bool {
        let mut ran = self.ran.iter();
        ran.any(|(name, ran)| name == database && !ran.steps.is_empty())
    }

    /// The changed files that were accepted, or would be, with their databases.
    fn accepted(&self) -> Vec<(&str, Named)> {
        let ran = self.ran.iter().flat_map(|(name, ran)| {
            let accepted = ran.accepted.iter();
            accepted.map(move |one| (name.as_str(), one.clone()))
        });
        let planned = self.plan.databases.iter().flat_map(|plan| {
            let files = plan.accepted.iter().map(|accepted| &accepted.migration);
            files.map(move |file| (plan.name.as_str(), named(file.version, &file.name)))
        });
        ran.chain(planned).collect()
    }

    /// One line for each accepted file.
    fn accepted_blocks(&self) -> Vec<Block> {
        let accepted = self.accepted().into_iter().map(|(name, one)| {
            let title = title(one.version, &one.name);
            Block::Line(if self.dry_run {
                format!("{name}: the changed file of {title} would be accepted")
            } else {
                format!("{name}: the changed file of {title} is accepted")
            })
        });
        accepted.collect()
    }

    fn total(&self) -> (usize, usize) {
        let steps = || self.ran.iter().flat_map(|(_, ran)| &ran.steps);
        let applied = steps().filter(|step| !step.already).count();
        (applied, steps().map(|step| step.statements).sum())
    }

    fn summary(&self) -> String {
        let versions: Vec<String> = self
            .states
            .iter()
            .map(|state| match state.current {
                Some(_) => format!("{} at {}", state.name, state.version()),
                None => format!("{} has no migration applied", state.name),
            })
            .collect();
        let versions = versions.join(", ");
        match self.total() {
            _ if !self.diagnostics.is_empty() => format!("stopped: {versions}"),
            (0, _) if !self.accepted().is_empty() => format!("nothing else to do: {versions}"),
            (0, _) => format!("nothing to do: {versions}"),
            (migrations, statements) => {
                let (migrations, statements) = (
                    counted(migrations, "migration"),
                    counted(statements, "statement"),
                );
                let done = match self.direction {
                    Direction::Up => "applied",
                    Direction::Undo => "undid",
                };
                format!("{done} {migrations}, {statements}: {versions}")
            }
        }
    }
}

impl Report for MigrateReport {
    fn command(&self) -> &'static str {
        match self.direction {
            Direction::Up => "migrate",
            Direction::Undo => "undo",
        }
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        if self.dry_run {
            let mut blocks = self.accepted_blocks();
            blocks.extend(planned_blocks(&self.plan, &self.summary()));
            blocks.extend(accounts::blocks(&self.accounts, self.verbose));
            blocks.extend(self.above.iter().cloned().map(Block::Line));
            blocks.extend(self.missing.blocks());
            blocks.extend(self.out.iter().map(|out| {
                Block::Line(format!(
                    "the plan is in {out}; bird migrate --plan {out} applies exactly this"
                ))
            }));
            return blocks;
        }
        let rows = self.ran.iter().flat_map(|(name, ran)| {
            ran.steps.iter().map(move |step| {
                let statements = if step.already {
                    "applied by another run".to_owned()
                } else {
                    step.statements.to_string()
                };
                vec![
                    name.clone(),
                    title(step.version, &step.name),
                    statements,
                    human::duration(step.took),
                ]
            })
        });
        let mut rows: Vec<_> = rows.collect();
        let is_long = rows.len() > MANY && !self.verbose;
        if is_long {
            rows = self.ran.iter().filter_map(summary_row).collect();
        }
        let mut blocks = self.accepted_blocks();
        if !rows.is_empty() {
            let headers = vec!["database", "migration", "statements", "took"];
            blocks.push(Block::Grid(Grid {
                headers,
                rows,
                numbers: vec![2, 3],
                ..Grid::default()
            }));
        }
        blocks.extend(accounts::blocks(&self.accounts, self.verbose));
        let steps = self.ran.iter().flat_map(|(name, ran)| {
            let steps = ran.steps.iter();
            steps.flat_map(move |step| step.notes(name))
        });
        let mut lines: Vec<String> = steps.collect();
        if !self.verbose && lines.len() > MANY {
            let rest = lines.len() - MANY;
            lines.truncate(MANY);
            lines.push(format!("{rest} more notes of this kind; -v shows all"));
        }
        blocks.extend(lines.into_iter().map(Block::Line));
        if !self.diagnostics.is_empty() {
            blocks.push(Block::Grid(state::grid(&self.states)));
        }
        blocks.push(Block::Line(self.summary()));
        let files = self.schema_files.iter();
        blocks.extend(files.map(|file| Block::Line(format!("wrote {file}"))));
        blocks.extend(self.above.iter().cloned().map(Block::Line));
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let all = self.diagnostics.iter().chain(&self.notes);
        all.cloned().collect()
    }

    fn shown_findings(&self) -> Vec<Diagnostic> {
        self.missing.findings()
    }

    fn sql(&self) -> Option<String> {
        let missing = self.missing.lines();
        let missing = missing.iter().map(|line| comment(line));
        let consents: String = missing.collect();
        let script = script(&self.plan, &self.databases, self.direction);
        Some(script + &consents)
    }

    fn databases(&self) -> Vec<Value> {
        let databases = self.states.iter().map(|state| {
            let mut json = state.json();
            let ran = self.ran.iter().find(|(name, _)| *name == state.name);
            let ran = ran.map_or(&[][..], |(_, ran)| &ran.steps);
            let accepted = self.accepted().into_iter();
            let accepted = accepted.filter(|(name, _)| *name == state.name);
            json["accepted"] = accepted.map(|(_, one)| json!(one)).collect();
            json["ran"] = ran.iter().map(ran_json).collect();
            if self.direction == Direction::Undo {
                json["taken_back"] = accounts::json(&self.accounts, &state.name);
            }
            if self.dry_run {
                let steps = self
                    .plan
                    .of(&state.name)
                    .map_or(&[][..], |plan| &plan.steps);
                json["plan"] = steps.iter().map(step_json).collect();
            }
            json
        });
        databases.collect()
    }

    fn extra(&self) -> Map<String, Value> {
        let mut extra = Map::from_iter([("dry_run".to_owned(), json!(self.dry_run))]);
        if !self.schema_files.is_empty() {
            extra.insert("schema_files".to_owned(), json!(self.schema_files));
        }
        if let Some(out) = &self.out {
            extra.insert("plan_file".to_owned(), json!(out));
        }
        extra
    }
}

fn ran_json(step: &RanStep) -> Value {
    let algorithms = step.notes.algorithms.iter();
    let algorithms =
        algorithms.map(|(at, algorithm)| json!({ "statement": at + 1, "algorithm": algorithm }));
    let algorithms: Vec<Value> = algorithms.collect();
    let mut json = json!({
        "version": step.version,
        "name": step.name,
        "statements": step.statements,
        "milliseconds": step.took.as_millis() as u64,
        "already": step.already,
    });
    if let Some(at) = step.notes.found {
        json["found_applied"] = json!(at + 1);
    }
    if !algorithms.is_empty() {
        json["algorithms"] = algorithms.into();
    }
    json
}
