//! A throw-away database in which migrations or a schema file are replayed: in memory for SQLite,
//! elsewhere a database of its own beside the target, made as the target is.
//!
//! It is dropped on every path that bird can see; what a killed run leaves behind is recognised by
//! its name and found by [`left_over`]. Where the account may make no database, one is lent.

mod borrowed;
mod drop_guard;
mod leftover;

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::session::{Access, DbError, Session};
use super::writability;
use super::writability::Closed;
use super::{failpoint, inspect};
use crate::dialect::containment;
use crate::dialect::containment::{Around, Sleep};
use crate::dialect::{Dialect, Trouble};
use crate::model::schema::{Kind, Schema};
use crate::model::target::{FileTarget, ServerTarget, Target};
use borrowed::Borrowed;
use drop_guard::DropGuard;

pub use leftover::{Leftover, leftovers};

/// What every shadow's name begins with.
pub const PREFIX: &str = "bird_shadow_";
/// What helps where a server takes none.
pub const ELSEWHERE: &str = "lend an empty database on another server with `shadow_url`";
/// What a database that is lent bears.
const MARK: &str = "bird_shadow";
/// How long a session may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where a shadow is made, and after which example.
#[derive(Clone, Copy)]
pub struct ShadowBase<'g> {
    /// The database beside which it is made; it gets that one's defaults.
    pub target: &'g Target,
    pub dialect: &'static dyn Dialect,
    pub schema: Option<&'g str>,
    /// What new databases of the project are made with, where the target does not exist.
    pub collation: Option<&'g str>,
}

/// Where a shadow comes from, and so what becomes of it.
enum Made {
    InMemory,
    Beside(Box<DropGuard>),
    Borrowed(Box<Borrowed>),
}

/// A database that is going to be dropped.
pub struct Shadow {
    pub session: Session,
    /// Its name on its server.
    pub database: String,
    made: Made,
    pub(super) state: State,
}

/// What is known of a shadow while statements are replayed in it.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub around: Around,
    /// What was to be made and was not.
    pub unsent: Vec<String>,
    /// The other database in which the statements that follow would run.
    pub away: Option<String>,
    /// What would run by itself if it were not in a shadow.
    awake: BTreeSet<String>,
}

impl State {
    /// Asks what is around.
    async fn of(session: &mut Session, own: &str, shadow: &str) -> Result<State, DbError> {
        let mut around = Around {
            own: own.to_owned(),
            shadow: shadow.to_owned(),
            schema: session.schema.clone(),
            ..Around::default()
        };
        if let Some(query) = session.dialect.reach().around {
            let mut roles = Vec::new();
            for row in session.rows(query).await? {
                let mut cells = row.into_iter().map(Option::unwrap_or_default);
                let (kind, name) = (cells.next(), cells.next().unwrap_or_default());
                match kind.as_deref() {
                    Some("role") => roles.push(name.to_lowercase()),
                    _ => around.others.push(name),
                }
            }
            around.roles = Some(roles);
        }
        Ok(State {
            around,
            ..State::default()
        })
    }

    /// Remembers what was put to sleep.
    pub fn slept(&mut self, sleep: Sleep) {
        let awake = sleep.awake.unwrap_or(self.awake.contains(&sleep.name));
        self.awake.remove(&sleep.name);
        if awake {
            self.awake.insert(sleep.renamed.unwrap_or(sleep.name));
        }
    }
}

impl Shadow {
    /// Makes an empty one.
    pub async fn create(base: ShadowBase<'_>) -> Result<Shadow, DbError> {
        let (target, made) = match base.target {
            Target::File(_) => (Target::File(FileTarget::memory()), Made::InMemory),
            Target::Server(server) => {
                let (target, guard) = beside(base, server).await?;
                failpoint::at("shadow-made");
                (target, Made::Beside(Box::new(guard)))
            }
        };
        Shadow::open(base, target, made).await
    }

    /// Takes a database that is lent for it, where the account may make none.
    pub async fn borrow(base: ShadowBase<'_>, borrowed: &Target) -> Result<Shadow, DbError> {
        let example = like(base).await;
        let borrowed = Borrowed::take(borrowed, base.dialect, example.as_deref()).await?;
        let target = borrowed.target.clone();
        Shadow::open(base, target, Made::Borrowed(Box::new(borrowed))).await
    }

