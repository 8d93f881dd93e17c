//! The lock: only one bird at a time writes to a database.
//!
//! It is held by the very connection that runs the statements: a server outlives its client, and
//! whoever gets the lock knows that the old session's statement has ended. It is polled, because
//! a session that waits inside PostgreSQL deadlocks with `CREATE INDEX CONCURRENTLY`, and asked
//! for again, because poolers break session locks: see `db::pooler`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::pooler::{self, Pooling};
use super::session::{DbError, Session};
use super::stop::Stop;
use crate::dialect::{ErrorKind, Lock};
use crate::model::exit::Exit;
use crate::model::target::Target;

/// How often a lock that someone else holds is tried again.
pub const PAUSE: Duration = Duration::from_millis(100);

/// A lock that is held until it is released or dropped.
pub enum Guard {
    /// Held by the session; its end ends it.
    Session(Held),
    /// An operating system's lock on a file beside the database.
    File(File),
    /// The engine's own transactions must do.
    Transactions,
}

/// A lock of a session.
pub struct Held {
    lock: Lock,
    /// The server's session that has it.
    session: Option<String>,
    /// Why it could not be proven that nobody else is given that session.
    doubt: Option<String>,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum NoLock {
    /// Someone else held it all the time; who, as far as is known.
    Held(Option<String>),
    /// It was taken, and then it was not there.
    Broken,
    /// A pooler hands the server's sessions around.
    Shared,
    Stopped(Exit),
    Database(DbError),
}

impl From<DbError> for NoLock {
    fn from(error: DbError) -> Self {
        NoLock::Database(error)
    }
}

/// What to lock and how long to try.
pub struct Wish<'w> {
    pub target: &'w Target,
    /// Whether statements will run outside of transactions.
    pub bare_statements: bool,
    pub timeout: Duration,
    /// Hears once that there is someone to wait for.
    pub waiting: &'w dyn Fn(Option<&str>),
}

/// Takes the lock of a database.
pub async fn take(session: &mut Session, wish: &Wish<'_>, stop: &Stop) -> Result<Guard, NoLock> {
    match (wish.target, session.dialect.facts().port) {
        (Target::Server(server), _) => {
            let schema = session.schema.clone();
            match session.dialect.lock(&server.database, schema.as_deref()) {
                Some(lock) => take_alone(session, lock, wish, stop).await,
                None => Ok(Guard::Transactions),
            }
        }
        (Target::File(file), _) if wish.bare_statements => {
            beside_file(&file.path, wish, stop).await
        }
        (Target::File(_), _) => Ok(Guard::Transactions),
    }
}

async fn on_server(
    session: &mut Session,
    lock: &Lock,
    wish: &Wish<'_>,
    stop: &Stop,
) -> Result<(), NoLock> {
    let start = Instant::now();
    let mut announced = false;
    loop {
        if let Some(exit) = stop.asked() {
            return Err(NoLock::Stopped(exit));
        }
        match session.value(&lock.take).await?.as_deref() {
            Some("1") => return Ok(()),
            Some("0") => {}
            // NULL is an error of the server that it tells as a warning.
            _ => return Err(NoLock::Broken),
        }
        if start.elapsed() >= wish.timeout {
            return Err(NoLock::Held(holder(session, lock).await?));
        }
        if !announced {
            let holder = holder(session, lock).await?;
            (wish.waiting)(holder.as_deref());
            announced = true;
        }
        pause(stop).await?;
    }
}

/// Takes the lock, and checks that the session is not shared and holds it.
async fn take_alone(
    session: &mut Session,
    lock: Lock,
    wish: &Wish<'_>,
    stop: &Stop,
) -> Result<Guard, NoLock> {
    let pooling = if lock.pins {
        on_server(session, &lock, wish, stop).await?;
        pooler::detect_pooling(session, wish.target, &lock).await?
    } else {
        let pooling = pooler::detect_pooling(session, wish.target, &lock).await?;
        if pooling != Pooling::PerTransaction {
            on_server(session, &lock, wish, stop).await?;
        }
        pooling
    };
    let doubt = match pooling {
        Pooling::Dedicated => None,
        Pooling::PerTransaction => return Err(NoLock::Shared),
        Pooling::Unknown(reason) => Some(reason),
    };
    let name = session.value(lock.session).await?;
    let held = Held {
        lock,
        session: name,
        doubt,
    };
    let proven = held.prove(session).await;
    if proven.is_err() {
        pooler::give_back(session, None, &held.lock).await;
    }
    proven.map(|()| Guard::Session(held))
}

