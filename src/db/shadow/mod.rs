//! The shadow: a scratch database in which migrations or a schema file are replayed. For SQLite it is
//! in memory; on a server it is a new database with the defaults of the target.
//!
//! It is dropped on every path. [`leftovers`] finds by its name what a killed run leaves behind. An
//! account that may not create databases borrows one.

mod borrowed;
mod drop_guard;
mod leftover;
mod siblings;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::session::{Access, DbError, Session};
use super::writability;
use super::writability::ReadOnly;
use super::{failpoint, inspect};
use crate::dialect::catalog::SchemaLocation;
use crate::dialect::containment;
use crate::dialect::containment::{EventChange, Scope};
use crate::dialect::{Dialect, ErrorKind, Extension};
use crate::model::schema::{Kind, Schema};
use crate::model::target::{FileTarget, ServerTarget, Target};
use borrowed::Borrowed;
use drop_guard::DropGuard;

pub use leftover::{Leftover, leftovers};
use siblings::Sibling;

/// The prefix of every shadow's name.
pub const PREFIX: &str = "bird_shadow_";
/// The hint for a server on which no shadow can be created.
pub const ELSEWHERE: &str = "name an empty database on another server with `shadow_url`";
/// The name of the table that marks a borrowed database.
const MARK: &str = "bird_shadow";
/// How long a session may take to close.
const FAREWELL: Duration = Duration::from_secs(2);

/// The database for which a shadow is created.
#[derive(Clone, Copy)]
pub struct ShadowBase<'g> {
    /// The database whose server and defaults the shadow gets.
    pub target: &'g Target,
    pub dialect: &'static dyn Dialect,
    pub schema: Option<&'g str>,
    /// The collation of new databases of the project, for a target that does not exist.
    pub collation: Option<&'g str>,
    /// The extensions that its migrations create. The others were given to it.
    pub own_extensions: &'g [String],
}

/// How a shadow was made, and so how it is removed.
enum Made {
    InMemory,
    Beside(Box<DropGuard>),
    Borrowed(Box<Borrowed>),
}

/// A scratch database.
pub struct Shadow {
    pub session: Session,
    /// Its name on its server.
    pub database: String,
    made: Made,
    pub(super) state: State,
    siblings: Vec<Sibling>,
}

/// The state of a shadow while statements are replayed in it.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub scope: Scope,
    /// The objects whose creation was not sent.
    pub unsent: Vec<String>,
    /// The other database in which the next statements would run.
    pub away: Option<String>,
    /// The value of the setting that decides how statements are parsed, if a statement set it.
    pub mode: Option<String>,
    /// The word for which a value of it was not set.
    pub foreign_mode: Option<String>,
    /// The extensions that the shadow should have and may lack.
    pub extensions: Vec<Extension>,
    /// The extensions that the target has and that its migrations create.
    pub own_extensions: Vec<Extension>,
    /// The scheduled events that are enabled outside of the shadow.
    enabled_events: BTreeSet<String>,
    /// The databases that have or had shadows beside this one, each with the name of its shadow.
    known_siblings: Vec<(String, String)>,
}

impl State {
    /// Reads the scope of the shadow: other databases and roles.
    async fn of(session: &mut Session, own: &str, shadow: &str) -> Result<State, DbError> {
        let mut scope = Scope {
            own: own.to_owned(),
            shadow: shadow.to_owned(),
            schema: session.schema.clone(),
            ..Scope::default()
        };
        if let Some(query) = session.dialect.containment().scope_query {
            let mut roles = Vec::new();
            for row in session.rows(query).await? {
                let mut cells = row.into_iter().map(Option::unwrap_or_default);
                let (kind, name) = (cells.next(), cells.next().unwrap_or_default());
                match kind.as_deref() {
                    Some("role") => roles.push(name.to_lowercase()),
                    _ => scope.others.push(name),
                }
            }
            scope.roles = Some(roles);
        }
        Ok(State {
            scope,
            ..State::default()
        })
    }

    /// A statement in the mode that is set, as bird reads statements. `None` if it cannot be written
    /// so.
    pub fn as_in_files<'s>(&self, dialect: &dyn Dialect, sql: &'s str) -> Option<Cow<'s, str>> {
        let (Some(mode), Some(value)) = (&dialect.containment().mode, &self.mode) else {
            return Some(Cow::Borrowed(sql));
        };
        (mode.as_in_files)(value, sql).map(Cow::Owned)
    }

    /// An extension that the shadow should have, by its name.
    pub fn given(&self, name: Option<&str>) -> Option<&Extension> {
        let mut extensions = self.extensions.iter();
        extensions.find(|extension| Some(extension.name.as_str()) == name)
    }

    /// Leaves an extension to the statements that are replayed.
    pub fn forget(&mut self, name: Option<&str>) {
        self.extensions
            .retain(|extension| Some(extension.name.as_str()) != name);
    }

    /// Records the change of a scheduled event.
    pub fn event_changed(&mut self, change: EventChange) {
        let enabled = change
            .enabled
            .unwrap_or(self.enabled_events.contains(&change.name));
        self.enabled_events.remove(&change.name);
        if enabled {
            self.enabled_events
                .insert(change.renamed.unwrap_or(change.name));
        }
    }
}

