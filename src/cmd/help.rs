//! `bird help`: the help of a command, or what a diagnostic code means.

use serde_json::{Map, Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::text_report::TextReport;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::did_you_mean;

/// Show the help of a command, or explain a diagnostic code
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird help migration-changed        what the code means, and what to do"
)]
pub struct Args {
    /// A command, or the code in brackets of a message; else the help of bird itself
    #[arg(value_name = "COMMAND|CODE")]
    topic: Option<String>,
}

impl CommandFacts for Args {
    fn ignores_project(&self) -> bool {
        true
    }
}

/// Finds the text; reads no project.
pub async fn run(context: &Context, args: &Args) -> Result<TextReport, Failure> {
    let mut whole = (context.command_line)();
    whole.build();
    let Some(topic) = &args.topic else {
        return Ok(report(whole.render_help().to_string(), Map::new()));
    };
    if let Some(command) = whole.find_subcommand_mut(topic) {
        return Ok(report(command.render_help().to_string(), Map::new()));
    }
    // People copy the brackets of a message as well.
    let name = topic.trim_start_matches(['[', '(']);
    let Some(code) = Code::named(name.trim_end_matches([']', ')'])) else {
        return Err(unknown(topic, &whole));
    };
    let data = json!({
        "code": code,
        "severity": code.severity(),
        "summary": code.summary(),
        "help": code.help(),
        "page": code.page(),
    });
    let data = data.as_object().cloned().unwrap_or_default();
    Ok(report(explanation(code), data))
}

fn report(text: String, data: Map<String, Value>) -> TextReport {
    TextReport {
        command: "help",
        text,
        data,
    }
}

/// What a code means, for people.
fn explanation(code: Code) -> String {
    let severity = format!("{:?}", code.severity()).to_lowercase();
    let (summary, help, page) = (code.summary(), code.help(), code.page());
    format!("{severity}[{code}]: {summary}\n\n{help}\n\nMore: {page}")
}

fn unknown(topic: &str, whole: &clap::Command) -> Failure {
    let commands = whole.get_subcommands().map(clap::Command::get_name);
    let codes = Code::ALL.iter().map(|code| code.name());
    let message = format!("`{topic}` is neither a command nor a code");
    let hint = did_you_mean(topic, commands.chain(codes));
    let hint = hint
        .unwrap_or("bird help lists the commands, docs/reference/error-codes.md the codes".into());
    Failure::failed(Diagnostic::new(Code::Usage, message).hint(hint))
}
