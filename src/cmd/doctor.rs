//! `bird doctor`: checks servers, accounts, settings and files for what would make migrations fail.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::open;
use crate::db::doctor::{self, CheckedDatabase};
use crate::db::session::{Access, Session};
use crate::db::{file, history};
use crate::dialect::ErrorKind;
use crate::model::check::{CheckResult, Verdict};
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::history::Applied;
use crate::model::migration::Migration;
use crate::model::server::Server;
use crate::model::target::Target;
use crate::output::{Block, Grid, Report, Tone, Tones};
use crate::project::Database;
use crate::sql::script;

/// Check servers, accounts, settings and files before you migrate
#[derive(Debug, clap::Args)]
#[command(before_help = "Example: bird doctor --env production        before the first migration")]
pub struct Args {
    #[command(flatten)]
    connect: flags::Connect,
}

impl CommandFacts for Args {
    fn only_reads(&self) -> bool {
        true
    }
}

/// The first check of a database.
const CONNECTION: Code = Code::Connection;

/// The report: all databases with their checks.
pub struct DoctorReport {
    databases: Vec<Examined>,
    /// Whether checks that are ok are shown.
    verbose: bool,
    exit: Exit,
}

struct Examined {
    name: String,
    engine: &'static str,
    server: Option<Server>,
    /// `checked`, `absent`, `unreachable`.
    state: &'static str,
    checks: Vec<file::Checked>,
    /// The error if the database could not be reached.
    fault: Option<Diagnostic>,
}

/// Runs the checks. Writes nothing; the locks that it takes for a moment end with its sessions.
pub async fn run(context: &Context, args: &Args) -> Result<DoctorReport, Failure> {
    // `bird status` reports a folder that cannot be read.
    let files = async { open::files(context).await.unwrap_or_default() };
    let looking = context.project.databases.iter().map(|database| async move {
        if database.selected {
            Some(open_one(context, args, database).await)
        } else {
            None
        }
    });
    let (files, opened) = join(files, join_all(looking)).await;
    let mut files = files.into_iter();
    let examining = context.project.databases.iter().zip(opened);
    let examining = examining.filter_map(|(database, opened)| {
        let migrations = files.next().unwrap_or_default();
        let opened = opened?;
        Some(examine(context, database, opened, migrations))
    });
    let databases = join_all(examining.collect::<Vec<_>>()).await;
    let exits = databases.iter().map(Examined::exit);
    let exit = open::interrupted(context, exits.fold(Exit::Done, Exit::most_severe));
    Ok(DoctorReport {
        databases,
        verbose: context.verbose,
        exit,
    })
}

/// How far opening a database came.
enum Reached {
    Inside(Session),
    /// The database does not exist, but its server answers.
    Beside(Target, Session),
    /// A file that does not exist.
    NoFile,
    Unreachable(Diagnostic),
}

async fn open_one(context: &Context, args: &Args, database: &Database) -> Reached {
    if open::is_absent_file(database) {
        return Reached::NoFile;
    }
    let wait = args.connect.wait;
    let error = match open::session(context, database, Access::ReadOnly, wait).await {
        Ok(session) => return Reached::Inside(session),
        Err(error) => error,
    };
    if error.kind == ErrorKind::MissingDatabase
        && let Ok(Some((target, session))) = open::entry(context, database, wait).await
    {
        return Reached::Beside(target, session);
    }
    Reached::Unreachable(open::cannot_open(database, &error))
}

async fn examine(
    context: &Context,
    database: &Database,
    reached: Reached,
    migrations: Vec<Migration>,
) -> Examined {
    let mut examined = Examined {
        name: database.name.clone(),
        engine: database.dialect.facts().name,
        server: None,
        state: "checked",
        checks: secret(context, database),
        fault: None,
    };
    let place = database.target.shown();
    let (target, mut session, inside) = match reached {
        Reached::Inside(session) => (database.target.clone(), session, true),
        Reached::Beside(target, session) => (target, session, false),
        Reached::NoFile => {
            examined.state = "absent";
            if let Target::File(target) = &database.target {
                examined.checks.extend(file::look(target));
            }
            return examined;
        }
        Reached::Unreachable(fault) => {
            examined.state = "unreachable";
            let mut result = CheckResult::error(fault.message.clone());
            result.fix = fault.hint.clone();
            if fault.code == Code::Untrusted {
                examined.checks.insert(0, (fault.code, result));
            } else {
                examined.checks.insert(0, (CONNECTION, result));
                examined.fault = Some(fault);
            }
            return examined;
        }
    };
    examined
        .checks
        .insert(0, (CONNECTION, CheckResult::ok(place)));
    examined.checks.push((Code::Database, exists(inside)));
    if !inside {
        examined.state = "absent";
    }
    let applied = if inside {
        applied(&mut session).await
    } else {
        Vec::new()
    };
    let largest = largest(database, &migrations, &applied);
    let checked_database = CheckedDatabase {
        target: &target,
        inside,
        largest,
        borrowed: database.shadow.is_some(),
    };
    let found = doctor::look(&mut session, &checked_database, &context.stop).await;
    examined.checks.extend(found);
    examined.server = Some(session.server.clone());
    session.close().await;
    examined
}

fn exists(inside: bool) -> CheckResult {
    if inside {
        CheckResult::ok("it exists")
    } else {
        CheckResult::note("it does not exist yet").fix("create it with `bird provision`")
    }
}

