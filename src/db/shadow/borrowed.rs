//! A borrowed shadow: the database of `shadow_url`, for accounts that may not create databases.
//!
//! It is emptied before and after. To protect other data it must be empty or have bird's mark, and
//! only one run uses it at a time.

use std::time::{Duration, Instant};

use super::super::session::{Access, DbError, Session};
use crate::dialect::BorrowQueries;
use crate::dialect::{Dialect, ErrorKind, Lock};
use crate::model::target::Target;

/// How long to wait for another run that uses it.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// A borrowed database, and the session that holds its lock.
pub struct Borrowed {
    keeper: Session,
    borrow_queries: &'static BorrowQueries,
    lock: Option<Lock>,
    pub target: Target,
    /// The statement that gives it the defaults of the target.
    like: Option<String>,
}

impl Borrowed {
    /// Locks and empties it.
    pub async fn take(
        target: &Target,
        dialect: &'static dyn Dialect,
        example: Option<&[Option<String>]>,
    ) -> Result<Borrowed, DbError> {
        let Some(borrow_queries) = dialect.borrow_queries() else {
            let message = "this engine needs no `shadow_url`";
            return Err(DbError::new(ErrorKind::Other, message));
        };
        let keeper = Session::open(target, dialect, None, Access::Write).await?;
        let lock = dialect.lock(target.database(), Some(borrow_queries.lock));
        let like = example.and_then(|example| dialect.become_like(target.database(), example));
        let mut borrowed = Borrowed {
            keeper,
            borrow_queries,
            lock,
            target: target.clone(),
            like,
        };
        borrowed.lock().await?;
        let ready = async {
            borrowed.prove().await?;
            borrowed.empty().await
        };
        match ready.await {
            Ok(()) => Ok(borrowed),
            Err(error) => Err(borrowed.explained(error).await),
        }
    }

    /// The session that holds its lock.
    pub fn keeper(&mut self) -> &mut Session {
        &mut self.keeper
    }

    /// Adds the grant that the account lacks to empty it.
    async fn explained(mut self, mut error: DbError) -> DbError {
        if error.kind == ErrorKind::Denied
            && let Ok(Some(grant)) = self.keeper.value(self.borrow_queries.grant).await
        {
            error.message = format!(
                "this account may not empty the shadow {}: {}",
                self.target.shown(),
                error.message
            );
            let note = format!("let an administrator run: {grant}");
            error.notes.push(note);
        }
        self.keeper.close().await;
        error
    }

    /// Takes the lock, which ends with its session.
    async fn lock(&mut self) -> Result<(), DbError> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        let start = Instant::now();
        while self.keeper.value(&lock.take).await?.as_deref() != Some("1") {
            if start.elapsed() > PATIENCE {
                let message = format!(
                    "the shadow {} is in use: another run has held it for at least {} seconds",
                    self.target.shown(),
                    PATIENCE.as_secs()
                );
                return Err(DbError::new(ErrorKind::Busy, message));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Checks that it may be emptied: it has the mark, or it is empty.
    async fn prove(&mut self) -> Result<(), DbError> {
        let marked = self
            .keeper
            .value(self.borrow_queries.marked)
            .await?
            .is_some();
        let query = if marked {
            self.borrow_queries.history
        } else {
            self.borrow_queries.objects
        };
        let rows = self.keeper.rows(query).await?;
        let names: Vec<String> = rows.into_iter().flatten().flatten().collect();
        if !names.is_empty() {
            let message = format!(
                "bird does not empty the shadow {}: it contains {}; `shadow_url` must name an \
                 empty database",
                self.target.shown(),
                names.join(", ")
            );
            return Err(DbError::new(ErrorKind::Other, message));
        }
        self.keeper.run(self.borrow_queries.mark).await
    }

    /// Drops everything in it except the mark.
    pub async fn empty(&mut self) -> Result<(), DbError> {
        let statements = self.keeper.rows(self.borrow_queries.empties).await?;
        for sql in statements.into_iter().flatten().flatten() {
            self.keeper.run(&sql).await?;
        }
        match &self.like {
            Some(sql) => self.keeper.run(sql).await,
            None => Ok(()),
        }
    }

    /// Empties it and releases the lock.
    pub async fn back(mut self) -> Result<(), DbError> {
        let emptied = self.empty().await;
        if let Some(lock) = &self.lock {
            // The end of the session releases it as well.
            let _: Result<_, DbError> = self.keeper.value(&lock.release).await;
        }
        self.keeper.close().await;
        emptied
    }
}
