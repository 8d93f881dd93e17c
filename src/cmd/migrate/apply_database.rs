//! One database of a run: its steps in order, each waiting where a `requires` says so.

use std::time::Instant;

use tokio::sync::watch;

use super::report::Ran;
use super::{Args, stopped};
use crate::cmd::context::Context;
use crate::cmd::run::locks::waiting;
use crate::cmd::run::open;
use crate::db::apply::{self, Done, Run, Told};
use crate::db::session::Session;
use crate::db::stop::Stop;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::model::history::Width;
use crate::plan::{DatabasePlan, Plan, Step};
use crate::project::Database;

/// How far a database is, for those that wait for it.
#[derive(Debug, Clone, Copy)]
pub enum Mark {
    /// So many of its steps are applied.
    Steps(usize),
    Stopped,
}

pub type Hands = Vec<(String, watch::Sender<Mark>)>;
pub type Ends = Vec<(String, watch::Receiver<Mark>)>;

pub fn marks(plan: &Plan) -> (Hands, Ends) {
    let channels = plan.databases.iter().map(|database| {
        let (hand, end) = watch::channel(Mark::Steps(0));
        ((database.name.clone(), hand), (database.name.clone(), end))
    });
    channels.unzip()
}

/// Waits until another database has applied what a step requires; `false` when it stopped.
async fn wait_for(plan: &Plan, ends: &Ends, stop: &Stop, (name, version): &(String, i64)) -> bool {
    let place = plan.of(name).and_then(|plan| {
        plan.steps
            .iter()
            .position(|step| step.migration.version == *version)
    });
    let end = ends.iter().find(|(known, _)| known == name);
    let (Some(place), Some((_, end))) = (place, end) else {
        return true;
    };
    let mut end = end.clone();
    let reached = end.wait_for(|mark| match mark {
        Mark::Steps(done) => *done > place,
        Mark::Stopped => true,
    });
    match stop.race(reached).await {
        Ok(Ok(mark)) => matches!(*mark, Mark::Steps(_)),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// Which server it is; nothing where it does not tell, or not to this account.
async fn identity(session: &mut Session) -> Option<String> {
    let query = session.dialect.identity_query(&session.server)?;
    session.value(query).await.ok().flatten()
}

/// One database of the run, and what it needs to know of the others.
pub struct Lane<'a> {
    pub context: &'a Context,
    pub args: &'a Args,
    pub database: &'a Database,
    pub plan: &'a Plan,
    pub hands: &'a Hands,
    pub ends: &'a Ends,
}

impl Lane<'_> {
    /// Applies the steps of this database until the end or until one stops.
    pub async fn steps(&self, own: &DatabasePlan, session: &mut Session, width: Width) -> Ran {
        let waiting = waiting(self.context, self.database);
        let notice = |text: &str| {
            let text = format!("{}: {text}", self.database.name);
            self.context.progress.notice(&text);
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
            stop: &self.context.stop,
        };
        let mut ran = self.accept(own, session, width).await;
        let mut ahead = None;
        let (mut at, mut slow_until) = (0, 0);
        while let Some(step) = own.steps.get(at).filter(|_| ran.stopped.is_none()) {
            let title = step.migration.title();
            self.context
                .progress
                .advance(0, &format!("{} {title}", own.name));
            let start = Instant::now();
            if at >= slow_until {
                let next = own.steps.get(at..).unwrap_or_default();
                let some = &next[..apply::together(session, next)];
                if apply::all_at_once(session, some, &run).await {
                    // What went together shares its time evenly.
                    let each = start.elapsed() / u32::try_from(some.len()).unwrap_or(1);
                    some.iter()
                        .for_each(|step| ran.done(step, Done::Applied, Told::default(), each));
                    self.advance(some);
                    at += some.len();
                    self.mark(Mark::Steps(at));
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
            let start = Instant::now();
            let next = own.steps.get(at + 1);
            match apply::apply(session, step, next, &run, &mut ahead).await {
                Ok((done, told)) => ran.done(step, done, told, start.elapsed()),
                Err(stop) => {
                    ran.sent |= stop.sent;
                    let told = stopped::diagnose(
                        self.context,
                        self.database,
                        step,
                        &stop,
                        run.lock_timeout,
                    );
                    ran.stop_at(at, told);
                    break;
                }
            }
            self.advance(std::slice::from_ref(step));
            at += 1;
            self.mark(Mark::Steps(at));
        }
        if ran.stopped.is_some() {
            self.mark(Mark::Stopped);
        }
        ran
    }

    fn advance(&self, done: &[Step]) {
        let statements = done
            .iter()
            .map(|step| step.script.statements.len() - step.from);
        self.context.progress.advance(statements.sum(), "");
    }

    fn mark(&self, mark: Mark) {
        if let Some((_, hand)) = self
            .hands
            .iter()
            .find(|(name, _)| *name == self.database.name)
        {
            hand.send_replace(mark);
        }
    }

    /// The database whose stop keeps this step from being applied.
    async fn blocked_by(&self, step: &Step) -> Option<String> {
        for wait in &step.waits_for {
            if !wait_for(self.plan, self.ends, &self.context.stop, wait).await {
                return Some(format!("{}@{}", wait.0, wait.1));
            }
        }
        None
    }
}

/// A step that was never begun, because what it requires was not reached.
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
        .hint("run bird migrate again once the other database is mended");
    (fault, open::interrupted(context, Exit::Refused))
}
