//! Describes a migration that stopped: what failed and where, what is applied, what to do next.

use std::time::Duration;

use crate::cmd::context::Context;
use crate::cmd::run::locks::no_lock;
use crate::cmd::run::siblings::{beside, siblings};
use crate::db::apply::{InDoubt, LeftBehind, Reason, Stopped};
use crate::db::session::DbError;
use crate::dialect::ErrorKind;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::exit::Exit;
use crate::model::history::Direction;
use crate::plan::Step;
use crate::project::Database;
use crate::sql::{Cursor, script};

/// Why a migration stopped, and the exit code for this reason alone.
pub fn diagnose(
    context: &Context,
    database: &Database,
    step: &Step,
    stopped: &Stopped,
    lock_timeout: Duration,
) -> (Diagnostic, Exit) {
    let again = again(step);
    let name = &database.name;
    let title = step.migration.title();
    let count = step.script.statements.len();
    let whole = || Location::file(&step.migration.file);
    // Engines quote statements and values, and both may hold a secret.
    let hide = |text: &str| script::hide(step.syntax, &step.migration.text, text);
    let error = |code, message: String| {
        Diagnostic::new(code, message)
            .database(name)
            .note(stands(step, stopped.applied))
    };
    match &stopped.reason {
        Reason::Statement(at, reason, left) => {
            let what = match reason.kind {
                ErrorKind::Cancelled => "was cancelled",
                _ => "failed",
            };
            let message = format!(
                "{name}: statement {} of {count} of {title} {what}: {}",
                at + 1,
                hide(&reason.to_string())
            );
            let interrupted = context.stop.asked();
            let interrupted = interrupted.filter(|_| reason.kind == ErrorKind::Cancelled);
            let hint = match interrupted {
                Some(_) => {
                    format!("the second signal cancelled it on the server; {again} to continue")
                }
                None => not_required(context, database, step, *at, reason)
                    .unwrap_or_else(|| way_on(step, *at, reason)),
            };
            let mut fault = error(Code::StatementFailed, message)
                .at(place(step, *at, reason))
                .hint(hint);
            fault
                .notes
                .splice(0..0, reason.notes.iter().map(|note| hide(note)));
            fault.notes.extend(left_behind(left));
            (fault, interrupted.unwrap_or(Exit::Stopped))
        }
        Reason::Lost(at, reason) => {
            let message = format!(
                "{name}: the connection was lost while statement {} of {count} of {title} ran: {}",
                at + 1,
                reason
            );
            let fault = error(Code::ConnectionLost, message)
                .at(step.location(*at))
                .note("the server may still be running it")
                .hint(format!(
                    "{again}: it waits until the old session ends, then checks how the \
                    statement ended"
                ));
            (fault, Exit::Stopped)
        }
        Reason::Undecided(doubt) => undecided(database, step, doubt),
        // The last statement may have been applied: only the database knows, and the next run asks it.
        Reason::Bookkeeping(reason) if reason.kind == ErrorKind::Connection => {
            let message = format!(
                "{name}: the connection was lost while {title} was being recorded: {}",
                reason
            );
            let fault = Diagnostic::new(Code::ConnectionLost, message)
                .database(name)
                .at(whole())
                .note("bird does not know whether the last commit succeeded")
                .hint(format!(
                    "{again}: it checks what is applied, and continues there"
                ));
            (fault, Exit::Stopped)
        }
        Reason::Bookkeeping(reason) => {
            let message = format!(
                "{name}: finishing {title} failed: {}",
                hide(&reason.to_string())
            );
            let fault = error(Code::FinishFailed, message)
                .at(whole())
                .hint(format!("look at `bird status`, then {again}"));
            (fault, Exit::Stopped)
        }
        Reason::ForeignKeys(tables) => {
            let tables = tables.join(", ");
            let message = format!("{name}: {title} would leave rows without parents in {tables}");
            let fault = error(Code::ForeignKeys, message)
                .at(whole())
                .note("PRAGMA foreign_key_check found more such rows after it than before")
                .hint(format!(
                    "keep the keys that other tables refer to, then {again}"
                ));
            (fault, Exit::Stopped)
        }
        Reason::Lock(reason) => {
            let failure = no_lock(database, reason, lock_timeout);
            let first = failure.diagnostics.into_iter().next();
            let fallback = || error(Code::Locked, format!("`{name}` is locked"));
            let fault = first
                .unwrap_or_else(fallback)
                .note(stands(step, stopped.applied));
            (fault, failure.exit)
        }
        Reason::Foreign(other) => {
            let message = format!(
                "{name}: while bird waited, someone applied another V{}, `{other}`",
                step.migration.version
            );
            let fault = error(Code::MigrationChanged, message)
                .at(whole())
                .hint("check `bird status`: another checkout migrates the same database");
            (fault, Exit::Refused)
        }
        Reason::Signal(exit) => {
            let message = format!("{name}: stopped before the end of {title}");
            let fault = error(Code::Interrupted, message).hint(format!("{again} to continue"));
            (fault, *exit)
        }
    }
}

