//! Opening a SQLite file.

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::{Access, Connection};
use crate::model::target::FileTarget;

/// How long a reader waits while a writer commits.
const READER_WAITS: Duration = Duration::from_secs(5);
/// A writer waits by itself, polling, so that it can be stopped; the engine says soon that
/// someone is in the way.
pub const WRITER_WAITS: &str = "PRAGMA busy_timeout = 50";

pub async fn connect(file: &FileTarget, access: Access) -> Result<Connection, sqlx::Error> {
    if access == Access::Create
        && let Some(folder) = file.path.parent()
    {
        std::fs::create_dir_all(folder)?;
    }
    let found = std::fs::metadata(&file.path);
    if found.is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        // Opening a pipe would wait, and reading a device would never end.
        let kind = std::io::ErrorKind::InvalidInput;
        return Err(std::io::Error::new(kind, "it is not a regular file").into());
    }
    let options = SqliteConnectOptions::new()
        .filename(&file.path)
        .create_if_missing(access == Access::Create)
        .read_only(file.read_only || access == Access::ReadOnly && !needs_recovery(&file.path))
        .busy_timeout(READER_WAITS)
        .row_buffer_size(4096)
        .disable_statement_logging();
    Ok(Connection::Sqlite(Box::new(options.connect().await?)))
}

/// Whether a process that was killed left a transaction to be rolled back, which a read-only connection
/// cannot do. The session is read-only all the same: it refuses every statement that writes.
fn needs_recovery(path: &Path) -> bool {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        std::fs::metadata(name).map_or(0, |file| file.len())
    };
    beside("-journal") > 0 || beside("-wal") > 0 && beside("-shm") == 0
}

/// Asks for all rows of a query as one: a JSON array of arrays of text.
pub fn packed(sql: &str, columns: usize) -> String {
    let names: Vec<String> = (1..=columns).map(|at| format!("c{at}")).collect();
    let texts: Vec<String> = names
        .iter()
        .map(|name| format!("CAST({name} AS TEXT)"))
        .collect();
    let (names, texts) = (names.join(", "), texts.join(", "));
    format!(
        "WITH rows_({names}) AS ({sql}) SELECT json_group_array(json_array({texts})) FROM rows_"
    )
}

/// The byte of the statement that the last error points at.
#[expect(
    unsafe_code,
    reason = "only the C interface tells where a statement went wrong"
)]
pub async fn error_offset(connection: &mut SqliteConnection) -> Option<usize> {
    let mut handle = connection.lock_handle().await.ok()?;
    // SAFETY: the handle is locked, so nobody else uses it while it is asked.
    let offset = unsafe { libsqlite3_sys::sqlite3_error_offset(handle.as_raw_handle().as_ptr()) };
    usize::try_from(offset).ok()
}
