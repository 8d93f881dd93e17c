//! A database that is going to be dropped, whatever becomes of the work with it.

use std::time::Duration;

use super::super::session::{Access, DbError, Session};
use crate::dialect::Dialect;
use crate::model::target::Target;

/// How long a run that was interrupted may take to clear up.
const PATIENCE: Duration = Duration::from_secs(15);
/// A statement that makes a database goes on when its client is gone: so often it is looked for.
const LOOKS: usize = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// The promise to drop a database. It is kept even by whoever forgets it: work that is interrupted
/// ends in the middle, and a fault leaves by the nearest way.
pub struct DropGuard {
    entry: Target,
    dialect: &'static dyn Dialect,
    name: String,
    /// The statement that makes it may be on its way.
    sent: bool,
}

impl DropGuard {
    /// A database that is about to be made.
    pub fn new(entry: Target, dialect: &'static dyn Dialect, name: String) -> Self {
        DropGuard {
            entry,
            dialect,
            name,
            sent: true,
        }
    }

    /// There is nothing to drop.
    pub fn never_made(mut self) {
        self.sent = false;
    }

    pub async fn dropped(mut self) -> Result<(), DbError> {
        let dropped = drop_at(&self.entry, self.dialect, &self.name).await;
        self.sent = false;
        dropped
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if !std::mem::take(&mut self.sent) {
            return;
        }
        let (entry, name, dialect) = (self.entry.clone(), self.name.clone(), self.dialect);
        // Nobody can wait for anything here, so another thread does.
        let clearing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                let work = drop_when_made(&entry, dialect, &name);
                // What cannot be dropped is found by its name.
                let _: Result<_, _> =
                    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
            }
        });
        let _: std::thread::Result<()> = clearing.join();
    }
}

async fn drop_when_made(
    entry: &Target,
    dialect: &'static dyn Dialect,
    name: &str,
) -> Result<(), DbError> {
    let Some(query) = dialect.databases_query(name) else {
        return Ok(());
    };
    let mut session = Session::open(entry, dialect, None, Access::Look).await?;
    let mut found = false;
    for _ in 0..LOOKS {
        found = !session.rows(&query).await?.is_empty();
        if found {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    session.close().await;
    if found {
        drop_at(entry, dialect, name).await
    } else {
        Ok(())
    }
}

/// Drops a database; what still runs in it is cancelled first.
async fn drop_at(entry: &Target, dialect: &'static dyn Dialect, name: &str) -> Result<(), DbError> {
    let Some(sql) = dialect.drop_database(name) else {
        return Ok(());
    };
    let mut session = Session::open(entry, dialect, None, Access::Write).await?;
    if let Some(query) = dialect.in_use_query(name) {
        for row in session.rows(&query).await.unwrap_or_default() {
            let number = row.into_iter().nth(1).flatten().unwrap_or_default();
            if let Some(cancel) = dialect.cancel(&number) {
                // It may have ended meanwhile.
                let _: Result<_, DbError> = session.rows(&cancel).await;
            }
        }
    }
    let dropped = session.run(&sql).await;
    session.close().await;
    dropped
}
