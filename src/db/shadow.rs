//! A throw-away database in which migrations or a schema file are replayed: in memory for SQLite,
//! elsewhere a database of its own beside the target, made as the target is.
//!
//! It is dropped on every path that bird can see; what a killed run leaves behind is recognised by
//! its name and found by [`left_over`].

use std::collections::BTreeSet;

use uuid::Uuid;

use super::inspect;
use super::session::{Access, DbError, Session};
use crate::dialect::Dialect;
use crate::dialect::reach::{self, Around, Sleep};
use crate::model::schema::{Kind, Schema};
use crate::model::target::{FileTarget, Target};

/// What every shadow's name begins with.
pub const PREFIX: &str = "bird_shadow_";

/// Where a shadow is made, and after which example.
#[derive(Clone, Copy)]
pub struct Ground<'g> {
    /// The database beside which it is made; it gets that one's defaults.
    pub target: &'g Target,
    pub dialect: &'static dyn Dialect,
    pub schema: Option<&'g str>,
    /// What new databases of the project are made with, where the target does not exist.
    pub collation: Option<&'g str>,
}

/// A database that is going to be dropped.
pub struct Shadow {
    pub session: Session,
    /// Its name on its server.
    pub database: String,
    /// The server's entry, to drop it from; nothing where it is in memory.
    entry: Option<Target>,
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
            for row in session.rows(query).await? {
                let mut cells = row.into_iter().map(Option::unwrap_or_default);
                let (kind, name) = (cells.next(), cells.next().unwrap_or_default());
                match kind.as_deref() {
                    Some("role") => around.roles.push(name.to_lowercase()),
                    _ => around.others.push(name),
                }
            }
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
    pub async fn create(ground: Ground<'_>) -> Result<Shadow, DbError> {
        let dialect = ground.dialect;
        let (target, entry) = match ground.target {
            Target::File(_) => (Target::File(FileTarget::memory()), None),
            Target::Server(server) => {
                let name = format!("{PREFIX}{}", Uuid::now_v7().simple());
                let (mut there, mut entry) = (server.clone(), server.clone());
                there.database.clone_from(&name);
                if let Some(database) = dialect.facts().entry {
                    entry.database = database.to_owned();
                }
                let entry = Target::Server(entry);
                let example = like(ground).await;
                let mut session = Session::open(&entry, dialect, None, Access::Write).await?;
                let sql = match example {
                    Some(example) => dialect.catalog().create_like(&name, &example),
                    None => dialect.create_database(&name, ground.collation, &session.server),
                };
                let made = session.run(&sql).await;
                session.close().await;
                made?;
                (Target::Server(there), Some(entry))
            }
        };
        let schema = ground.schema;
        let opened = Session::open(&target, dialect, schema, Access::Create).await;
        let database = target.database().to_owned();
        let mut session = match (opened, &entry) {
            (Ok(session), _) => session,
            (Err(error), Some(entry)) => {
                drop_at(entry, dialect, &database).await?;
                return Err(error);
            }
            (Err(error), None) => return Err(error),
        };
        for (_, missing) in dialect.missing_inside(schema) {
            if session.value(&missing.exists).await?.is_none() {
                session.run(&missing.create).await?;
            }
        }
        let state = State::of(&mut session, ground.target.database(), &database).await?;
        Ok(Shadow {
            session,
            database,
            entry,
            state,
        })
    }

    /// What it holds.
    pub async fn inspect(&mut self) -> Result<Schema, DbError> {
        let mut schema = inspect::schema(&mut self.session, &self.database).await?;
        let dialect = self.session.dialect;
        for object in &mut schema.objects {
            if object.kind == Kind::Event
                && self.state.awake.contains(&object.name.to_lowercase())
                && let Some(sql) = reach::awake(dialect, &object.sql)
            {
                object.sql = sql;
            }
        }
        Ok(schema)
    }

    /// Drops it.
    pub async fn remove(self) -> Result<(), DbError> {
        let dialect = self.session.dialect;
        self.session.close().await;
        match self.entry {
            Some(entry) => drop_at(&entry, dialect, &self.database).await,
            None => Ok(()),
        }
    }
}

/// The defaults of the target, where it can be asked.
async fn like(ground: Ground<'_>) -> Option<Vec<Option<String>>> {
    let query = ground.dialect.catalog().defaults_query()?;
    let opened = Session::open(ground.target, ground.dialect, None, Access::Look).await;
    let mut session = opened.ok()?;
    let rows = session.rows(query).await.ok();
    session.close().await;
    rows?.into_iter().next()
}

async fn drop_at(entry: &Target, dialect: &'static dyn Dialect, name: &str) -> Result<(), DbError> {
    let Some(sql) = dialect.catalog().drop_database(name) else {
        return Ok(());
    };
    let mut session = Session::open(entry, dialect, None, Access::Write).await?;
    let dropped = session.run(&sql).await;
    session.close().await;
    dropped
}

/// The shadows that runs which were killed have left on a server.
pub async fn left_over(session: &mut Session) -> Result<Vec<String>, DbError> {
    let Some(query) = session.dialect.catalog().databases_query(PREFIX) else {
        return Ok(Vec::new());
    };
    let rows = session.rows(&query).await?;
    Ok(rows.into_iter().flatten().flatten().collect())
}