/// Waits a moment, or stops.
async fn pause(stop: &Stop) -> Result<(), NoLock> {
    stop.race(tokio::time::sleep(PAUSE))
        .await
        .map_err(NoLock::Stopped)
}

/// Who holds a lock, in words; nothing where the account may not see it.
async fn holder(session: &mut Session, lock: &Lock) -> Result<Option<String>, DbError> {
    let rows = session.rows(&lock.holder).await?;
    Ok(rows.into_iter().next().map(|row| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let (id, user, address, seconds) = (next(), next(), next(), next());
        // The statement it runs is left out: it may hold a secret.
        format!("session {id} of {user} from {address}, in its current state for {seconds} s")
    }))
}

async fn beside_file(path: &Path, wish: &Wish<'_>, stop: &Stop) -> Result<Guard, NoLock> {
    let beside = lock_file(path);
    let failed = |reason: std::io::Error| {
        let message = format!("cannot lock {}: {reason}", beside.display());
        NoLock::Database(DbError::new(ErrorKind::Other, message))
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&beside)
        .map_err(failed)?;
    let start = Instant::now();
    let mut announced = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Guard::File(file)),
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(reason)) => return Err(failed(reason)),
        }
        if start.elapsed() >= wish.timeout {
            return Err(NoLock::Held(None));
        }
        if !announced {
            (wish.waiting)(None);
            announced = true;
        }
        pause(stop).await?;
    }
}

/// `ums.db` is locked by `ums.db.bird-lock`, whatever links lead to it.
fn lock_file(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = path.into_os_string();
    name.push(".bird-lock");
    name.into()
}

impl Held {
    /// Asks whether the very session that took the lock is still there and has it.
    async fn prove(&self, session: &mut Session) -> Result<(), NoLock> {
        let both = format!("{}; {}", self.lock.held, self.lock.session);
        let rows = session.rows(&both).await?;
        let mut cells = rows.into_iter().filter_map(|row| row.into_iter().next());
        let held = cells.next().flatten().as_deref() == Some("1");
        let same = cells.next() == Some(self.session.clone());
        if held && same {
            Ok(())
        } else {
            Err(NoLock::Broken)
        }
    }
}

impl Guard {
    /// Asks whether a lock that was taken a while ago is still held, before it is relied on.
    pub async fn prove(&self, session: &mut Session) -> Result<(), NoLock> {
        match self {
            Guard::Session(held) => held.prove(session).await,
            // An open file keeps its lock, and a transaction its own.
            Guard::File(_) | Guard::Transactions => Ok(()),
        }
    }

    /// Why it could not be proven that the lock holds for this connection alone.
    pub fn doubt(&self) -> Option<&str> {
        match self {
            Guard::Session(held) => held.doubt.as_deref(),
            Guard::File(_) | Guard::Transactions => None,
        }
    }

    /// Gives the lock back. A session that ends without it gives it back as well.
    pub async fn release(self, session: &mut Session) {
        match self {
            Guard::Session(held) => {
                // The session is about to end, and its end releases the lock in any case.
                let _: Result<_, DbError> = session.value(&held.lock.release).await;
            }
            Guard::File(file) => drop(file),
            Guard::Transactions => {}
        }
    }
}

/// Begins a transaction that will write. Where the engine has no other lock this is the lock,
/// and it is tried again until the time is over.
pub async fn begin(
    session: &mut Session,
    timeout: Duration,
    waiting: &dyn Fn(Option<&str>),
    stop: &Stop,
) -> Result<(), NoLock> {
    let sql = session.dialect.begin();
    patiently(session, sql, timeout, waiting, stop).await
}

/// Commits. An embedded engine has to wait for its readers first.
pub async fn commit(
    session: &mut Session,
    timeout: Duration,
    waiting: &dyn Fn(Option<&str>),
    stop: &Stop,
) -> Result<(), NoLock> {
    patiently(session, "COMMIT", timeout, waiting, stop).await
}

/// Runs a statement again and again while someone else is in the way.
async fn patiently(
    session: &mut Session,
    sql: &str,
    timeout: Duration,
    waiting: &dyn Fn(Option<&str>),
    stop: &Stop,
) -> Result<(), NoLock> {
    let start = Instant::now();
    let mut announced = false;
    loop {
        match session.run(sql).await {
            Ok(()) => return Ok(()),
            Err(error) if error.kind != ErrorKind::Busy => return Err(error.into()),
            Err(_) if start.elapsed() >= timeout => return Err(NoLock::Held(None)),
            Err(_) => {}
        }
        if !announced {
            waiting(None);
            announced = true;
        }
        pause(stop).await?;
    }
}
