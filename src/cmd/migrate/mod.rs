//! `bird migrate`: one plan for all databases, then each of them, in parallel.

mod accept;
mod act;
mod lane;
mod report;
mod serves;
mod stopped;

use futures_util::future::{join, join_all};

use super::open::{Absent, Opened};
use super::{Context, cli, open, protected};
use crate::db::session::Access;
use crate::db::{applied, history};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::history::{History, Width};
use crate::model::migration::Migration;
use crate::plan::{self, Plan, Subject};
use crate::project::Database;

pub use report::MigrateReport;

/// Apply pending migrations to all databases
#[derive(Debug, Clone, clap::Args)]
#[command(
    before_help = "Example: bird migrate --dry-run        shows every statement, and applies none"
)]
pub struct Args {
    /// The last version to apply: N, or DATABASE@N; repeatable
    #[arg(long, value_name = "N")]
    pub to: Vec<String>,
    /// Show what would be done, statement by statement, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consents: cli::Consents,
    /// A file that was changed after it was applied is right as it is: V, or DATABASE@V; repeatable
    #[arg(long, value_name = "V", requires = "reason")]
    pub accept_checksum: Vec<String>,
    /// Why a changed file is accepted; it is kept in the database
    #[arg(long, value_name = "TEXT", requires = "accept_checksum", value_parser = accept::reason)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub connect: cli::Connect,
    #[command(flatten)]
    pub locks: cli::Locks,
}

/// A database of this run with its files and what it remembers.
struct Member<'p> {
    opened: Opened<'p>,
    migrations: Vec<Migration>,
    history: History,
    /// Names of what cannot be rolled back, see [`Subject::untransactional`].
    untransactional: Vec<String>,
    to: Option<i64>,
    accept: Vec<i64>,
}

impl Member<'_> {
    fn subject(&self) -> Subject<'_> {
        let database = self.opened.database;
        Subject {
            name: &database.name,
            selected: database.selected,
            dialect: database.dialect,
            database: database.target.database(),
            schema: database.schema.as_deref(),
            migrations: &self.migrations,
            history: &self.history,
            untransactional: &self.untransactional,
            to: self.to,
            keep_sql: database.keep_sql,
            accept: &self.accept,
        }
    }
}

/// Plans, and applies unless it is only asked what it would do.
pub async fn run(context: &Context, args: &Args) -> Result<MigrateReport, Failure> {
    let access = match args.dry_run {
        true => Access::Look,
        false => Access::Write,
    };
    let (plan, mut members) = think(context, args, access, Absent::IsAnError).await?;
    if args.dry_run || plan.is_empty() {
        let report = MigrateReport::planned(&mut members, plan, args.dry_run);
        close(members).await;
        return Ok(report);
    }
    act::act(context, args, members, plan).await
}

