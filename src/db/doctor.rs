//! The checks of `bird doctor` on a database. One takes the lock for a moment, which writes nothing.

use crate::model::code::Code;
use std::time::Duration;

use super::file::{self, Checked};
use super::lock::{self, NoLock, Wish};
use super::session::{DbError, Session};
use super::shadow;
use super::stop::Stop;
use super::writability;
use super::writability::ReadOnly;
use crate::dialect::ErrorKind;
use crate::dialect::checks::Subject;
use crate::model::check::{CheckResult, Verdict};
use crate::model::target::{Target, is_loopback};

/// What is looked at.
pub struct CheckedDatabase<'p> {
    pub target: &'p Target,
    /// Whether the session is in the database itself, and not beside one that does not exist.
    pub inside: bool,
    /// How many bytes the largest statement has that is still to run.
    pub largest: usize,
    /// Whether another database is lent for its shadows.
    pub borrowed: bool,
}

/// Everything that can be asked, in the order of the report.
pub async fn look(
    session: &mut Session,
    checked_database: &CheckedDatabase<'_>,
    stop: &Stop,
) -> Vec<Checked> {
    let mut checked = vec![(Code::Product, product(session))];
    if let Target::File(file) = checked_database.target {
        checked.extend(file::look(file));
    }
    checked.extend(ask(session, checked_database).await);
    if let Target::Server(_) = checked_database.target {
        let locks = locks(session, checked_database, stop).await;
        let alone = locks
            .iter()
            .all(|(_, result)| result.verdict == Verdict::Ok);
        checked.extend(locks);
        checked.push((Code::Cluster, cluster(session).await));
        // Behind a pooler it might hit somebody else's statement.
        let cancel = if alone {
            cancel(session, checked_database).await
        } else {
            CheckResult::note("not checked: another client may own the session")
        };
        checked.push((Code::Cancel, cancel));
        checked.push((Code::Shadow, shadow(session, checked_database).await));
        checked.push((Code::LeftOver, leftovers(session).await));
    }
    checked
}

/// What a question that failed means: the account may not ask, or the product does not know it.
fn unasked(error: &DbError) -> CheckResult {
    match error.kind {
        ErrorKind::Denied => {
            let code = error.code.as_deref().unwrap_or("no code");
            CheckResult::note(format!(
                "the account lacks the privilege to check this ({code})"
            ))
        }
        ErrorKind::Connection => CheckResult::error(format!("the connection broke: {}", error)),
        _ => CheckResult::note(format!("it could not be checked: {}", error)),
    }
}

fn product(session: &Session) -> CheckResult {
    let product = session.server.to_string();
    match session.dialect.doubts(&session.server).as_slice() {
        [] => CheckResult::ok(product),
        doubts => CheckResult::warning(format!("{product}: {}", doubts.join("; ")))
            .fix("try migrations on a copy first"),
    }
}

/// The engine's own checks.
async fn ask(session: &mut Session, checked_database: &CheckedDatabase<'_>) -> Vec<Checked> {
    let (server, schema) = (session.server.clone(), session.schema.clone());
    let (database, local) = match checked_database.target {
        Target::File(_) => ("", true),
        Target::Server(server) => (
            server.database.as_str(),
            server.socket.is_some() || is_loopback(&server.host),
        ),
    };
    let subject = Subject {
        database,
        schema: schema.as_deref(),
        server: &server,
        local,
        largest: checked_database.largest,
    };
    let mut checked = Vec::new();
    for check in session.dialect.checks() {
        if check.inside && !checked_database.inside {
            continue;
        }
        let result = match session.rows(&(check.query)(&subject)).await {
            Ok(rows) => (check.judge)(&subject, &rows),
            Err(error) => unasked(&error),
        };
        checked.push((check.code, result));
    }
    checked
}

/// Takes the lock as a migration would, without waiting, and gives it back.
async fn locks(
    session: &mut Session,
    checked_database: &CheckedDatabase<'_>,
    stop: &Stop,
) -> Vec<Checked> {
    let wish = Wish {
        target: checked_database.target,
        bare_statements: false,
        timeout: Duration::ZERO,
        waiting: &|_| {},
    };
    let (lock, pooler) = match lock::take(session, &wish, stop).await {
        Ok(guard) => {
            let pooler = match guard.doubt() {
                None => CheckResult::ok("bird has a server session of its own"),
                Some(reason) => CheckResult::note(format!(
                    "could not find out whether a pooler shares the session: {reason}"
                )),
            };
            guard.release(session).await;
            (CheckResult::ok("can be taken"), pooler)
        }
        Err(NoLock::Shared) => (
            CheckResult::note("not checked: a lock would have no effect"),
            CheckResult::error("connected through a transaction-mode pooler (PgBouncer?)")
                .fix(itself(session)),
        ),
        Err(NoLock::Broken) => (
            CheckResult::error("bird took the lock, but the session does not hold it")
                .fix(itself(session)),
            CheckResult::warning("connect to the server itself: a proxy between changes sessions")
                .fix(itself(session)),
        ),
        Err(NoLock::Held(holder)) => {
            let who = holder.unwrap_or_else(|| "someone".into());
            (
                CheckResult::warning(format!("the lock is held by {who}"))
                    .fix("wait for that session or end it; a migration waits up to --lock-timeout"),
                CheckResult::note("not checked: the lock is held"),
            )
        }
        Err(NoLock::Stopped(_)) => return Vec::new(),
        Err(NoLock::Database(error)) => (
            CheckResult::error(format!("the lock cannot be taken: {}", error)),
            CheckResult::note("not checked: there is no lock"),
        ),
    };
    vec![(Code::Lock, lock), (Code::Pooler, pooler)]
}

