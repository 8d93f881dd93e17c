//! Applies the steps of one database in order, and waits at the barriers that `requires` sets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::watch;

use super::report::Ran;
use super::{Args, stopped};
use crate::cmd::context::Context;
use crate::cmd::run::locks::waiting;
use crate::cmd::run::open;
use crate::db::apply::{self, Done, Notes, Run};
use crate::db::session::Session;
use crate::db::stop::Stop;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::model::history::Width;
use crate::plan::{DatabasePlan, Plan, Step};
use crate::project::Database;

/// How far a database is, for the databases that wait for it.
#[derive(Debug, Clone, Copy)]
pub enum Barrier {
    /// The number of steps that are applied.
    Steps(usize),
    Stopped,
}

pub type BarrierSenders = Vec<(String, watch::Sender<Barrier>)>;
pub type BarrierReceivers = Vec<(String, watch::Receiver<Barrier>)>;

pub fn barriers(plan: &Plan) -> (BarrierSenders, BarrierReceivers) {
    let channels = plan.databases.iter().map(|database| {
        let (sender, receiver) = watch::channel(Barrier::Steps(0));
        (
            (database.name.clone(), sender),
            (database.name.clone(), receiver),
        )
    });
    channels.unzip()
}

/// Waits until another database has applied what a step requires; `false` if it stopped.
async fn wait_for(
    plan: &Plan,
    receivers: &BarrierReceivers,
    stop: &Stop,
    (name, version): &(String, i64),
) -> bool {
    let place = plan.of(name).and_then(|plan| {
        plan.steps
            .iter()
            .position(|step| step.migration.version == *version)
    });
    let receiver = receivers.iter().find(|(known, _)| known == name);
    let (Some(place), Some((_, receiver))) = (place, receiver) else {
        return true;
    };
    let mut receiver = receiver.clone();
    let reached = receiver.wait_for(|state| match state {
        Barrier::Steps(done) => *done > place,
        Barrier::Stopped => true,
    });
    match stop.race(reached).await {
        Ok(Ok(state)) => matches!(*state, Barrier::Steps(_)),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// The identity of the server; `None` if it has none or hides it from this account.
async fn identity(session: &mut Session) -> Option<String> {
    let query = session.dialect.identity_query(&session.server)?;
    session.value(query).await.ok().flatten()
}

/// Applies the steps of one database, and knows how far the others are.
pub struct Applier<'a> {
    pub context: &'a Context,
    pub args: &'a Args,
    pub database: &'a Database,
    pub plan: &'a Plan,
    pub senders: &'a BarrierSenders,
    pub receivers: &'a BarrierReceivers,
}

impl Applier<'_> {
    /// Applies the steps of this database until the end or until one stops.
    pub async fn steps(&self, own: &DatabasePlan, session: &mut Session, width: Width) -> Ran {
        let waiting = waiting(self.context, self.database);
        let notice = |text: &str| {
            let text = format!("{}: {text}", self.database.name);
            self.context.progress.notice(&text);
        };
        let counted = AtomicUsize::new(0);
        let statement = |step: &Step, at: usize| {
            let (name, title, of) = (
                &self.database.name,
                step.migration.title(),
                step.script.statements.len(),
            );
            let item = if of > 1 {
                format!("{name} {title}, statement {} of {of}", at + 1)
            } else {
                format!("{name} {title}")
            };
            // A file that was rolled back begins again, and counts once.
            let done = at.saturating_sub(step.from);
            let before = counted.fetch_max(done, Ordering::Relaxed);
            let some = done.saturating_sub(before);
            self.context.progress.advance(some, &item);
        };
        let bare = own.steps.iter().any(|step| !step.transactional);
        let run = Run {
            id: self.context.run,
            target: &self.database.target,
            identity: if bare { identity(session).await } else { None },
            width,
            lock_timeout: self.args.locks.timeout(self.database),
            statement_timeout: self.database.statement_timeout,
            waiting: &waiting,
            notice: &notice,
            statement: &statement,
            stop: &self.context.stop,
        };
        let mut ran = self.accept(own, session, width).await;
        let mut ahead = None;
        let (mut at, mut slow_until) = (0, 0);
        while let Some(step) = own.steps.get(at).filter(|_| ran.stopped.is_none()) {
            let title = step.migration.title();
            let name = &own.name;
            self.context.progress.advance(0, &format!("{name} {title}"));
            let start = Instant::now();
            if at >= slow_until {
                let next = own.steps.get(at..).unwrap_or_default();
                let some = &next[..apply::batch_size(session, next)];
                if let [_, .., last] = some {
                    let item = format!("{name} {title} to {}", last.migration.title());
                    self.context.progress.advance(0, &item);
                }
                if apply::apply_batch(session, some, &run).await {
                    // The steps of a batch share its time evenly.
                    let each = start.elapsed() / u32::try_from(some.len()).unwrap_or(1);
                    some.iter()
                        .for_each(|step| ran.done(step, Done::Applied, Notes::default(), each));
                    self.advance(some, 0);
                    at += some.len();
                    self.set_barrier(Barrier::Steps(at));
                    continue;
                }
                slow_until = at + some.len();
            }
            if let Some(other) = self.blocked_by(step).await {
                ran.stop_at(
                    at,
                    stopped_waiting(self.context, self.database, step, &other),
                );
                break;
            }
            if step.switches_keys {
                notice(&format!(
                    "{title}: PRAGMA foreign_keys does nothing in a transaction; bird itself turns \
                     foreign keys off for such a file, and checks them before it commits"
                ));
            }
            let start = Instant::now();
            let next = own.steps.get(at + 1);
            match apply::apply(session, step, next, &run, &mut ahead).await {
                Ok((done, notes)) => ran.done(step, done, notes, start.elapsed()),
                Err(stop) => {
                    ran.sent |= stop.sent;
                    let reason = stopped::diagnose(
                        self.context,
                        self.database,
                        step,
                        &stop,
                        run.lock_timeout,
                    );
                    ran.stop_at(at, reason);
                    break;
                }
            }
            let counted = counted.swap(0, Ordering::Relaxed);
            self.advance(std::slice::from_ref(step), counted);
            at += 1;
            self.set_barrier(Barrier::Steps(at));
        }
        if ran.stopped.is_some() {
            self.set_barrier(Barrier::Stopped);
        }
        ran
    }

    /// Counts the statements of steps that are done, without those that were counted before.
    fn advance(&self, done: &[Step], counted: usize) {
        let statements = done
            .iter()
            .map(|step| step.script.statements.len() - step.from);
        let all: usize = statements.sum();
        let rest = all.saturating_sub(counted);
        self.context.progress.advance(rest, "");
    }

    fn set_barrier(&self, state: Barrier) {
        if let Some((_, sender)) = self
            .senders
            .iter()
            .find(|(name, _)| *name == self.database.name)
        {
            sender.send_replace(state);
        }
    }

    /// The required migration whose database stopped before it was applied, if there is one.
    async fn blocked_by(&self, step: &Step) -> Option<String> {
        for wait in &step.waits_for {
            if !wait_for(self.plan, self.receivers, &self.context.stop, wait).await {
                return Some(format!("{}@{}", wait.0, wait.1));
            }
        }
        None
    }
}

/// The error of a step that did not begin, because what it requires was not applied.
fn stopped_waiting(
    context: &Context,
    database: &Database,
    step: &Step,
    required: &str,
) -> (Diagnostic, Exit) {
    let message = format!(
        "{}: {} requires {required}, which was not applied",
        database.name,
        step.migration.title()
    );
    let fault = Diagnostic::new(Code::RequiresUnmet, message)
        .database(&database.name)
        .hint("run bird migrate again once the other database is fixed");
    (fault, open::interrupted(context, Exit::Refused))
}
