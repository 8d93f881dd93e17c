//! Creates missing databases and, on PostgreSQL, the schemas inside them.

use std::time::{Duration, Instant};

use super::session::{Access, DbError, Session};
use super::writability;
use super::writability::ReadOnly;
use crate::dialect::{Dialect, ErrorKind};
use crate::model::server::Server;
use crate::model::target::Target;

/// PgBouncer tries a login that failed again after 15 seconds.
const FORGETTING: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(250);

/// Where a database is to be, and with what.
pub struct Wish<'w> {
    pub target: &'w Target,
    pub dialect: &'static dyn Dialect,
    pub schema: Option<&'w str>,
    pub collation: Option<&'w str>,
    /// Whether a replica that takes writes is as good as a primary.
    pub onto_replica: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// `None` if only a database could answer that does not exist yet.
    pub server: Option<Server>,
    /// What was created, in words; empty where everything was there.
    pub created: Vec<String>,
    /// What about a database that was there will not serve.
    pub concern: Option<String>,
}

/// What would be created; it only looks.
pub async fn missing(wish: &Wish<'_>) -> Result<Provisioned, DbError> {
    let mut found = Provisioned {
        server: None,
        created: Vec::new(),
        concern: None,
    };
    if let Target::File(file) = wish.target
        && !file.path.exists()
    {
        found.created.push(format!("file {}", file.shown));
        return Ok(found);
    }
    let opened = Session::open(wish.target, wish.dialect, wish.schema, Access::ReadOnly).await;
    let mut session = match (opened, wish.target) {
        (Ok(session), _) => session,
        (Err(error), Target::Server(server)) if error.kind == ErrorKind::MissingDatabase => {
            found.created.push(format!("database {}", server.database));
            // A new database has its engine's default schema, and no other.
            let inside = wish.dialect.missing_inside(wish.schema).into_iter();
            let inside = inside.filter(|_| wish.schema.is_some());
            found.created.extend(inside.map(|(what, _)| what));
            return Ok(found);
        }
        (Err(error), _) => return Err(error),
    };
    for (what, sql) in wish.dialect.missing_inside(wish.schema) {
        if session.value(&sql.exists).await?.is_none() {
            found.created.push(what);
        }
    }
    found.concern = match wish.dialect.concern_query() {
        Some(query) => session.value(query).await?,
        None => None,
    };
    found.server = Some(session.server.clone());
    session.close().await;
    Ok(found)
}

/// Makes the database, and the schema in it, where they are missing.
pub async fn database(wish: &Wish<'_>) -> Result<Provisioned, DbError> {
    let mut created = Vec::new();
    let access = match wish.target {
        Target::File(_) => Access::Create,
        Target::Server(_) => Access::Write,
    };
    if let Target::File(file) = wish.target
        && !file.path.exists()
    {
        created.push(format!("file {}", file.shown));
    }
    let opened = Session::open(wish.target, wish.dialect, wish.schema, access).await;
    let mut session = match opened {
        Ok(session) => session,
        Err(error) if error.kind == ErrorKind::MissingDatabase => {
            created.extend(create_on_server(wish, error).await?);
            open_new(wish, access).await?
        }
        Err(error) => return Err(error),
    };
    if let Target::File(_) = wish.target
        && !created.is_empty()
    {
        // The engine makes the file when it first writes to it.
        session.run("BEGIN IMMEDIATE; COMMIT").await?;
    }
    for (what, sql) in wish.dialect.missing_inside(wish.schema) {
        if session.value(&sql.exists).await?.is_none() {
            open(wish, &mut session).await?;
            session.run(&sql.create).await?;
            created.push(what);
        }
    }
    let concern = match wish.dialect.concern_query() {
        Some(query) => session.value(query).await?,
        None => None,
    };
    let server = Some(session.server.clone());
    session.close().await;
    Ok(Provisioned {
        server,
        created,
        concern,
    })
}

/// Whether the server is to be written to. An account with many rights could write to a replica,
/// and what it makes there stops the replica when the primary makes it, too.
async fn open(wish: &Wish<'_>, session: &mut Session) -> Result<(), DbError> {
    match writability::read_only(session).await? {
        Some(ReadOnly::Replica) if wish.onto_replica => Ok(()),
        Some(closed) => Err(closed.error()),
        None => Ok(()),
    }
}

/// Opens a database that was just made. A pooler remembers for a while that it did not exist.
async fn open_new(wish: &Wish<'_>, access: Access) -> Result<Session, DbError> {
    let start = Instant::now();
    loop {
        let opened = Session::open(wish.target, wish.dialect, wish.schema, access).await;
        match opened {
            Err(error)
                if matches!(
                    error.kind,
                    ErrorKind::MissingDatabase | ErrorKind::Connection
                ) && start.elapsed() < FORGETTING => {}
            opened => return opened,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn create_on_server(wish: &Wish<'_>, error: DbError) -> Result<Option<String>, DbError> {
    let (Target::Server(server), Some(entry)) = (wish.target, wish.dialect.facts().maintenance_db)
    else {
        return Err(error);
    };
    let mut there = server.clone();
    there.database = entry.to_owned();
    let there = Target::Server(there);
    let mut session = Session::open(&there, wish.dialect, None, Access::Write).await?;
    open(wish, &mut session).await?;
    let name = &server.database;
    let sql = wish
        .dialect
        .create_database(name, wish.collation, &session.server);
    let result = session.run(&sql).await;
    session.close().await;
    match result {
        Ok(()) => Ok(Some(format!("database {name}"))),
        // Someone else was quicker, which is as good.
        Err(error) if error.kind == ErrorKind::Exists => Ok(None),
        Err(error) => Err(error),
    }
}
