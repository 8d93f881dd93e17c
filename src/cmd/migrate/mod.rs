//! `bird migrate`: one plan for all databases, then each of them, in parallel.

mod accept;
mod accounts;
mod act;
mod apply_database;
mod check_server;
mod computed_undo;
mod databases;
mod plan_file;
mod planned;
mod report;
mod rows_lost;
mod script;
mod stopped;

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::{join, join_all};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::database::{RunDatabase, close_all, subjects};
use super::run::open::Absent;
use super::run::versions::{target_versions, versions};
use super::run::{missing, open, protected};
use super::source::schema_file;
use crate::db::session::Access;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::Direction;
use crate::model::migration::Migration;
use crate::model::plan_file::PlanFile;
use crate::output::{Format, Report as _, SQL};
use crate::plan::{self, Plan};
use crate::project::Database;
use databases::{give_files, open_members, untransactional, widths};

pub use report::MigrateReport;

/// Apply pending migrations to all databases
#[derive(Debug, Clone, clap::Args)]
#[command(
    before_help = "Example: bird migrate --dry-run        shows every statement, and applies none"
)]
pub struct Args {
    /// The last version to apply: N, or DATABASE@N; repeatable
    #[arg(long, value_name = "N")]
    pub to: Vec<String>,
    /// Show every statement that would run, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write the plan to FILE for review, and change nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "accept_checksum", "write_schema"])]
    pub out: Option<PathBuf>,
    /// Apply exactly the reviewed plan in FILE; refused if anything has changed since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "accept_checksum"])]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub consents: flags::Consents,
    /// Accept a file that was changed after it was applied: V, or DATABASE@V; repeatable
    #[arg(long, value_name = "V", requires = "reason")]
    pub accept_checksum: Vec<String>,
    /// Why the changed file is accepted; stored in the database
    #[arg(long, value_name = "TEXT", requires = "accept_checksum", value_parser = accept::reason)]
    pub reason: Option<String>,
    /// Update the desired-schema file to the schema of the migrations
    #[arg(long, conflicts_with = "dry_run")]
    pub write_schema: bool,
    #[command(flatten)]
    pub connect: flags::Connect,
    #[command(flatten)]
    pub locks: flags::Locks,
    /// `Undo` for `bird undo`.
    #[arg(skip)]
    pub direction: Direction,
    /// The plan of the file that `plan` names.
    #[arg(skip)]
    pub reviewed: Option<Arc<PlanFile>>,
}

impl CommandFacts for Args {
    const FORMATS: &'static [&'static Format] = &[SQL];

    /// The statements of a plan are SQL, the report of a run is not.
    fn formats(&self) -> &'static [&'static Format] {
        if self.dry_run || self.out.is_some() {
            Self::FORMATS
        } else {
            &[]
        }
    }
}

/// Plans, and applies unless it is a dry run.
pub async fn run(context: &Context, args: &Args) -> Result<MigrateReport, Failure> {
    let mut args = args.clone();
    args.dry_run |= args.out.is_some();
    if let Some(path) = &args.plan {
        args.reviewed = Some(Arc::new(plan_file::read(context, path)?));
    }
    let args = &args;
    let access = if args.dry_run {
        Access::ReadOnly
    } else {
        Access::Write
    };
    let (plan, mut members) = think(context, args, access, Absent::IsAnError).await?;
    if args.dry_run || plan.is_empty() {
        let written = match &args.out {
            Some(path) => plan_file::write(context, path, &plan, &mut members).await,
            None => Ok(()),
        };
        let report = MigrateReport::planned(context, &mut members, plan, args);
        close_all(members).await;
        written?;
        return schema_files(context, args, report).await;
    }
    let report = act::act(context, args, members, plan).await?;
    schema_files(context, args, report).await
}

/// Adds to the report which desired-schema files are behind, or writes them.
async fn schema_files(
    context: &Context,
    args: &Args,
    mut report: MigrateReport,
) -> Result<MigrateReport, Failure> {
    if report.exit() != Exit::Done {
        return Ok(report);
    }
    for database in context.project.selected() {
        if args.write_schema {
            report.schema_written(schema_file::write(context, database).await);
        } else if report.has_changed(&database.name) && !context.project.protected {
            report.note(schema_file::behind(context, database).await);
        }
    }
    Ok(report)
}

/// Checks whether a migration would be refused, before its databases are created: a database that
/// does not exist counts as empty.
pub async fn check(context: &Context, args: &Args) -> Result<(), Failure> {
    let (plan, members) = think(context, args, Access::ReadOnly, Absent::IsEmpty).await?;
    let absent = members.iter().filter(|member| {
        let steps = plan.of(&member.database.name);
        member.session.is_none() && steps.is_some_and(|plan| !plan.steps.is_empty())
    });
    let beside = absent.map(|member| check_server::beside(context, args, member.database));
    let refused = Failure::collect(join_all(beside).await);
    close_all(members).await;
    refused.map(drop)
}

