//! `bird audit`: the references; finds the rows that refer to nothing.

mod assertions;
pub(crate) mod connections;
mod explain;
pub(crate) mod finish;
mod last_pass;
mod metrics;
pub(crate) mod reference_report;
mod repair_plan;
pub(crate) mod replicas;
mod report;
mod watermark;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::run::limits::Limits;
use super::run::open;
use super::{Context, cli};
use crate::audit::{STRATEGIES, Strategy};
use crate::db::audit::checkpoint::Journal;
use crate::db::audit::endpoints::{Looked, Prepared};
use crate::db::audit::throttle::Throttle;
use crate::db::audit::totals::Tally;
use crate::db::history::now;
use crate::model::diagnostic::{Failure, Severity};
use crate::model::exit::Exit;
use crate::model::name::did_you_mean;
use crate::model::repair::Action;
use crate::output::Report;
use assertions::Asserted;
use last_pass::Passes;
use report::AuditReport;
use watermark::Since;

/// Find the rows whose references have no parent, on live data
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird audit --orphans orphans.jsonl        every orphan, a line each"
)]
pub struct Args {
    /// Only this reference, by its child: twitter.messages.author_id; repeatable
    #[arg(long = "reference", value_name = "NAME")]
    pub(crate) references: Vec<String>,
    /// Show what would be read, and how, and why; read no keys
    #[arg(long)]
    pub(crate) explain: bool,
    /// Write every orphan to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) orphans: Option<PathBuf>,
    /// Write to this file what bird repair would do with the orphans
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// What the plan does with them: quarantine, delete, set-null
    #[arg(long, value_name = "NAME", value_parser = repair_plan::action, default_value = "quarantine")]
    pub(crate) action: Action,
    /// Read only rows from a watermark on: created_at=2026-01-31, or created_at alone for where
    /// the last audit ended. Parents that were deleted need a full audit
    #[arg(long, value_name = "COLUMN[=VALUE]")]
    pub(crate) since: Option<String>,
    /// Read the keys of a database's children from a replica of it: twitter=mysql://…; repeatable
    #[arg(long = "replica", value_name = "NAME=URL")]
    pub(crate) replicas: Vec<String>,
    /// Show so many orphans of each reference
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) sample: usize,
    /// Go on with an audit that was cut short
    #[arg(long)]
    pub(crate) resume: bool,
    /// Read at most so many rows a second
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_rate: Option<u64>,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// So many threads read ranges of keys; each takes a connection for every reference
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Compare keys in this way: sql, merge, probe, hash; else the cheapest is chosen
    #[arg(long, value_name = "NAME", value_parser = strategy)]
    pub(crate) strategy: Option<Strategy>,
    /// Read each end by itself, even where one server has both
    #[arg(long)]
    pub(crate) apart: bool,
    /// Read both ends in one snapshot where one server has both, however many rows there are
    #[arg(long, conflicts_with = "apart")]
    pub(crate) snapshot: bool,
    /// Write the numbers to this file, as Prometheus reads them
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,
    /// Print the references that a file of loose foreign keys declares (GitLab's YAML), for
    /// bird.toml; audit nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) import: Option<PathBuf>,
    /// Tell what would become orphans if rows of this table were deleted: ums.users; audit nothing
    #[arg(long, value_name = "TABLE", conflicts_with = "import")]
    pub(crate) impact: Option<String>,
    /// Which rows --impact means, as a condition in SQL; else all of them
    #[arg(long = "where", value_name = "CONDITION", requires = "impact")]
    pub(crate) choice: Option<String>,
    /// From which severity on a finding fails: note, warning, error
    #[arg(long, value_name = "LEVEL", value_parser = cli::severity, default_value = "warning")]
    pub(crate) fail_on: Severity,
    #[command(flatten)]
    pub(crate) connect: cli::Connect,
}

fn strategy(name: &str) -> Result<Strategy, String> {
    let names = || STRATEGIES.iter().map(|(name, _)| *name);
    let mut known = STRATEGIES.iter();
    let found = known.find(|(known, _)| *known == name);
    found.map(|(_, strategy)| *strategy).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        did_you_mean(name, names()).unwrap_or(format!("the strategies are {known}"))
    })
}

