//! What went wrong, as people hear of it.

use std::time::Duration;

use super::super::{locks, open};
use crate::db::repair::Broken;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::project::Database;

/// A database that does not exist.
pub fn absent(database: &Database) -> Failure {
    let message = format!("the database `{}` does not exist", database.name);
    let fault = Diagnostic::error("no-database", message).database(&database.name);
    Failure::failed(fault.hint("create it with `bird provision`"))
}

/// Why a chunk was not done.
pub fn broken(database: &Database, broken: Broken, timeout: Duration) -> Failure {
    let name = &database.name;
    match broken {
        Broken::Database(doing, error) => {
            Failure::failed(open::cannot_ask(database, doing, &error))
        }
        Broken::Lock(reason) => locks::no_lock(database, &reason, timeout),
        Broken::Elsewhere => {
            let message = format!("{name}: somebody else is at the same plan");
            let fault = Diagnostic::error("elsewhere", message).database(name);
            Failure::refused(fault.hint("wait for the other run, then run the same command again"))
        }
        Broken::Differ(doing, wanted, changed) => {
            let message = format!(
                "{name}: {doing}: {wanted} rows should have changed, and the engine changed {changed}"
            );
            let fault = Diagnostic::error("rows-differ", message).database(name);
            Failure::failed(
                fault.hint("something else acts on these tables: look for triggers and rules"),
            )
        }
    }
}
