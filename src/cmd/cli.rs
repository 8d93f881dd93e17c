//! The command line: global options, the list of commands, and parsing.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use super::context::{Context, run_id};
use super::facts::CommandFacts;
use super::{
    adopt, audit, completions, diff, doctor, help, init, inspect, man, migrate, new, provision,
    repair, reset, resolve, seed, status, undo, up, verify,
};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::name::did_you_mean;
use crate::model::password::masked;
use crate::output::escape::terminal;
use crate::output::log::{self, LogFormat};
use crate::output::{FORMATS, Format, Report, TABLE};

/// Schema as code for a system whose data lives in several databases
#[derive(Debug, Parser)]
#[command(
    name = "bird",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    before_help = "Example: bird up        creates, migrates and seeds all databases",
    after_help = "Exit codes: 0 done, 1 findings, 2 error before any change, 3 refused, 4 stopped \
                  half-way (run again to continue), 5 statement in doubt (bird resolve), 130/143 \
                  interrupted"
)]
pub struct Cli {
    /// Config file [default: bird.toml or config/bird.toml, in this folder or one above]
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        display_order = 900,
        value_name = "FILE",
        env = "BIRD_CONFIG"
    )]
    pub config: Option<PathBuf>,
    /// Environment: [env.NAME] in the config overrides the base settings
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        display_order = 901,
        value_name = "NAME",
        env = "BIRD_ENV"
    )]
    pub env: Option<String>,
    /// Folder for caches and checkpoints [default: .bird in the project]
    #[arg(long, global = true, help_heading = GLOBAL, display_order = 908,
          value_name = "DIR", env = "BIRD_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Only this database; repeatable
    #[arg(
        long = "database",
        global = true,
        help_heading = GLOBAL,
        display_order = 902,
        value_name = "NAME"
    )]
    pub databases: Vec<String>,
    /// Output format
    #[arg(long, global = true, help_heading = GLOBAL, display_order = 903,
          value_name = "FORMAT", value_parser = format_named, help = format_help())]
    pub format: Option<&'static Format>,
    /// When to use colour: auto, always, never
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        display_order = 904,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: Color,
    /// Format of lines on stderr: text, json (one object per line)
    #[arg(long, global = true, help_heading = GLOBAL, display_order = 905,
          value_name = "FORMAT", default_value = "text", hide_default_value = true,
          value_parser = log_format_named)]
    pub log_format: LogFormat,
    /// Print only warnings and errors on stderr; stdout stays the same
    #[arg(short, long, global = true, help_heading = GLOBAL, display_order = 906)]
    pub quiet: bool,
    /// Print more details
    #[arg(
        short,
        long,
        global = true,
        help_heading = GLOBAL,
        display_order = 907,
        action = clap::ArgAction::Count
    )]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

/// The heading of the options that every command has, which stand behind those of its own.
const GLOBAL: &str = "Options of every command";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// Defines [`Command`]. Each line gives a command's variant, its module and its name; the module
/// has `Args`, which implement [`CommandFacts`], and `run`.
macro_rules! commands {
    ($($variant:ident($module:ident) = $name:literal,)*) => {
        /// A command with its arguments.
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $(#[command(name = $name)] $variant($module::Args),)*
        }

        impl Command {
            /// The name on the command line.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Command::$variant(_) => $name,)*
                }
            }

            /// The formats of this command beyond those of every command.
            pub fn formats(&self) -> &'static [&'static Format] {
                match self {
                    $(Command::$variant(args) => args.formats(),)*
                }
            }

            /// The format if none is asked for.
            pub fn default_format(&self) -> &'static Format {
                match self {
                    $(Command::$variant(_) => $module::Args::DEFAULT_FORMAT,)*
                }
            }

            /// Whether the command needs no project.
            pub fn stands_alone(&self) -> bool {
                match self {
                    $(Command::$variant(args) => args.stands_alone(),)*
                }
            }

            /// Whether the command never reads a project.
            pub fn ignores_project(&self) -> bool {
                match self {
                    $(Command::$variant(args) => args.ignores_project(),)*
                }
            }

            /// Whether the first signal ends the command.
            pub fn only_reads(&self) -> bool {
                match self {
                    $(Command::$variant(args) => args.only_reads(),)*
                }
            }

            /// Runs the command.
            pub async fn run(&self, context: &Context) -> Result<Box<dyn Report>, Failure> {
                match self {
                    $(Command::$variant(args) => $module::run(context, args).await.map(Into::into),)*
                }
            }
        }
    };
}

