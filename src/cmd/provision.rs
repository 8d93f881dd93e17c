//! `bird provision`: creates databases and schemas that are missing.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::run::{locks, open, protected};
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
    #[command(flatten)]
    pub consents: flags::Consents,
    #[command(flatten)]
    pub connect: flags::Connect,
}

impl CommandFacts for Args {}

/// The report: what was created in each database.
pub struct ProvisionReport {
    pub databases: Vec<(String, &'static str, Option<Provisioned>)>,
    diagnostics: Vec<Diagnostic>,
    exit: Exit,
}

/// Creates what is missing, in all databases at once.
pub async fn run(context: &Context, args: &Args) -> Result<ProvisionReport, Failure> {
    if protected::is_guarded(context, &args.consents) && is_missing(context, args).await? {
        protected::consent(context, &args.consents)?;
    }
    let working = context
        .project
        .selected()
        .map(|database| async move { (database, one(context, database, args).await) });
    let mut report = ProvisionReport {
        databases: Vec::new(),
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
                refused &= error.kind == ErrorKind::ReadOnly;
                report.diagnostics.push(cannot_provision(database, &error));
                None
            }
        };
        let engine = database.dialect.facts().name;
        report.databases.push((database.name.clone(), engine, made));
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
    let work = || provision::database(&wish);
    open::retry(context, &database.target, args.connect.wait, work).await
}

/// Whether anything would be created.
async fn is_missing(context: &Context, args: &Args) -> Result<bool, Failure> {
    let looking = context.project.selected().map(|database| async move {
        let wish = wish(database, args);
        let work = || provision::is_missing(&wish);
        let result = open::retry(context, &database.target, args.connect.wait, work).await;
        result.map_err(|error| Failure::failed(cannot_provision(database, &error)))
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
        let rows = self.databases.iter().map(|(name, engine, made)| {
            let (server, created) = match made {
                Some(made) if made.created.is_empty() => (
                    made.server.to_string(),
                    match &made.concern {
                        Some(concern) => format!("was there, but {concern}"),
                        None => "was there".to_owned(),
                    },
                ),
                Some(made) => (
                    made.server.to_string(),
                    format!("created {}", made.created.join(", ")),
                ),
                None => (String::from(*engine), "failed".to_owned()),
            };
            vec![name.clone(), server, created]
        });
        let rows = rows.collect();
        vec![Block::Grid(Grid {
            headers: vec!["database", "server", "provisioned"],
            rows,
            numbers: vec![],
            ..Grid::default()
        })]
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn databases(&self) -> Vec<Value> {
        let databases = self.databases.iter().map(|(name, engine, made)| {
            let made = made.as_ref();
            json!({
                "name": name,
                "engine": engine,
                "product": made.map(|made| made.server.product),
                "server_version": made.map(|made| &made.server.version),
                "state": if made.is_some() { "present" } else { "unreachable" },
                "concern": made.and_then(|made| made.concern.as_ref()),
                "created": made.map_or(&[][..], |made| &made.created),
            })
        });
        databases.collect()
    }
}
