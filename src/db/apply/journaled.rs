//! Each statement exactly once, where no transaction holds the file.
//!
//! A statement that changes rows commits together with its journal row. One that commits by
//! itself has a row before it is sent, its intent, with the definitions of what it touches; the
//! row that says it is done comes together with the next statement's intent, so that it costs no
//! commit of its own. Whoever finds an intent holds the lock, which the session that sent the
//! statement held to its end: so the statement has ended, and its objects tell how. At most one
//! statement can be in doubt.
//!
//! Write-ahead intents are ARIES's; that a statement's own effect is its log record is what makes
//! them exact without the server's help.

use super::Done;
use super::send::{Patience, algorithms, send, send_text, with_blockers};
use super::{Doubt, Left, Reason, Run, Way, books, entries, entry};
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

/// What has been done and is not in the journal yet.
#[derive(Default)]
struct Unbooked {
    /// Statements, from 0, one behind the other.
    from: usize,
    to: usize,
    /// The one of them that has its intent in the journal.
    intended: Option<usize>,
    /// A transaction is open that holds it.
    open: bool,
}

/// An intent of a file that is about to begin, with what its objects were.
#[derive(Debug)]
pub struct Ahead(Option<Definitions>);

/// What the books get beside what was done.
enum Then<'s> {
    Nothing,
    /// The intent of this statement of the same file.
    Intent(usize),
    /// The file is through; and the first intent of the next one, where it can stand here.
    End(Option<&'s Step>),
}

pub async fn exactly(
    session: &mut Session,
    step: &Step,
    next: Option<&Step>,
    run: &Run<'_>,
    way: &mut Way,
    ahead: &mut Option<Ahead>,
) -> Result<Done, Reason> {
    // What the file before this one has written.
    let written = ahead.take();
    let mut file = File {
        session,
        step,
        run,
        way,
        unbooked: Unbooked {
            from: step.from,
            to: step.from,
            ..Unbooked::default()
        },
        intent: written.is_some().then_some(step.from),
        before: written.and_then(|Ahead(before)| before),
        own: false,
    };
    let result = file.statements(next, ahead).await;
    if result.is_err() {
        file.leave().await;
    }
    result.map(|()| Done::Applied)
}

/// A file on its way.
struct File<'f, 'r> {
    session: &'f mut Session,
    step: &'f Step,
    run: &'f Run<'r>,
    way: &'f mut Way,
    unbooked: Unbooked,
    /// The statement whose intent stands in the journal.
    intent: Option<usize>,
    /// What its objects were, where this run has looked.
    before: Option<Definitions>,
    /// A transaction of the file's own is open.
    own: bool,
}

impl File<'_, '_> {
    async fn statements(
        &mut self,
        next: Option<&Step>,
        ahead: &mut Option<Ahead>,
    ) -> Result<(), Reason> {
        self.probe_name().await?;
        for statement in 0..self.step.from {
            // What a file set for itself before it stopped is gone with that session.
            if let Some(RecoveryClass::SessionState) = self.step.recovery.get(statement) {
                send(self.session, self.step, statement, self.run, self.way).await?;
            }
        }
        failpoint::at("begin");
        let mut at = self.step.from;
        if let Some(doubt) = &self.step.in_doubt {
            at += usize::from(self.recover(doubt).await?);
        }
        while at < self.step.script.statements.len() {
            match self.step.recovery.get(at).cloned() {
                Some(RecoveryClass::AutoCommit(alone)) if !self.own => {
                    let result = self.alone(at, &alone).await;
                    if let Err(Reason::Signal(_)) = &result {
                        // It was not sent, or it was refused.
                        self.forget_intent(at).await?;
                    }
                    result?;
                }
                Some(RecoveryClass::Transactional) if !self.own => self.together(at).await?,
                effect => {
                    let begins = matches!(effect, Some(RecoveryClass::Begin));
                    if begins || self.unbooked.open {
                        self.book(Then::Nothing).await?;
                    }
                    self.own |= begins;
                    send(self.session, self.step, at, self.run, self.way).await?;
                    self.own &= !matches!(effect, Some(RecoveryClass::Commit));
                    self.unbooked.to = at + 1;
                }
            }
            at += 1;
        }
        let next = next.filter(|_| self.run.stop.asked().is_none());
        *ahead = self.book(Then::End(next)).await?;
        failpoint::at("recorded");
        Ok(())
    }

