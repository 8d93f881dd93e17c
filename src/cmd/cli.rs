//! The command line as clap reads it.

use crate::model::code::Code;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use super::{
    Context, adopt, audit, diff, doctor, inspect, migrate, new, provision, repair, resolve, seed,
    status, undo, up, verify,
};
use crate::model::change::Renamed;
use crate::model::consent::CONSENTS;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::name::did_you_mean;
use crate::output::{FORMATS, Format, Report, render_failure};
use crate::project::parse_duration;

/// Schema as code for a system whose data lives in several databases
#[derive(Debug, Parser)]
#[command(
    name = "bird",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    before_help = "Example: bird up        from nothing to a running schema, all databases",
    after_help = "Exit codes: 0 done, 1 found something, 2 could not do it, 3 refused, 4 stopped \
                  half way (state known, run again), 5 undecided, 130/143 interrupted"
)]
pub struct Cli {
    /// The config file; else bird.toml or config/bird.toml, here or in a folder above
    #[arg(long, global = true, value_name = "FILE", env = "BIRD_CONFIG")]
    pub config: Option<PathBuf>,
    /// The environment: its [env.NAME] in the config overrides the base settings
    #[arg(long, global = true, value_name = "NAME", env = "BIRD_ENV")]
    pub env: Option<String>,
    /// Only this database; repeatable
    #[arg(long = "database", global = true, value_name = "NAME")]
    pub databases: Vec<String>,
    /// How the answer is written
    #[arg(long, global = true, value_name = "FORMAT", value_parser = format_named,
          help = format_help())]
    pub format: Option<Format>,
    /// When to colour: auto, always, never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: Color,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more on stderr
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Up(up::Args),
    Provision(provision::Args),
    Migrate(migrate::Args),
    Status(status::Args),
    Undo(undo::Args),
    Adopt(adopt::Args),
    Resolve(resolve::Args),
    Seed(seed::Args),
    New(new::Args),
    Diff(diff::Args),
    Inspect(inspect::Args),
    Verify(verify::Args),
    Audit(audit::Args),
    Repair(repair::Args),
    Doctor(doctor::Args),
}

/// Runs one command and boxes its report.
macro_rules! reported {
    ($work:expr) => {
        $work
            .await
            .map(|report| Box::new(report) as Box<dyn Report>)
    };
}

impl Command {
    /// Whether the answer can be written as SQL.
    pub fn has_sql(&self) -> bool {
        matches!(self, Command::Diff(_) | Command::Inspect(_))
    }

    /// Whether it was told everything that a project would tell.
    pub fn stands_alone(&self) -> bool {
        match self {
            Command::Diff(args) => args.stands_alone(),
            Command::Inspect(args) => args.stands_alone(),
            _ => false,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Command::Up(_) => "up",
            Command::Provision(_) => "provision",
            Command::Migrate(_) => "migrate",
            Command::Status(_) => "status",
            Command::Undo(_) => "undo",
            Command::Adopt(_) => "adopt",
            Command::Resolve(_) => "resolve",
            Command::Seed(_) => "seed",
            Command::New(_) => "new",
            Command::Diff(_) => "diff",
            Command::Inspect(_) => "inspect",
            Command::Verify(_) => "verify",
            Command::Audit(_) => "audit",
            Command::Repair(_) => "repair",
            Command::Doctor(_) => "doctor",
        }
    }

    pub async fn run(&self, context: &Context) -> Result<Box<dyn Report>, Failure> {
        match self {
            Command::Up(args) => reported!(up::run(context, args)),
            Command::Provision(args) => reported!(provision::run(context, args)),
            Command::Migrate(args) => reported!(migrate::run(context, args)),
            Command::Status(args) => reported!(status::run(context, args)),
            Command::Undo(args) => reported!(undo::run(context, args)),
            Command::Adopt(args) => reported!(adopt::run(context, args)),
            Command::Resolve(args) => reported!(resolve::run(context, args)),
            Command::Seed(args) => reported!(seed::run(context, args)),
            Command::New(args) => reported!(new::run(context, args)),
            Command::Diff(args) => reported!(diff::run(context, args)),
            Command::Verify(args) => reported!(verify::run(context, args)),
            Command::Audit(args) => audit::run(context, args).await,
            Command::Repair(args) => reported!(repair::run(context, args)),
            Command::Inspect(args) => reported!(inspect::run(context, args)),
            Command::Doctor(args) => reported!(doctor::run(context, args)),
        }
    }
}

impl Cli {
    pub fn format(&self) -> Format {
        self.format.unwrap_or(match &self.command {
            Command::Inspect(_) => Format::Sql,
            _ => Format::Table,
        })
    }

    /// Whether errors are drawn with colours; `auto` leaves it to the stream.
    pub fn decorate(&self) -> bool {
        self.color != Color::Never
    }
}

/// Flags of every command that connects.
#[derive(Debug, Clone, clap::Args)]
pub struct Connect {
    /// Wait up to DURATION for servers to accept connections: 60s, 2m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub wait: Option<Duration>,
}