commands! {
    Init(init) = "init",
    Up(up) = "up",
    Provision(provision) = "provision",
    Migrate(migrate) = "migrate",
    Status(status) = "status",
    Undo(undo) = "undo",
    Reset(reset) = "reset",
    Adopt(adopt) = "adopt",
    Resolve(resolve) = "resolve",
    Seed(seed) = "seed",
    New(new) = "new",
    Diff(diff) = "diff",
    Inspect(inspect) = "inspect",
    Verify(verify) = "verify",
    Audit(audit) = "audit",
    Repair(repair) = "repair",
    Doctor(doctor) = "doctor",
    Help(help) = "help",
    Completions(completions) = "completions",
    Man(man) = "man",
}

impl Cli {
    /// The format that was asked for, else the command's own.
    pub fn format(&self) -> &'static Format {
        self.format.unwrap_or_else(|| self.command.default_format())
    }

    /// Whether errors are drawn with colours; `auto` leaves it to the stream.
    pub fn decorate(&self) -> bool {
        self.color != Color::Never
    }
}

/// The whole command line, for the documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Finds a format by its name.
fn format_named(name: &str) -> Result<&'static Format, String> {
    let names = || FORMATS.iter().map(|format| format.name);
    let found = FORMATS.iter().find(|format| format.name == name);
    found.copied().ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        did_you_mean(name, names()).unwrap_or(format!("the formats are {known}"))
    })
}

fn log_format_named(name: &str) -> Result<LogFormat, String> {
    let mut known = LogFormat::NAMES.iter();
    let found = known.find(|(known, _)| *known == name);
    let found = found.map(|(_, format)| *format);
    found.ok_or_else(|| "the formats are text, json".to_owned())
}

fn format_help() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    format!("Output format: {}", names.join(", "))
}

/// The text that clap shows instead of running a command: help, the version, a usage error.
#[derive(Debug)]
pub struct UsageMessage {
    error: clap::Error,
    /// The format that was asked for, else `table`.
    format: &'static Format,
    /// The command, empty if none was named.
    command: String,
    log: LogFormat,
}

/// Reads the command line.
pub fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, UsageMessage> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let cli = Cli::try_parse_from(&arguments).map_err(|error| {
        // clap gives no format for a wrong line, so the words are searched for one.
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
        let format = format.unwrap_or(TABLE);
        let mut pairs = words.windows(2);
        let is_json = words.iter().any(|word| word == "--log-format=json")
            || pairs.any(|pair| pair[0] == "--log-format" && pair[1] == "json");
        let log = if is_json {
            LogFormat::Json
        } else {
            LogFormat::Text
        };
        let known = Cli::command();
        let mut words = words.iter().skip(1);
        let named = words.find(|word| known.find_subcommand(word.as_ref()).is_some());
        UsageMessage {
            error,
            format,
            log,
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

impl UsageMessage {
    /// Prints help to stdout; a usage error to stderr, and to stdout in the format that was asked
    /// for.
    pub fn print(&self) -> ExitCode {
        // Nothing can be done about a closed stream.
        if !self.error.use_stderr() {
            let _: std::io::Result<()> = self.error.print();
            return ExitCode::SUCCESS;
        }
        let text = self.error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.trim_start_matches("error: ").to_owned();
        let fault = Diagnostic::new(Code::Usage, message).hint("see bird --help");
        let failure = Failure::failed(fault);
        let run = run_id(SystemTime::now()).unwrap_or_default().to_string();
        match self.log {
            LogFormat::Json => log::diagnostics(&run, &failure.diagnostics),
            LogFormat::Text => {
                // Only clap colours its own words.
                if masked(&terminal(&text, true)) == text {
                    let _: std::io::Result<()> = self.error.print();
                } else {
                    log::text(text.trim_end());
                }
            }
        }
        let mut stdout = std::io::stdout().lock();
        let _: std::io::Result<()> =
            (self.format.render_failure)(&self.command, &run, &failure, &mut stdout)
                .and_then(|()| stdout.flush());
        ExitCode::from(Exit::Failed.code())
    }
}
