//! Sources of schemas: `ums`, `ums@migrations`, `ums@7`, `ums@schema`, a URL, a file or a folder of
//! SQL.

mod access;
mod cache;
pub mod compare;
pub mod describe;
mod expected;
mod load;
mod results;
pub mod schema_file;
mod siblings;

use std::path::PathBuf;

use super::context::Context;
use crate::adopt::remove_histories;
use crate::db::replay::NotSent;
use crate::dialect::catalog::SchemaLocation;
use crate::diff::diff;
use crate::model::change::{Ddl, Renamed, nothing_like};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::name::did_you_mean;
use crate::model::schema::Schema;
use crate::model::server::Server;
use crate::project::{self, Database};

pub use expected::{RecordedSchema, Text, applied_texts, recorded};
pub use load::{ShadowPool, live, with};
pub use siblings::{Place, Step};

/// A source of a schema.
pub struct Source {
    /// The text on the command line, without a password.
    pub label: String,
    pub kind: SourceKind,
}

pub enum SourceKind {
    /// The schema of a live database.
    Live(Box<Database>),
    /// The schema that migrations give.
    Migrations(Box<Database>, Upto),
    /// The desired schema of a database of the project.
    Desired(Box<Database>),
    /// A file or a folder of SQL.
    Path(PathBuf),
}

/// Which migrations are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upto {
    All,
    Version(i64),
    /// As far as the live database has applied them: the schema that was recorded then, or without a
    /// record a replay.
    Applied,
    /// As far as the live database has applied them, replayed.
    AppliedFiles,
}

/// Where a schema comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A live database.
    Live,
    /// The record of the last run that wrote.
    Record(Recorder),
    /// Files that were replayed.
    Files,
}

/// The circumstances of a record, and how those of today differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorder {
    /// The version of the server, if it is another one today: it may print the same schema otherwise.
    pub other_server: Option<String>,
    /// The settings that decide what a statement makes and that are others today, by name.
    pub other_settings: Vec<String>,
}

/// A schema that was loaded from a source.
pub struct Loaded {
    pub label: String,
    /// The database whose engine, server and defaults it has.
    pub base: Database,
    pub schema: Schema,
    pub server: Server,
    pub origin: Origin,
    /// The renames that its files declare.
    pub renames: Vec<Renamed>,
    /// Notes about statements that were not replayed.
    pub notes: Vec<Diagnostic>,
    /// The statements that were not replayed, by the index of their text.
    pub not_sent: Vec<(usize, Vec<NotSent>)>,
    /// The index of the shadow that has it.
    pub shadow: Option<usize>,
}

impl Loaded {
    /// Makes this schema comparable with another one: removes from both sides what tells something
    /// about the day and the account, and nothing about the migrations.
    pub fn align(&mut self, other: &mut Loaded) {
        let (live, given) = match (&self.origin, &other.origin) {
            (Origin::Live, Origin::Record(_) | Origin::Files) => (self, other),
            (Origin::Record(_) | Origin::Files, Origin::Live) => (other, self),
            (Origin::Record(_), Origin::Files) => (self, other),
            (Origin::Files, Origin::Record(_)) => (other, self),
            (Origin::Live, Origin::Live)
            | (Origin::Files, Origin::Files)
            | (Origin::Record(_), Origin::Record(_)) => return,
        };
        // The tables in which other tools keep their history are no difference, unless the files
        // make them.
        if let Origin::Record(_) = given.origin {
            let catalog = live.base.dialect.catalog();
            catalog.restate(&mut given.schema, &live.schema.unstated.0);
            remove_histories(&mut given.schema, |_| false);
            remove_histories(&mut live.schema, |_| false);
        } else {
            let is_in_files = |name: &str| given.schema.table(name).is_some();
            remove_histories(&mut live.schema, is_in_files);
            take_definers(&live.schema, given);
        }
    }

    /// Whether statements that may matter were not replayed, so that the schema may lack objects.
    pub fn is_incomplete(&self) -> bool {
        let mut notes = self.notes.iter();
        notes.any(|note| note.code == Code::NotReplayable && note.severity > Severity::Note)
    }
}

/// Gives replayed objects that state no definer the one that they have in the other schema: it is
/// whoever applied the file.
fn take_definers(live: &Schema, files: &mut Loaded) {
    let Some(definer) = files.base.dialect.catalog().definer_option() else {
        return;
    };
    for object in &mut files.schema.objects {
        let theirs = live.object(&object.id());
        let theirs = theirs.and_then(|theirs| theirs.options.get(definer));
        if let (Some(theirs), None) = (theirs, object.options.get(definer)) {
            object.options.insert(definer.to_owned(), theirs.clone());
        }
    }
}

/// The error for a source that cannot be used.
pub fn usage(message: String, hint: impl Into<String>) -> Failure {
    Failure::failed(Diagnostic::new(Code::Usage, message).hint(hint))
}

