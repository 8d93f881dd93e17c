//! Recovery: decides about the statement that an earlier run left in doubt, and finishes one that it
//! left half done.

use super::super::send::{Retry, send_text, with_blockers};
use super::super::{InDoubt, LeftBehind, Reason};
use super::File;
use crate::db::failpoint;
use crate::dialect::ErrorKind;
use crate::dialect::recovery::{AutoCommitted, Completion, Definitions, RecoveryClass, completion};
use crate::model::history::Entry;

impl File<'_, '_> {
    /// Decides about a statement whose intent an earlier run has left; `true` if it is done.
    pub(super) async fn recover(&mut self, doubt: &Entry) -> Result<bool, Reason> {
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
                "it was sent to another server, which may still be running it",
                now,
            );
        }
        let (Some(before), Some(now)) = (&doubt.before, now) else {
            return undecided("nothing in the database shows whether it ran", None);
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
                "its objects have changed in a way that the statement does not explain",
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