/// Flags of every command that takes locks.
#[derive(Debug, Clone, clap::Args)]
pub struct Locks {
    /// Wait up to DURATION for a lock that someone else holds: 30s, 5m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub lock_timeout: Option<Duration>,
}

/// Flags of every command that bird may refuse to run without a person's word.
#[derive(Debug, Clone, clap::Args)]
pub struct Consents {
    /// Consent by name to something that bird would refuse; repeatable
    #[arg(long, value_name = "NAME", value_parser = consent)]
    pub allow: Vec<String>,
}

impl Consents {
    /// Whether a person has consented to what this name stands for.
    pub fn allows(&self, code: Code) -> bool {
        self.allow.iter().any(|allowed| allowed == code.name())
    }
}

impl Locks {
    /// The flag, then the config, then half a minute.
    pub fn timeout(&self, database: &crate::project::Database) -> Duration {
        let set = self.lock_timeout.or(database.lock_timeout);
        set.unwrap_or(Duration::from_secs(30))
    }
}

/// The whole command line, for the README.
pub fn command() -> clap::Command {
    Cli::command()
}

fn format_named(name: &str) -> Result<Format, String> {
    let names = || FORMATS.iter().map(|(name, _)| *name);
    let found = FORMATS.iter().find(|(known, _)| *known == name);
    found.map(|(_, format)| *format).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        did_you_mean(name, names()).unwrap_or(format!("the formats are {known}"))
    })
}

fn format_help() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
    format!("How the answer is written: {}", names.join(", "))
}

/// A consent by its name.
fn consent(name: &str) -> Result<String, String> {
    let names = || CONSENTS.iter().map(|consent| consent.name());
    if names().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let known = names().collect::<Vec<_>>().join(", ");
    Err(did_you_mean(name, names()).unwrap_or(format!("the consents are {known}")))
}

/// A severity by its name.
pub fn severity(name: &str) -> Result<Severity, String> {
    let all = [Severity::Note, Severity::Warning, Severity::Error];
    let mut named = all.into_iter().zip(["note", "warning", "error"]);
    let found = named.find(|(_, known)| *known == name);
    let found = found.map(|(severity, _)| severity);
    found.ok_or_else(|| "the levels are note, warning, error".to_owned())
}

/// Two names of one thing.
pub fn rename(text: &str) -> Result<Renamed, String> {
    let (from, to) = text.split_once('=').ok_or("write OLD=NEW")?;
    if from.matches('.').count() == to.matches('.').count() && !from.is_empty() {
        Ok(Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    } else {
        Err("both names need as many parts".to_owned())
    }
}

/// A tool to adopt from, by its name.
pub fn tool(name: &str) -> Result<String, String> {
    let names = crate::adopt::names();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    let known = names.join(", ");
    Err(did_you_mean(name, names).unwrap_or(format!("the tools are {known}")))
}

/// What clap has to say instead of a command: help, a version, a mistake.
#[derive(Debug)]
pub struct Told {
    error: clap::Error,
    /// The format that was asked for, where that can be told.
    format: Format,
    /// The command, where one was named.
    command: String,
}

/// Reads the command line.
pub fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, Told> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let cli = Cli::try_parse_from(&arguments).map_err(|error| {
        // The format is not known when the line is wrong, so the words are looked at.
        let words: Vec<_> = arguments
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        let mut inner = words
            .iter()
            .filter_map(|word| word.strip_prefix("--format="));
        let mut pairs = words.windows(2).filter(|pair| pair[0] == "--format");
        let asked = inner.next().or(pairs.next().map(|pair| pair[1].as_ref()));
        let format = asked.and_then(|name| format_named(name).ok());
        let format = format.unwrap_or(Format::Table);
        let known = Cli::command();
        let mut words = words.iter().skip(1);
        let named = words.find(|word| known.find_subcommand(word.as_ref()).is_some());
        Told {
            error,
            format,
            command: named.map(ToString::to_string).unwrap_or_default(),
        }
    })?;
    match cli.color {
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
        Color::Auto => {}
    }
    Ok(cli)
}

impl Told {
    /// Shows it: help to stdout, mistakes to stderr, and to stdout in the format that was asked for.
    pub fn tell(&self) -> ExitCode {
        // Nothing can be done about a closed stream.
        let _: std::io::Result<()> = self.error.print();
        if !self.error.use_stderr() {
            return ExitCode::SUCCESS;
        }
        let text = self.error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.trim_start_matches("error: ").to_owned();
        let fault = Diagnostic::new(Code::Usage, message).hint("see bird --help");
        let failure = Failure::failed(fault);
        let run = uuid::Uuid::now_v7().to_string();
        let mut stdout = std::io::stdout().lock();
        let _: std::io::Result<()> =
            render_failure(&self.command, &run, &failure, self.format, &mut stdout)
                .and_then(|()| stdout.flush());
        ExitCode::from(Exit::Failed.code())
    }
}
