//! `--replica`: the keys of children are read where that troubles nobody. A child that is seen late
//! is seen as it was, and its parents are still read after it; what is found is confirmed on the
//! primaries. What the replica does not have yet is not found, and the report says so.

use crate::model::code::Code;
use std::sync::Arc;

use super::args::Args;
use crate::cmd::context::Context;
use crate::cmd::run::{open, replica};
use crate::db::audit::connections;
use crate::db::audit::endpoints::{Looked, Prepared, Side};
use crate::db::audit::replica::Reader;
use crate::db::session::{Access, Session};
use crate::dialect::keys::{Following, Replication};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::{Column, Schema};
use crate::project::Database;

/// Lets children be read from the replicas that were named, and says what is to be known of them.
pub async fn read_from(
    context: &Context,
    args: &Args,
    looked: &mut [Looked],
) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for asked in &args.replicas {
        let (database, replica) = replica::named(context, asked).map_err(Failure::failed)?;
        if seen.contains(&&database.name) {
            let message = format!("--replica: `{}` is named twice", database.name);
            let fault = Diagnostic::new(Code::Usage, message);
            return Err(Failure::failed(
                fault.hint("each database has its keys read in one place"),
            ));
        }
        seen.push(&database.name);
        let mut ours = looked.iter_mut().filter(|one| {
            let child = one.prepared.as_ref().map(|prepared| &prepared.child);
            child.is_some_and(|child| child.database == database.name)
        });
        let Some(first) = ours.next() else {
            let name = &database.name;
            context.progress.notice(&format!(
                "--replica: nothing is read from the replica of {name}: no reference of this run begins there"
            ));
            continue;
        };
        let place = replica.target.shown();
        let (reader, schema) = look(database, &replica).await?;
        if let Some(prepared) = &first.prepared {
            let identities = (&prepared.child.identity, &reader.identity);
            replica::same_cluster(database, &place, identities, &reader.replication)?;
            if args.limits.max_lag.is_some() {
                let server = &prepared.child.server;
                replica::limited(database, server, &place, &reader.replication)?;
            }
            first
                .remarks
                .extend(remark(&prepared.child, &place, &reader));
        }
        for one in std::iter::once(first).chain(ours) {
            let Some(prepared) = &one.prepared else {
                continue;
            };
            same_table(&prepared.child, &place, &schema)?;
            let mut child = prepared.child.clone();
            child.reader = Some(reader.clone());
            one.prepared = Some(Arc::new(Prepared {
                child,
                ..Prepared::clone(prepared)
            }));
        }
    }
    Ok(())
}

/// What a replica is, and what it has.
async fn look(database: &Database, replica: &Database) -> Result<(Reader, Schema), Failure> {
    let schema = database.schema.as_deref();
    let target = &replica.target;
    let opened = Session::open(target, replica.dialect, schema, Access::Look).await;
    let mut session = opened.map_err(|error| {
        let mut fault = open::cannot_open(replica, &error).database(&database.name);
        fault.message = format!("--replica {}: {}", database.name, fault.message);
        Failure::failed(fault)
    })?;
    let found = connections::inspect(&mut session, target)
        .await
        .map_err(|error| {
            Failure::failed(open::cannot_ask(database, "looking at its replica", &error))
        })?;
    session.close().await;
    let reader = Reader {
        target: target.clone(),
        identity: found.identity,
        replication: found.replication,
    };
    Ok((reader, found.schema))
}

/// A replica has the same tables; one that has not, is another database's, or has not come to the
/// last migration yet.
fn same_table(child: &Side, place: &str, schema: &Schema) -> Result<(), Failure> {
    let (name, table) = (&child.database, &child.table.name);
    let another = |message| Err(replica::another(name, message));
    let Some(found) = schema.table(table) else {
        let message = format!("{place} is no replica of {name}: it has no table `{table}`");
        return another(message);
    };
    let columns = child.columns.iter().map(|(column, _)| column);
    for column in columns.chain(&child.names) {
        let is = |other: &&Column| other.sql == column.sql && other.collation == column.collation;
        if found.column(&column.name).filter(is).is_none() {
            let (column, sql) = (&column.name, &column.sql);
            let message = format!(
                "{place} is no replica of {name} as it is now: its table `{table}` has no column \
                 `{column}` of type {sql}"
            );
            return another(message);
        }
    }
    Ok(())
}

/// What is to be known of a replica beside its lag.
fn remark(child: &Side, place: &str, reader: &Reader) -> Option<Diagnostic> {
    let name = &child.database;
    let (message, hint) = match &reader.replication {
        Replication::Unknown => return None,
        Replication::Primary => (
            format!(
                "{place} follows no server that it tells of: rows that it has not got are not seen"
            ),
            "right for a copy and for a subscriber; is it the primary itself?",
        ),
        Replication::Replica(Following { behind: None, .. }) => (
            format!("{place} does not follow: rows written since it stopped are not seen"),
            "--max-lag waits until it follows again",
        ),
        Replication::Replica(following) => {
            return replica::elsewhere(name, &child.identity, place, following);
        }
    };
    Some(replica::remark(name, &message, hint))
}
