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

use super::Done;
use super::send::{Retry, algorithms, send, send_text, with_blockers};
use super::{FileProgress, InDoubt, LeftBehind, Reason, Run, entries, entry, journal_rows};
use crate::db::definitions::observe;
use crate::db::session::{DbError, Session};
use crate::db::stop::Stop;
use crate::db::{failpoint, history, journal, lock};
use crate::dialect::ErrorKind;
use crate::dialect::recovery::{
    AutoCommitted, Completion, Definitions, Object, RecoveryClass, completion,
};
use crate::model::history::{Direction, Entry};
use crate::plan::Step;

/// Statements that are done and not in the journal yet.
#[derive(Default)]
struct Pending {
    /// The range of the statements, from 0.
    from: usize,
    to: usize,
    /// The statement among them whose intent is in the journal.
    intended: Option<usize>,
    /// Whether an open transaction holds them.
    open: bool,
}

/// The first intent of the next file, written in advance, with the definitions of its objects.
#[derive(Debug)]
pub struct PrefetchedIntent(Option<Definitions>);

/// What is recorded together with the statements that are done.
enum Next<'s> {
    Nothing,
    /// The intent of this statement of the same file.
    Intent(usize),
    /// The end of the file, and the first intent of the next one if it can be written here.
    End(Option<&'s Step>),
}

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

    async fn forget_intent(&mut self, at: usize) -> Result<(), Reason> {
        let sql = journal::withdraw(self.session, &entry(self.step, at));
        self.intent = None;
        commit(self.session, &sql, false, self.run).await
    }

    /// Decides about a statement whose intent an earlier run has left; `true` if it is done.
    async fn recover(&mut self, doubt: &Entry) -> Result<bool, Reason> {
        let at = self.step.from;
        let Some(RecoveryClass::AutoCommit(statement)) = self.step.recovery.get(at).cloned() else {
            // It may be run twice now; its row is written when it is through.
            self.forget_intent(at).await?;
            return Ok(false);
        };
        let now = self.definitions(&statement).await?;
        let undecided = |why, now: Option<Definitions>| {
            Err(Reason::Undecided(Box::new(InDoubt {
                statement: at,
                why,
                objects: sides(&statement, doubt.before.as_ref(), now.as_ref()),
            })))
        };
        if doubt.server != self.run.identity {
            return undecided(
                "it was sent on another server, which may be running it still",
                now,
            );
        }
        let (Some(before), Some(now)) = (&doubt.before, now) else {
            return undecided("nothing that can be looked at tells whether it ran", None);
        };
        self.intent = Some(at);
        self.before = Some(before.clone());
        let decided = completion(&statement, before, &now);
        failpoint::at("recovering");
        match decided {
            Completion::NotRun => Ok(false),
            Completion::Ran => {
                self.progress.notes.found = Some(at);
                self.done(at);
                Ok(true)
            }
            Completion::Remaining(sql) => {
                self.finish(at, &sql).await?;
                self.done(at);
                Ok(true)
            }
            Completion::CleanUp(sql) => {
                self.finish(at, &sql).await?;
                Ok(false)
            }
            Completion::InDoubt => undecided(
                "its objects are other than before, in a way that it does not explain",
                Some(now),
            ),
        }
    }

    /// Runs the rest of a statement that an earlier run left half done.
    async fn finish(&mut self, at: usize, sql: &str) -> Result<(), Reason> {
        (self.run.notice)(&format!("an earlier run was interrupted: {sql}"));
        let mut retry = Retry::new();
        loop {
            let Err(error) = send_text(self.session, sql, self.run, self.progress).await? else {
                return Ok(());
            };
            match error.kind {
                ErrorKind::Connection => return Err(Reason::Lost(at, error)),
                ErrorKind::Busy if retry.wait(self.session, &error, self.run).await? => {}
                _ => {
                    let reason = Reason::Statement(at, error, LeftBehind::Unfinished);
                    return Err(with_blockers(self.session, reason).await);
                }
            }
        }
    }

    /// Writes the pending journal rows and the next record in one commit. Returns the intent of
    /// the next file if it was written.
    async fn flush(&mut self, record: Next<'_>) -> Result<Option<PrefetchedIntent>, Reason> {
        let (step, run) = (self.step, self.run);
        let Pending {
            from,
            to,
            intended,
            open,
        } = self.pending;
        let nothing = from == to && matches!(record, Next::Nothing);
        if nothing {
            return Ok(None);
        }
        let prefetched = match &record {
            Next::Nothing => None,
            Next::Intent(at) => Some((step, *at)),
            Next::End(next) => {
                let next = next.filter(|next| allows_prefetch(next));
                next.map(|next| (next, next.from))
            }
        };
        let coming = prefetched.and_then(|(step, at)| match step.recovery.get(at) {
            Some(RecoveryClass::AutoCommit(statement)) => Some((step, at, &**statement)),
            _ => None,
        });
        let done = match intended.and_then(|at| step.recovery.get(at)) {
            Some(RecoveryClass::AutoCommit(statement)) => Some(&**statement),
            _ => None,
        };
        let mut retry = Retry::new();
        let (after, before) = loop {
            match observe_both(
                self.session,
                done,
                coming.map(|(_, _, statement)| statement),
            )
            .await
            {
                Ok(both) => break both,
                Err(error) if retry.wait(self.session, &error, run).await? => {}
                Err(error) => return Err(error.into()),
            }
        };
        failpoint::at("seen");
        let mut texts = Vec::new();
        let mut plain = entries(step, from..to);
        if let Some(at) = intended {
            let intended = plain.remove(at - from);
            texts.push(journal::finish(self.session, &intended, after.as_ref()));
        }
        if !plain.is_empty() {
            texts.push(journal::record(self.session, &plain, run.id));
        }
        if matches!(record, Next::End(_)) {
            texts.push(journal_rows(self.session, step, run)?);
        }
        if let Some((step, at, _)) = coming {
            let intent = Entry {
                before: before.clone(),
                server: run.identity.clone(),
                ..entry(step, at)
            };
            texts.push(journal::intend(self.session, &intent, run.id)?);
        }
        commit(self.session, &texts.join("; "), open, run).await?;
        failpoint::at("booked");
        self.pending = Pending {
            from: to,
            to,
            ..Pending::default()
        };
        self.progress.applied = to;
        match record {
            Next::Intent(at) => {
                self.intent = Some(at);
                self.before = before;
                Ok(None)
            }
            _ => Ok(coming.map(|_| PrefetchedIntent(before))),
        }
    }

    /// Leaves the journal consistent when the file stops: records what was done. If that fails
    /// too, the next run does it.
    async fn record_rest(&mut self) {
        if self.own || self.pending.open {
            let _: Result<(), DbError> = self.session.run("ROLLBACK").await;
            self.pending = Pending {
                from: self.pending.from,
                to: self.pending.from,
                ..Pending::default()
            };
        }
        // The last statement's row is written with the migration's row: alone it would look as if
        // the other had been deleted. Its intent stays, and the next run finds out that it ran.
        let last = self.step.script.statements.len().saturating_sub(1);
        if self.pending.to > last {
            self.pending.to = last.max(self.pending.from);
            self.pending.intended = self.pending.intended.filter(|at| *at != last);
        }
        let _: Result<_, Reason> = self.flush(Next::Nothing).await;
    }
}