/// The versions that a run has applied or undone, and those that it has not come to:
/// `twitter: V1 to V2 applied in this run, V4 to V5 not run`.
pub fn where_it_stands(name: &str, direction: Direction, done: &[i64], rest: &[i64]) -> String {
    let how = match direction {
        Direction::Up => "applied",
        Direction::Undo => "undone",
    };
    let list = |versions: &[i64]| match versions {
        [] => "no whole migration".to_owned(),
        [one] => format!("V{one}"),
        [first, .., last] => format!("V{first} to V{last}"),
    };
    let done = list(done);
    if rest.is_empty() {
        format!("{name}: {done} {how} in this run")
    } else {
        format!("{name}: {done} {how} in this run, {} not run", list(rest))
    }
}

/// How much of the file is applied.
fn stands(step: &Step, applied: usize) -> String {
    let (title, count) = (step.migration.title(), step.script.statements.len());
    let (title, left) = match step.direction {
        Direction::Up => (title, "nothing of it is applied"),
        Direction::Undo => (format!("the undo of {title}"), "nothing of it is undone"),
    };
    if step.transactional {
        format!("{title} is rolled back: {left}")
    } else if applied == 0 {
        format!("nothing of {title} is applied")
    } else if applied == count {
        format!("all {count} statements of {title} are applied, but it is not recorded")
    } else {
        let which = match applied {
            1 => "statement 1".to_owned(),
            more => format!("statements 1 to {more}"),
        };
        format!("{which} of {count} of {title}: applied and recorded")
    }
}

/// What a failed statement has left behind, unless that is certainly nothing.
fn left_behind(left: &LeftBehind) -> Option<String> {
    Some(match left {
        LeftBehind::Nothing | LeftBehind::Unseen => return None,
        LeftBehind::Cleared(sql) => format!("bird removed what it left half done: {sql}"),
        LeftBehind::Effect => {
            "its change is in place all the same: the next run finds it applied and continues".into()
        }
        LeftBehind::Unfinished => {
            "an earlier run left it half done: the next run continues it"
                .into()
        }
        LeftBehind::Changed => {
            "it failed, but the objects that it touches have changed: the next run asks you to decide"
                .into()
        }
    })
}

