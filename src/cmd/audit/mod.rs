//! `bird audit`: the references; finds the rows that refer to nothing.

mod assertions;
mod import;
mod metrics;
mod report;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::{Context, cli, open};
use crate::model::diagnostic::{Failure, Severity};
use crate::model::exit::Exit;
use crate::output::Report;
use crate::project::parse_duration;
use report::AuditReport;

/// Find the rows whose references have no parent, on live data
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird audit --orphans orphans.jsonl        every orphan, a line each"
)]
pub struct Args {
    /// Only this reference, by its child: twitter.messages.author_id; repeatable
    #[arg(long = "reference", value_name = "NAME")]
    references: Vec<String>,
    /// Show what would be read, and how, and why; read no keys
    #[arg(long)]
    explain: bool,
    /// Write every orphan to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    orphans: Option<PathBuf>,
    /// Show so many orphans of each reference
    #[arg(long, value_name = "N", default_value_t = 10)]
    sample: usize,
    /// Write the numbers to this file, as Prometheus reads them
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
    /// Print the references that a file of loose foreign keys declares (GitLab's YAML), for
    /// bird.toml; audit nothing
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// From which severity on a finding fails: note, warning, error
    #[arg(long, value_name = "LEVEL", value_parser = cli::severity, default_value = "warning")]
    fail_on: Severity,
    #[command(flatten)]
    connect: cli::Connect,
}

/// Does what was asked for; it writes to no configured database.
pub async fn run(context: &Context, args: &Args) -> Result<Box<dyn Report>, Failure> {
    if let Some(file) = &args.import {
        let imported = import::run(context, file, args.connect.wait).await?;
        return Ok(Box::new(imported));
    }
    Ok(Box::new(audit(context, args).await?))
}

/// Reads both ends of every reference, and confirms what it finds.
async fn audit(context: &Context, args: &Args) -> Result<AuditReport, Failure> {
    let _: fn(&str) -> Result<Duration, String> = parse_duration;
    let (began, clock) = (SystemTime::now(), Instant::now());
    if let Some(file) = &args.metrics_file {
        metrics::check(file)?;
    }
    let mut report = AuditReport {
        references: Vec::new(),
        assertions: assertions::run(context, args.connect.wait).await,
        faults: Vec::new(),
        fail_on: args.fail_on,
        complete: true,
        exit: Exit::Done,
    };
    if let Some(file) = &args.metrics_file {
        let samples = metrics::samples(&[], &report.assertions, began, clock.elapsed());
        report.faults.extend(metrics::write(file, &samples).err());
    }
    let findings = report.diagnostics();
    let mut severities = findings.iter().map(|finding| finding.severity);
    if severities.any(|severity| severity >= args.fail_on) {
        report.exit = report.exit.worst(Exit::Found);
    }
    if !report.faults.is_empty() || !report.assertions.iter().all(assertions::Asserted::is_done) {
        report.exit = report.exit.worst(Exit::Failed);
    }
    report.exit = open::interrupted(context, report.exit);
    Ok(report)
}