/// Parses the URL of a database on the command line.
pub fn at_url(url: &str) -> Result<Database, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let named = project::unnamed(url, &here, |name| std::env::var(name).ok());
    named.map_err(Failure::failed)
}

/// The error if no source determines the engine of a file.
pub fn no_engine() -> Failure {
    usage(
        "bird cannot tell which engine the file is for".to_owned(),
        "name a server for the scratch database: --shadow mysql://…, --shadow sqlite:any.db",
    )
}

/// Whether a text is a URL of a database.
pub fn is_url(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| crate::dialect::by_scheme(&scheme.to_ascii_lowercase()).is_some())
}

/// Whether a source needs no project.
pub fn stands_alone(text: &str) -> bool {
    is_url(text) || std::path::Path::new(text).exists()
}

impl Source {
    /// Parses a source on the command line.
    pub fn parse(context: &Context, text: &str) -> Result<Source, Failure> {
        let project = &context.project;
        if let Some(database) = project.database(text) {
            return Ok(Source::live(database));
        }
        if is_url(text) {
            if project::has_password(text) {
                context.progress.notice(
                    "other users of this machine can see a password on the command line; write \
                     ${VARIABLE} instead",
                );
            }
            let database = at_url(text)?;
            let unused = project::unused_parameters(&database.name, &database.target);
            if let Some(unused) = unused {
                context.progress.notice(&unused);
            }
            return Ok(Source::live(&database));
        }
        if let Some((name, part)) = text.split_once('@')
            && let Some(database) = project.database(name)
        {
            let source = match (part, part.trim_start_matches('V').parse()) {
                ("migrations", _) => Source::migrations(database, Upto::All),
                ("applied", _) => Source::migrations(database, Upto::Applied),
                ("schema", _) => Source::desired(database),
                (_, Ok(version)) => Source::migrations(database, Upto::Version(version)),
                _ => {
                    let message = format!("unknown source `{text}`");
                    let hint = format!("write `migrations`, `schema` or a version after `{name}@`");
                    return Err(usage(message, hint));
                }
            };
            return Ok(Source {
                label: text.to_owned(),
                ..source
            });
        }
        let path = PathBuf::from(text);
        if path.exists() {
            return Ok(Source {
                label: text.to_owned(),
                kind: SourceKind::Path(path),
            });
        }
        let names = project
            .databases
            .iter()
            .map(|database| database.name.as_str());
        let hint = did_you_mean(text, names).unwrap_or_else(|| {
            "a source is a database of the project (ums), ums@migrations, ums@7, ums@schema, \
             a URL, or a path to SQL"
                .to_owned()
        });
        Err(usage(
            format!("unknown source `{text}`: there is no such database or file"),
            hint,
        ))
    }

    /// The live schema of a database.
    pub fn live(database: &Database) -> Source {
        Source {
            label: database.name.clone(),
            kind: SourceKind::Live(Box::new(database.clone())),
        }
    }

    /// The schema that the migrations of a database give.
    pub fn migrations(database: &Database, upto: Upto) -> Source {
        let name = &database.name;
        Source {
            label: match upto {
                Upto::All => format!("{name}@migrations"),
                Upto::Version(version) => format!("{name}@{version}"),
                Upto::Applied | Upto::AppliedFiles => format!("{name}@applied"),
            },
            kind: SourceKind::Migrations(Box::new(database.clone()), upto),
        }
    }

    /// The desired schema of a database.
    pub fn desired(database: &Database) -> Source {
        Source {
            label: format!("{}@schema", database.name),
            kind: SourceKind::Desired(Box::new(database.clone())),
        }
    }

    /// The database whose engine and server the source has; `None` for a path.
    pub fn base(&self) -> Option<&Database> {
        match &self.kind {
            SourceKind::Live(database)
            | SourceKind::Migrations(database, _)
            | SourceKind::Desired(database) => Some(database),
            SourceKind::Path(_) => None,
        }
    }
}

impl Loaded {
    /// The location of the schema.
    pub fn place(&self) -> SchemaLocation<'_> {
        SchemaLocation {
            server: &self.server,
            database: self.base.target.database(),
            schema: self.base.schema.as_deref(),
        }
    }

    /// The statements that create it in an empty database.
    pub fn recreation(&self) -> Ddl {
        self.written_from(&nothing_like(&self.schema))
    }

    /// The statements that recreate the schema in any empty database, with its settings.
    pub fn recreation_anywhere(&self) -> Ddl {
        self.written_from(&Schema::default())
    }

    fn written_from(&self, nothing: &Schema) -> Ddl {
        let catalog = self.base.dialect.catalog();
        let all = diff(nothing, &self.schema, catalog.orders_columns());
        catalog.write(&self.place(), &all, nothing, &self.schema)
    }
}