/// Whether the first intent of a file may be written before its turn, because nothing has to
/// happen before it.
fn allows_prefetch(next: &Step) -> bool {
    !next.transactional
        && next.waits_for.is_empty()
        && next.in_doubt.is_none()
        && next.from == 0
        && next.migration.name.is_ascii()
}

/// Reads the objects of the statement that is done and of the next one in one round trip.
async fn observe_both(
    session: &mut Session,
    done: Option<&AutoCommitted>,
    coming: Option<&AutoCommitted>,
) -> Result<(Option<Definitions>, Option<Definitions>), DbError> {
    let of = |statement: Option<&AutoCommitted>| {
        statement.map_or(0, |statement| statement.objects.len())
    };
    let (first, second) = (of(done), of(coming));
    let all = done.into_iter().chain(coming);
    let objects: Vec<&Object> = all.flat_map(|statement| &statement.objects).collect();
    if objects.is_empty() {
        return Ok((None, None));
    }
    match observe(session, &objects).await? {
        Some(mut seen) => {
            let rest = seen.split_off(first);
            Ok(((first > 0).then_some(seen), (second > 0).then_some(rest)))
        }
        None if first > 0 && second > 0 => {
            // An object that cannot be read must not hide the other statement's objects.
            let after = done.map(|statement| statement.objects.iter().collect::<Vec<_>>());
            let before = coming.map(|statement| statement.objects.iter().collect::<Vec<_>>());
            let after = observe(session, &after.unwrap_or_default()).await?;
            Ok((after, observe(session, &before.unwrap_or_default()).await?))
        }
        None => Ok((None, None)),
    }
}

/// Writes journal rows in a transaction of their own, or at the end of the open one. The
/// statements have run, so no signal ends the wait for a lock.
async fn commit(session: &mut Session, sql: &str, open: bool, run: &Run<'_>) -> Result<(), Reason> {
    let work = async {
        if !session.dialect.facts().is_embedded() {
            let begin = if open {
                String::new()
            } else {
                format!("{}; ", session.dialect.begin())
            };
            return Ok(session.run(&format!("{begin}{sql}; COMMIT")).await?);
        }
        let never = Stop::never();
        if !open {
            lock::begin(session, run.lock_timeout, run.waiting, &never).await?;
        }
        session.run(sql).await?;
        Ok(lock::commit(session, run.lock_timeout, run.waiting, &never).await?)
    };
    let result: Result<(), Reason> = work.await;
    if result.is_err() {
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
    }
    result
}

/// The name of each object with its definitions before and now.
fn sides(
    statement: &AutoCommitted,
    before: Option<&Definitions>,
    now: Option<&Definitions>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let side = |seen: Option<&Definitions>, at: usize| {
        seen.and_then(|seen| seen.get(at).cloned().flatten())
    };
    let objects = statement.objects.iter().enumerate();
    objects
        .map(|(at, object)| (object.name.clone(), side(before, at), side(now, at)))
        .collect()
}
