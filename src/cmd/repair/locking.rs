//! What a run needs of the databases that it writes to: their locks, the journal, and the tables
//! that keep rows.

use super::Args;
use super::preflight::{Place, Ready};
use crate::cmd::context::Context;
use crate::cmd::run::{locks, open};
use crate::db::lock::{self, NoLock};
use crate::db::repair::{journal, quarantine};
use crate::db::{failpoint, session::DbError};
use crate::model::diagnostic::Failure;
use crate::model::repair::Action;

/// Takes the lock of a database.
pub async fn take(context: &Context, args: &Args, place: &mut Place<'_>) -> Result<(), Failure> {
    let (database, session) = (place.database, &mut place.session);
    let told =
        |error: DbError| Failure::failed(open::cannot_ask(database, "getting ready", &error));
    session.prepare_to_write().await.map_err(told)?;
    locks::cluster(database, session, &args.consents).await?;
    let timeout = args.locks.timeout(database);
    let waiting = locks::waiting(context, database);
    let wish = lock::Wish {
        target: &database.target,
        bare_statements: false,
        timeout,
        waiting: &waiting,
    };
    let guard = lock::take(session, &wish, &context.stop).await;
    let guard = guard.map_err(|reason| locks::no_lock(database, &reason, timeout))?;
    locks::warn_unproven(context, database, &guard);
    place.guard = Some(guard);
    Ok(())
}

/// Makes the journal, and the tables that keep rows; where that fails, whether anything was made.
pub async fn tables(
    context: &Context,
    args: &Args,
    ready: &mut Ready<'_>,
) -> Result<(), (Failure, bool)> {
    let action = ready.reader.header.action;
    let mut wrote = false;
    for (at, place) in ready.children.iter_mut().enumerate() {
        let database = place.database;
        let timeout = args.locks.timeout(database);
        let waiting = locks::waiting(context, database);
        let refused = |reason: NoLock| locks::no_lock(database, &reason, timeout);
        let told = |error: DbError| {
            Failure::failed(open::cannot_ask(
                database,
                "making the tables of repairs",
                &error,
            ))
        };
        let session = &mut place.session;
        let may = open::may_create(session, database).await;
        may.map_err(|failure| (failure, wrote))?;
        let begun = lock::begin(session, timeout, &waiting, &context.stop).await;
        begun.map_err(|reason| (refused(reason), wrote))?;
        wrote |= !database.dialect.facts().transactional_ddl;
        let made = journal::ensure(session).await;
        made.map_err(|error| (told(error), wrote))?;
        let own = ready.parts.iter_mut().filter(|part| part.child == at);
        for part in own.filter(|_| action != Action::Delete) {
            let (name, kept) = (&part.tables.child.name, &part.tables.kept);
            let table = quarantine::table(session, name, kept).await;
            part.quarantine = Some(table.map_err(|error| (told(error), wrote))?);
        }
        let committed = lock::commit(session, timeout, &waiting, &context.stop).await;
        committed.map_err(|reason| (refused(reason), wrote))?;
        wrote = true;
    }
    failpoint::at("repair-tables");
    Ok(())
}
