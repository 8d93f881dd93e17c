//! Keys that are put in order within bounded memory: what it has no room for goes into a file that
//! nobody else sees.

use std::fs::{File, OpenOptions};
use std::io;

use futures_util::future::join;

use super::endpoints::Side;
use super::error::{Fault, Why};
use super::key_stream;
use super::task::{Part, Shared};
use crate::audit::{Gather, Ordered};
use crate::db::session::Session;
use crate::dialect::keys::Asked;

/// How much memory the keys of one task may take before they are written out.
pub const MEMORY: usize = 20 << 20;

/// An empty file that is gone when it is closed.
fn file() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("bird-audit-{}", uuid::Uuid::now_v7()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    // Where an open file cannot be removed, it stays among the temporary ones.
    let _: io::Result<()> = std::fs::remove_file(&path);
    Ok(file)
}

/// Keys on their way into a hash table.
pub struct Gathering<'g> {
    pub shared: &'g Shared,
    /// Where what cannot be a key is kept.
    pub part: Option<&'g mut Part>,
    /// So many bytes are kept in memory.
    pub limit: usize,
}

impl Gathering<'_> {
    /// All keys in order; nothing where the audit was stopped.
    pub async fn gather(
        &mut self,
        session: &mut Session,
        side: &Side,
        asked: Asked,
    ) -> Result<Option<Ordered<File>>, Fault> {
        let (mut source, reading) = key_stream::open(session, asked, true);
        let failed = |error: std::io::Error| Fault {
            database: side.database.clone(),
            doing: "keeping its keys in a temporary file",
            why: Why::Other(error.to_string()),
        };
        let taking = async {
            let mut gather = Gather::new(self.limit, file);
            let read = Fault::of(&side.database, side.reading_keys());
            while let Some(mut batch) = source.next().await.map_err(&read)? {
                if self.shared.is_stopped() {
                    return Ok(None);
                }
                self.shared.count(batch.rows());
                if let Some(part) = &mut self.part {
                    part.totals.rows += batch.rows();
                    part.malformed.take(&mut batch.malformed);
                }
                gather.add(&batch).map_err(failed)?;
            }
            drop(source);
            gather.ordered().map(Some).map_err(failed)
        };
        let (gathered, ()) = join(taking, reading).await;
        gathered
    }
}

/// A file of keys that cannot be read back.
pub fn spilled(side: &Side) -> impl Fn(std::io::Error) -> Fault + use<> {
    let other = Fault::other(&side.database, "reading keys back from a temporary file");
    move |error| other(error.to_string())
}