/// Reads files and histories, and plans; writes nothing.
async fn think<'p>(
    context: &'p Context,
    args: &Args,
    access: Access,
    absent: Absent,
) -> Result<(Plan, Vec<RunDatabase<'p>>), Failure> {
    let targets = match &args.reviewed {
        Some(reviewed) => plan_file::targets(reviewed),
        None => target_versions(context, &args.to)?,
    };
    let accept = versions(context, "--accept-checksum", &args.accept_checksum)?;
    let selected = |database: &Database| database.selected;
    let opening = open_members(context, args, access, absent, selected);
    let (files, members) = join(open::files(context), opening).await;
    let (mut files, mut members) = (files?, members?);
    give_files(&mut members, &mut files, context, &targets, &accept);
    let needed = needed(context, args, &members, &files);
    let others = |database: &Database| !database.selected && needed.contains(&database.name);
    let mut others = open_members(context, args, Access::ReadOnly, absent, others).await?;
    give_files(&mut others, &mut files, context, &targets, &[]);
    let reading = members.iter_mut().map(RunDatabase::read_stored);
    Failure::collect(join_all(reading).await)?;
    let mut lost = Vec::new();
    if args.direction == Direction::Undo {
        lost = computed_undo::fill(context, args, &mut members).await?;
        if !args.dry_run {
            Failure::refuse(std::mem::take(&mut lost))?;
        }
    }
    members.extend(others);
    widths(&mut members).await?;
    untransactional(&mut members).await?;
    let mut plan = planned(args, &mut members).await?;
    plan.missing.extend(lost);
    if !plan.is_empty() && !args.dry_run {
        protected::consent(context, &args.consents)?;
    }
    let suitable = check_server::writers(&mut members, &plan, args).await;
    if args.dry_run {
        plan.missing.extend(missing::liftable(suitable)?);
        if !plan.is_empty() {
            let protected = protected::missing(context, &args.consents);
            plan.missing.extend(protected);
        }
    } else {
        suitable?;
    }
    Ok((plan, members))
}

/// The other databases whose state matters: those that pending migrations require, or, for an
/// undo, those that may require what is reverted.
fn needed(
    context: &Context,
    args: &Args,
    members: &[RunDatabase<'_>],
    files: &[Vec<Migration>],
) -> Vec<String> {
    if args.direction == Direction::Up {
        return plan::required(&subjects(members));
    }
    let selected: Vec<&str> = context
        .project
        .selected()
        .map(|own| own.name.as_str())
        .collect();
    let others = context.project.databases.iter().zip(files);
    let others = others.filter(|(_, files)| plan::builds_on(files, &selected));
    others.map(|(other, _)| other.name.clone()).collect()
}

/// Plans a migration or an undo. An undo counts the rows that would be lost: with a table without
/// rows nothing is. Only the plan of a dry run may lack consents.
async fn planned(args: &Args, members: &mut [RunDatabase<'_>]) -> Result<Plan, Failure> {
    let allow = &args.consents.allow;
    let planned = match args.direction {
        Direction::Up => plan::plan,
        Direction::Undo => plan::undo,
    };
    for member in &mut *members {
        member.without_rows.clear();
        member.absent.clear();
    }
    let mut result = planned(&subjects(members), allow);
    rows_lost::find_absent(members, refusals(&mut result)).await;
    if args.direction == Direction::Undo {
        rows_lost::count(members, refusals(&mut result)).await;
    }
    let less =
        |member: &RunDatabase<'_>| !member.without_rows.is_empty() || !member.absent.is_empty();
    if members.iter().any(less) {
        result = planned(&subjects(members), allow);
        if args.direction == Direction::Undo {
            rows_lost::count(members, refusals(&mut result)).await;
        }
    }
    let mut plan = result?;
    if args.direction == Direction::Undo {
        let not_restored = members.iter().flat_map(|member| &member.not_restored);
        plan.notes.extend(not_restored.cloned());
    }
    plan_file::check(args, &plan, members).await?;
    if args.dry_run {
        Ok(plan)
    } else {
        plan.consented()
    }
}

/// The reasons against a plan, or against its run.
fn refusals(planned: &mut Result<Plan, Failure>) -> &mut [Diagnostic] {
    match planned {
        Ok(plan) => &mut plan.missing,
        Err(failure) => &mut failure.diagnostics,
    }
}
