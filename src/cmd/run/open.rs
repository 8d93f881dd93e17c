//! Opens sessions, reads migrations, and describes the errors of both.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::cmd::context::Context;
use crate::db::session::{Access, DbError, Session};
use crate::dialect::ErrorKind;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::output::human::seconds;
use crate::project::Database;

/// The pause between attempts to reach a server that does not answer yet.
const PAUSE: Duration = Duration::from_millis(250);

/// Retries work on a target until its server accepts connections or the time is over.
pub async fn retry<T, F: Future<Output = Result<T, DbError>>>(
    context: &Context,
    target: &Target,
    wait: Option<Duration>,
    work: impl Fn() -> F,
) -> Result<T, DbError> {
    let start = Instant::now();
    let mut is_first = true;
    loop {
        let mut error = match context.stop.race(work()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error,
            Err(_) => return Err(DbError::new(ErrorKind::Connection, "interrupted")),
        };
        let over = wait.is_none_or(|wait| start.elapsed() >= wait);
        if error.kind != ErrorKind::Connection || over {
            error.waited = wait;
            return Err(error);
        }
        if std::mem::take(&mut is_first) {
            context.progress.notice(&format!(
                "waiting up to {} for {} to accept connections",
                seconds(wait.unwrap_or_default()),
                target.shown()
            ));
        }
        if context.stop.race(tokio::time::sleep(PAUSE)).await.is_err() {
            return Err(error);
        }
    }
}

/// Opens one database, and waits for its server if `wait` is set.
pub async fn session(
    context: &Context,
    database: &Database,
    access: Access,
    wait: Option<Duration>,
) -> Result<Session, DbError> {
    let schema = database.schema.as_deref();
    let open = || Session::open(&database.target, database.dialect, schema, access);
    retry(context, &database.target, wait, open).await
}

/// Opens the maintenance database of the server on which a database does not exist yet, and gives
/// its target; `None` on an embedded engine.
pub async fn entry(
    context: &Context,
    database: &Database,
    wait: Option<Duration>,
) -> Result<Option<(Target, Session)>, DbError> {
    let (Target::Server(server), Some(entry)) =
        (&database.target, database.dialect.facts().maintenance_db)
    else {
        return Ok(None);
    };
    let mut there = server.clone();
    there.database = entry.to_owned();
    let there = Target::Server(there);
    let open = || Session::open(&there, database.dialect, None, Access::ReadOnly);
    let session = retry(context, &there, wait, open).await?;
    Ok(Some((there, session)))
}

/// How a server's database that does not exist is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    IsAnError,
    /// It will be created.
    IsEmpty,
}

/// Whether the database is a file that does not exist; a writing command creates it.
pub fn is_absent_file(database: &Database) -> bool {
    matches!(&database.target, Target::File(file) if !file.path.exists())
}

/// The exit code of the signal that stopped the run, else the given one.
pub fn interrupted(context: &Context, exit: Exit) -> Exit {
    context.stop.asked().unwrap_or(exit)
}

/// The hint about a table of bird's own that another account could have made.
const UNTRUSTED: &str = "whoever may create objects there could run code with bird's rights; find out \
    who made it, then drop or rename it";

