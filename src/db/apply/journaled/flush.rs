//! Writes journal rows: what is done, together with the intent of what comes next.

use super::super::send::Retry;
use super::super::{Reason, Run, entries, entry, journal_rows};
use super::{File, PrefetchedIntent};
use crate::db::definitions::observe;
use crate::db::session::{DbError, Session};
use crate::db::stop::Stop;
use crate::db::{failpoint, journal, lock};
use crate::dialect::recovery::{AutoCommitted, Definitions, Object, RecoveryClass};
use crate::model::history::Entry;
use crate::plan::Step;

/// Statements that are done and not in the journal yet.
#[derive(Default)]
pub(super) struct Pending {
    /// The range of the statements, from 0.
    pub(super) from: usize,
    pub(super) to: usize,
    /// The statement among them whose intent is in the journal.
    pub(super) intended: Option<usize>,
    /// Whether an open transaction holds them.
    pub(super) open: bool,
}

/// What is recorded together with the statements that are done.
pub(super) enum Next<'s> {
    Nothing,
    /// The intent of this statement of the same file.
    Intent(usize),
    /// The end of the file, and the first intent of the next one if it can be written here.
    End(Option<&'s Step>),
}

impl File<'_, '_> {
    pub(super) async fn forget_intent(&mut self, at: usize) -> Result<(), Reason> {
        let sql = journal::withdraw(self.session, &entry(self.step, at));
        self.intent = None;
        commit(self.session, &sql, false, self.run).await
    }

    /// Writes the pending journal rows and the next record in one commit. Returns the intent of
    /// the next file if it was written.
    pub(super) async fn flush(
        &mut self,
        record: Next<'_>,
    ) -> Result<Option<PrefetchedIntent>, Reason> {
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
            let started = Some(self.progress.started.as_str());
            texts.push(journal::record(self.session, &plain, run.id, started));
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
    pub(super) async fn record_rest(&mut self) {
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