/// Both definitions, and the two answers that a person can give.
fn undecided(database: &Database, step: &Step, doubt: &InDoubt) -> (Diagnostic, Exit) {
    let name = &database.name;
    let (title, number) = (step.migration.title(), doubt.statement + 1);
    let message = format!(
        "{name}: bird cannot tell whether statement {number} of {title}, which an earlier run \
         sent, was applied: {}",
        doubt.why
    );
    let mut fault = Diagnostic::new(Code::Undecided, message)
        .database(name)
        .at(step.location(doubt.statement))
        .note(stands(step, step.from));
    for (object, before, now) in &doubt.objects {
        // A definition may hold a secret: a connection to another server, an option of a server.
        let side = |side: &Option<String>| match side {
            Some(definition) => {
                let definition = definition.trim();
                script::blot(definition, &script::secrets(step.syntax, definition))
            }
            None => "missing, or not visible to this account".to_owned(),
        };
        fault
            .notes
            .push(format!("{object} before: {}", side(before)));
        fault.notes.push(format!("{object} now: {}", side(now)));
    }
    let place = format!("{name}@{}.{number}", step.migration.version);
    let hint = format!(
        "check the database, then run: bird resolve {place} --applied, or bird resolve {place} \
         --not-applied"
    );
    (fault.hint(hint), Exit::Undecided)
}

/// The command that continues, which is the one that began.
fn again(step: &Step) -> &'static str {
    match step.direction {
        Direction::Up => "run bird migrate again",
        Direction::Undo => "run the same bird undo again",
    }
}

/// What to do next about a statement that failed.
fn way_on(step: &Step, at: usize, error: &DbError) -> String {
    let again = again(step);
    let file = match step.direction {
        Direction::Up => "the file",
        Direction::Undo => "the undo file",
    };
    if error.kind == ErrorKind::Busy {
        return format!(
            "another transaction holds a lock: wait longer with --lock-timeout 5m, or end it; then \
             {again}"
        );
    }
    if error.kind == ErrorKind::Cancelled {
        return format!(
            "if it needs more time, raise or remove `statement_timeout` in bird.toml; then {again}"
        );
    }
    if step.transactional {
        format!("fix {file} and {again}: it starts this file again")
    } else {
        format!(
            "fix {file} from statement {} on and {again}: it resumes there",
            at + 1
        )
    }
}

/// What to do about a statement that lacks something of another database of the project, which its
/// file does not require. `None` if it names no such database.
fn not_required(
    context: &Context,
    database: &Database,
    step: &Step,
    at: usize,
    error: &DbError,
) -> Option<String> {
    let statement = step.script.statements.get(at)?;
    let text = step.migration.text.get(statement.range.clone())?;
    let words = Cursor::without_numbers(step.syntax, text);
    let lacks = match error.kind {
        ErrorKind::MissingDatabase | ErrorKind::MissingTable | ErrorKind::MissingObject => true,
        // MariaDB says that the key is wrong.
        ErrorKind::Other => words.has("REFERENCES"),
        _ => false,
    };
    if step.direction != Direction::Up || !lacks {
        return None;
    }
    let schemas = siblings(context, database);
    let others = beside(context, database).map(|other| (other, other.target.database()));
    let is_named = |name: &str| {
        words.tokens().enumerate().any(|(at, token)| {
            let is_it = token.is_name() && token.folded() == name.to_lowercase();
            is_it && words.get(at + 1).is_some_and(|next| next.text == ".")
        })
    };
    let mut named = schemas.chain(others).filter(|(_, name)| is_named(name));
    let (other, _) = named.find(|(other, _)| {
        let mut requires = step.script.requires.iter();
        requires.all(|required| required.database != other.name)
    })?;
    let files = context.project.read_migrations_of(other).ok()?;
    let newest = files.iter().map(|file| file.version).max()?;
    let (name, again) = (&other.name, again(step));
    Some(format!(
        "the statement names `{name}`, whose migrations may run later: begin the file with \
         `-- bird: requires {name}@{newest}`, then {again}"
    ))
}

/// Where the engine points, or the statement.
fn place(step: &Step, at: usize, error: &DbError) -> Location {
    let Some(statement) = step.script.statements.get(at) else {
        return step.location(at);
    };
    let Some(offset) = error.at else {
        return step.location(at);
    };
    let text = &step.migration.text;
    let start = (statement.range.start + offset).min(statement.range.end.saturating_sub(1));
    let rest = text.get(start..statement.range.end).unwrap_or_default();
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let span = start..start + word.max(first);
    step.place(span)
}
