//! Applies a file with a write-ahead journal: each statement runs exactly once, without a
//! transaction around the file.
//!
//! A statement that changes rows commits together with its journal row. For a statement that
//! commits by itself, a row is written before it is sent, its intent, with the definitions of its
//! objects; the row that records it as done is written together with the next statement's intent,
//! so that it costs no commit of its own. The run that finds an intent holds the lock, which the
//! session that sent the statement held to its end: the statement has ended, and its objects show
//! how. At most one statement can be in doubt.
//!
//! Write-ahead intents are those of ARIES. They are exact without the server's help because the
//! effect of a statement serves as its log record.

mod flush;
mod recover;

use super::send::{Retry, algorithms, send, send_text, with_blockers};
use super::{Done, FileProgress, LeftBehind, Reason, Run};
use crate::db::definitions::observe;
use crate::db::session::{DbError, Session};
use crate::db::{failpoint, history, lock};
use crate::dialect::ErrorKind;
use crate::dialect::recovery::{
    AutoCommitted, Completion, Definitions, Object, RecoveryClass, completion,
};
use crate::model::history::Direction;
use crate::plan::Step;
use flush::{Next, Pending};

/// The first intent of the next file, written in advance, with the definitions of its objects.
#[derive(Debug)]
pub struct PrefetchedIntent(Option<Definitions>);

pub async fn apply(
    session: &mut Session,
    step: &Step,
    next: Option<&Step>,
    run: &Run<'_>,
    progress: &mut FileProgress,
    prefetched: &mut Option<PrefetchedIntent>,
) -> Result<Done, Reason> {
    // The file before this one may have written the first intent.
    let written = prefetched.take();
    let mut file = File {
        session,
        step,
        run,
        progress,
        pending: Pending {
            from: step.from,
            to: step.from,
            ..Pending::default()
        },
        intent: written.is_some().then_some(step.from),
        before: written.and_then(|PrefetchedIntent(before)| before),
        own: false,
    };
    let result = file.statements(next, prefetched).await;
    if result.is_err() {
        file.record_rest().await;
    }
    result.map(|()| Done::Applied)
}

/// A file that is being applied.
struct File<'f, 'r> {
    session: &'f mut Session,
    step: &'f Step,
    run: &'f Run<'r>,
    progress: &'f mut FileProgress,
    pending: Pending,
    /// The statement whose intent is in the journal.
    intent: Option<usize>,
    /// The definitions of its objects, if this run has read them.
    before: Option<Definitions>,
    /// Whether a transaction of the file's own is open.
    own: bool,
}

impl File<'_, '_> {
    async fn statements(
        &mut self,
        next: Option<&Step>,
        prefetched: &mut Option<PrefetchedIntent>,
    ) -> Result<(), Reason> {
        self.probe_name().await?;
        for statement in 0..self.step.from {
            // The session state that the file set before it stopped is gone with that session.
            if let Some(RecoveryClass::SessionState) = self.step.recovery.get(statement) {
                send(self.session, self.step, statement, self.run, self.progress).await?;
            }
        }
        failpoint::at("begin");
        let mut at = self.step.from;
        if let Some(doubt) = &self.step.in_doubt {
            at += usize::from(self.recover(doubt).await?);
        }
        while at < self.step.script.statements.len() {
            match self.step.recovery.get(at).cloned() {
                Some(RecoveryClass::AutoCommit(statement)) if !self.own => {
                    let result = self.auto_commit(at, &statement).await;
                    if let Err(Reason::Signal(_)) = &result {
                        // It was not sent, or it was refused.
                        self.forget_intent(at).await?;
                    }
                    result?;
                }
                Some(RecoveryClass::Transactional) if !self.own => self.transactional(at).await?,
                effect => {
                    let begins = matches!(effect, Some(RecoveryClass::Begin));
                    if begins || self.pending.open {
                        self.flush(Next::Nothing).await?;
                    }
                    self.own |= begins;
                    send(self.session, self.step, at, self.run, self.progress).await?;
                    self.own &= !matches!(effect, Some(RecoveryClass::Commit));
                    self.pending.to = at + 1;
                }
            }
            at += 1;
        }
        let next = next.filter(|_| self.run.stop.asked().is_none());
        *prefetched = self.flush(Next::End(next)).await?;
        failpoint::at("recorded");
        Ok(())
    }

    /// Fails early if the history cannot hold the name, because its character set is narrow.
    async fn probe_name(&mut self) -> Result<(), Reason> {
        if self.step.migration.name.is_ascii() || self.step.direction == Direction::Undo {
            return Ok(());
        }
        let begin = self.session.dialect.begin();
        let recorded = history::record(self.session, &self.step.migration, self.run.width)?;
        let probe = self.session.run(&format!("{begin}; {recorded}")).await;
        self.session.run("ROLLBACK").await?;
        Ok(probe?)
    }

