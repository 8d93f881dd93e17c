//! Opens the databases that have an endpoint of a reference.

use std::time::Duration;

use super::open;
use crate::cmd::context::Context;
use crate::db::audit::connections::{Connected, Connections};
use crate::db::session::Access;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::reference::Reference;
use crate::project::Database;

/// Opens and inspects every database that has an endpoint of these references, concurrently.
pub async fn connect(
    context: &Context,
    wait: Option<Duration>,
    references: &[(usize, &Reference)],
) -> Result<Connections, Failure> {
    let ends = references
        .iter()
        .flat_map(|(_, reference)| [&reference.from.database, &reference.to.database]);
    let mut names: Vec<&String> = ends.collect();
    names.sort();
    names.dedup();
    let looking = names.into_iter().map(|name| async move {
        let Some(database) = context.project.database(name) else {
            let message = format!("the database `{name}` of a reference cannot be reached");
            return Err(Failure::failed(Diagnostic::new(Code::Config, message)));
        };
        let connected = open(context, wait, database).await?;
        Ok((name.clone(), connected))
    });
    let connections = Failure::collect(futures_util::future::join_all(looking).await)?;
    Ok(connections.into_iter().collect())
}

async fn open(
    context: &Context,
    wait: Option<Duration>,
    database: &Database,
) -> Result<Connected, Failure> {
    if open::is_absent_file(database) {
        let message = format!("the database `{}` does not exist", database.name);
        let fault = Diagnostic::new(Code::NoDatabase, message).database(&database.name);
        return Err(Failure::failed(fault.hint("bird up creates it")));
    }
    let session = open::session(context, database, Access::ReadOnly, wait).await;
    let session = session.map_err(|error| Failure::failed(open::cannot_open(database, &error)))?;
    let connected = Connected::new(session, &database.target, database.schema.as_deref()).await;
    connected
        .map_err(|error| Failure::failed(open::cannot_ask(database, "reading its tables", &error)))
}
