//! `--replica NAME=URL`: a server that is named as a replica of a database.

use crate::cmd::context::Context;
use crate::dialect::keys::{Following, Replication};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::server::Server;
use crate::project::{self, Database};

/// Finds the database of `NAME=URL`, and its replica.
pub fn named<'c>(
    context: &'c Context,
    asked: &str,
) -> Result<(&'c Database, Database), Diagnostic> {
    let usage = |message: String| Diagnostic::new(Code::Usage, message);
    let Some((name, url)) = asked.split_once('=') else {
        return Err(usage("--replica takes NAME=URL".to_owned()));
    };
    let Some(database) = context.project.database(name) else {
        return Err(usage(format!("--replica: there is no database `{name}`")));
    };
    let variable = |name: &str| std::env::var(name).ok();
    let replica: Database = project::unnamed(url, &context.project.root, variable)?;
    if replica.dialect.facts().name != database.dialect.facts().name {
        let message = format!("--replica: `{name}` and its replica have different engines");
        return Err(usage(message));
    }
    Ok((database, replica))
}

/// The error for a server that is not a replica of this database.
pub fn another(name: &str, message: String) -> Failure {
    let fault = Diagnostic::new(Code::OtherReplica, message).database(name);
    Failure::failed(fault.hint("check the URL behind --replica"))
}

/// Checks the cluster: a standby is a copy of its primary's whole cluster, so both share an
/// identifier.
pub fn same_cluster(
    database: &Database,
    place: &str,
    (ours, theirs): (&Option<String>, &Option<String>),
    replication: &Replication,
) -> Result<(), Failure> {
    let copies = database.dialect.copies_identity();
    let follows = matches!(replication, Replication::Replica(_));
    let number = |identity: &Option<String>| {
        let identity = identity.as_deref()?;
        Some(identity.split('/').next().unwrap_or(identity).to_owned())
    };
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) if copies && follows && ours != theirs => {
            let name = &database.name;
            let message =
                format!("{place} is not a replica of {name}: it replicates from another server");
            Err(another(name, message))
        }
        _ => Ok(()),
    }
}

/// Checks that the replica leaves nothing out: an audit would miss the rows that it lacks.
pub fn whole(name: &str, place: &str, replication: &Replication) -> Result<(), Failure> {
    let Replication::Replica(Following {
        filter: Some(filter),
        ..
    }) = replication
    else {
        return Ok(());
    };
    let message = format!("{place} replicates only a part of {name}: {filter}");
    let fault = Diagnostic::new(Code::OtherReplica, message).database(name);
    Err(Failure::failed(
        fault.hint("name a replica without filters with --replica"),
    ))
}

/// A note about a replica that follows another server than the one for which it was named.
pub fn elsewhere(
    name: &str,
    primary: &Option<String>,
    place: &str,
    following: &Following,
) -> Option<Diagnostic> {
    let sources = &following.sources;
    if sources.is_empty() || sources.contains(primary.as_ref()?) {
        return None;
    }
    let message = format!("{place} replicates from another server than that of {name}");
    let hint = "this is right for a chain of replicas; otherwise check the URL";
    Some(note(name, &message, hint))
}

/// A note about a replica.
pub fn note(name: &str, message: &str, hint: &str) -> Diagnostic {
    let message = format!("--replica {name}: {message}");
    Diagnostic::new(Code::Replica, message)
        .severity(Severity::Note)
        .database(name)
        .hint(hint)
}

/// Checks that the replica reports its lag, which `--max-lag` needs.
pub fn limited(
    database: &Database,
    server: &Server,
    place: &str,
    replication: &Replication,
) -> Result<(), Failure> {
    let (why, hint) = match replication {
        Replication::Replica(_) => return Ok(()),
        Replication::Primary => (
            "reports no server that it replicates from",
            "leave --max-lag out, or name a replica of the primary".to_owned(),
        ),
        Replication::Unknown => (
            "does not report to this account how far behind it is",
            match database.dialect.replication_right(server) {
                Some(right) => {
                    format!("let an administrator run: GRANT {right} ON *.* TO the account")
                }
                None => "use an account with that privilege".to_owned(),
            },
        ),
    };
    let name = &database.name;
    let message = format!("--max-lag cannot be used: the replica of {name}, {place}, {why}");
    let fault = Diagnostic::new(Code::Usage, message).database(name);
    Err(Failure::failed(fault.hint(hint)))
}