/// The error for a database that could not be opened, with a hint.
pub fn cannot_open(database: &Database, error: &DbError) -> Diagnostic {
    let (name, place) = (&database.name, database.target.shown());
    let message = match error.kind {
        ErrorKind::MissingDatabase if *name == place => format!("there is no database {place}"),
        ErrorKind::MissingDatabase => format!("the database `{name}` does not exist: {place}"),
        _ if *name == place => format!("cannot open {place}: {}", error),
        _ => format!("cannot open `{name}` ({place}): {}", error),
    };
    let variable = match database.variable() {
        Some(variable) => format!(" ({variable})"),
        None => String::new(),
    };
    let (code, hint) = match error.kind {
        ErrorKind::Denied if matches!(database.target, Target::File(_)) => {
            let hint = "give this user the right to write the file and its folder, or name another \
                file in its URL";
            (Code::Denied, format!("{hint}{variable}"))
        }
        ErrorKind::MissingDatabase => (
            Code::NoDatabase,
            "create it with `bird provision`".to_owned(),
        ),
        ErrorKind::Account => (
            Code::Denied,
            format!("check user and password in its URL{variable}"),
        ),
        ErrorKind::Denied => (
            Code::Denied,
            "use an account that may do this, or let an administrator do it".to_owned(),
        ),
        ErrorKind::ReadOnly => (
            Code::ReadOnly,
            "connect to the primary, or ask who made it read-only; bird doctor shows more"
                .to_owned(),
        ),
        ErrorKind::Connection => {
            let waits = match error.waited {
                Some(waited) => format!("bird waited {} for it", seconds(waited)),
                None => "--wait 60s waits for the server".to_owned(),
            };
            let hint =
                format!("check that the server is up and the URL is right{variable}; {waits}");
            (Code::Connection, hint)
        }
        ErrorKind::Untrusted => (Code::Untrusted, UNTRUSTED.to_owned()),
        ErrorKind::Certificate => (
            Code::Tls,
            "name the authority that signed the server's certificate in the URL: ssl-ca=FILE \
             (MySQL), sslrootcert=FILE (PostgreSQL); or set a weaker ssl-mode or sslmode there"
                .to_owned(),
        ),
        _ if matches!(database.target, Target::File(_)) => {
            let hint = "check that this user may read the file and write its folder, and its URL";
            (Code::Connection, format!("{hint}{variable}"))
        }
        _ => (Code::Connection, format!("check its URL{variable}")),
    };
    let mut fault = Diagnostic::new(code, message).database(name).hint(hint);
    fault.notes = error.notes.clone();
    fault
}

/// The diagnostic about a database that failed to answer; `doing` says what it was asked for.
pub fn cannot_ask(database: &Database, doing: &str, error: &DbError) -> Diagnostic {
    error.diagnose(&database.name, doing)
}

/// Checks before anything is written that the account can create tables, and names what is missing
/// and who can grant it.
pub async fn may_create(session: &mut Session, database: &Database) -> Result<(), Failure> {
    let schema = database.schema.as_deref();
    for (what, missing) in database.dialect.missing_inside(schema) {
        let failed = |error| cannot_ask(database, "looking for its schema", &error);
        let found = session.value(&missing.exists).await;
        if found
            .map_err(|error| Failure::failed(failed(error)))?
            .is_none()
        {
            let message = format!("{}: the {what} does not exist", database.name);
            let fault = Diagnostic::new(Code::NoDatabase, message).database(&database.name);
            return Err(Failure::failed(
                fault.hint("create it with `bird provision`"),
            ));
        }
    }
    if let Some(query) = database.dialect.preflight_query(schema) {
        let failed = |error| cannot_ask(database, "checking its privileges", &error);
        let grant = session
            .value(&query)
            .await
            .map_err(|error| Failure::failed(failed(error)))?;
        if let Some(grant) = grant {
            let message = format!(
                "{}: this account may not create anything there",
                database.name
            );
            let fault = Diagnostic::new(Code::Denied, message).database(&database.name);
            let hint = format!("let an administrator run: {grant}");
            return Err(Failure::failed(fault.hint(hint)));
        }
    }
    Ok(())
}

/// Reads the migrations of all databases, each folder on a thread of its own, while connections are
/// opened.
pub async fn files(context: &Context) -> Result<Vec<Vec<Migration>>, Failure> {
    let threads = (0..context.project.databases.len()).map(|at| {
        let project = context.project.clone();
        tokio::task::spawn_blocking(move || project.read_migrations(at))
    });
    let read = join_all(threads.collect::<Vec<_>>()).await;
    Failure::collect(read.into_iter().map(|read| match read {
        Ok(Ok(migrations)) => Ok(migrations),
        Ok(Err(diagnostics)) => Err(Failure {
            exit: Exit::Failed,
            diagnostics,
        }),
        Err(broken) => Err(Failure::failed(Diagnostic::new(
            Code::Environment,
            broken.to_string(),
        ))),
    }))
}
