//! The numbers of an audit for Prometheus: `--metrics-file`.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::assertions::Asserted;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::output::metrics::{Metric, text};
use crate::project::{can_replace, replace};

/// What was counted of one reference.
pub struct Counted<'r> {
    /// The child's key.
    pub reference: &'r str,
    pub rows: u64,
    pub keys: u64,
    pub orphan_rows: u64,
    pub orphan_keys: u64,
    pub complete: bool,
}

/// Whether the file can be written later on, asked before the audit begins.
///
/// # Errors
///
/// Why it cannot.
pub fn check(path: &Path) -> Result<(), Failure> {
    can_replace(path).map_err(|why| {
        let message = format!("cannot write the metrics to {}: {why}", path.display());
        let fault = Diagnostic::error("metrics-file", message);
        Failure::failed(fault.hint("name a file in a folder that exists: --metrics-file FILE"))
    })
}

/// Writes the file, whole or not at all.
///
/// # Errors
///
/// Why it could not be written; what stood there stands there still.
pub fn write(path: &Path, samples: &[Metric]) -> Result<(), Diagnostic> {
    replace(path, &text(samples)).map_err(|reason| {
        let message = format!("cannot write the metrics to {}: {reason}", path.display());
        let fault = Diagnostic::error("metrics-file", message);
        fault.note("the file is as it was before")
    })
}

/// The samples of a run; of an assertion that could not be asked there is none.
#[must_use]
pub fn samples(
    references: &[Counted<'_>],
    assertions: &[Asserted],
    began: SystemTime,
    took: Duration,
) -> Vec<Metric> {
    let mut all = Vec::new();
    let mut of_references = |name, help, value: fn(&Counted<'_>) -> u64| {
        let samples = references.iter().map(|one| {
            Metric::new(name, help, float(value(one))).label("reference", one.reference)
        });
        all.extend(samples);
    };
    of_references(
        "bird_audit_orphan_rows",
        "Rows whose reference has no parent.",
        |one| one.orphan_rows,
    );
    of_references(
        "bird_audit_orphan_keys",
        "Distinct keys that have no parent.",
        |one| one.orphan_keys,
    );
    of_references(
        "bird_audit_rows",
        "Rows of the child that were read.",
        |one| one.rows,
    );
    of_references(
        "bird_audit_keys",
        "Distinct keys of the child that were read.",
        |one| one.keys,
    );
    of_references(
        "bird_audit_complete",
        "Whether the whole reference was read.",
        |one| u64::from(one.complete),
    );
    let asked = assertions.iter().filter(|one| one.is_done());
    all.extend(asked.map(|one| {
        let help = "Rows that an assertion found and that should not be there.";
        let sample = Metric::new("bird_assertion_rows", help, float(one.rows()));
        sample
            .label("database", &one.assertion.database)
            .label("name", &one.assertion.name)
    }));
    let since = began.duration_since(UNIX_EPOCH).unwrap_or_default();
    all.push(Metric::new(
        "bird_run_timestamp_seconds",
        "When the run began, in seconds since 1970.",
        since.as_secs_f64(),
    ));
    all.push(Metric::new(
        "bird_run_duration_seconds",
        "How long the run took.",
        took.as_secs_f64(),
    ));
    all
}

/// A count as the format has it; from 2^53 on it is rounded.
fn float(count: u64) -> f64 {
    count as f64
}