impl Shadow {
    /// Creates an empty shadow.
    pub async fn create(base: ShadowBase<'_>) -> Result<Shadow, DbError> {
        let (target, made, example) = match base.target {
            Target::File(_) => {
                let memory = Target::File(FileTarget::memory());
                (memory, Made::InMemory, Example::default())
            }
            Target::Server(server) => {
                let (target, guard, example) = beside(base, server).await?;
                failpoint::at("shadow-made");
                (target, Made::Beside(Box::new(guard)), example)
            }
        };
        Shadow::open(base, target, made, example).await
    }

    /// Borrows a database, for an account that may not create one.
    pub async fn borrow(base: ShadowBase<'_>, borrowed: &Target) -> Result<Shadow, DbError> {
        let example = Example::of(base, borrowed.database()).await;
        let mut borrowed =
            Borrowed::take(borrowed, base.dialect, example.defaults.as_deref()).await?;
        become_alike(borrowed.keeper(), &example).await;
        let target = borrowed.target.clone();
        let made = Made::Borrowed(Box::new(borrowed));
        Shadow::open(base, target, made, example).await
    }

    async fn open(
        base: ShadowBase<'_>,
        target: Target,
        made: Made,
        example: Example,
    ) -> Result<Shadow, DbError> {
        let (dialect, schema) = (base.dialect, base.schema);
        let mut session = Session::open(&target, dialect, schema, Access::Create).await?;
        make_inside(&mut session, schema).await?;
        let extensions = example.extensions;
        for sql in extensions.iter().flat_map(|extension| &extension.create) {
            // The account may lack the privilege, and nothing may need the extension.
            let _: Result<(), DbError> = session.run(sql).await;
        }
        if !extensions.is_empty() {
            session.reset().await?;
        }
        let database = target.database().to_owned();
        let mut state = State::of(&mut session, base.target.database(), &database).await?;
        state.extensions = extensions;
        state.own_extensions = example.own;
        Ok(Shadow {
            session,
            database,
            made,
            state,
            siblings: Vec::new(),
        })
    }

    /// Whether it is a borrowed database, of which there is only one.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.made, Made::Borrowed(_))
    }

    /// Makes a schema the one in which statements run and that is read, on engines that have schemas.
    pub async fn enter(&mut self, schema: Option<&str>) -> Result<(), DbError> {
        if self.session.schema.as_deref() == schema {
            return Ok(());
        }
        make_inside(&mut self.session, schema).await?;
        self.session.schema = schema.map(str::to_owned);
        self.state.scope.schema = schema.map(str::to_owned);
        self.session.reset().await
    }

    /// Reads its schema.
    pub async fn inspect(&mut self) -> Result<Schema, DbError> {
        let mut schema = inspect::schema(&mut self.session, &self.database).await?;
        let dialect = self.session.dialect;
        for object in &mut schema.objects {
            if object.kind == Kind::Event
                && self
                    .state
                    .enabled_events
                    .contains(&object.name.to_lowercase())
                && let Some(sql) = containment::enable_event(dialect, &object.sql)
            {
                object.sql = sql;
            }
            for sql in [&mut object.sql, &mut object.create_statement.0] {
                if let Some(own) = containment::with_own_name(dialect, sql, &self.state.scope) {
                    *sql = own;
                }
            }
        }
        let place = SchemaLocation {
            server: &self.session.server,
            database: &self.database,
            schema: self.session.schema.as_deref(),
        };
        for extension in &self.state.extensions {
            if let Some(object) = dialect.catalog().extension(&place, extension)
                && schema.object(&object.id()).is_none()
            {
                schema.objects.push(object);
            }
        }
        self.state.restore_names(&mut schema)?;
        schema.sort();
        if self.is_borrowed() {
            schema.tables.retain(|table| table.name != MARK);
            let mark = format!("schema {MARK}");
            schema.opaque_objects.retain(|object| object.what != mark);
        }
        Ok(schema)
    }

    /// Drops it, or gives it back. Without this call the guard drops it.
    pub async fn remove(self) -> Result<(), DbError> {
        // After an interruption the session may still wait for an answer.
        let _: Result<(), _> = tokio::time::timeout(FAREWELL, self.session.close()).await;
        let removed = match self.made {
            Made::InMemory => Ok(()),
            Made::Beside(guard) => guard.dropped().await,
            Made::Borrowed(borrowed) => borrowed.back().await,
        };
        let siblings = siblings::removed(self.siblings).await;
        removed.and(siblings)
    }
}

