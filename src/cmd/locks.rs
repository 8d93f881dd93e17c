//! Locks as people hear of them: that bird waits for one, and that it did not get it.

use std::time::Duration;

use super::Context;
use crate::db::lock::NoLock;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::project::Database;

/// Tells that someone else holds the lock, once.
pub fn waiting<'c>(context: &'c Context, database: &'c Database) -> impl Fn(Option<&str>) + 'c {
    move |holder| {
        let name = &database.name;
        let who = holder.unwrap_or("someone else");
        context
            .progress
            .notice(&format!("{name}: waiting for the lock, held by {who}"));
    }
}

/// Why there is no lock.
pub fn no_lock(database: &Database, reason: &NoLock, timeout: Duration) -> Failure {
    let name = &database.name;
    let fault = |code, message: String| Diagnostic::error(code, message).database(name);
    match reason {
        NoLock::Held(holder) => {
            let mut held = fault(
                "locked",
                format!("`{name}` is locked by someone else; waited {timeout:?} for it"),
            );
            held.notes.push(match holder {
                Some(holder) => format!("the lock is held by {holder}"),
                None => "who holds it cannot be told".into(),
            });
            Failure::refused(held.hint("wait longer with --lock-timeout 5m, or end the holder"))
        }
        NoLock::Broken => Failure::refused(
            fault(
                "lock-broken",
                format!("the lock of `{name}` was taken, and then it was not there"),
            )
            .note("a pooler or a cluster stands between, which breaks locks of a session")
            .hint("connect to the server itself"),
        ),
        NoLock::Stopped(exit) => {
            let told = fault(
                "interrupted",
                format!("interrupted while waiting for the lock of `{name}`"),
            );
            Failure {
                exit: *exit,
                diagnostics: vec![told],
            }
        }
        NoLock::Database(error) => Failure::failed(fault(
            "lock",
            format!("{name}: taking its lock: {}", error.told()),
        )),
    }
}