    /// Runs a statement in the transaction that its journal row is written in.
    async fn transactional(&mut self, at: usize) -> Result<(), Reason> {
        self.flush(Next::Nothing).await?;
        let mut retry = Retry::new();
        loop {
            let Run {
                lock_timeout,
                waiting,
                stop,
                ..
            } = self.run;
            lock::begin(self.session, *lock_timeout, *waiting, stop).await?;
            self.pending.open = true;
            let Err(reason) = send(self.session, self.step, at, self.run, self.progress).await
            else {
                break;
            };
            // The error that counts is the first; a connection that is gone has rolled back too.
            if self.session.run("ROLLBACK").await.is_err() {
                return Err(reason);
            }
            self.pending.open = false;
            match &reason {
                Reason::Statement(_, error, _)
                    if retry.wait(self.session, error, self.run).await? => {}
                _ => return Err(with_blockers(self.session, reason).await),
            }
        }
        failpoint::at("data-sent");
        self.pending.to = at + 1;
        Ok(())
    }

    /// Runs a statement that commits by itself, after its intent.
    async fn auto_commit(&mut self, at: usize, statement: &AutoCommitted) -> Result<(), Reason> {
        if self.intent != Some(at) {
            self.flush(Next::Intent(at)).await?;
        }
        failpoint::at("intended");
        let sql = self.step.sql(at);
        let mut retry = Retry::new();
        let syntax = self.session.dialect.syntax();
        let mut algorithms = algorithms(syntax, sql, statement.online_ddl.as_ref()).into_iter();
        let mut algorithm = algorithms.next();
        while let Some((name, text)) = &algorithm {
            let error = match send_text(self.session, text, self.run, self.progress).await? {
                Ok(()) => {
                    let used = name.map(|name| (at, name));
                    self.progress.notes.algorithms.extend(used);
                    break;
                }
                Err(error) => error,
            };
            match error.kind {
                ErrorKind::Connection => return Err(Reason::Lost(at, error)),
                ErrorKind::Busy if retry.wait(self.session, &error, self.run).await? => {
                    self.clear(statement, &mut retry).await?;
                }
                ErrorKind::Busy | ErrorKind::Cancelled => {
                    let reason = self.failed(at, statement, error).await?;
                    return Err(with_blockers(self.session, reason).await);
                }
                // Whatever the engine has against this algorithm, the statement as it is written
                // counts.
                _ if name.is_some() => algorithm = algorithms.next(),
                _ => return Err(self.failed(at, statement, error).await?),
            }
        }
        failpoint::at("sent");
        self.done(at);
        Ok(())
    }

    /// Notes that a statement with an intent is done.
    fn done(&mut self, at: usize) {
        self.pending.to = at + 1;
        self.pending.intended = Some(at);
    }

    /// Why a statement failed, and what it left behind: it may have done a part of its work.
    async fn failed(
        &mut self,
        at: usize,
        statement: &AutoCommitted,
        error: DbError,
    ) -> Result<Reason, Reason> {
        let now = self.definitions(statement).await?;
        let reason = |left| Reason::Statement(at, error.clone(), left);
        let (Some(before), Some(now)) = (&self.before, &now) else {
            // The server said no; that nothing is left behind is all but certain, and
            // somebody else must not be asked to decide about a typing mistake.
            self.forget_intent(at).await?;
            return Ok(reason(LeftBehind::Unseen));
        };
        let left = match completion(statement, before, now) {
            Completion::NotRun => LeftBehind::Nothing,
            Completion::CleanUp(sql) => {
                self.session.run(&sql).await?;
                LeftBehind::Cleared(sql)
            }
            Completion::Ran => return Ok(reason(LeftBehind::Effect)),
            Completion::Remaining(_) | Completion::InDoubt => {
                return Ok(reason(LeftBehind::Changed));
            }
        };
        self.forget_intent(at).await?;
        Ok(reason(left))
    }

    /// Clears away what an attempt left half done, because it would obstruct the next one.
    async fn clear(&mut self, statement: &AutoCommitted, retry: &mut Retry) -> Result<(), Reason> {
        let (Some(before), Some(now)) = (self.before.clone(), self.definitions(statement).await?)
        else {
            return Ok(());
        };
        let Completion::CleanUp(sql) = completion(statement, &before, &now) else {
            return Ok(());
        };
        while let Err(error) = self.session.run(&sql).await {
            if !retry.wait(self.session, &error, self.run).await? {
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn definitions(
        &mut self,
        statement: &AutoCommitted,
    ) -> Result<Option<Definitions>, DbError> {
        let objects: Vec<&Object> = statement.objects.iter().collect();
        if objects.is_empty() {
            return Ok(None);
        }
        observe(self.session, &objects).await
    }
}
