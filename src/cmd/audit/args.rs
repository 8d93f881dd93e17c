//! The arguments of `bird audit`.

use std::path::PathBuf;

use crate::audit::{STRATEGIES, Strategy};
use crate::cmd::facts::CommandFacts;
use crate::cmd::flags;
use crate::cmd::run::limits::Limits;
use crate::model::diagnostic::Severity;
use crate::model::name::did_you_mean;
use crate::model::repair::Action;

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
    #[arg(long, conflicts_with = "metrics_file")]
    pub(crate) explain: bool,
    /// Write every orphan to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) orphans: Option<PathBuf>,
    /// Write to this file what bird repair would do with the orphans
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// What the plan does with them: quarantine, delete, set-null
    #[arg(long, value_name = "NAME", value_parser = action, default_value = "quarantine")]
    pub(crate) action: Action,
    /// Read only rows from a watermark on: created_at=2026-01-31, or created_at alone for where
    /// the last audit ended. Parents that were deleted need a full audit
    #[arg(long, value_name = "COLUMN[=VALUE]")]
    pub(crate) since: Option<String>,
    /// Read the keys of a database's children from a replica of it: twitter=mysql://…; repeatable
    #[arg(long = "replica", value_name = "NAME=URL")]
    pub(crate) replicas: Vec<String>,
    /// Show at most N missing keys per reference
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) sample: usize,
    /// Go on with an audit that was cut short
    #[arg(long)]
    pub(crate) resume: bool,
    /// The most rows to read per second
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_rate: Option<u64>,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// Number of reader threads; each takes a connection for every reference
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Compare keys in this way: sql, merge, probe, hash; else the cheapest is chosen
    #[arg(long, value_name = "NAME", value_parser = strategy)]
    pub(crate) strategy: Option<Strategy>,
    /// Read each end by itself, even where one server has both
    #[arg(long = "apart")]
    pub(crate) separate: bool,
    /// Read both ends in one snapshot where one server has both, however many rows there are
    #[arg(long, conflicts_with = "separate")]
    pub(crate) snapshot: bool,
    #[command(flatten)]
    pub(crate) metrics: flags::Metrics,
    /// Print the references that a file of loose foreign keys declares (GitLab's YAML), for
    /// bird.toml; audit nothing
    #[arg(long, value_name = "FILE", conflicts_with = "metrics_file")]
    pub(crate) import: Option<PathBuf>,
    /// Tell what would become orphans if rows of this table were deleted: ums.users; audit nothing
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["import", "metrics_file"])]
    pub(crate) impact: Option<String>,
    /// Which rows --impact means, as a condition in SQL; else all of them
    #[arg(long = "where", value_name = "CONDITION", requires = "impact")]
    pub(crate) choice: Option<String>,
    /// From which severity on a finding fails: note, warning, error
    #[arg(long, value_name = "LEVEL", value_parser = flags::severity, default_value = "warning")]
    pub(crate) fail_on: Severity,
    #[command(flatten)]
    pub(crate) connect: flags::Connect,
}

impl CommandFacts for Args {}

fn strategy(name: &str) -> Result<Strategy, String> {
    let names = || STRATEGIES.iter().map(|(name, _)| *name);
    let mut known = STRATEGIES.iter();
    let found = known.find(|(known, _)| *known == name);
    found.map(|(_, strategy)| *strategy).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        did_you_mean(name, names()).unwrap_or(format!("the strategies are {known}"))
    })
}

/// Parses the name of an action.
fn action(name: &str) -> Result<Action, String> {
    Action::from_word(name).ok_or_else(|| {
        let known: Vec<&str> = Action::ALL.iter().map(|action| action.word()).collect();
        format!("the actions are {}", known.join(", "))
    })
}
