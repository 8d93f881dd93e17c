//! Writes the metrics of an audit for Prometheus (`--metrics-file`).

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::reference_report::ReferenceReport;
use super::report::AuditReport;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::output::metrics::{Metric, text};
use crate::project::{can_replace, replace};

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
    (
        "bird_audit_complete",
        "Whether the whole reference was read.",
        |one| u64::from(one.totals.complete),
    ),
];

/// The start of a run, by the wall clock and the monotonic clock.
pub struct Clock(SystemTime, Instant);

impl Clock {
    pub fn start() -> Clock {
        Clock(SystemTime::now(), Instant::now())
    }
}

/// Checks before the audit that the file can be written.
pub fn check(path: &Path) -> Result<(), Failure> {
    can_replace(path).map_err(|why| {
        let message = format!("cannot write the metrics to {}: {why}", path.display());
        let fault = Diagnostic::new(Code::MetricsFile, message);
        Failure::failed(fault.hint("name a file in a folder that exists: --metrics-file FILE"))
    })
}

/// Replaces the file as a whole.
pub fn write(path: &Path, report: &AuditReport, clock: &Clock) -> Result<(), Diagnostic> {
    replace(path, &text(&samples(report, clock))).map_err(|reason| {
        let message = format!("cannot write the metrics to {}: {reason}", path.display());
        let fault = Diagnostic::new(Code::MetricsFile, message);
        fault.note("the file is as it was before")
    })
}

/// The samples of a run; an assertion that failed to run has none.
fn samples(report: &AuditReport, clock: &Clock) -> Vec<Metric> {
    let mut all = Vec::new();
    for (name, help, number) in COUNTED {
        let samples = report.references.iter().map(|one| {
            // Several references may start at one column.
            Metric::new(name, help, float(number(one)))
                .label("reference", &one.reference.from.to_string())
                .label("to", &one.reference.to.to_string())
        });
        all.extend(samples);
    }
    let done = report.assertions.iter().filter(|one| one.is_done());
    all.extend(done.map(|one| {
        let help = "Rows that an assertion found and that should not be there.";
        Metric::new("bird_assertion_rows", help, float(one.rows()))
            .label("database", &one.assertion.database)
            .label("name", &one.assertion.name)
    }));
    let since = clock.0.duration_since(UNIX_EPOCH).unwrap_or_default();
    all.push(Metric::new(
        "bird_run_timestamp_seconds",
        "When the run began, in seconds since 1970.",
        since.as_secs_f64(),
    ));
    all.push(Metric::new(
        "bird_run_duration_seconds",
        "How long the run took.",
        clock.1.elapsed().as_secs_f64(),
    ));
    all
}

/// A count as a floating-point number; from 2^53 on it is rounded.
fn float(count: u64) -> f64 {
    count as f64
}
