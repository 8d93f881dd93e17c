//! Applies several small files in one transaction and as one text, if the engine is embedded.

use super::{Run, record_all};
use crate::db::failpoint;
use crate::db::session::{DbError, Session};
use crate::plan::Step;

/// The largest number of bytes and of files in one text: a run can be stopped, and others can
/// write, only between texts.
const SMALL: usize = 64 * 1024;
const FEW: usize = 64;

/// The number of next steps that may go as one text: an embedded engine does not outlive its
/// client, so sending statements one by one protects nothing there.
pub fn batch_size(session: &Session, steps: &[Step]) -> usize {
    if !session.dialect.facts().is_embedded() {
        return 0;
    }
    let mut bytes = 0;
    let fits = |step: &&Step| {
        bytes += step.migration.text.len();
        bytes <= SMALL
            && step.transactional
            && !step.suspends_keys
            && step.waits_for.is_empty()
            && !step.changes_session
    };
    steps.iter().take(FEW).take_while(fits).count()
}

/// Applies several steps in one transaction and as one text, each with its history and journal
/// rows. This saves syncing the disk for every file, and passing every statement to another
/// thread. If it fails for any reason, all is rolled back, and applying file by file reports the
/// exact cause.
pub async fn apply_batch(session: &mut Session, steps: &[Step], run: &Run<'_>) -> bool {
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
        let Ok(journal_rows) = record_all(session, step, step.from..count, run, None) else {
            return false;
        };
        text.push_str(&journal_rows);
        text.push_str(";\n");
    }
    text.push_str("COMMIT");
    failpoint::at("in-transaction");
    if session.run(&text).await.is_ok() {
        failpoint::at("committed");
        return true;
    }
    // If not even BEGIN succeeded there is nothing to roll back.
    let _: Result<(), DbError> = session.run("ROLLBACK").await;
    false
}
