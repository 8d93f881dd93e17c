//! `bird provision`: creates databases and schemas that are missing.

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::missing::MissingConsents;
use super::run::{known_files, locks, open, protected};
use crate::db::provision::{self, Provisioned, Wish};
use crate::db::session::DbError;
use crate::dialect::ErrorKind;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::output::{Block, Grid, Report};
use crate::project::Database;

/// Create the databases that are missing
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird provision --wait 60s        creates databases once their servers are up"
)]
pub struct Args {
    /// Show what would be created, and create nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consents: flags::Consents,
    #[command(flatten)]
    pub connect: flags::Connect,
}

impl CommandFacts for Args {}

/// The report: what was created in each database.
pub struct ProvisionReport {
    pub databases: Vec<(String, &'static str, Option<Provisioned>)>,
    dry_run: bool,
    /// The consents that the run of a dry run lacks.
    missing: MissingConsents,
    diagnostics: Vec<Diagnostic>,
    exit: Exit,
}

/// Creates what is missing, in all databases at once.
pub async fn run(context: &Context, args: &Args) -> Result<ProvisionReport, Failure> {
    if !args.dry_run && context.project.protected && is_missing(context, args).await? {
        protected::consent(context, &args.consents)?;
    }
    let working = context
        .project
        .selected()
        .map(|database| async move { (database, one(context, database, args).await) });
    let mut report = ProvisionReport {
        databases: Vec::new(),
        dry_run: args.dry_run,
        missing: MissingConsents::default(),
        diagnostics: Vec::new(),
        exit: Exit::Done,
    };
    let (mut wrote, mut refused) = (false, true);
    for (database, result) in join_all(working).await {
        let made = match result {
            Ok(made) => {
                wrote |= !made.created.is_empty();
                if let Some(concern) = &made.concern {
                    context
                        .progress
                        .notice(&format!("{}: {concern}", database.name));
                }
                Some(made)
            }
            Err(error) => {
                refused &= matches!(error.kind, ErrorKind::ReadOnly | ErrorKind::Untrusted);
                report.diagnostics.push(cannot_provision(database, &error));
                None
            }
        };
        let engine = database.dialect.facts().name;
        report.databases.push((database.name.clone(), engine, made));
    }
    if wrote && !args.dry_run {
        known_files::remember(context);
    }
    if args.dry_run && std::mem::take(&mut wrote) {
        report.missing = MissingConsents::new(protected::missing(context, &args.consents));
    }
    if !report.diagnostics.is_empty() {
        let exit = match (wrote, refused) {
            (true, _) => Exit::Stopped,
            (false, true) => Exit::Refused,
            (false, false) => Exit::Failed,
        };
        report.exit = open::interrupted(context, exit);
    }
    Ok(report)
}

fn wish<'d>(database: &'d Database, args: &Args) -> Wish<'d> {
    Wish {
        target: &database.target,
        dialect: database.dialect,
        schema: database.schema.as_deref(),
        collation: database.collation.as_deref(),
        onto_replica: args.consents.allows(locks::REPLICA),
    }
}

async fn one(context: &Context, database: &Database, args: &Args) -> Result<Provisioned, DbError> {
    let wish = wish(database, args);
    let (target, wait) = (&database.target, args.connect.wait);
    if args.dry_run {
        open::retry(context, target, wait, || provision::missing(&wish)).await
    } else {
        open::retry(context, target, wait, || provision::database(&wish)).await
    }
}

/// Whether anything would be created.
async fn is_missing(context: &Context, args: &Args) -> Result<bool, Failure> {
    let looking = context.project.selected().map(|database| async move {
        let wish = wish(database, args);
        let work = || provision::missing(&wish);
        let looked = open::retry(context, &database.target, args.connect.wait, work).await;
        let looked = looked.map(|found| !found.created.is_empty());
        looked.map_err(|error| Failure::failed(cannot_provision(database, &error)))
    });
    let missing = Failure::collect(join_all(looking).await)?;
    Ok(missing.contains(&true))
}

fn cannot_provision(database: &Database, error: &DbError) -> Diagnostic {
    let mut fault = open::cannot_open(database, error);
    let (name, place) = (&database.name, database.target.shown());
    fault.message = format!("cannot provision `{name}` ({place}): {}", error);
    fault
}

impl Report for ProvisionReport {
    fn command(&self) -> &'static str {
        "provision"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let (there, created) = if self.dry_run {
            ("is there", "would create")
        } else {
            ("was there", "created")
        };
        let rows = self.databases.iter().map(|(name, engine, made)| {
            let server = made.as_ref().and_then(|made| made.server.as_ref());
            let server = server.map_or_else(|| String::from(*engine), ToString::to_string);
            let done = match made {
                Some(made) if made.created.is_empty() => match &made.concern {
                    Some(concern) => format!("{there}, but {concern}"),
                    None => there.to_owned(),
                },
                Some(made) => format!("{created} {}", made.created.join(", ")),
                None => "failed".to_owned(),
            };
            vec![name.clone(), server, done]
        });
        let rows = rows.collect();
        let grid = Block::Grid(Grid {
            headers: vec!["database", "server", "provisioned"],
            rows,
            numbers: vec![],
            ..Grid::default()
        });
        [grid].into_iter().chain(self.missing.blocks()).collect()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn shown_findings(&self) -> Vec<Diagnostic> {
        self.missing.findings()
    }

    fn databases(&self) -> Vec<Value> {
        let databases = self.databases.iter().map(|(name, engine, made)| {
            let made = made.as_ref();
            let server = made.and_then(|made| made.server.as_ref());
            let done = made.map_or(&[][..], |made| &made.created);
            let (created, would_create) = if self.dry_run {
                (&[][..], done)
            } else {
                (done, &[][..])
            };
            let state = match made {
                None => "unreachable",
                Some(_) if !would_create.is_empty() => "absent",
                Some(_) => "present",
            };
            let mut database = json!({
                "name": name,
                "engine": engine,
                "product": server.map(|server| server.product),
                "server_version": server.map(|server| &server.version),
                "state": state,
                "concern": made.and_then(|made| made.concern.as_ref()),
                "created": created,
            });
            if self.dry_run {
                database["would_create"] = json!(would_create);
            }
            database
        });
        databases.collect()
    }

    fn extra(&self) -> Map<String, Value> {
        Map::from_iter([("dry_run".to_owned(), json!(self.dry_run))])
    }
}
