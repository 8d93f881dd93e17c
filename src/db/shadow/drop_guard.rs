//! A guard that drops a database however the work with it ends.

use std::time::Duration;

use super::super::session::{Access, DbError, Session};
use crate::dialect::Dialect;
use crate::model::target::Target;

/// How long an interrupted run may take to drop it.
const PATIENCE: Duration = Duration::from_secs(15);
/// The number of lookups for the database: CREATE DATABASE continues after its client is gone.
const LOOKS: usize = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// Drops a database when it is dropped itself: interrupted work and early returns do not drop it
/// explicitly.
pub struct DropGuard {
    entry: Target,
    dialect: &'static dyn Dialect,
    name: String,
    /// Whether the statement that creates it may have been sent.
    sent: bool,
}

impl DropGuard {
    /// Guards a database that is about to be created.
    pub fn new(entry: Target, dialect: &'static dyn Dialect, name: String) -> Self {
        DropGuard {
            entry,
            dialect,
            name,
            sent: true,
        }
    }

    /// Disarms the guard: the database was never created.
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
        // `drop` cannot await, so another thread does.
        let clearing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                let work = drop_when_made(&entry, dialect, &name);
                // If it cannot be dropped, `bird doctor` finds it by its name.
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
    let mut session = Session::open(entry, dialect, None, Access::ReadOnly).await?;
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

/// Drops a database, after it has cancelled the statements that run in it.
async fn drop_at(entry: &Target, dialect: &'static dyn Dialect, name: &str) -> Result<(), DbError> {
    let Some(sql) = dialect.drop_database(name) else {
        return Ok(());
    };
    let mut session = Session::open(entry, dialect, None, Access::Write).await?;
    if let Some(query) = dialect.in_use_query(name) {
        for row in session.rows(&query).await.unwrap_or_default() {
            let number = row.into_iter().nth(1).flatten().unwrap_or_default();
            if let Some(cancel) = dialect.cancel(&number) {
                // The statement may have ended.
                let _: Result<_, DbError> = session.rows(&cancel).await;
            }
        }
    }
    if let Some(unchecked) = dialect.without_references() {
        // Another shadow may refer to its tables.
        session.run(unchecked).await?;
    }
    let dropped = session.run(&sql).await;
    session.close().await;
    dropped
}