fn subjects<'m>(members: &'m [Member<'_>]) -> Vec<Subject<'m>> {
    members.iter().map(Member::subject).collect()
}

/// Hands each member its migrations and how far it is to go.
fn give_files(
    members: &mut [Member<'_>],
    files: &mut [Vec<Migration>],
    context: &Context,
    targets: &[(String, i64)],
    accept: &[(String, i64)],
) {
    for member in members {
        let name = &member.opened.database.name;
        let at = context
            .project
            .databases
            .iter()
            .position(|database| database.name == *name);
        if let Some(files) = at.and_then(|at| files.get_mut(at)) {
            member.migrations = std::mem::take(files);
        }
        let target = targets.iter().find(|(target, _)| target == name);
        member.to = target.map(|(_, version)| *version);
        let accepted = accept.iter().filter(|(target, _)| target == name);
        member.accept = accepted.map(|(_, version)| *version).collect();
    }
}

/// Whether migrating would be refused, asked before the databases are made: what does not exist
/// yet counts as empty.
pub async fn check(context: &Context, args: &Args) -> Result<(), Failure> {
    let (plan, members) = think(context, args, Access::Look, Absent::IsEmpty).await?;
    let absent = members.iter().filter(|member| {
        let steps = plan.of(&member.opened.database.name);
        member.opened.session.is_none() && steps.is_some_and(|plan| !plan.steps.is_empty())
    });
    let beside = absent.map(|member| serves::beside(context, args, member.opened.database));
    let refused = Failure::collect(join_all(beside).await);
    close(members).await;
    refused.map(drop)
}

/// Reads, asks and plans; writes nothing.
async fn think<'p>(
    context: &'p Context,
    args: &Args,
    access: Access,
    absent: Absent,
) -> Result<(Plan, Vec<Member<'p>>), Failure> {
    let targets = targets(context, &args.to)?;
    let accept = versions(context, "--accept-checksum", &args.accept_checksum)?;
    let selected = |database: &Database| database.selected;
    let opening = open_members(context, args, access, absent, selected);
    let (files, members) = join(open::files(context), opening).await;
    let (mut files, mut members) = (files?, members?);
    give_files(&mut members, &mut files, context, &targets, &accept);
    let needed = plan::required(&subjects(&members));
    let others = |database: &Database| !database.selected && needed.contains(&database.name);
    let mut others = open_members(context, args, Access::Look, absent, others).await?;
    give_files(&mut others, &mut files, context, &targets, &[]);
    let keeping = members.iter_mut().map(|member| async move {
        let Member {
            opened,
            migrations,
            history,
            ..
        } = member;
        kept(opened, migrations, history).await
    });
    Failure::collect(join_all(keeping).await)?;
    members.extend(others);
    widths(&mut members).await?;
    untransactional(&mut members).await?;
    let plan = plan::plan(&subjects(&members), &args.consents.allow)?;
    if !plan.is_empty() {
        protected::consent(context, &args.consents)?;
    }
    serves::writers(&mut members, &plan, args).await?;
    Ok((plan, members))
}

async fn open_members<'p>(
    context: &'p Context,
    args: &Args,
    access: Access,
    absent: Absent,
    wanted: impl Fn(&Database) -> bool,
) -> Result<Vec<Member<'p>>, Failure> {
    let databases = context
        .project
        .databases
        .iter()
        .filter(|database| wanted(database));
    let opened = open::all(context, databases, access, absent, args.connect.wait).await?;
    let reading = opened.into_iter().map(|mut opened| async move {
        let history = remember(&mut opened, &[]).await?;
        Ok(Member {
            opened,
            history,
            migrations: Vec::new(),
            untransactional: Vec::new(),
            to: None,
            accept: Vec::new(),
        })
    });
    Failure::collect(join_all(reading).await)
}

/// What a database remembers, also of the files that differ; nothing where its file does not
/// exist yet.
async fn remember(opened: &mut Opened<'_>, files: &[Migration]) -> Result<History, Failure> {
    let mut history = match &mut opened.session {
        None => History::default(),
        Some(session) => history::read(session).await.map_err(|error| {
            let doing = "reading its history";
            Failure::failed(open::cannot_ask(opened.database, doing, &error))
        })?,
    };
    kept(opened, files, &mut history).await?;
    Ok(history)
}

/// Asks what is kept of the migrations whose files differ.
async fn kept(
    opened: &mut Opened<'_>,
    files: &[Migration],
    history: &mut History,
) -> Result<(), Failure> {
    let Some(session) = &mut opened.session else {
        return Ok(());
    };
    let differing = plan::differing(files, history);
    let asked = applied::read(session, &differing, history).await;
    asked.map_err(|error| {
        let doing = "reading what it keeps of its migrations";
        Failure::failed(open::cannot_ask(opened.database, doing, &error))
    })
}

