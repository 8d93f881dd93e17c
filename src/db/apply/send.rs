//! Sends a statement, and stays with it until its end is known.

use std::time::{Duration, Instant};

use super::{Left, Reason, Run, Way};
use crate::db::lock::PAUSE;
use crate::db::session::{Access, DbError, Session};
use crate::dialect::ErrorKind;
use crate::dialect::recovery::OnlineDdl;
use crate::plan::Step;
use crate::sql::Syntax;
use crate::sql::script;

/// Sends one statement alone, unless someone asked to stop before it.
pub async fn send(
    session: &mut Session,
    step: &Step,
    statement: usize,
    run: &Run<'_>,
    way: &mut Way,
) -> Result<(), Reason> {
    let sql = step.sql(statement);
    let result = send_text(session, sql, run, way).await?;
    result.map_err(|error| match error.kind {
        ErrorKind::Connection => Reason::Lost(statement, error),
        _ => Reason::Statement(statement, error, Left::Nothing),
    })
}

/// As [`send`], for any text.
pub async fn send_text(
    session: &mut Session,
    sql: &str,
    run: &Run<'_>,
    way: &mut Way,
) -> Result<Result<(), DbError>, Reason> {
    if let Some(exit) = run.stop.asked() {
        return Err(Reason::Signal(exit));
    }
    way.sent = true;
    Ok(cancellable(session, sql, run).await)
}

/// Runs a statement to its end. A second signal, and the end of its time, cancel it on the
/// server; leaving it alone would only mean not to know what becomes of it.
async fn cancellable(session: &mut Session, sql: &str, run: &Run<'_>) -> Result<(), DbError> {
    let (dialect, schema) = (session.dialect, session.schema.clone());
    let Some(cancel) = session.id.as_deref().and_then(|id| dialect.cancel(id)) else {
        return session.run(sql).await;
    };
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
        () = over => (run.notice)("the statement's time is over: cancelling it on the server"),
    }
    let canceling = async {
        let opening = Session::open(run.target, dialect, schema.as_deref(), Access::Look);
        let mut other = opening.await?;
        let result = other.run(&cancel).await;
        other.close().await;
        result
    };
    // The statement's own connection has to be listened to meanwhile: it may end by itself.
    let (result, cancelled) = tokio::join!(&mut work, canceling);
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

/// Comes again while somebody is in the way, with longer and longer pauses.
pub struct Patience {
    start: Instant,
    pause: Duration,
}

impl Patience {
    pub fn new() -> Self {
        Patience {
            start: Instant::now(),
            pause: PAUSE,
        }
    }

    /// Waits after an attempt that failed because of somebody else; `false` when the failure was
    /// another, or the time is over.
    pub async fn again(
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
            "waiting for a lock on its tables, held by {who}; trying again"
        ));
        let pause = run.stop.race(tokio::time::sleep(self.pause)).await;
        pause.map_err(Reason::Signal)?;
        self.pause = (self.pause * 2).min(Duration::from_secs(5));
        Ok(true)
    }
}

/// A failure with those who are in the way, where somebody still is after all patience.
pub async fn with_blockers(session: &mut Session, mut reason: Reason) -> Reason {
    if let Reason::Statement(_, error, _) = &mut reason
        && error.kind == ErrorKind::Busy
        && let Some(who) = blockers(session).await
    {
        error.notes.push(format!("its tables are held by {who}"));
    }
    reason
}

/// Who holds locks on the tables, in words, as far as this account may see it.
pub async fn blockers(session: &mut Session) -> Option<String> {
    let query = session.dialect.blockers_query(&session.server)?;
    let rows = session.rows(query).await.ok()?;
    let told = rows.into_iter().map(|row| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let (id, user, address, seconds) = (next(), next(), next(), next());
        format!("session {id} of {user} from {address}, for {seconds} s")
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}
