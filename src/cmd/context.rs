//! The context of a run: its project, its progress, and whether it was asked to stop.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::db::stop::Stop;
use crate::output::progress::Progress;
use crate::project::Project;

/// The context of a run, which every command works with.
pub struct Context {
    pub project: Arc<Project>,
    pub progress: Progress,
    pub stop: Stop,
    /// Whether reports leave nothing out (`-v`).
    pub verbose: bool,
    /// The identifier of this run in every report and journal row.
    pub run: Uuid,
    /// The whole command line, for the commands that describe it.
    pub command_line: fn() -> clap::Command,
}

/// A new id of a run; `None` if the clock is before 1970, of which no id can be made.
pub fn run_id(now: SystemTime) -> Option<Uuid> {
    now.duration_since(UNIX_EPOCH).is_ok().then(Uuid::now_v7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_1970_gives_no_id() {
        let before = UNIX_EPOCH.checked_sub(std::time::Duration::from_secs(1));
        assert_eq!(before.and_then(run_id), None);
        assert!(run_id(SystemTime::now()).is_some());
    }
}
