//! Reads the keys of children from replicas (`--replica`), which spares the primaries. Parents are
//! still read after children, and candidates are confirmed on the primaries. Rows that the replica
//! does not have yet are not found, and the report says so.

use std::sync::Arc;

use super::args::Args;
use crate::cmd::context::Context;
use crate::cmd::run::{open, replica};
use crate::db::audit::connections;
use crate::db::audit::endpoints::{Endpoint, Inspected, PreparedReference};
use crate::db::audit::replica::ReadReplica;
use crate::db::session::{Access, Session};
use crate::dialect::keys::{Following, Replication};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::{Column, Schema};
use crate::project::Database;

/// Assigns the replicas to the children of their databases, with notes about their state.
pub async fn read_from(
    context: &Context,
    args: &Args,
    inspected: &mut [Inspected],
) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for asked in &args.replicas {
        let (database, replica) = replica::named(context, asked).map_err(Failure::failed)?;
        if seen.contains(&&database.name) {
            let message = format!("--replica: `{}` is named twice", database.name);
            let fault = Diagnostic::new(Code::Usage, message);
            return Err(Failure::failed(
                fault.hint("a database can have only one replica"),
            ));
        }
        seen.push(&database.name);
        let mut ours = inspected.iter_mut().filter(|one| {
            let child = one.prepared.as_ref().map(|prepared| &prepared.child);
            child.is_some_and(|child| child.database == database.name)
        });
        let Some(first) = ours.next() else {
            let name = &database.name;
            context.progress.notice(&format!(
                "--replica: the replica of {name} is not used, because no reference of this run \
                 has its child there"
            ));
            continue;
        };
        let place = replica.target.shown();
        let (read_replica, schema) = inspect(database, &replica).await?;
        if let Some(prepared) = &first.prepared {
            let identities = (&prepared.child.identity, &read_replica.identity);
            replica::whole(&database.name, &place, &read_replica.replication)?;
            replica::same_cluster(database, &place, identities, &read_replica.replication)?;
            if args.limits.max_lag.is_some() {
                let server = &prepared.child.server;
                replica::limited(database, server, &place, &read_replica.replication)?;
            }
            first
                .notes
                .extend(note(&prepared.child, &place, &read_replica));
        }
        for one in std::iter::once(first).chain(ours) {
            let Some(prepared) = &one.prepared else {
                continue;
            };
            same_table(&prepared.child, &place, &schema)?;
            let mut child = prepared.child.clone();
            child.read_replica = Some(read_replica.clone());
            one.prepared = Some(Arc::new(PreparedReference {
                child,
                ..PreparedReference::clone(prepared)
            }));
        }
    }
    Ok(())
}

/// Inspects a replica.
async fn inspect(
    database: &Database,
    replica: &Database,
) -> Result<(ReadReplica, Schema), Failure> {
    let schema = database.schema.as_deref();
    let target = &replica.target;
    let opened = Session::open(target, replica.dialect, schema, Access::ReadOnly).await;
    let mut session = opened.map_err(|error| {
        let mut fault = open::cannot_open(replica, &error).database(&database.name);
        fault.message = format!("--replica {}: {}", database.name, fault.message);
        Failure::failed(fault)
    })?;
    let found = connections::inspect(&mut session, target)
        .await
        .map_err(|error| {
            Failure::failed(open::cannot_ask(database, "checking its replica", &error))
        })?;
    session.close().await;
    let read_replica = ReadReplica {
        target: target.clone(),
        identity: found.identity,
        replication: found.replication,
    };
    Ok((read_replica, found.schema))
}

/// Checks that the replica has the table of a child. If not, it belongs to another database, or the
/// last migration has not arrived yet.
fn same_table(child: &Endpoint, place: &str, schema: &Schema) -> Result<(), Failure> {
    let (name, table) = (&child.database, &child.table.name);
    let another = |message| Err(replica::another(name, message));
    let Some(found) = schema.table(table) else {
        let message = format!("{place} is not a replica of {name}: it has no table `{table}`");
        return another(message);
    };
    let columns = child.columns.iter().map(|(column, _)| column);
    for column in columns.chain(&child.names) {
        let is = |other: &&Column| other.sql == column.sql && other.collation == column.collation;
        if found.column(&column.name).filter(is).is_none() {
            let (column, sql) = (&column.name, &column.sql);
            let message = format!(
                "{place} is not an up-to-date replica of {name}: its table `{table}` has no column \
                 `{column}` of type {sql}"
            );
            return another(message);
        }
    }
    Ok(())
}

/// A note about the state of a replica.
fn note(child: &Endpoint, place: &str, read_replica: &ReadReplica) -> Option<Diagnostic> {
    let name = &child.database;
    let (message, hint) = match &read_replica.replication {
        Replication::Unknown => return None,
        Replication::Primary => (
            format!(
                "{place} does not report which server it replicates from: the audit misses rows \
                 that it lacks"
            ),
            "this is right for a copy or a subscriber; check that it is not the primary itself",
        ),
        Replication::Replica(Following { behind: None, .. }) => (
            format!("{place} does not replicate: the audit misses rows written since it stopped"),
            "--max-lag waits until it follows again",
        ),
        Replication::Replica(following) => {
            return replica::elsewhere(name, &child.identity, place, following);
        }
    };
    Some(replica::note(name, &message, hint))
}
