//! `bird completions`: the script that completes bird's command line in a shell.

use clap_complete::Shell;
use serde_json::Map;

use super::context::Context;
use super::facts::CommandFacts;
use super::text_report::TextReport;
use crate::model::diagnostic::Failure;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird completions bash > ~/.local/share/bash-completion/completions/bird"
)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl CommandFacts for Args {
    fn ignores_project(&self) -> bool {
        true
    }
}

/// Generates the script from the command line; reads no project.
pub async fn run(context: &Context, args: &Args) -> Result<TextReport, Failure> {
    let mut script = Vec::new();
    let mut command = (context.command_line)();
    clap_complete::generate(args.shell, &mut command, "bird", &mut script);
    Ok(TextReport {
        command: "completions",
        text: String::from_utf8_lossy(&script).into_owned(),
        data: Map::new(),
    })
}
