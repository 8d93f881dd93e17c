//! Takes the locks of the databases that a run writes, and creates the journal and the quarantine
//! tables.

use super::Args;
use super::preflight::{Preflight, RepairTarget};
use crate::cmd::context::Context;
use crate::cmd::run::{locks, open};
use crate::db::lock::{self, NoLock};
use crate::db::repair::{journal, quarantine};
use crate::db::{failpoint, session::DbError};
use crate::model::diagnostic::Failure;
use crate::model::repair::Action;

/// Takes the lock of a database.
pub async fn take(
    context: &Context,
    args: &Args,
    target: &mut RepairTarget<'_>,
) -> Result<(), Failure> {
    let (database, session) = (target.database, &mut target.session);
    let failed =
        |error: DbError| Failure::failed(open::cannot_ask(database, "getting ready", &error));
    session.prepare_to_write().await.map_err(failed)?;
    locks::cluster(database, session, &args.consents).await?;
    let timeout = args.locks.timeout(database);
    let guard = locks::take(context, database, session, timeout, false).await?;
    locks::warn_unproven(context, database, &guard);
    target.guard = Some(guard);
    Ok(())
}

/// Creates the journal and the quarantine tables. The error says whether anything was created.
pub async fn tables(
    context: &Context,
    args: &Args,
    preflight: &mut Preflight<'_>,
) -> Result<(), (Failure, bool)> {
    let action = preflight.reader.header.action;
    let mut wrote = false;
    for (at, target) in preflight.children.iter_mut().enumerate() {
        let database = target.database;
        let timeout = args.locks.timeout(database);
        let waiting = locks::waiting(context, database);
        let refused = |reason: NoLock| locks::no_lock(database, &reason, timeout);
        let failed = |error: DbError| {
            Failure::failed(open::cannot_ask(
                database,
                "creating the repair tables",
                &error,
            ))
        };
        let session = &mut target.session;
        let may = open::may_create(session, database).await;
        may.map_err(|failure| (failure, wrote))?;
        let begun = lock::begin(session, timeout, &waiting, &context.stop).await;
        begun.map_err(|reason| (refused(reason), wrote))?;
        wrote |= !database.dialect.facts().transactional_ddl;
        let made = journal::ensure(session).await;
        made.map_err(|error| (failed(error), wrote))?;
        let own = preflight
            .references
            .iter_mut()
            .filter(|part| part.child == at);
        for part in own.filter(|_| action != Action::Delete) {
            let (name, kept) = (&part.tables.child.name, &part.tables.kept);
            let table = quarantine::table(session, name, kept).await;
            part.quarantine = Some(table.map_err(|error| (failed(error), wrote))?);
        }
        let committed = lock::commit(session, timeout, &waiting, &context.stop).await;
        committed.map_err(|reason| (refused(reason), wrote))?;
        wrote = true;
    }
    failpoint::at("repair-tables");
    Ok(())
}
