//! The metrics of an audit. A count stands there only for a reference that was read whole.

use super::args::Args;
use super::last_pass::LastPasses;
use super::reference_report::ReferenceReport;
use super::report::AuditReport;
use super::selection;
use crate::cmd::context::Context;
use crate::cmd::run::metrics::{Recorder, float};
use crate::db::clock::unix_seconds;
use crate::model::diagnostic::Failure;
use crate::model::reference::Reference;
use crate::output::metrics::Metric;

/// A metric of a reference: name, help, and value.
type Counted = (&'static str, &'static str, fn(&ReferenceReport) -> u64);

const COUNTED: &[Counted] = &[
    (
        "bird_audit_orphan_rows",
        "Rows whose reference has no parent.",
        |one| one.totals.orphan_rows,
    ),
    (
        "bird_audit_orphan_keys",
        "Distinct keys that have no parent.",
        |one| one.totals.orphan_keys,
    ),
    (
        "bird_audit_rows",
        "Rows of the child that were read.",
        |one| one.totals.read.rows,
    ),
    (
        "bird_audit_keys",
        "Distinct keys of the child that were read.",
        |one| one.totals.read.keys,
    ),
];

/// Starts the recorder. The references and the watermark of the command line are labels: an audit
/// of a part has series of its own.
pub fn recorder(context: &Context, args: &Args) -> Result<Recorder, Failure> {
    let mut labels = Vec::new();
    if !args.references.is_empty() {
        labels.push(("selection", args.references.join(",")));
    }
    if let Some(since) = &args.since {
        let column = since
            .split_once('=')
            .map_or(since.as_str(), |(name, _)| name);
        labels.push(("since", column.to_owned()));
    }
    Recorder::start(context, "audit", &args.metrics, labels)
}

/// The samples of an audit that has a report. An assertion that failed to run has no count.
pub fn samples(recorder: &Recorder, context: &Context, report: &AuditReport) -> Vec<Metric> {
    let mut all = Vec::new();
    let of = |one: &ReferenceReport, metric| labelled(context, one.index, &one.reference, metric);
    for (name, help, number) in COUNTED {
        let read = report.references.iter().filter(|one| one.totals.complete);
        all.extend(read.map(|one| of(one, recorder.metric(name, help, float(number(one))))));
    }
    for one in &report.references {
        all.push(of(one, complete(recorder, one.totals.complete)));
    }
    for one in &report.references {
        let last = last_complete(recorder, one.last_full.as_deref());
        all.extend(last.map(|metric| of(one, metric)));
    }
    let done = report.assertions.iter().filter(|one| one.is_done());
    all.extend(done.map(|one| {
        let help = "Rows that an assertion found and that should not exist.";
        recorder
            .metric("bird_assertion_rows", help, float(one.rows()))
            .label("database", &one.assertion.database)
            .label("name", &one.assertion.name)
    }));
    all.extend(report.assertions.iter().map(|one| {
        let help = "Whether the query of an assertion could be run.";
        let value = float(u64::from(one.is_done()));
        recorder
            .metric("bird_assertion_complete", help, value)
            .label("database", &one.assertion.database)
            .label("name", &one.assertion.name)
    }));
    all
}

/// The samples of an audit that ended with an error and read nothing.
pub fn samples_of_nothing(recorder: &Recorder, context: &Context, args: &Args) -> Vec<Metric> {
    let selected = selection::references(context, args).unwrap_or_default();
    let passes = LastPasses::read(context);
    let unread = selected
        .iter()
        .map(|(index, reference)| labelled(context, *index, reference, complete(recorder, false)));
    let last = selected.iter().filter_map(|(index, reference)| {
        let full = passes.of_reference(context, reference)?.full;
        let metric = last_complete(recorder, full.as_deref())?;
        Some(labelled(context, *index, reference, metric))
    });
    unread.chain(last).collect()
}

fn complete(recorder: &Recorder, complete: bool) -> Metric {
    let help = "Whether the run read the whole reference.";
    recorder.metric("bird_audit_complete", help, float(u64::from(complete)))
}

/// When the last audit of every row began; `None` if there was none.
fn last_complete(recorder: &Recorder, began_on: Option<&str>) -> Option<Metric> {
    let help = "Start of the last audit that read every row, in seconds since 1970.";
    let name = "bird_audit_last_complete_timestamp_seconds";
    let seconds = unix_seconds(began_on?)?;
    Some(recorder.metric(name, help, seconds as f64))
}

/// Adds the labels of a reference: its ends and its conditions, and where it is declared if an
/// earlier reference has the same.
fn labelled(context: &Context, index: usize, reference: &Reference, metric: Metric) -> Metric {
    let labels = |reference: &Reference| {
        let ends = [
            ("name", reference.name.clone()),
            ("reference", Some(reference.from.to_string())),
            ("to", Some(reference.to.to_string())),
            ("where", reference.filter.clone()),
            ("to_where", reference.to_filter.clone()),
        ];
        ends.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect::<Vec<_>>()
    };
    let own = labels(reference);
    let mut earlier = context.project.references.iter().take(index);
    let is_twin = earlier.any(|other| labels(other) == own);
    let line = reference.location.as_ref().filter(|_| is_twin);
    let line = line.map(|place| ("line", place.line.to_string()));
    own.into_iter()
        .chain(line)
        .fold(metric, |metric, (name, value)| metric.label(name, &value))
}
