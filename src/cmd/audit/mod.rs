//! `bird audit`: finds rows whose references have no parent.

mod args;
mod assertions;
mod checkpoint;
mod errors;
mod explain;
mod finish;
mod last_pass;
mod metrics;
mod missing_keys;
mod reference_report;
mod repair_plan;
mod replicas;
mod report;
mod selection;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::Context;
use super::impact::Question;
use super::run::{open, references};
use crate::db::audit::endpoints::{self, Inspected, PreparedReference};
use crate::db::audit::settings::{Progress, Settings};
use crate::db::audit::task::Task;
use crate::db::audit::throttle::{self, Throttle};
use crate::db::audit::totals::ReferenceTotals;
use crate::db::audit::watermark::{self, Watermark};
use crate::db::audit::{connections, estimate, grouping, run as machine};
use crate::invariant::Broken;
use crate::model::diagnostic::Failure;
use crate::model::exit::Exit;
use crate::output::Report;
use assertions::AssertionResult;
use last_pass::LastPasses;
use report::AuditReport;

pub use args::Args;

/// Runs an audit, an import or an impact query. It never writes to a configured database.
pub async fn run(context: &Context, args: &Args) -> Result<Box<dyn Report>, Failure> {
    if let Some(file) = &args.import {
        let imported = super::import::run(context, file, args.connect.wait).await?;
        return Ok(Box::new(imported));
    }
    if let Some(table) = &args.impact {
        let question = Question {
            table,
            filter: args.choice.as_deref(),
            sample: args.sample,
            wait: args.connect.wait,
        };
        return Ok(Box::new(super::impact::run(context, &question).await?));
    }
    let recorder = metrics::recorder(context, args)?;
    finish::check(args)?;
    let mut report = match audit(context, args).await {
        Ok(report) => report,
        Err(failure) => {
            let samples = metrics::samples_of_nothing(&recorder, context, args);
            return Err(recorder.write_failed(samples, failure));
        }
    };
    // A run for some references, or with --explain, checks no assertions.
    if args.references.is_empty() && !args.explain {
        report.assertions = assertions::run(context, args.connect.wait).await;
    }
    report.exit = exit(context, args, &report);
    let samples = metrics::samples(&recorder, context, &report);
    if let Err(fault) = recorder.write(samples, report.exit) {
        report.faults.push(fault);
        report.exit = report.exit.most_severe(Exit::Failed);
    }
    Ok(Box::new(report))
}

