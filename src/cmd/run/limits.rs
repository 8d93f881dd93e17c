//! The flags `--max-lag` and `--max-load`.

use std::time::Duration;

use crate::db::limits;
use crate::project::parse_duration;

/// Flags of every command that makes room for other work on its servers.
#[derive(Debug, Clone, clap::Args)]
pub struct Limits {
    /// Pause while a replica is further behind than this: 5s, 1m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub max_lag: Option<Duration>,
    /// Pause while more than N statements run on a server
    #[arg(long, value_name = "N")]
    pub max_load: Option<u64>,
}

impl Limits {
    /// Converts the flags for those who check them.
    pub fn settings(&self) -> limits::Limits {
        limits::Limits {
            max_lag: self.max_lag,
            max_load: self.max_load,
        }
    }
}
