//! `bird repair`: does what an audit's plan says about orphans, or puts rows back.

mod act;
mod ready;
mod report;
mod told;
mod undo;

use std::path::PathBuf;

use super::{Context, cli};
use crate::model::diagnostic::Failure;
pub use report::RepairReport;

/// Take orphans out as an audit's plan says, or put them back
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird repair --plan orphans.plan        shows what it would do; --execute does it"
)]
pub struct Args {
    /// The plan that `bird audit --plan FILE` has written
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "undo",
        conflicts_with = "undo"
    )]
    plan: Option<PathBuf>,
    /// Do it; without this, only what would be done is shown
    #[arg(long, conflicts_with_all = ["undo", "dry_run"])]
    execute: bool,
    /// Put the rows back that the repair with this run took out
    #[arg(long, value_name = "RUN")]
    undo: Option<uuid::Uuid>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// So many rows go in one transaction
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=800))]
    chunk: u16,
    /// Take out at most so many rows a second
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    max_rate: Option<u64>,
    #[command(flatten)]
    consents: cli::Consents,
    #[command(flatten)]
    connect: cli::Connect,
    #[command(flatten)]
    locks: cli::Locks,
}

/// Looks at everything first, then writes, chunk by chunk.
pub async fn run(context: &Context, args: &Args) -> Result<RepairReport, Failure> {
    match (args.undo, &args.plan) {
        (None, Some(plan)) => {
            let ready = ready::ready(context, args, plan).await?;
            match args.execute {
                true => act::act(context, args, ready).await,
                false => act::preview(context, args, ready).await,
            }
        }
        (run, _) => undo::run(context, args, &run.unwrap_or_default().to_string()).await,
    }
}