/// Reads both endpoints of every reference, and confirms candidates.
async fn audit(context: &Context, args: &Args) -> Result<AuditReport, Failure> {
    let mut passes = LastPasses::read(context);
    if passes.is_distrusted {
        context.progress.notice(
            "the marks of earlier audits do not count: this user did not write them, or they were \
             changed",
        );
    }
    let (inspected, mut since) = inspect(context, args, &passes).await?;
    let members: Vec<Arc<PreparedReference>> = inspected
        .iter()
        .filter_map(|one| one.prepared.clone())
        .collect();
    let progress = |progress: Progress<'_>| match progress {
        Progress::Begin(rows) => context.progress.begin_rows(rows),
        Progress::Rows(rows) => context.progress.reach(rows),
        Progress::End => context.progress.finish(),
        Progress::Notice(text) => context.progress.notice(text),
        Progress::Detail(text) => context.progress.detail(text),
    };
    let settings = Settings {
        rate: args.max_rate,
        limits: args.limits.settings(),
        jobs: args.jobs,
        strategy: args.strategy,
        snapshot: args.snapshot,
        separate: args.separate,
        stop: &context.stop,
        progress: &progress,
    };
    let tasks = grouping::tasks(&settings, &members)?;
    let mut totals = vec![ReferenceTotals::default(); context.project.references.len()];
    if args.explain {
        let report = finish::report(context, args, inspected, &totals, &[])?;
        return Ok(explained(report, &tasks));
    }
    let fingerprint = grouping::fingerprint(&members, &tasks);
    let checkpoint::OpenCheckpoint {
        mut checkpoint,
        temporary,
    } = checkpoint::open(context, args, &fingerprint)?;
    let throttle = Throttle::new(&settings);
    let monitor = throttle::monitor(&settings, &inspected).await?;
    let (read, faults) = machine::read(
        &settings,
        tasks,
        (&throttle, monitor),
        &mut checkpoint,
        &mut totals,
    )
    .await;
    let mut report = finish::report(context, args, inspected, &totals, &read)?;
    report.begun_on.clone_from(&checkpoint.earlier.begun_on);
    report.faults = faults;
    let is_resumed = !checkpoint.earlier.done.is_empty();
    for one in &mut report.references {
        one.since = since.remove(&one.index);
        // The chunks of the earlier run may end below the greatest value now.
        if let Some(since) = one.since.as_mut().filter(|_| is_resumed) {
            since.upto = None;
        }
        let last_pass = one.prepared.as_deref().map(|prepared| passes.of(prepared));
        one.last_pass = last_pass.unwrap_or_default();
    }
    report.resumable = temporary.is_none();
    finish::files(context, args, &mut report, checkpoint).await?;
    let complete = report.references.iter().filter(|one| one.totals.complete);
    let complete = complete.filter_map(|one| Some((one.prepared.as_deref()?, one.since.as_ref())));
    passes.add(&report.begun_on, complete);
    for one in &mut report.references {
        let last = passes.of_reference(context, &one.reference);
        one.last_full = last.and_then(|last| last.full);
    }
    if temporary.is_none()
        && let Err(error) = passes.write(context)
    {
        context.progress.notice(&format!(
            "could not store that this was a full audit: {error}"
        ));
    }
    Ok(report)
}

/// Inspects both endpoints of every reference, in one session per database. Returns the watermark of
/// each reference, too, by its index.
async fn inspect(
    context: &Context,
    args: &Args,
    passes: &LastPasses,
) -> Result<(Vec<Inspected>, BTreeMap<usize, Watermark>), Failure> {
    let selected = selection::references(context, args)?;
    let wait = args.connect.wait;
    let mut connected = references::connect(context, wait, &selected).await?;
    let prepared = selected
        .iter()
        .map(|(index, reference)| endpoints::prepare(&connected, *index, reference));
    let mut inspected = prepared.collect::<Result<Vec<Inspected>, Broken>>()?;
    let asking = async {
        replicas::read_from(context, args, &mut inspected).await?;
        let since = match &args.since {
            Some(asked) => {
                let (column, value) = match asked.split_once('=') {
                    Some((column, value)) => (column, Some(value)),
                    None => (asked.as_str(), None),
                };
                let last = |prepared: &PreparedReference| {
                    let server = prepared.child.identity.as_ref();
                    passes.of(prepared).mark(column, server)
                };
                watermark::apply((column, value), last, &mut connected, &mut inspected).await?
            }
            None => BTreeMap::new(),
        };
        estimate::estimate(&mut connected, &mut inspected).await;
        Ok::<_, Failure>(since)
    };
    let since = asking.await;
    connections::close(connected).await;
    Ok((inspected, since?))
}

/// The report of a run that reads no keys.
fn explained(mut report: AuditReport, tasks: &[Task]) -> AuditReport {
    // No keys were to be read, so none are missing; but a reference that cannot be read fails.
    let impossible = report.references.iter().any(|one| one.prepared.is_none());
    report.exit = if impossible { Exit::Failed } else { Exit::Done };
    report.explained = Some(explain::explain(tasks));
    report
}

/// The exit code: an audit that did not finish is never clean.
fn exit(context: &Context, args: &Args, report: &AuditReport) -> Exit {
    let mut exit = report.exit;
    let worst = report.findings().map(|finding| finding.severity).max();
    if worst.is_some_and(|worst| worst >= args.fail_on) {
        exit = exit.most_severe(Exit::Found);
    }
    if !report.complete() || !report.assertions.iter().all(AssertionResult::is_done) {
        exit = exit.most_severe(Exit::Failed);
    }
    open::interrupted(context, exit)
}
