//! `bird man`: the manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap_mangen::Man;
use serde_json::Map;

use super::context::Context;
use super::facts::CommandFacts;
use super::text_report::TextReport;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};

/// Print the manual page of bird, or write the pages of all commands
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird man --dir ~/.local/share/man/man1        then: man bird-migrate"
)]
pub struct Args {
    /// Write bird.1 and a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl CommandFacts for Args {
    fn ignores_project(&self) -> bool {
        true
    }
}

/// Generates the pages from the command line; reads no project.
pub async fn run(context: &Context, args: &Args) -> Result<TextReport, Failure> {
    let mut command = (context.command_line)();
    command.build();
    let text = match &args.dir {
        None => page(command).map_err(|reason| failed(Path::new("bird.1"), &reason))?,
        Some(dir) => write_all(command, dir)?,
    };
    Ok(TextReport {
        command: "man",
        text,
        data: Map::new(),
    })
}

/// The page of a command that was built, so that its display name is `bird-migrate`.
fn page(command: clap::Command) -> io::Result<String> {
    let title = title(&command);
    let mut page = Vec::new();
    Man::new(command).title(title).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn title(command: &clap::Command) -> String {
    let name = command.get_display_name();
    name.unwrap_or(command.get_name()).to_owned()
}

/// Writes a page for bird and for each command; what was written, for people.
fn write_all(command: clap::Command, dir: &Path) -> Result<String, Failure> {
    fs::create_dir_all(dir).map_err(|reason| failed(dir, &reason))?;
    let mut all: Vec<_> = command.get_subcommands().cloned().collect();
    all.push(command);
    let count = all.len();
    for command in all {
        let path = dir.join(format!("{}.1", title(&command)));
        page(command)
            .and_then(|text| fs::write(&path, text))
            .map_err(|reason| failed(&path, &reason))?;
    }
    Ok(format!("wrote {count} pages to {}", dir.display()))
}

fn failed(path: &Path, reason: &io::Error) -> Failure {
    let message = format!("cannot write {}: {reason}", path.display());
    Failure::failed(Diagnostic::new(Code::Environment, message))
}
