//! The metrics of a verification. A check that was not done has no count.

use super::checks::CheckOutcome;
use super::report::VerifyReport;
use crate::cmd::context::Context;
use crate::cmd::run::metrics::Recorder;
use crate::output::metrics::Metric;

pub fn samples(recorder: &Recorder, report: &VerifyReport) -> Vec<Metric> {
    let mut all = Vec::new();
    for database in &report.databases {
        for (check, outcome) in &database.outcomes {
            let findings = match outcome {
                CheckOutcome::Ok => 0,
                CheckOutcome::Found(found) => {
                    let fails = found.iter().filter(|one| one.severity >= report.fail_on);
                    fails.count()
                }
                CheckOutcome::NotDone { .. } => continue,
            };
            let help = "Findings of a completed check, with the severity of --fail-on or higher.";
            let metric = recorder.metric("bird_verify_findings", help, findings as f64);
            let metric = metric.label("database", &database.name);
            all.push(metric.label("check", check.name()));
        }
    }
    let databases = report.databases.iter();
    all.extend(databases.map(|one| complete(recorder, &one.name, one.is_complete())));
    all
}

/// The samples of a verification that ended with an error.
pub fn samples_of_nothing(recorder: &Recorder, context: &Context) -> Vec<Metric> {
    let selected = context.project.selected();
    let unchecked = selected.map(|database| complete(recorder, &database.name, false));
    unchecked.collect()
}

fn complete(recorder: &Recorder, database: &str, complete: bool) -> Metric {
    let help = "Whether every check of the database was completed.";
    let value = f64::from(u8::from(complete));
    recorder
        .metric("bird_verify_complete", help, value)
        .label("database", database)
}
