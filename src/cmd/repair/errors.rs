//! The errors of a repair.

use std::time::Duration;

use super::Args;
use super::report::RepairReport;
use crate::cmd::context::Context;
use crate::cmd::run::missing::{self, MissingConsents};
use crate::cmd::run::{locks, open, protected};
use crate::db::repair::ChunkError;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::project::Database;

/// The error about a missing database.
pub fn absent(database: &Database) -> Failure {
    let message = format!("the database `{}` does not exist", database.name);
    let fault = Diagnostic::new(Code::NoDatabase, message).database(&database.name);
    Failure::failed(fault.hint("create it with `bird provision`"))
}

/// The error about a chunk that was rolled back.
pub fn chunk_error(database: &Database, chunk_error: ChunkError, timeout: Duration) -> Failure {
    let name = &database.name;
    match chunk_error {
        ChunkError::Database(doing, error) => {
            Failure::failed(open::cannot_ask(database, doing, &error))
        }
        ChunkError::Broken(broken) => broken.into(),
        ChunkError::Lock(reason) => locks::no_lock(database, &reason, timeout),
        ChunkError::Elsewhere => {
            let message = format!("{name}: another run is repairing with the same plan");
            let fault = Diagnostic::new(Code::Elsewhere, message).database(name);
            Failure::refused(fault.hint("wait for the other run, then run the same command again"))
        }
        ChunkError::Differ(doing, wanted, changed) => {
            let message =
                format!("{name}: {doing}: {wanted} rows should have changed, but {changed} did");
            let fault = Diagnostic::new(Code::RowsDiffer, message).database(name);
            Failure::failed(fault.hint("look for triggers and rules that change these tables"))
        }
    }
}

/// Refuses a run for any reason. One that only shows what it would do lists the consents that it
/// lacks, and is refused for what no consent lifts. `has_rows` says whether there is anything to
/// write.
pub fn refuse_or_list(
    context: &Context,
    args: &Args,
    reasons: Vec<Diagnostic>,
    has_rows: bool,
) -> Result<MissingConsents, Failure> {
    let refused = Failure::refuse(reasons);
    if args.writes() {
        return refused.map(|()| MissingConsents::default());
    }
    let mut missing = missing::liftable(refused)?;
    if has_rows {
        missing.extend(protected::missing(context, &args.consents));
    }
    Ok(MissingConsents::new(missing))
}

/// The error about a signal.
pub fn interrupted(exit: Exit) -> Failure {
    Failure {
        exit,
        diagnostics: vec![Diagnostic::new(Code::Interrupted, "interrupted")],
    }
}

/// Reports why a run stopped and what stays committed; `wrote` if it wrote something besides its
/// chunks.
pub fn stopped(report: &mut RepairReport, failure: Failure, wrote: bool) {
    let chunks: u64 = report.references.iter().map(|part| part.now.chunks).sum();
    report.exit = match failure.exit {
        exit @ (Exit::Interrupted | Exit::Terminated) => exit,
        _ if wrote || chunks > 0 => Exit::Stopped,
        exit => exit,
    };
    let stands = match chunks {
        0 => "this run has committed no chunk".to_owned(),
        1 => "this run has committed one chunk".to_owned(),
        chunks => format!("this run has committed its chunks 1–{chunks}"),
    };
    for mut fault in failure.diagnostics {
        let hint = "run the same command again to continue";
        fault.hint.get_or_insert_with(|| hint.to_owned());
        let stands = format!("{stands}; nothing else was changed");
        report.diagnostics.push(fault.note(stands));
    }
}

/// The note about numbers of quarantined rows that the engine may give to new rows.
pub fn numbered_again(table: &str, rows: u64) -> Diagnostic {
    let message = format!(
        "{table}: new rows may get the numbers of quarantined rows, which are the highest: {rows}"
    );
    Diagnostic::new(Code::NumberedAgain, message)
        .note("--undo cannot restore a row whose number was reused")
        .hint("AUTOINCREMENT in the table's definition prevents reuse")
}
