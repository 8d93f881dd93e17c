//! The commands, and the command line on top of them. The only user of clap.
//!
//! `flags` and `context` are at the bottom, `run` holds what commands share, each command is a
//! file or a folder, and `cli` and `execute` know them all. A new command is a file with its
//! `Args`, `impl CommandFacts for Args` and `run`, and one line in `cli`.

mod adopt;
mod audit;
mod cli;
mod completions;
mod context;
mod diff;
mod doctor;
mod execute;
mod facts;
mod flags;
mod help;
mod impact;
mod import;
mod init;
mod inspect;
mod man;
mod memory;
mod migrate;
mod new;
mod provision;
mod repair;
mod reset;
mod resolve;
mod run;
mod seed;
mod source;
mod status;
mod text_report;
mod undo;
mod up;
mod verify;

pub use cli::{Cli, UsageMessage, command, parse};
pub use execute::{RunResult, run};