/// Asks histories how wide they are, where a migration's version may not fit.
async fn widths(members: &mut [Member<'_>]) -> Result<(), Failure> {
    let asking = members.iter_mut().map(|member| async move {
        let large = |file: &Migration| Width::for_version(file.version) == Width::Eight;
        let matters = member.history.exists && member.migrations.iter().any(large);
        if let (true, Some(session)) = (matters, &mut member.opened.session) {
            let width = history::width(session).await.map_err(|error| {
                let doing = "reading its history";
                Failure::failed(open::cannot_ask(member.opened.database, doing, &error))
            })?;
            member.history.width = Some(width);
        }
        Ok(())
    });
    Failure::collect(join_all(asking).await).map(drop)
}

/// Asks for what cannot be rolled back, where pending files change rows.
async fn untransactional(members: &mut [Member<'_>]) -> Result<(), Failure> {
    const ROWS: &[&str] = &["insert", "update", "delete", "replace", "select"];
    let asking = members.iter_mut().map(|member| async move {
        let lexis = member.opened.database.dialect.lexis();
        let pending = plan::standing(lexis, &member.migrations, &member.history).pending;
        let changes_rows = pending.iter().any(|file| {
            let text = file.text.to_ascii_lowercase();
            ROWS.iter().any(|word| text.contains(word))
        });
        let query = member.opened.database.dialect.untransactional_query();
        let (Some(query), Some(session)) = (query, &mut member.opened.session) else {
            return Ok(());
        };
        if changes_rows {
            let rows = session.rows(query).await.map_err(|error| {
                let doing = "asking which tables cannot roll back";
                Failure::failed(open::cannot_ask(member.opened.database, doing, &error))
            })?;
            let names = rows.into_iter().flatten().flatten();
            member.untransactional = names.map(|name| name.to_lowercase()).collect();
        }
        Ok(())
    });
    Failure::collect(join_all(asking).await).map(drop)
}

async fn close(members: Vec<Member<'_>>) {
    join_all(
        members
            .into_iter()
            .filter_map(|member| Some(member.opened.session?.close())),
    )
    .await;
}

/// Reads `--to N` and `--to DATABASE@N`: one version per database.
pub(super) fn targets(context: &Context, asked: &[String]) -> Result<Vec<(String, i64)>, Failure> {
    let targets = versions(context, "--to", asked)?;
    for (at, (name, _)) in targets.iter().enumerate() {
        if targets[..at].iter().any(|(known, _)| known == name) {
            let fault = Diagnostic::error("usage", format!("--to names `{name}` twice"));
            return Err(Failure::failed(fault.hint("keep one of them")));
        }
    }
    Ok(targets)
}

/// Reads the versions of a flag, `N` or `DATABASE@N`.
fn versions(
    context: &Context,
    flag: &str,
    asked: &[String],
) -> Result<Vec<(String, i64)>, Failure> {
    let wrong = |message: String, hint: String| {
        Failure::failed(Diagnostic::error("usage", message).hint(hint))
    };
    let selected: Vec<&Database> = context.project.selected().collect();
    let mut versions: Vec<(String, i64)> = Vec::new();
    for text in asked {
        let (name, version) = match (text.split_once('@'), selected.as_slice()) {
            (Some((name, version)), _) => (name.to_owned(), version),
            (None, [only]) => (only.name.clone(), text.as_str()),
            (None, more) => {
                let message = format!("{flag} {text} does not say of which database");
                let names = more
                    .iter()
                    .map(|database| format!("{flag} {}@{text}", database.name));
                let hint = format!("write {}", names.collect::<Vec<_>>().join(" or "));
                return Err(wrong(message, hint));
            }
        };
        if !selected.iter().any(|database| database.name == name) {
            let names = selected.iter().map(|database| database.name.as_str());
            let hint = crate::model::name::did_you_mean(&name, names)
                .unwrap_or_else(|| "it must be one of this run's databases".into());
            return Err(wrong(
                format!("{flag} {text}: there is no database `{name}`"),
                hint,
            ));
        }
        let digits = version.strip_prefix('V').unwrap_or(version);
        let Ok(version) = digits.parse() else {
            let hint = format!("write a version: {flag} 7, or {flag} ums@7");
            return Err(wrong(
                format!("{flag} {text}: `{version}` is no version"),
                hint,
            ));
        };
        if !versions.contains(&(name.clone(), version)) {
            versions.push((name, version));
        }
    }
    Ok(versions)
}
