//! Checks that the servers of a run are suitable, before anything is written to one of them.

use std::time::Duration;

use futures_util::future::join_all;

use super::Args;
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::run::{locks, open};
use crate::db::lock::{self, NoLock};
use crate::model::diagnostic::Failure;
use crate::plan::Plan;
use crate::project::Database;

/// Checks the server of a database that does not exist yet: a pooler or a cluster shows in the
/// maintenance database as well.
pub async fn beside(context: &Context, args: &Args, database: &Database) -> Result<(), Failure> {
    let opened = open::entry(context, database, args.connect.wait).await;
    let opened = opened.map_err(|error| Failure::failed(open::cannot_open(database, &error)))?;
    let Some((target, mut session)) = opened else {
        return Ok(());
    };
    let wish = lock::Wish {
        target: &target,
        bare_statements: false,
        timeout: Duration::ZERO,
        waiting: &|_| {},
    };
    let checked = locks::check_server(database, &mut session, &args.consents).await;
    let result = match checked {
        Ok(()) => match lock::take(&mut session, &wish, &context.stop).await {
            Ok(guard) => {
                guard.release(&mut session).await;
                Ok(())
            }
            // Another run of bird holds it, and checks the same.
            Err(NoLock::Held(_)) => Ok(()),
            Err(reason) => Err(locks::no_lock(database, &reason, wish.timeout)),
        },
        refused => refused,
    };
    session.close().await;
    result
}

/// Refuses databases that have steps and are read-only, or whose locks hold on one node only.
pub(super) async fn writers(
    members: &mut [RunDatabase<'_>],
    plan: &Plan,
    args: &Args,
) -> Result<(), Failure> {
    let asking = members.iter_mut().map(|member| async move {
        let database = member.database;
        let steps = plan.of(&database.name).map_or(0, |plan| plan.steps.len());
        match &mut member.session {
            Some(session) if steps > 0 => {
                locks::check_server(database, session, &args.consents).await
            }
            _ => Ok(()),
        }
    });
    Failure::collect(join_all(asking).await).map(drop)
}
