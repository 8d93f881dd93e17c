//! `bird repair`: executes the plan of an audit, restores quarantined rows, or deletes them for
//! good.

mod errors;
mod execute;
mod locking;
mod preflight;
mod purge;
mod quarantine;
mod report;
mod throttle;
mod undo;

use std::path::PathBuf;

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::limits::Limits;
use crate::model::diagnostic::Failure;
pub use report::RepairReport;

/// Quarantine orphans found by an audit, restore them, or delete them for good
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird repair --plan orphans.plan        shows what it would do; --execute does it"
)]
pub struct Args {
    /// Plan that `bird audit --plan FILE` wrote
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present_any = ["undo", "purge"],
        conflicts_with_all = ["undo", "purge"]
    )]
    plan: Option<PathBuf>,
    /// Carry out the plan; without this, bird only shows what it would do
    #[arg(long, conflicts_with_all = ["undo", "purge", "dry_run"])]
    execute: bool,
    /// Restore the rows that the repair with this run ID quarantined
    #[arg(long, value_name = "RUN", value_parser = run_id)]
    undo: Option<uuid::Uuid>,
    /// Delete for good the rows that the repair with this run ID quarantined
    #[arg(long, value_name = "RUN", value_parser = run_id, conflicts_with = "undo")]
    purge: Option<uuid::Uuid>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Rows per transaction
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=800))]
    chunk: u16,
    /// Stop after N rows of the plan; the same command continues there
    #[arg(long, value_name = "N", conflicts_with_all = ["undo", "purge"],
          value_parser = clap::value_parser!(u64).range(1..))]
    max_rows: Option<u64>,
    /// Maximum number of rows to process per second
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    max_rate: Option<u64>,
    #[command(flatten)]
    limits: Limits,
    /// Replica to watch for --max-lag: twitter=mysql://…; repeatable
    #[arg(long = "replica", value_name = "NAME=URL", requires = "max_lag")]
    replicas: Vec<String>,
    #[command(flatten)]
    consents: flags::Consents,
    #[command(flatten)]
    connect: flags::Connect,
    #[command(flatten)]
    locks: flags::Locks,
}

impl CommandFacts for Args {}

/// Parses the identifier of a run.
fn run_id(text: &str) -> Result<uuid::Uuid, String> {
    let wanted = "a run ID is a UUID, as the report of the repair shows it";
    text.parse().map_err(|_| wanted.to_owned())
}

impl Args {
    /// Whether the run writes.
    fn writes(&self) -> bool {
        self.execute || self.plan.is_none() && !self.dry_run
    }
}

/// Checks everything first, then writes chunk by chunk.
pub async fn run(context: &Context, args: &Args) -> Result<RepairReport, Failure> {
    let plan = match (&args.plan, args.undo, args.purge) {
        (Some(plan), ..) => plan,
        (None, Some(run), _) => return undo::run(context, args, &run.to_string()).await,
        (None, None, run) => {
            let run = run.unwrap_or_default();
            return purge::run(context, args, &run.to_string()).await;
        }
    };
    let preflight = preflight::run(context, args, plan).await?;
    if args.execute {
        execute::execute(context, args, preflight).await
    } else {
        execute::preview(context, args, preflight).await
    }
}
