//! `bird adopt`: adopts databases that exist, or that another tool migrated.

mod decide;
mod drift;
mod report;
mod write;

use futures_util::future::join;

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::database::{RunDatabase, close_all, open_all};
use super::run::missing::MissingConsents;
use super::run::open::Absent;
use super::run::{open, protected, versions};
use crate::adopt::{Adopted, BASELINE, REFINERY};
use crate::db::session::Access;
use crate::model::diagnostic::{Diagnostic, Failure};

pub use report::AdoptReport;

/// Record what is applied already: from another tool's history, or a baseline
#[derive(Debug, Clone, clap::Args)]
#[command(
    before_help = "Example: bird adopt --from flyway --dry-run        shows what it would take over"
)]
pub struct Args {
    /// The tool whose history is taken over; else the one whose table is found, else a baseline
    #[arg(long, value_name = "TOOL", value_parser = flags::tool, help = from_help())]
    pub from: Option<String>,
    /// Last version that a baseline records as applied: N, or DATABASE@N; repeatable
    #[arg(long, value_name = "N")]
    pub to: Vec<String>,
    /// Show what would be recorded, and record nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consents: flags::Consents,
    #[command(flatten)]
    pub connect: flags::Connect,
    #[command(flatten)]
    pub locks: flags::Locks,
}

impl CommandFacts for Args {}

fn from_help() -> String {
    format!(
        "Tool whose history to adopt: {} [default: the tool whose table exists, else baseline]",
        crate::adopt::names().join(", ")
    )
}

/// The source of the adopted migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Bird's own history, which agrees with the files.
    AsItIs,
    /// No tool: the tables exist.
    Baseline,
    Tool(&'static str),
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Origin::AsItIs => REFINERY,
            Origin::Baseline => BASELINE,
            Origin::Tool(name) => name,
        }
    }
}

/// The migrations to record in one database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decision {
    origin: Origin,
    /// In the order of versions, without those that the history has already.
    adopted: Vec<Adopted>,
    /// The consents that the run of a dry run lacks.
    missing: Vec<Diagnostic>,
}

/// Decides for all databases, and records unless it is a dry run.
pub async fn run(context: &Context, args: &Args) -> Result<AdoptReport, Failure> {
    let targets = versions::target_versions(context, &args.to)?;
    let access = if args.dry_run {
        Access::ReadOnly
    } else {
        Access::Write
    };
    let databases = context.project.selected();
    let opening = open_all(
        context,
        databases,
        access,
        Absent::IsAnError,
        args.connect.wait,
    );
    let (files, opened) = join(open::files(context), opening).await;
    let files = context.project.databases.iter().zip(files?);
    let files = files.filter(|(database, _)| database.selected);
    let members = opened?.into_iter().zip(files);
    let mut members: Vec<RunDatabase<'_>> = members
        .map(|(mut member, (database, migrations))| {
            let to = targets.iter().find(|(name, _)| *name == database.name);
            member.migrations = migrations;
            member.to = to.map(|(_, version)| *version);
            member
        })
        .collect();
    let result = work(context, args, &mut members).await;
    close_all(members).await;
    result
}

async fn work(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
) -> Result<AdoptReport, Failure> {
    let mut decisions = decide::all(context, args, members).await?;
    let writes = std::iter::zip(&*members, &decisions).any(|(m, d)| needs_writing(m, d));
    if args.dry_run || !writes {
        let protected = protected::missing(context, &args.consents).into_iter();
        let own = decisions.iter_mut().flat_map(|one| one.missing.drain(..));
        let missing = MissingConsents::new(own.chain(protected.filter(|_| writes)));
        let mut report = AdoptReport::decided(members, decisions, args.dry_run);
        report.missing = missing;
        return Ok(report);
    }
    protected::consent(context, &args.consents)?;
    write::all(context, args, members, &decisions).await
}

/// Whether anything is to be recorded. A tool that has applied nothing leaves an empty history, so
/// that bird begins at the first migration.
fn needs_writing(database: &RunDatabase<'_>, decision: &Decision) -> bool {
    let begins = !database.history.exists && decision.origin != Origin::AsItIs;
    !decision.adopted.is_empty() || begins
}
