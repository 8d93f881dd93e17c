//! Several small files in one transaction and as one text, where the engine runs inside bird.

use super::{Run, whole};
use crate::db::failpoint;
use crate::db::session::{DbError, Session};
use crate::plan::Step;

/// So many bytes, and so many files, go as one text at most: a run can be stopped, and others can
/// write, only between.
const SMALL: usize = 64 * 1024;
const FEW: usize = 64;

/// How many of the next steps may go as one text: an embedded engine does not outlive its client,
/// so the rule that a statement goes alone protects nothing there.
pub fn together(session: &Session, steps: &[Step]) -> usize {
    if !session.dialect.facts().is_embedded() {
        return 0;
    }
    let mut bytes = 0;
    let fits = |step: &&Step| {
        bytes += step.migration.text.len();
        bytes <= SMALL
            && step.transactional
            && step.rebuilt.is_empty()
            && step.waits_for.is_empty()
            && !step.changes_session
    };
    steps.iter().take(FEW).take_while(fits).count()
}

/// Applies several steps in one transaction and as one text, each with all that belongs to it.
/// This saves syncing the disk for every file, and the way from thread to thread for every
/// statement. Where it does not go well, whatever the reason, nothing of it stands, and the slow
/// way, file by file, tells exactly.
pub async fn all_at_once(session: &mut Session, steps: &[Step], run: &Run<'_>) -> bool {
    if steps.is_empty() || run.stop.asked().is_some() {
        return false;
    }
    let mut text = format!("{};\n", session.dialect.begin());
    for step in steps {
        let count = step.script.statements.len();
        for statement in step.from..count {
            text.push_str(step.sql(statement));
            text.push_str("\n;\n");
        }
        let Ok(books) = whole(session, step, step.from..count, run) else {
            return false;
        };
        text.push_str(&books);
        text.push_str(";\n");
    }
    text.push_str("COMMIT");
    failpoint::at("in-transaction");
    if session.run(&text).await.is_ok() {
        failpoint::at("committed");
        return true;
    }
    // Where not even BEGIN went through there is nothing to roll back.
    let _: Result<(), DbError> = session.run("ROLLBACK").await;
    false
}
