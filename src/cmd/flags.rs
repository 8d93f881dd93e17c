//! Flags that several commands have, and the readers of their values.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::change::Renamed;
use crate::model::code::Code;
use crate::model::consent::CONSENTS;
use crate::model::diagnostic::Severity;
use crate::model::name::did_you_mean;
use crate::project::{Database, parse_duration};

/// Flags of every command that connects.
#[derive(Debug, Clone, clap::Args)]
pub struct Connect {
    /// Wait up to DURATION for servers to accept connections: 60s, 2m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub wait: Option<Duration>,
}

/// The flag of every command that writes metrics.
#[derive(Debug, Clone, clap::Args)]
pub struct Metrics {
    /// Write metrics of the run to this file, for Prometheus
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// Flags of every command that takes locks.
#[derive(Debug, Clone, clap::Args)]
pub struct Locks {
    /// Wait up to DURATION for a lock that someone else holds: 30s, 5m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub lock_timeout: Option<Duration>,
}

/// Flags of every command that bird may refuse to run without consent.
#[derive(Debug, Clone, clap::Args)]
pub struct Consents {
    /// Consent by name to something that bird would refuse; repeatable
    #[arg(long, value_name = "NAME", value_parser = consent, help = consents_help())]
    pub allow: Vec<String>,
}

impl Consents {
    /// Whether a person has given the consent of this code.
    pub fn allows(&self, code: Code) -> bool {
        self.allow.iter().any(|allowed| allowed == code.name())
    }
}

impl Locks {
    /// The timeout of the flag, else of the config, else half a minute.
    pub fn timeout(&self, database: &Database) -> Duration {
        let set = self.lock_timeout.or(database.lock_timeout);
        set.unwrap_or(Duration::from_secs(30))
    }
}

fn consents_help() -> String {
    let names: Vec<&str> = CONSENTS.iter().map(|consent| consent.name()).collect();
    format!(
        "Allow something that bird otherwise refuses; repeatable: {}",
        names.join(", ")
    )
}

/// Parses the name of a consent.
fn consent(name: &str) -> Result<String, String> {
    let names = || CONSENTS.iter().map(|consent| consent.name());
    if names().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let known = names().collect::<Vec<_>>().join(", ");
    Err(did_you_mean(name, names()).unwrap_or(format!("the consents are {known}")))
}

/// Parses a severity.
pub fn severity(name: &str) -> Result<Severity, String> {
    let all = [Severity::Note, Severity::Warning, Severity::Error];
    let mut named = all.into_iter().zip(["note", "warning", "error"]);
    let found = named.find(|(_, known)| *known == name);
    let found = found.map(|(severity, _)| severity);
    found.ok_or_else(|| "the levels are note, warning, error".to_owned())
}

/// Parses `OLD=NEW`.
pub fn rename(text: &str) -> Result<Renamed, String> {
    let (from, to) = text.split_once('=').ok_or("write OLD=NEW")?;
    if from.matches('.').count() == to.matches('.').count() && !from.is_empty() {
        Ok(Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    } else {
        Err("both names need the same number of parts".to_owned())
    }
}

/// Parses the name of a tool to adopt from.
pub fn tool(name: &str) -> Result<String, String> {
    let names = crate::adopt::names();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    let known = names.join(", ");
    Err(did_you_mean(name, names).unwrap_or(format!("the tools are {known}")))
}
