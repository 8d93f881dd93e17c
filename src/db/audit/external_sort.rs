//! Sorts keys within bounded memory: what does not fit goes into a temporary file.

use std::fs::{File, OpenOptions};
use std::io;

use futures_util::future::join;

use super::endpoints::Endpoint;
use super::error::{Cause, ReadError};
use super::key_stream;
use super::task::{ChunkCounts, Shared};
use crate::audit::{ExternalSort, SortedKeys};
use crate::db::session::Session;
use crate::dialect::keys::KeyQuery;

/// The memory for the keys of one task, in bytes.
pub const MEMORY: usize = 20 << 20;

/// Creates an empty file that is deleted when it is closed.
fn file() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("bird-audit-{}", uuid::Uuid::now_v7()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    // An open file that cannot be removed stays in the temporary folder.
    let _: io::Result<()> = std::fs::remove_file(&path);
    Ok(file)
}

/// The error with the folder that it is about, which TMPDIR names.
fn in_folder(error: &io::Error) -> String {
    format!("{}: {error}", std::env::temp_dir().display())
}

/// Reads keys from a session into a sort.
pub struct KeyCollector<'g> {
    pub shared: &'g Shared,
    /// The counters for rows and for values that are not keys.
    pub counts: Option<&'g mut ChunkCounts>,
    /// The memory limit in bytes.
    pub limit: usize,
}

impl KeyCollector<'_> {
    /// Returns all keys in order; `None` if the audit was stopped.
    pub async fn sort(
        &mut self,
        session: &mut Session,
        endpoint: &Endpoint,
        query: KeyQuery,
    ) -> Result<Option<SortedKeys<File>>, ReadError> {
        let (mut stream, reading) = key_stream::open(session, query, true);
        let failed = |error: std::io::Error| ReadError {
            database: endpoint.database.clone(),
            doing: "keeping its keys in a temporary file",
            why: Cause::Other(in_folder(&error)),
        };
        let taking = async {
            let mut external_sort = ExternalSort::new(self.limit, file);
            let read = ReadError::of(&endpoint.database, endpoint.reading_keys());
            while let Some(mut batch) = stream.next().await.map_err(&read)? {
                if self.shared.is_stopped() {
                    return Ok(None);
                }
                self.shared.count(batch.rows());
                if let Some(counts) = &mut self.counts {
                    counts.read.rows += batch.rows();
                    counts.malformed.take(&mut batch.malformed);
                }
                external_sort.add(&batch).map_err(failed)?;
            }
            drop(stream);
            external_sort.ordered().map(Some).map_err(failed)
        };
        let (gathered, ()) = join(taking, reading).await;
        gathered
    }
}

/// The error about a temporary file that cannot be read.
pub fn read_back_error(endpoint: &Endpoint) -> impl Fn(std::io::Error) -> ReadError + use<> {
    let other = ReadError::other(
        &endpoint.database,
        "reading keys back from a temporary file",
    );
    move |error| other(in_folder(&error))
}
