//! Drops a database with everything in it or, on PostgreSQL, the one schema that is a database to
//! bird.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::session::{Access, DbError, Session};
use crate::dialect::{Dialect, ErrorKind};
use crate::model::target::Target;

/// The files that SQLite keeps beside a database. They go first: a journal that survives its
/// database would be played back into the next one.
const BESIDE: &[&str] = &["-journal", "-wal", "-shm"];

/// Describes what is dropped: a file, a database, a schema.
pub fn describe(target: &Target, dialect: &dyn Dialect, schema: Option<&str>) -> String {
    let place = target.shown();
    match (target, schema) {
        (Target::File(_), _) => format!("file {place}"),
        (Target::Server(_), Some(schema)) if dialect.drop_schema(Some(schema)).is_some() => {
            format!("schema {schema} of database {place}")
        }
        (Target::Server(_), _) => format!("database {place}"),
    }
}

/// Drops the database that a session is connected to, and ends the session. `lock_timeout` is for
/// what others hold in it.
pub async fn drop_database(
    mut session: Session,
    target: &Target,
    lock_timeout: Duration,
) -> Result<(), DbError> {
    let dialect = session.dialect;
    let server = match target {
        Target::File(file) => {
            session.close().await;
            return remove(&file.path);
        }
        Target::Server(server) => server,
    };
    if let Some(sql) = dialect.drop_schema(session.schema.as_deref()) {
        let dropped = run(&mut session, &sql, lock_timeout).await;
        session.close().await;
        return dropped;
    }
    let statement = dialect.drop_database(&server.database);
    let (Some(sql), Some(maintenance)) = (statement, dialect.facts().maintenance_db) else {
        session.close().await;
        let message = "this engine has no statement that drops a database";
        return Err(DbError::new(ErrorKind::Other, message));
    };
    let mut there = server.clone();
    there.database = maintenance.to_owned();
    let opened = Session::open(&Target::Server(there), dialect, None, Access::Write).await;
    let dropped = match opened {
        Ok(mut there) => {
            let dropped = run(&mut there, &sql, lock_timeout).await;
            there.close().await;
            dropped
        }
        Err(error) => Err(error),
    };
    // It has held the lock until here. Some servers have ended it with its database.
    session.close().await;
    dropped
}

async fn run(session: &mut Session, sql: &str, lock_timeout: Duration) -> Result<(), DbError> {
    session.limit(lock_timeout, None).await?;
    session.run(sql).await
}

fn remove(path: &Path) -> Result<(), DbError> {
    let beside = BESIDE.iter().map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    for path in beside.chain([path.to_owned()]) {
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => {}
            Err(reason) => {
                let message = format!("cannot remove {}: {reason}", path.display());
                return Err(DbError::new(ErrorKind::Other, message));
            }
        }
    }
    Ok(())
}