    /// A history in a narrow character set could not hold the name, after all was done.
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

    /// A statement and its journal row in one transaction.
    async fn together(&mut self, at: usize) -> Result<(), Reason> {
        self.book(Then::Nothing).await?;
        let mut patience = Patience::new();
        loop {
            let Run {
                lock_timeout,
                waiting,
                stop,
                ..
            } = self.run;
            lock::begin(self.session, *lock_timeout, *waiting, stop).await?;
            self.unbooked.open = true;
            let Err(reason) = send(self.session, self.step, at, self.run, self.way).await else {
                break;
            };
            // The error that counts is the first; a connection that is gone has rolled back too.
            if self.session.run("ROLLBACK").await.is_err() {
                return Err(reason);
            }
            self.unbooked.open = false;
            match &reason {
                Reason::Statement(_, error, _)
                    if patience.again(self.session, error, self.run).await? => {}
                _ => return Err(with_blockers(self.session, reason).await),
            }
        }
        failpoint::at("data-sent");
        self.unbooked.to = at + 1;
        Ok(())
    }

    /// A statement that commits by itself, behind its intent.
    async fn alone(&mut self, at: usize, alone: &AutoCommitted) -> Result<(), Reason> {
        if self.intent != Some(at) {
            self.book(Then::Intent(at)).await?;
        }
        failpoint::at("intended");
        let sql = self.step.sql(at);
        let mut patience = Patience::new();
        let syntax = self.session.dialect.syntax();
        let mut algorithms = algorithms(syntax, sql, alone.online_ddl.as_ref()).into_iter();
        let mut algorithm = algorithms.next();
        while let Some((name, text)) = &algorithm {
            let error = match send_text(self.session, text, self.run, self.way).await? {
                Ok(()) => {
                    let told = name.map(|name| (at, name));
                    self.way.told.ways.extend(told);
                    break;
                }
                Err(error) => error,
            };
            match error.kind {
                ErrorKind::Connection => return Err(Reason::Lost(at, error)),
                ErrorKind::Busy if patience.again(self.session, &error, self.run).await? => {
                    self.clear(alone, &mut patience).await?;
                }
                ErrorKind::Busy | ErrorKind::Cancelled => {
                    let reason = self.failed(at, alone, error).await?;
                    return Err(with_blockers(self.session, reason).await);
                }
                // Whatever the engine has against this way, the statement as it is written counts.
                _ if name.is_some() => algorithm = algorithms.next(),
                _ => return Err(self.failed(at, alone, error).await?),
            }
        }
        failpoint::at("sent");
        self.done(at);
        Ok(())
    }

    /// A statement with an intent is done.
    fn done(&mut self, at: usize) {
        self.unbooked.to = at + 1;
        self.unbooked.intended = Some(at);
    }

    /// A statement that failed may have done a part of its work: only looking tells.
    async fn failed(
        &mut self,
        at: usize,
        alone: &AutoCommitted,
        error: DbError,
    ) -> Result<Reason, Reason> {
        let now = self.look(alone).await?;
        let told = |left| Reason::Statement(at, error.clone(), left);
        let (Some(before), Some(now)) = (&self.before, &now) else {
            // The server said no; that nothing is left behind is all but certain, and
            // somebody else must not be asked to decide about a typing mistake.
            self.forget_intent(at).await?;
            return Ok(told(Left::Unseen));
        };
        let left = match completion(alone, before, now) {
            Completion::NotRun => Left::Nothing,
            Completion::CleanUp(sql) => {
                self.session.run(&sql).await?;
                Left::Cleared(sql)
            }
            Completion::Ran => return Ok(told(Left::Effect)),
            Completion::Remaining(_) | Completion::InDoubt => return Ok(told(Left::Changed)),
        };
        self.forget_intent(at).await?;
        Ok(told(left))
    }

