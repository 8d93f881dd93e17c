//! The references of a run, and the databases that have their ends: each is opened once, and asked
//! in that session whatever is asked of it before keys are read.

use std::collections::BTreeMap;

use super::Args;
use crate::cmd::Context;
use crate::cmd::run::open;
use crate::db::session::{Access, DbError, Session};
use crate::db::{inspect, keys};
use crate::dialect::keys::Replication;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::did_you_mean;
use crate::model::reference::Reference;
use crate::model::schema::Schema;
use crate::model::target::Target;
use crate::project::Database;

/// A database that is looked at.
pub struct Visited {
    /// Open for further questions, until keys are read in sessions of their own.
    pub session: Session,
    pub schema: Schema,
    /// Which server it is, where the engine tells.
    pub identity: Option<String>,
    /// Why its answers may be old: it is a replica.
    pub replica: bool,
}

/// The databases that have an end, by their names.
pub type Visits = BTreeMap<String, Visited>;

/// The references of this run: those that were named, else those with an end in a selected
/// database.
pub fn wanted<'p>(
    context: &'p Context,
    args: &Args,
) -> Result<Vec<(usize, &'p Reference)>, Failure> {
    let all = || context.project.references.iter().enumerate();
    let is_named = |name: &str, reference: &Reference| {
        name == reference.from.to_string() || name == reference.to_string()
    };
    for name in &args.references {
        if !all().any(|(_, reference)| is_named(name, reference)) {
            let names: Vec<String> = all().map(|(_, one)| one.from.to_string()).collect();
            let fault = Diagnostic::error("usage", format!("no reference `{name}` is declared"));
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("the references are {}", names.join(", ")));
            return Err(Failure::failed(fault.hint(hint)));
        }
    }
    let selected = |reference: &Reference| {
        let ends = [&reference.from.database, &reference.to.database];
        let mut databases = ends
            .iter()
            .filter_map(|name| context.project.database(name));
        databases.any(|database| database.selected)
    };
    let wanted = all().filter(|(_, reference)| match args.references.as_slice() {
        [] => selected(reference),
        names => names.iter().any(|name| is_named(name, reference)),
    });
    Ok(wanted.collect())
}

/// Opens every database that has an end, and looks at it, all at once.
pub async fn visit(
    context: &Context,
    args: &Args,
    references: &[(usize, &Reference)],
) -> Result<Visits, Failure> {
    let ends = references
        .iter()
        .flat_map(|(_, reference)| [&reference.from.database, &reference.to.database]);
    let mut names: Vec<&String> = ends.collect();
    names.sort();
    names.dedup();
    let looking = names.into_iter().map(|name| async move {
        let Some(database) = context.project.database(name) else {
            let message = format!("the database `{name}` of a reference cannot be reached");
            return Err(Failure::failed(Diagnostic::error("config", message)));
        };
        let visited = look(context, args, database).await?;
        Ok((name.clone(), visited))
    });
    let visits = Failure::collect(futures_util::future::join_all(looking).await)?;
    Ok(visits.into_iter().collect())
}

/// Nothing more is asked of these databases before their keys are read.
pub async fn leave(visits: Visits) {
    for (_, visited) in visits {
        visited.session.close().await;
    }
}

async fn look(context: &Context, args: &Args, database: &Database) -> Result<Visited, Failure> {
    let cannot_open = |error| Failure::failed(open::cannot_open(database, &error));
    if open::is_absent_file(database) {
        let message = format!("the database `{}` does not exist", database.name);
        let fault = Diagnostic::error("no-database", message).database(&database.name);
        return Err(Failure::failed(fault.hint("bird up makes it")));
    }
    let session = open::session(context, database, Access::Look, args.connect.wait).await;
    let mut session = session.map_err(cannot_open)?;
    let failed = |error: DbError| {
        Failure::failed(open::cannot_ask(database, "looking at its tables", &error))
    };
    let found = ask(&mut session, &database.target).await.map_err(failed)?;
    keys::prepare(&mut session).await.map_err(failed)?;
    Ok(Visited {
        session,
        schema: found.schema,
        identity: found.identity,
        replica: matches!(found.standing, Replication::Replica(_)),
    })
}

/// What a database has, and where.
pub struct Found {
    pub schema: Schema,
    /// Which server it is, where the engine tells.
    pub identity: Option<String>,
    pub standing: Replication,
}

/// Asks what a database has, and where it is.
pub async fn ask(session: &mut Session, target: &Target) -> Result<Found, DbError> {
    Ok(Found {
        schema: inspect::schema(session, target.database()).await?,
        identity: keys::identity(session).await?,
        standing: keys::replication(session).await?,
    })
}