/// Checks whether other users may read the file that holds the password.
fn secret(context: &Context, database: &Database) -> Vec<file::Checked> {
    let result = match context.project.secret(database) {
        None => return Vec::new(),
        Some((file, None)) => CheckResult::ok(format!("only the owner may read {file}")),
        Some((file, Some(mode))) => {
            CheckResult::warning(format!("{file} may be read by others (mode {mode:03o})"))
                .fix(format!("chmod 600 {file}, or put the URL into a variable"))
        }
    };
    vec![(Code::Secret, result)]
}

/// Reads the history; empty if it cannot be read, which `bird status` reports.
async fn applied(session: &mut Session) -> Vec<Applied> {
    let history = history::read(session).await;
    history.map_or(Vec::new(), |history| history.applied)
}

/// The length in bytes of the largest pending statement.
fn largest(database: &Database, migrations: &[Migration], applied: &[Applied]) -> usize {
    let is_pending = |file: &&Migration| !applied.iter().any(|row| row.version == file.version);
    let statements = migrations.iter().filter(is_pending).filter_map(|file| {
        let script = script::read(database.dialect.syntax(), &file.text).ok()?;
        let lengths = script
            .statements
            .iter()
            .map(|statement| statement.range.len());
        lengths.max()
    });
    statements.max().unwrap_or(0)
}

impl Examined {
    fn exit(&self) -> Exit {
        let verdicts = self.checks.iter().map(|(_, result)| result.verdict);
        match verdicts.max() {
            _ if self.fault.is_some() => Exit::Failed,
            Some(Verdict::Warning | Verdict::Error) => Exit::Found,
            _ => Exit::Done,
        }
    }

    fn findings(&self) -> impl Iterator<Item = Diagnostic> {
        // The connection error is reported as itself, with a code of its own.
        let reached = |(code, _): &&file::Checked| self.fault.is_none() || *code != CONNECTION;
        let checks = self.checks.iter().filter(reached);
        let checks = checks.filter_map(|(code, result)| {
            let message = format!("{}: {}", self.name, result.found);
            let mut fault = match result.verdict {
                Verdict::Error => Diagnostic::new(*code, message).severity(Severity::Error),
                Verdict::Warning => Diagnostic::new(*code, message).severity(Severity::Warning),
                Verdict::Ok | Verdict::Note => return None,
            };
            fault.hint = result.fix.clone();
            Some(fault.database(&self.name))
        });
        self.fault.iter().cloned().chain(checks)
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Note => Tone::Neutral,
        Verdict::Warning => Tone::Attention,
        Verdict::Error => Tone::Bad,
    }
}

impl DoctorReport {
    /// The result in one line.
    fn verdict(&self) -> (Tone, String) {
        let all = || self.databases.iter().flat_map(|one| &one.checks);
        let is_wrong = |(_, result): &&file::Checked| result.verdict >= Verdict::Warning;
        let (checks, wrong) = (all().count(), all().filter(is_wrong).count());
        let databases = counted(self.databases.len(), "database");
        let rest = if self.verbose { "" } else { "; -v shows all" };
        match wrong {
            0 => (
                Tone::Good,
                format!("ok: {} in {databases}{rest}", counted(checks, "check")),
            ),
            _ => (
                Tone::Bad,
                format!(
                    "failed: {wrong} of {} in {databases}{rest}",
                    counted(checks, "check")
                ),
            ),
        }
    }
}

impl Report for DoctorReport {
    fn command(&self) -> &'static str {
        "doctor"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let shown = self.databases.iter().flat_map(|examined| {
            let shown = examined.checks.iter();
            let shown = shown.filter(|(_, result)| self.verbose || result.verdict != Verdict::Ok);
            shown.map(|(name, result)| {
                let word = result.verdict.word().to_owned();
                let found = result.found.clone();
                let row = vec![examined.name.clone(), name.to_string(), word, found];
                (row, tone(result.verdict))
            })
        });
        let (rows, tones): (Vec<_>, Vec<_>) = shown.unzip();
        let mut blocks = Vec::new();
        if !rows.is_empty() {
            blocks.push(Block::Grid(Grid {
                headers: vec!["database", "check", "verdict", "found"],
                rows,
                tones: Some(Tones {
                    column: 2,
                    rows: tones,
                }),
                ..Grid::default()
            }));
        }
        // Warnings and errors show their fix among the findings.
        for examined in &self.databases {
            for (name, result) in &examined.checks {
                if let (Verdict::Note, Some(fix)) = (result.verdict, &result.fix) {
                    blocks.push(Block::Line(format!("{}: {name}: {fix}", examined.name)));
                }
            }
        }
        let (tone, verdict) = self.verdict();
        blocks.push(Block::Verdict(tone, verdict));
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.databases.iter().flat_map(Examined::findings).collect()
    }

    fn databases(&self) -> Vec<Value> {
        let databases = self.databases.iter().map(|examined| {
            let server = examined.server.as_ref();
            let checks = examined.checks.iter().map(|(name, result)| {
                json!({
                    "name": name,
                    "verdict": result.verdict,
                    "found": result.found,
                    "to_do": result.fix,
                })
            });
            json!({
                "name": examined.name,
                "engine": examined.engine,
                "product": server.map(|server| server.product),
                "server_version": server.map(|server| &server.version),
                "state": examined.state,
                "checks": checks.collect::<Vec<_>>(),
            })
        });
        databases.collect()
    }
}