/// Creates what a schema needs inside the database.
async fn make_inside(session: &mut Session, schema: Option<&str>) -> Result<(), DbError> {
    for (_, missing) in session.dialect.missing_inside(schema) {
        if session.value(&missing.exists).await?.is_none() {
            session.run(&missing.create).await?;
        }
    }
    Ok(())
}

/// Opens a session with the embedded engine, in memory.
pub async fn in_memory(dialect: &'static dyn Dialect) -> Result<Session, DbError> {
    let memory = Target::File(FileTarget::memory());
    Session::open(&memory, dialect, None, Access::Create).await
}

/// Creates a database on the server of the target, with its defaults.
async fn beside(
    base: ShadowBase<'_>,
    server: &ServerTarget,
) -> Result<(Target, DropGuard, Example), DbError> {
    let dialect = base.dialect;
    let name = format!("{PREFIX}{}", Uuid::now_v7().simple());
    let (mut there, mut entry) = (server.clone(), server.clone());
    there.database.clone_from(&name);
    if let Some(database) = dialect.facts().maintenance_db {
        entry.database = database.to_owned();
    }
    let entry = Target::Server(entry);
    let example = Example::of(base, &name).await;
    let mut session = Session::open(&entry, dialect, None, Access::Write).await?;
    open_for_it(&mut session).await?;
    let sql = match &example.defaults {
        Some(defaults) => dialect.create_like(&name, defaults),
        None => dialect.create_database(&name, base.collation, &session.server),
    };
    let guard = DropGuard::new(entry, dialect, name);
    match session.run(&sql).await {
        Ok(()) => {
            become_alike(&mut session, &example).await;
            session.close().await;
            Ok((Target::Server(there), guard, example))
        }
        Err(error) => {
            // If the connection broke, the database may exist.
            if error.kind != ErrorKind::Connection {
                guard.never_made();
            }
            Err(explained(session, error).await)
        }
    }
}

/// An error if the server is read-only, even for an account that could write.
async fn open_for_it(session: &mut Session) -> Result<(), DbError> {
    match writability::read_only(session).await? {
        Some(closed @ ReadOnly::Setting(_)) => {
            let mut error = closed.error();
            error.notes.push(ELSEWHERE.to_owned());
            Err(error)
        }
        Some(ReadOnly::Replica) | None => Ok(()),
    }
}

/// Adds the grant that an account lacks to create a database.
async fn explained(mut session: Session, mut error: DbError) -> DbError {
    let dialect = session.dialect;
    if error.kind == ErrorKind::Denied
        && let Some(query) = dialect.may_create_query(PREFIX)
        && let Ok(Some(grant)) = session.value(&query).await
    {
        error.message = format!(
            "this account may not create a scratch database: {}",
            error.message
        );
        error.notes.push(format!(
            "let an administrator run: {grant}; or name an empty database with `shadow_url`"
        ));
    }
    session.close().await;
    error
}

/// What a shadow takes over from the database for which it is made.
#[derive(Debug, Default)]
struct Example {
    /// Its defaults; `None` if it cannot be opened.
    defaults: Option<Vec<Option<String>>>,
    /// The statements that give the shadow its settings.
    settings: Vec<String>,
    /// The extensions that no migration creates.
    extensions: Vec<Extension>,
    /// Those that its migrations create.
    own: Vec<Extension>,
}

impl Example {
    /// Reads it for a shadow of this name.
    async fn of(base: ShadowBase<'_>, shadow: &str) -> Example {
        let mut example = Example::default();
        let dialect = base.dialect;
        let Some(query) = dialect.defaults_query() else {
            return example;
        };
        let opened = Session::open(base.target, dialect, None, Access::ReadOnly).await;
        let Ok(mut session) = opened else {
            return example;
        };
        let rows = session.rows(query).await.unwrap_or_default();
        example.defaults = rows.into_iter().next();
        if let Some(query) = dialect.settings_like_query(shadow) {
            let rows = session.rows(&query).await.unwrap_or_default();
            example.settings = rows.into_iter().flatten().flatten().collect();
        }
        if let Some(query) = dialect.extensions_query() {
            let rows = session.rows(query).await.unwrap_or_default();
            example.extensions = rows.into_iter().filter_map(extension).collect();
            let is_own = |it: &Extension| base.own_extensions.contains(&it.name);
            (example.own, example.extensions) = example.extensions.into_iter().partition(is_own);
        }
        session.close().await;
        example
    }
}

/// An extension from a row of [`Provisioning::extensions_query`].
///
/// [`Provisioning::extensions_query`]: crate::dialect::Provisioning::extensions_query
fn extension(row: Vec<Option<String>>) -> Option<Extension> {
    let mut cells = row.into_iter();
    Some(Extension {
        name: cells.next()??,
        schema: cells.next()?,
        comment: cells.next()?,
        create: cells.flatten().collect(),
    })
}

/// Gives a shadow the settings of its example, except those that this account may not set.
async fn become_alike(session: &mut Session, example: &Example) {
    for sql in &example.settings {
        let _: Result<(), DbError> = session.run(sql).await;
    }
}