    /// Clears away what a try left half done, because it would be in the way of the next one.
    async fn clear(
        &mut self,
        alone: &AutoCommitted,
        patience: &mut Patience,
    ) -> Result<(), Reason> {
        let (Some(before), Some(now)) = (self.before.clone(), self.look(alone).await?) else {
            return Ok(());
        };
        let Completion::CleanUp(sql) = completion(alone, &before, &now) else {
            return Ok(());
        };
        while let Err(error) = self.session.run(&sql).await {
            if !patience.again(self.session, &error, self.run).await? {
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn look(&mut self, alone: &AutoCommitted) -> Result<Option<Definitions>, DbError> {
        let objects: Vec<&Object> = alone.objects.iter().collect();
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

    /// Decides about a statement whose intent an earlier run has left. `true` where it is done.
    async fn recover(&mut self, doubt: &Entry) -> Result<bool, Reason> {
        let at = self.step.from;
        let Some(RecoveryClass::AutoCommit(alone)) = self.step.recovery.get(at).cloned() else {
            // It may be run twice now; its row is written when it is through.
            self.forget_intent(at).await?;
            return Ok(false);
        };
        let now = self.look(&alone).await?;
        let undecided = |why, now: Option<Definitions>| {
            Err(Reason::Undecided(Box::new(Doubt {
                statement: at,
                why,
                objects: sides(&alone, doubt.before.as_ref(), now.as_ref()),
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
        let decided = completion(&alone, before, &now);
        failpoint::at("recovering");
        match decided {
            Completion::NotRun => Ok(false),
            Completion::Ran => {
                self.way.told.found = Some(at);
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

    /// Runs what is left to do of a statement.
    async fn finish(&mut self, at: usize, sql: &str) -> Result<(), Reason> {
        (self.run.notice)(&format!("an earlier run was interrupted: {sql}"));
        let mut patience = Patience::new();
        loop {
            let Err(error) = send_text(self.session, sql, self.run, self.way).await? else {
                return Ok(());
            };
            match error.kind {
                ErrorKind::Connection => return Err(Reason::Lost(at, error)),
                ErrorKind::Busy if patience.again(self.session, &error, self.run).await? => {}
                _ => {
                    let reason = Reason::Statement(at, error, Left::Unfinished);
                    return Err(with_blockers(self.session, reason).await);
                }
            }
        }
    }

    /// Puts into the journal what was done, and what comes then, in one commit. Gives the
    /// intent of the next file where that stands there.
    async fn book(&mut self, then: Then<'_>) -> Result<Option<Ahead>, Reason> {
        let (step, run) = (self.step, self.run);
        let Unbooked {
            from,
            to,
            intended,
            open,
        } = self.unbooked;
        let nothing = from == to && matches!(then, Then::Nothing);
        if nothing {
            return Ok(None);
        }
        let ahead = match &then {
            Then::Nothing => None,
            Then::Intent(at) => Some((step, *at)),
            Then::End(next) => {
                let next = next.filter(|next| may_stand_ahead(next));
                next.map(|next| (next, next.from))
            }
        };
        let coming = ahead.and_then(|(step, at)| match step.recovery.get(at) {
            Some(RecoveryClass::AutoCommit(alone)) => Some((step, at, &**alone)),
            _ => None,
        });
        let done = match intended.and_then(|at| step.recovery.get(at)) {
            Some(RecoveryClass::AutoCommit(alone)) => Some(&**alone),
            _ => None,
        };
        let mut patience = Patience::new();
        let (after, before) = loop {
            match both(self.session, done, coming.map(|(_, _, alone)| alone)).await {
                Ok(both) => break both,
                Err(error) if patience.again(self.session, &error, run).await? => {}
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
        if matches!(then, Then::End(_)) {
            texts.push(books(self.session, step, run)?);
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
        self.unbooked = Unbooked {
            from: to,
            to,
            ..Unbooked::default()
        };
        self.way.applied = to;
        match then {
            Then::Intent(at) => {
                self.intent = Some(at);
                self.before = before;
                Ok(None)
            }
            _ => Ok(coming.map(|_| Ahead(before))),
        }
    }

    /// What this file leaves in good order when it stops: what was done is booked, and an intent
    /// whose statement was not sent is taken back. Where that fails too, the next run sees to it.
    async fn leave(&mut self) {
        if self.own || self.unbooked.open {
            let _: Result<(), DbError> = self.session.run("ROLLBACK").await;
            self.unbooked = Unbooked {
                from: self.unbooked.from,
                to: self.unbooked.from,
                ..Unbooked::default()
            };
        }
        // The last statement's row comes with the migration's, or whoever finds it alone takes the
        // other for deleted. Its intent stays, and the next run finds out that it ran.
        let last = self.step.script.statements.len().saturating_sub(1);
        if self.unbooked.to > last {
            self.unbooked.to = last.max(self.unbooked.from);
            self.unbooked.intended = self.unbooked.intended.filter(|at| *at != last);
        }
        let _: Result<_, Reason> = self.book(Then::Nothing).await;
    }
}

/// Whether a file's first intent may be written before it is its turn: nothing has to happen
/// before it.
fn may_stand_ahead(next: &Step) -> bool {
    !next.transactional
        && next.waits_for.is_empty()
        && next.in_doubt.is_none()
        && next.from == 0
        && next.migration.name.is_ascii()
}

/// Looks at the objects of the statement that is done, and of the one that comes, in one trip.
async fn both(
    session: &mut Session,
    done: Option<&AutoCommitted>,
    coming: Option<&AutoCommitted>,
) -> Result<(Option<Definitions>, Option<Definitions>), DbError> {
    let of = |alone: Option<&AutoCommitted>| alone.map_or(0, |alone| alone.objects.len());
    let (first, second) = (of(done), of(coming));
    let all = done.into_iter().chain(coming);
    let objects: Vec<&Object> = all.flat_map(|alone| &alone.objects).collect();
    if objects.is_empty() {
        return Ok((None, None));
    }
    match observe(session, &objects).await? {
        Some(mut seen) => {
            let rest = seen.split_off(first);
            Ok(((first > 0).then_some(seen), (second > 0).then_some(rest)))
        }
        None if first > 0 && second > 0 => {
            // One of the two cannot be seen; that must not hide the other.
            let after = done.map(|alone| alone.objects.iter().collect::<Vec<_>>());
            let before = coming.map(|alone| alone.objects.iter().collect::<Vec<_>>());
            let after = observe(session, &after.unwrap_or_default()).await?;
            Ok((after, observe(session, &before.unwrap_or_default()).await?))
        }
        None => Ok((None, None)),
    }
}

/// Bookkeeping in a transaction of its own, or at the end of the one that is open. What it
/// records has been done, so no signal ends the wait for those who are in the way.
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

/// Each object by name, as it was and as it is.
fn sides(
    alone: &AutoCommitted,
    before: Option<&Definitions>,
    now: Option<&Definitions>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let side = |seen: Option<&Definitions>, at: usize| {
        seen.and_then(|seen| seen.get(at).cloned().flatten())
    };
    let objects = alone.objects.iter().enumerate();
    objects
        .map(|(at, object)| (object.name.clone(), side(before, at), side(now, at)))
        .collect()
}
