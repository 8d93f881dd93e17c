//! The context of a run: its project, its progress, and whether it was asked to stop.

use std::sync::Arc;

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