/// Does what was asked for; it writes to no configured database.
pub async fn run(context: &Context, args: &Args) -> Result<Box<dyn Report>, Failure> {
    if let Some(file) = &args.import {
        let imported = super::import::run(context, file, args.connect.wait).await?;
        return Ok(Box::new(imported));
    }
    if let Some(table) = &args.impact {
        return Ok(Box::new(super::impact::run(context, args, table).await?));
    }
    let clock = metrics::Clock::start();
    if let Some(file) = &args.metrics_file {
        metrics::check(file)?;
    }
    finish::check(args)?;
    let mut report = audit(context, args).await?;
    // Whoever asks for one reference, or what would be done, asks for nothing else.
    if args.references.is_empty() && !args.explain {
        report.assertions = assertions::run(context, args.connect.wait).await;
    }
    if let Some(file) = &args.metrics_file {
        report
            .faults
            .extend(metrics::write(file, &report, &clock).err());
    }
    report.exit = exit(context, args, &report);
    Ok(Box::new(report))
}

/// Reads both ends of every reference, and confirms what it finds.
async fn audit(context: &Context, args: &Args) -> Result<AuditReport, Failure> {
    let passes = Passes::read(context);
    let (looked, mut since) = look(context, args, &passes).await?;
    let members: Vec<Arc<Prepared>> = looked
        .iter()
        .filter_map(|one| one.prepared.clone())
        .collect();
    let tasks = crate::db::audit::grouping::tasks(args, &members)?;
    if args.explain {
        return Ok(explain::report(context, args, looked, &tasks));
    }
    let mut tallies = vec![Tally::default(); context.project.references.len()];
    let folder = context.project.root.join(".bird/audit");
    let fingerprint = crate::db::audit::grouping::fingerprint(&members, &tasks);
    let run = context.run.to_string();
    let journal = Journal::open(&folder, &fingerprint, &run, args.resume, now());
    let mut journal = journal.map_err(|error| finish::cannot_keep(&folder, &error))?;
    let throttle = Throttle::new(args);
    let watch = crate::db::audit::throttle::watch(args, &looked).await?;
    let (read, faults) = crate::db::audit::run::read(
        context,
        tasks,
        (&throttle, watch),
        &mut journal,
        &mut tallies,
    )
    .await;
    let mut report = finish::report(context, args, looked, &tallies, &read);
    report.begun_on.clone_from(&journal.before.begun_on);
    report.faults = faults;
    let is_resumed = !journal.before.done.is_empty();
    for one in &mut report.references {
        one.since = since.remove(&one.index);
        // What was read before may end at a lesser value than the greatest now.
        if let Some(since) = one.since.as_mut().filter(|_| is_resumed) {
            since.upto = None;
        }
        let passed = one.prepared.as_deref().map(|prepared| passes.of(prepared));
        one.passed = passed.unwrap_or_default();
    }
    finish::files(context, args, &mut report, journal).await?;
    if let Err(error) = passes.keep(context, &report) {
        context
            .progress
            .notice(&format!("what was read whole could not be noted: {error}"));
    }
    Ok(report)
}

/// Looks at both ends of every reference, in one session for each database; and what watermark
/// was laid upon each, by its place.
async fn look(
    context: &Context,
    args: &Args,
    passes: &Passes,
) -> Result<(Vec<Looked>, BTreeMap<usize, Since>), Failure> {
    let wanted = connections::wanted(context, args)?;
    let mut visits = connections::visit(context, args, &wanted).await?;
    let looked = wanted.iter().map(|(index, reference)| {
        crate::db::audit::endpoints::prepare(context, &visits, *index, reference)
    });
    let mut looked: Vec<Looked> = looked.collect();
    let asking = async {
        replicas::read_from(context, args, &mut looked).await?;
        let since = watermark::lay(args, passes, &mut visits, &mut looked).await?;
        crate::db::audit::estimate::estimate(&mut visits, &mut looked).await;
        Ok(since)
    };
    let since = asking.await;
    connections::leave(visits).await;
    Ok((looked, since?))
}

/// An audit that did not finish is never clean.
fn exit(context: &Context, args: &Args, report: &AuditReport) -> Exit {
    let mut exit = report.exit;
    let worst = report.findings().map(|finding| finding.severity).max();
    if worst.is_some_and(|worst| worst >= args.fail_on) {
        exit = exit.worst(Exit::Found);
    }
    if !report.complete() || !report.assertions.iter().all(Asserted::is_done) {
        exit = exit.worst(Exit::Failed);
    }
    open::interrupted(context, exit)
}
