//! Messages about locks: waiting for one, and not getting it. Checks whether a database takes writes.

use std::time::Duration;

use super::open;
use crate::cmd::context::Context;
use crate::cmd::flags::Consents;
use crate::db::file;
use crate::db::lock::{self, Guard, NoLock};
use crate::db::session::{DbError, Session};
use crate::db::writability;
use crate::db::writability::ReadOnly;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::target::Target;
use crate::project::Database;

/// The consent to write to a replica.
pub const REPLICA: Code = Code::Replica;

/// Shows a notice that someone else holds the lock.
pub fn waiting<'c>(context: &'c Context, database: &'c Database) -> impl Fn(Option<&str>) + 'c {
    move |holder| {
        let name = &database.name;
        let who = holder.unwrap_or("someone else");
        context
            .progress
            .notice(&format!("{name}: waiting for the lock, held by {who}"));
    }
}

/// Shows a notice if it could not be found out whether the lock holds.
pub fn warn_unproven(context: &Context, database: &Database, guard: &Guard) {
    if let Some(reason) = guard.doubt() {
        let name = &database.name;
        context.progress.notice(&format!(
            "{name}: could not find out whether a pooler shares this session: {reason}"
        ));
    }
}

/// Refuses a server that is not suitable for writing: a read-only one, a replica, a cluster.
pub async fn check_server(
    database: &Database,
    session: &mut Session,
    consents: &Consents,
) -> Result<(), Failure> {
    writable(database, session, consents).await?;
    cluster(database, session, consents).await
}

/// Refuses a cluster whose locks hold on one node only, unless nobody else migrates meanwhile.
pub async fn cluster(
    database: &Database,
    session: &mut Session,
    consents: &Consents,
) -> Result<(), Failure> {
    let consent = Code::SingleWriter;
    let query = database.dialect.cluster_query();
    let Some(query) = query.filter(|_| !consents.allows(consent)) else {
        return Ok(());
    };
    let setting = session.value(query).await.map_err(|error| {
        let doing = "checking whether it is a cluster";
        Failure::failed(open::cannot_ask(database, doing, &error))
    })?;
    let Some(setting) = setting else {
        return Ok(());
    };
    let name = &database.name;
    let message = format!("`{name}` is on a cluster whose locks hold on one node only");
    let fault = Diagnostic::new(Code::Cluster, message)
        .database(name)
        .note(format!(
            "`{setting}` says so: bird on another node would not wait for the lock"
        ))
        .hint(format!(
            "make sure that nobody else migrates meanwhile, then use --allow {consent}"
        ))
        .consent(consent);
    Err(Failure::refused(fault))
}

/// Refuses a read-only server or file, and a replica: a privileged account could write there, but the
/// rows would be on no other server and might stop the replica.
pub async fn writable(
    database: &Database,
    session: &mut Session,
    consents: &Consents,
) -> Result<(), Failure> {
    let failed = |error: DbError| {
        let doing = "checking whether it accepts writes";
        Failure::failed(open::cannot_ask(database, doing, &error))
    };
    let name = &database.name;
    let message = format!("`{name}` does not accept writes");
    if let Target::File(file) = &database.target
        && let Some(reason) = file::read_only(file)
    {
        let mut fault = Diagnostic::new(Code::ReadOnly, message).database(name);
        fault.notes.push(reason.found);
        fault.hint = reason.fix;
        return Err(Failure::refused(fault));
    }
    let Some(closed) = writability::read_only(session).await.map_err(failed)? else {
        return Ok(());
    };
    let setting =
        match closed {
            ReadOnly::Setting(setting) => setting,
            ReadOnly::Replica if consents.allows(REPLICA) => return Ok(()),
            ReadOnly::Replica => {
                let fault = Diagnostic::new(Code::Replica, message)
                .database(name)
                .note("it is a replica: the primary would not have these writes, and they may stop \
                    replication")
                .hint(format!(
                    "connect to the primary; if this is a primary too, or was promoted: --allow \
                     {REPLICA}"
                ))
                .consent(REPLICA);
                return Err(Failure::refused(fault));
            }
        };
    let fault = Diagnostic::new(Code::ReadOnly, message)
        .database(name)
        .note(format!(
            "`{setting}` says so: it is a replica, or someone made it read-only"
        ))
        .hint("connect to the primary, or ask who made it read-only; bird doctor shows more");
    Err(Failure::refused(fault))
}

/// The hint for a server behind a pooler.
fn itself(database: &Database) -> String {
    let port = database.dialect.facts().port.unwrap_or_default();
    format!(
        "connect to the server itself (its port is usually {port}), or to a pooler in session mode"
    )
}

/// Takes the lock of a database. `bare_statements` says whether statements will run outside of
/// transactions.
pub async fn take(
    context: &Context,
    database: &Database,
    session: &mut Session,
    timeout: Duration,
    bare_statements: bool,
) -> Result<Guard, Failure> {
    let wish = lock::Wish {
        target: &database.target,
        bare_statements,
        timeout,
        waiting: &waiting(context, database),
    };
    let taken = lock::take(session, &wish, &context.stop).await;
    taken.map_err(|reason| no_lock(database, &reason, timeout))
}

/// The error for a lock that was not taken.
pub fn no_lock(database: &Database, reason: &NoLock, timeout: Duration) -> Failure {
    let name = &database.name;
    let fault = |code, message: String| Diagnostic::new(code, message).database(name);
    match reason {
        NoLock::Held(holder) => {
            let mut held = fault(
                Code::Locked,
                format!("`{name}` is still locked by another session after {timeout:?}"),
            );
            held.notes.push(match holder {
                Some(holder) => format!("the lock is held by {holder}"),
                None => "bird does not know which session holds it".into(),
            });
            Failure::refused(held.hint("wait longer with --lock-timeout 5m, or end that session"))
        }
        NoLock::Broken => Failure::refused(
            fault(
                Code::LockBroken,
                format!("bird took the lock of `{name}`, but its session does not hold it"),
            )
            .note("a pooler or proxy has moved the connection to another session")
            .hint(itself(database)),
        ),
        NoLock::Shared => Failure::refused(
            fault(
                Code::Pooler,
                format!(
                    "`{name}` is behind a pooler that shares server sessions, so a lock would have \
                     no effect"
                ),
            )
            .note("two connections at a time did not get separate sessions; nothing was written")
            .hint(itself(database)),
        ),
        NoLock::Stopped(exit) => {
            let fault = fault(
                Code::Interrupted,
                format!("interrupted while waiting for the lock of `{name}`"),
            );
            Failure {
                exit: *exit,
                diagnostics: vec![fault],
            }
        }
        NoLock::Database(error) => Failure::failed(fault(
            Code::Lock,
            format!("{name}: taking its lock: {}", error),
        )),
    }
}
