//! The metrics file of a run, for Prometheus (`--metrics-file`).

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::cmd::context::Context;
use crate::cmd::flags;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::output::metrics::{Metric, text};
use crate::project::{can_replace, replace};

/// Collects the metrics of a run and writes them at its end.
pub struct Recorder {
    path: Option<PathBuf>,
    command: &'static str,
    /// The labels of every sample. They tell apart files in one folder: a second sample with the
    /// same labels would make Prometheus refuse both.
    labels: Vec<(&'static str, String)>,
    began_at: SystemTime,
    clock: Instant,
}

impl Recorder {
    /// Starts the clock, and checks that the file can be written. `labels` say which part of the
    /// project the run is about.
    pub fn start(
        context: &Context,
        command: &'static str,
        flags: &flags::Metrics,
        labels: Vec<(&'static str, String)>,
    ) -> Result<Recorder, Failure> {
        let path = flags.metrics_file.clone();
        if let Some(path) = &path {
            can_replace(path).map_err(|why| {
                let hint = "name a file in a folder that exists: --metrics-file FILE";
                Failure::failed(cannot_write(path, &why).hint(hint))
            })?;
        }
        let project = &context.project;
        let mut all = vec![("project", project.identity())];
        all.extend(project.environment.clone().map(|name| ("env", name)));
        if project.databases.iter().any(|database| !database.selected) {
            let names = project.selected().map(|database| database.name.as_str());
            all.push(("databases", names.collect::<Vec<_>>().join(",")));
        }
        all.extend(labels);
        Ok(Recorder {
            path,
            command,
            labels: all,
            began_at: SystemTime::now(),
            clock: Instant::now(),
        })
    }

    /// A sample with the labels of the run.
    pub fn metric(&self, name: &'static str, help: &'static str, value: f64) -> Metric {
        let mut metric = Metric::new(name, help, value);
        metric.labels.clone_from(&self.labels);
        metric
    }

    /// Replaces the file as a whole by these samples and those of the run itself.
    pub fn write(&self, mut samples: Vec<Metric>, exit: Exit) -> Result<(), Diagnostic> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let began_at = self.began_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let run = [
            (
                "bird_run_exit_code",
                "Exit code of the run.",
                f64::from(exit.code()),
            ),
            (
                "bird_run_timestamp_seconds",
                "When the run began, in seconds since 1970.",
                began_at.as_secs_f64(),
            ),
            (
                "bird_run_duration_seconds",
                "How long the run took.",
                self.clock.elapsed().as_secs_f64(),
            ),
        ];
        samples.extend(run.map(|(name, help, value)| {
            self.metric(name, help, value)
                .label("command", self.command)
        }));
        replace(path, &text(&samples)).map_err(|reason| {
            cannot_write(path, &reason.to_string()).note("the file was not changed")
        })
    }

    /// Writes the samples of a run that ended with an error, and returns the error.
    pub fn write_failed(&self, samples: Vec<Metric>, mut failure: Failure) -> Failure {
        let written = self.write(samples, failure.exit);
        failure.diagnostics.extend(written.err());
        failure
    }
}

fn cannot_write(path: &Path, why: &str) -> Diagnostic {
    let message = format!("cannot write the metrics to {}: {why}", path.display());
    Diagnostic::new(Code::MetricsFile, message)
}

/// A count as a floating-point number; from 2^53 on it is rounded.
pub fn float(count: u64) -> f64 {
    count as f64
}