    async fn open(base: ShadowBase<'_>, target: Target, made: Made) -> Result<Shadow, DbError> {
        let (dialect, schema) = (base.dialect, base.schema);
        let mut session = Session::open(&target, dialect, schema, Access::Create).await?;
        for (_, missing) in dialect.missing_inside(schema) {
            if session.value(&missing.exists).await?.is_none() {
                session.run(&missing.create).await?;
            }
        }
        let database = target.database().to_owned();
        let state = State::of(&mut session, base.target.database(), &database).await?;
        Ok(Shadow {
            session,
            database,
            made,
            state,
        })
    }

    /// Whether there is but this one, because it is lent.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.made, Made::Borrowed(_))
    }

    /// What it holds.
    pub async fn inspect(&mut self) -> Result<Schema, DbError> {
        let mut schema = inspect::schema(&mut self.session, &self.database).await?;
        let dialect = self.session.dialect;
        for object in &mut schema.objects {
            if object.kind == Kind::Event
                && self.state.awake.contains(&object.name.to_lowercase())
                && let Some(sql) = containment::awake(dialect, &object.sql)
            {
                object.sql = sql;
            }
            for sql in [&mut object.sql, &mut object.printed.0] {
                if let Some(own) = containment::at_home(dialect, sql, &self.state.around) {
                    *sql = own;
                }
            }
        }
        if self.is_borrowed() {
            schema.tables.retain(|table| table.name != MARK);
        }
        Ok(schema)
    }

    /// Drops it, or gives it back. What was forgotten is dropped as well, only later and in a
    /// less orderly way.
    pub async fn remove(self) -> Result<(), DbError> {
        // Where work was interrupted, the session may still be waiting for an answer.
        let _: Result<(), _> = tokio::time::timeout(FAREWELL, self.session.close()).await;
        match self.made {
            Made::InMemory => Ok(()),
            Made::Beside(guard) => guard.dropped().await,
            Made::Borrowed(borrowed) => borrowed.back().await,
        }
    }
}

/// The embedded engine, without a database.
pub async fn in_memory(dialect: &'static dyn Dialect) -> Result<Session, DbError> {
    let memory = Target::File(FileTarget::memory());
    Session::open(&memory, dialect, None, Access::Create).await
}

/// Makes a database beside the target, like it.
async fn beside(
    base: ShadowBase<'_>,
    server: &ServerTarget,
) -> Result<(Target, DropGuard), DbError> {
    let dialect = base.dialect;
    let name = format!("{PREFIX}{}", Uuid::now_v7().simple());
    let (mut there, mut entry) = (server.clone(), server.clone());
    there.database.clone_from(&name);
    if let Some(database) = dialect.facts().entry {
        entry.database = database.to_owned();
    }
    let entry = Target::Server(entry);
    let example = like(base).await;
    let mut session = Session::open(&entry, dialect, None, Access::Write).await?;
    open_for_it(&mut session).await?;
    let sql = match example {
        Some(example) => dialect.create_like(&name, &example),
        None => dialect.create_database(&name, base.collation, &session.server),
    };
    let guard = DropGuard::new(entry, dialect, name);
    match session.run(&sql).await {
        Ok(()) => {
            session.close().await;
            Ok((Target::Server(there), guard))
        }
        Err(error) => {
            // Where the connection broke it may have been made all the same.
            if error.trouble != Trouble::Connection {
                guard.never_made();
            }
            Err(explained(session, error).await)
        }
    }
}

/// What somebody has closed takes no shadow either, not even from an account that could make one.
async fn open_for_it(session: &mut Session) -> Result<(), DbError> {
    match writability::look(session).await? {
        Some(closed @ Closed::Setting(_)) => {
            let mut told = closed.told();
            told.notes.push(ELSEWHERE.to_owned());
            Err(told)
        }
        Some(Closed::Replica) | None => Ok(()),
    }
}

/// What an account needs that may make no database.
async fn explained(mut session: Session, mut error: DbError) -> DbError {
    let dialect = session.dialect;
    if error.trouble == Trouble::Denied
        && let Some(query) = dialect.may_create_query(PREFIX)
        && let Ok(Some(grant)) = session.value(&query).await
    {
        error.message = format!("this account may make no shadow: {}", error.message);
        error.notes.push(format!(
            "let an administrator run: {grant}; or lend an empty database with `shadow_url`"
        ));
    }
    session.close().await;
    error
}

/// The defaults of the target, where it can be asked.
async fn like(base: ShadowBase<'_>) -> Option<Vec<Option<String>>> {
    let query = base.dialect.defaults_query()?;
    let opened = Session::open(base.target, base.dialect, None, Access::Look).await;
    let mut session = opened.ok()?;
    let rows = session.rows(query).await.ok();
    session.close().await;
    rows?.into_iter().next()
}
