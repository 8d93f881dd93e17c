//! Sends a statement, and waits until its end is known.

use std::time::{Duration, Instant};

use super::{FileProgress, LeftBehind, Reason, Run};
use crate::db::lock::PAUSE;
use crate::db::session::{Access, DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::recovery::OnlineDdl;
use crate::plan::Step;
use crate::sql::Syntax;
use crate::sql::script;

/// Sends one statement, unless a stop was requested before it.
pub async fn send(
    session: &mut Session,
    step: &Step,
    statement: usize,
    run: &Run<'_>,
    progress: &mut FileProgress,
) -> Result<(), Reason> {
    (run.statement)(step, statement);
    let sql = step.sql(statement);
    let result = send_text(session, sql, run, progress).await?;
    result.map_err(|error| match error.kind {
        ErrorKind::Connection => Reason::Lost(statement, error),
        _ => Reason::Statement(statement, error, LeftBehind::Nothing),
    })
}

/// As [`send`], for any text.
pub async fn send_text(
    session: &mut Session,
    sql: &str,
    run: &Run<'_>,
    progress: &mut FileProgress,
) -> Result<Result<(), DbError>, Reason> {
    if let Some(exit) = run.stop.asked() {
        return Err(Reason::Signal(exit));
    }
    progress.sent = true;
    Ok(cancellable(session, sql, run).await)
}

/// Runs a statement to its end. A second signal and the statement timeout cancel it on the server:
/// without that, its outcome would be unknown.
async fn cancellable(session: &mut Session, sql: &str, run: &Run<'_>) -> Result<(), DbError> {
    let (dialect, schema) = (session.dialect, session.schema.clone());
    let Some(cancel) = session.id.as_deref().and_then(|id| dialect.cancel(id)) else {
        return session.run(sql).await;
    };
    let watch = session.watch();
    let work = session.run(sql);
    tokio::pin!(work);
    let over = async {
        match run.statement_timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        result = &mut work => return result,
        () = run.stop.again() => {}
        () = over => (run.notice)("the statement reached `statement_timeout`: cancelling it on the \
            server"),
    }
    let canceling = async {
        let opening = Session::open(run.target, dialect, schema.as_deref(), Access::ReadOnly);
        let mut other = opening.await?;
        let result = other.run(&cancel).await;
        other.close().await;
        result
    };
    // The statement may end by itself meanwhile, so its own connection is read too.
    let lost = async {
        match &watch {
            Some(watch) => watch.after_cancel().await,
            None => std::future::pending().await,
        }
    };
    let result = async {
        tokio::select! {
            biased;
            result = &mut work => result,
            lost = lost => Err(lost),
        }
    };
    let (result, cancelled) = tokio::join!(result, canceling);
    if let Err(error) = cancelled {
        (run.notice)(&format!("it could not be cancelled: {}", error));
    }
    result
}

/// The text of a statement with each algorithm of online DDL in turn, and last as it is written.
pub fn algorithms<'s>(
    syntax: &Syntax,
    sql: &'s str,
    online_ddl: Option<&OnlineDdl>,
) -> Vec<(Option<&'static str>, std::borrow::Cow<'s, str>)> {
    let mut all = Vec::new();
    if let Some(online_ddl) = online_ddl
        && let Some(last) = script::code(syntax, sql).nth(online_ddl.after_words.saturating_sub(1))
        && let Some((before, after)) = sql.split_at_checked(last.end)
        && !sql.contains("/*")
    {
        let algorithms = online_ddl.algorithms.iter();
        all.extend(algorithms.map(|(name, clause)| {
            let text = format!("{before} {clause} {after}");
            (Some(*name), text.into())
        }));
    }
    all.push((None, sql.into()));
    all
}

/// Retries with backoff while another session holds a lock.
pub struct Retry {
    start: Instant,
    pause: Duration,
}

impl Retry {
    pub fn new() -> Self {
        Retry {
            start: Instant::now(),
            pause: PAUSE,
        }
    }

    /// Waits after an attempt that failed because of a lock; `false` if the failure has another
    /// cause, or the lock timeout is over.
    pub async fn wait(
        &mut self,
        session: &mut Session,
        error: &DbError,
        run: &Run<'_>,
    ) -> Result<bool, Reason> {
        let over = self.start.elapsed() >= run.lock_timeout;
        if error.kind != ErrorKind::Busy || over || session.dialect.facts().is_embedded() {
            return Ok(false);
        }
        let who = blockers(session).await;
        let who = who.as_deref().unwrap_or("another session");
        (run.notice)(&format!(
            "waiting for a table lock, held by {who}; trying again"
        ));
        let pause = run.stop.race(tokio::time::sleep(self.pause)).await;
        pause.map_err(Reason::Signal)?;
        self.pause = (self.pause * 2).min(Duration::from_secs(5));
        Ok(true)
    }
}

/// The failure with a note about the sessions that still hold the locks.
pub async fn with_blockers(session: &mut Session, mut reason: Reason) -> Reason {
    if let Reason::Statement(_, error, _) = &mut reason
        && error.kind == ErrorKind::Busy
        && let Some(who) = blockers(session).await
    {
        error.notes.push(format!("its tables are locked by {who}"));
    }
    reason
}

/// The sessions that hold locks on the tables, as far as this account may see them.
pub async fn blockers(session: &mut Session) -> Option<String> {
    let query = session.dialect.blockers_query(&session.server)?;
    let rows = session.rows(query).await.ok()?;
    let sessions = rows.into_iter().map(|row| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let (id, user, address, seconds) = (next(), next(), next(), next());
        format!("session {id} of {user} from {address}, for {seconds} s")
    });
    let mut holders: Vec<String> = sessions.collect();
    if holders.is_empty() {
        holders = prepared(session).await;
    }
    (!holders.is_empty()).then(|| holders.join("; "))
}

/// The prepared transactions that hold locks on the tables, as far as the engine tells: no session
/// has them any more.
async fn prepared(session: &mut Session) -> Vec<String> {
    let Some(query) = session.dialect.prepared_query() else {
        return Vec::new();
    };
    let rows = session.rows(query).await.unwrap_or_default();
    let names = rows
        .into_iter()
        .filter_map(|row| row.into_iter().next_back().flatten());
    names
        .map(|name| {
            format!("the prepared transaction `{name}`, which somebody must commit or roll back")
        })
        .collect()
}