fn itself(session: &Session) -> String {
    let port = session.dialect.facts().port.unwrap_or_default();
    format!("connect to the server itself; its port is usually {port}")
}

/// The shadows of runs that were killed; they keep nobody from working.
async fn leftovers(session: &mut Session) -> CheckResult {
    let left = match shadow::leftovers(session).await {
        Ok(left) => left,
        Err(error) => return unasked(&error),
    };
    let oldest = left.iter().map(|left| left.age.as_secs() / 3600).max();
    let Some(hours) = oldest else {
        return CheckResult::ok("no run has left a scratch database");
    };
    let count = match left.len() {
        1 => "a shadow".to_owned(),
        count => format!("{count} shadows"),
    };
    let age = match hours {
        0 => "less than an hour".to_owned(),
        hours => format!("up to {hours} hours"),
    };
    let drops: Vec<&str> = left.iter().map(|left| left.sql.as_str()).collect();
    CheckResult::note(format!(
        "runs that were killed have left {count}, made {age} ago"
    ))
    .fix(format!("if nobody uses them: {};", drops.join("; ")))
}

/// Whether a shadow can be made.
async fn shadow(session: &mut Session, checked_database: &CheckedDatabase<'_>) -> CheckResult {
    if checked_database.borrowed {
        return CheckResult::ok("`shadow_url` names a database");
    }
    let query = session.dialect.may_create_query(shadow::PREFIX);
    let grant = match query {
        Some(query) => session.value(&query).await,
        None => Ok(None),
    };
    match grant {
        Ok(None) => match writability::read_only(session).await {
            Ok(Some(closed @ ReadOnly::Setting(_))) => {
                CheckResult::note(closed.error().message).fix(shadow::ELSEWHERE)
            }
            Ok(_) => CheckResult::ok("bird can create one"),
            Err(error) => unasked(&error),
        },
        Ok(Some(grant)) => CheckResult::note("this account may not create databases").fix(format!(
            "let an administrator run: {grant}; or name an empty database with `shadow_url`"
        )),
        Err(error) => unasked(&error),
    }
}

async fn cluster(session: &mut Session) -> CheckResult {
    let Some(query) = session.dialect.cluster_query() else {
        return CheckResult::ok("locks apply to the whole server");
    };
    match session.value(query).await {
        Ok(None) => CheckResult::ok("locks apply to the whole server"),
        Ok(Some(setting)) => CheckResult::warning(format!(
            "a cluster whose locks hold on one node only (`{setting}`)"
        ))
        .fix("run one migration at a time, with --allow single-writer"),
        Err(error) => unasked(&error),
    }
}

/// Whether a second connection can end what the first one does, which Ctrl-C would need.
async fn cancel(session: &mut Session, checked_database: &CheckedDatabase<'_>) -> CheckResult {
    let schema = session.schema.clone();
    let name = match checked_database.target {
        Target::Server(server) => session.dialect.lock(&server.database, schema.as_deref()),
        Target::File(_) => None,
    };
    let Some(name) = name.map(|lock| lock.session) else {
        return CheckResult::ok("SQLite has no other session");
    };
    let id = match session.value(name).await {
        Ok(id) => id.unwrap_or_default(),
        Err(error) => return unasked(&error),
    };
    let Some(sql) = session.dialect.cancel(&id) else {
        return CheckResult::note("the server does not name its sessions");
    };
    let mut other = match session.another(checked_database.target).await {
        Ok(other) => other,
        Err(error) => return CheckResult::note(format!("a second connection failed: {}", error)),
    };
    let answer = other.value(&sql).await;
    other.close().await;
    // Nothing ran that could be ended; a server may keep the wish for the next statement.
    let _: Result<_, DbError> = session.value(name).await;
    match answer {
        Ok(None) => CheckResult::ok("a second connection can cancel the first one's statement"),
        Ok(Some(yes)) if yes == "1" => {
            CheckResult::ok("a second connection can cancel the first one's statement")
        }
        Ok(Some(_)) => CheckResult::warning("a second connection does not see the first one")
            .fix("connect to one server directly: the proxy between leads to several"),
        Err(error) => CheckResult::warning(format!(
            "a second connection cannot cancel the first one's statement: {}",
            error
        ))
        .fix("connect to one server, with an account that may cancel its own statements"),
    }
}
