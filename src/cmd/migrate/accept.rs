//! `--accept-checksum`: accepts a changed file as it is.

use super::apply_database::Applier;
use super::report::Ran;
use crate::cmd::run::locks::{no_lock, waiting};
use crate::db::session::Session;
use crate::db::stored_migration;
use crate::db::stored_migration::{Patience, Stamped};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::exit::Exit;
use crate::model::history::Width;
use crate::plan::{Accepted, DatabasePlan};

/// The longest reason, in characters.
const LONGEST: usize = 1000;

/// Parses a reason. It is stored, so it must not be empty.
pub fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("give the reason why the changed file is right".into()),
        text if text.chars().count() > LONGEST => {
            Err(format!("at most {LONGEST} characters are kept"))
        }
        text => Ok(text.to_owned()),
    }
}

impl Applier<'_> {
    /// Accepts the changed files of this database, under the lock and before its first step.
    pub async fn accept(&self, own: &DatabasePlan, session: &mut Session, width: Width) -> Ran {
        let mut ran = Ran::default();
        let reason = self.args.reason.as_deref().unwrap_or_default();
        let waiting = waiting(self.context, self.database);
        let patience = Patience {
            timeout: self.args.locks.timeout(self.database),
            waiting: &waiting,
            stop: &self.context.stop,
        };
        for accepted in &own.accepted {
            let done = stored_migration::accept(session, accepted, width, reason, &patience).await;
            let stopped = match done {
                Ok(Stamped::Done) => {
                    ran.accepted(&accepted.migration);
                    continue;
                }
                Ok(Stamped::Otherwise) => (self.otherwise(accepted), Exit::Refused),
                Err(reason) => {
                    let failure = no_lock(self.database, &reason, patience.timeout);
                    let first = failure.diagnostics.into_iter().next();
                    (
                        first.unwrap_or_else(|| self.otherwise(accepted)),
                        failure.exit,
                    )
                }
            };
            ran.stopped = Some(stopped);
            break;
        }
        ran
    }

    fn otherwise(&self, accepted: &Accepted) -> Diagnostic {
        let file = &accepted.migration;
        let message = format!(
            "{}: another run changed the history row of {}",
            self.database.name,
            file.title()
        );
        Diagnostic::new(Code::HistoryEdited, message)
            .database(&self.database.name)
            .at(Location::new(
                &file.file,
                &file.text,
                file.text.clone(),
                0..0,
            ))
            .hint("look at `bird status`, then decide again")
    }
}
