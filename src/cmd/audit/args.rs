//! The arguments of `bird audit`.

use std::path::PathBuf;

use crate::audit::{STRATEGIES, Strategy};
use crate::cmd::facts::CommandFacts;
use crate::cmd::flags;
use crate::cmd::run::limits::Limits;
use crate::model::diagnostic::Severity;
use crate::model::name::did_you_mean;
use crate::model::repair::Action;

/// Find rows whose parent in another database is missing, in live data
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird audit --orphans orphans.jsonl        writes every orphan, one per line"
)]
pub struct Args {
    /// Only this reference, by its child: twitter.messages.author_id; repeatable
    #[arg(long = "reference", value_name = "NAME")]
    pub(crate) references: Vec<String>,
    /// Show what would be read, how and why, without reading any keys
    #[arg(long, conflicts_with = "metrics_file")]
    pub(crate) explain: bool,
    /// Write every orphan to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(crate) orphans: Option<PathBuf>,
    /// Write a plan for bird repair to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// What the plan does with orphans: quarantine, delete, set-null
    #[arg(long, value_name = "NAME", value_parser = action, default_value = "quarantine")]
    pub(crate) action: Action,
    /// Read only rows from this value on: created_at=2026-01-31, or created_at alone to continue where the
    /// last audit ended. Only a full audit finds rows whose parent was deleted
    #[arg(long, value_name = "COLUMN[=VALUE]")]
    pub(crate) since: Option<String>,
    /// Read the keys of child rows from a replica of their database: twitter=mysql://…; repeatable
    #[arg(long = "replica", value_name = "NAME=URL")]
    pub(crate) replicas: Vec<String>,
    /// Show at most N missing keys per reference
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) sample: usize,
    /// Continue an audit that was interrupted
    #[arg(long)]
    pub(crate) resume: bool,
    /// Maximum number of rows to read per second
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_rate: Option<u64>,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// Number of reader threads; each takes a connection for every reference
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// How to compare keys: sql, merge, probe, hash [default: the cheapest]
    #[arg(long, value_name = "NAME", value_parser = strategy)]
    pub(crate) strategy: Option<Strategy>,
    /// Read child and parent separately, even if one server has both
    #[arg(long = "apart")]
    pub(crate) separate: bool,
    /// Read child and parent in one snapshot if one server has both, whatever their size
    #[arg(long, conflicts_with = "separate")]
    pub(crate) snapshot: bool,
    #[command(flatten)]
    pub(crate) metrics: flags::Metrics,
    /// Print the loose foreign keys of a GitLab YAML file as references for bird.toml, without an audit
    #[arg(long, value_name = "FILE", conflicts_with = "metrics_file")]
    pub(crate) import: Option<PathBuf>,
    /// Count the rows that deleting rows of this table (ums.users) would leave as orphans, without an audit
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["import", "metrics_file"])]
    pub(crate) impact: Option<String>,
    /// SQL condition that selects the rows for --impact [default: all rows]
    #[arg(long = "where", value_name = "CONDITION", requires = "impact")]
    pub(crate) choice: Option<String>,
    /// Lowest severity of a finding that fails the run: note, warning, error
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
