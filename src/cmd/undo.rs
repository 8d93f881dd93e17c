//! `bird undo`: reverts migrations with their undo files, through the same journal.

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::migrate::{self, MigrateReport};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::history::Direction;
use crate::output::{Format, SQL};

/// Undo the newest migration of one database, or all migrations above a version
#[derive(Debug, Clone, clap::Args)]
#[command(
    before_help = "Example: bird undo --to ums@3 --dry-run        shows the statements that undo V4 and later"
)]
pub struct Args {
    /// Undo everything above this version, or all for 0: N, or DATABASE@N; repeatable
    #[arg(long, value_name = "N")]
    pub to: Vec<String>,
    /// Show every statement that would run, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consents: flags::Consents,
    /// Update the desired-schema file to the schema of the migrations
    #[arg(long, conflicts_with = "dry_run")]
    pub write_schema: bool,
    #[command(flatten)]
    pub connect: flags::Connect,
    #[command(flatten)]
    pub locks: flags::Locks,
}

impl CommandFacts for Args {
    const FORMATS: &'static [&'static Format] = &[SQL];

    /// The statements of a plan are SQL, the report of a run is not.
    fn formats(&self) -> &'static [&'static Format] {
        if self.dry_run { Self::FORMATS } else { &[] }
    }
}

/// Plans, and reverts unless it is a dry run.
pub async fn run(context: &Context, args: &Args) -> Result<MigrateReport, Failure> {
    let selected: Vec<&str> = context
        .project
        .selected()
        .map(|database| database.name.as_str())
        .collect();
    if args.to.is_empty() && selected.len() > 1 {
        let message = format!(
            "undo needs one database, but the project has {}",
            selected.join(", ")
        );
        let hint = format!(
            "name one: bird undo --database {0}, or bird undo --to {0}@N",
            selected.first().copied().unwrap_or_default()
        );
        return Err(Failure::failed(
            Diagnostic::new(Code::Usage, message).hint(hint),
        ));
    }
    let migrate = migrate::Args {
        to: args.to.clone(),
        dry_run: args.dry_run,
        consents: args.consents.clone(),
        out: None,
        plan: None,
        reviewed: None,
        accept_checksum: Vec::new(),
        reason: None,
        write_schema: args.write_schema,
        connect: args.connect.clone(),
        locks: args.locks.clone(),
        direction: Direction::Undo,
    };
    migrate::run(context, &migrate).await
}
