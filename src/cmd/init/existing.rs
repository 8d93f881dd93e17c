//! `bird init --from`: a project for databases that exist. Reads only.

use std::path::Path;

use super::baseline::baselines;
use super::suggest::{Suggestion, suggestions, text};
use crate::adopt::remove_histories;
use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::cmd::source;
use crate::db::audit::connections::{self, Connected, Connections};
use crate::db::session::{Access, Session};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::Schema;
use crate::model::target::Target;
use crate::project::template::{NewDatabase, NewFile, NewProject, config, path_from};
use crate::project::{Database, has_password, is_database_name, without_password};

/// A database on the command line: `URL` or `NAME=URL`.
#[derive(Debug, Clone)]
pub struct FromUrl {
    name: Option<String>,
    url: String,
}

impl FromUrl {
    /// Parses the value of `--from`.
    pub fn parse(text: &str) -> Result<FromUrl, String> {
        let named = text
            .split_once('=')
            .filter(|(name, _)| is_database_name(name));
        Ok(match named {
            Some((name, url)) => FromUrl {
                name: Some(name.to_owned()),
                url: url.to_owned(),
            },
            None => FromUrl {
                name: None,
                url: text.to_owned(),
            },
        })
    }
}

/// A database that was read.
pub struct Existing {
    pub name: String,
    /// Its schema inside the database, where others are databases of the project as well.
    pub schema: Option<String>,
    pub engine: &'static str,
    /// The product and its version.
    pub server: String,
    pub tables: usize,
    /// The tool that migrated it, whose history is left out.
    pub tool: Option<&'static str>,
    /// The number of statements of its baseline.
    pub statements: usize,
    /// Whether the baseline gave exactly its schema in a scratch database.
    pub proven: bool,
    /// The variable that holds the password, where the URL had one.
    pub variable: Option<String>,
}

/// The databases, the project for them, and what seems to refer to what.
pub struct Found {
    pub databases: Vec<Existing>,
    pub project: NewProject,
    pub suggestions: Vec<Suggestion>,
    pub diagnostics: Vec<Diagnostic>,
}

/// A database whose schema was read, and the URL that the config gets.
pub struct Read {
    pub database: Database,
    url: String,
    pub existing: Existing,
    /// Without other tools' histories.
    pub schema: Schema,
    /// The schemas beside it that have nothing in them.
    pub empty: Vec<String>,
}

/// Reads databases, and makes a project for them in `folder`.
pub async fn read(context: &Context, from: &[FromUrl], folder: &Path) -> Result<Found, Failure> {
    let mut open = Connections::new();
    let result = read_all(context, from, folder, &mut open).await;
    connections::close(open).await;
    result
}

async fn read_all(
    context: &Context,
    from: &[FromUrl],
    folder: &Path,
    open: &mut Connections,
) -> Result<Found, Failure> {
    let mut all: Vec<Read> = Vec::new();
    for asked in from {
        let read = connect(context, asked, folder, open).await?;
        all.extend(read);
    }
    let work = async |pool: &mut source::ShadowPool<'_>| baselines(pool, &mut all, open).await;
    let (texts, diagnostics) = source::with(context, work).await?;
    let schemas: Vec<(&str, &Schema)> = all
        .iter()
        .map(|read| (read.existing.name.as_str(), &read.schema))
        .collect();
    let suggestions = context
        .stop
        .race(suggestions(context, &schemas, open))
        .await
        .map_err(|exit| Failure {
            exit,
            diagnostics: vec![Diagnostic::new(
                Code::Interrupted,
                "interrupted; nothing was written",
            )],
        })??;
    let declared: Vec<NewDatabase> = all.iter().map(Read::declaration).collect();
    let mut files = vec![NewFile::new(
        "bird.toml",
        config(&declared, &text(&suggestions)),
    )];
    for (read, text) in all.iter().zip(texts) {
        let path = format!("migrations/{}/V1__baseline.sql", read.existing.name);
        files.push(NewFile::new(path, text));
    }
    let mut engines: Vec<&'static str> = Vec::new();
    for read in &all {
        if !engines.contains(&read.existing.engine) {
            engines.push(read.existing.engine);
        }
    }
    Ok(Found {
        project: NewProject {
            databases: all.iter().map(|read| read.existing.name.clone()).collect(),
            engines,
            files,
        },
        databases: all.into_iter().map(|read| read.existing).collect(),
        suggestions,
        diagnostics,
    })
}

impl Read {
    fn declaration(&self) -> NewDatabase {
        NewDatabase {
            name: self.existing.name.clone(),
            url: self.url.clone(),
            schema_name: self.database.schema.clone(),
            collation: self.database.collation.clone(),
        }
    }
}

/// Opens a database and reads its schema, or each of its schemas that has anything in it.
async fn connect(
    context: &Context,
    asked: &FromUrl,
    folder: &Path,
    open: &mut Connections,
) -> Result<Vec<Read>, Failure> {
    if has_password(&asked.url) {
        context.progress.notice(
            "other users of this machine can see a password on the command line; write ${VARIABLE} \
             instead",
        );
    }
    let database = source::at_url(&asked.url)?;
    let name = match &asked.name {
        Some(name) => name.clone(),
        None => own_name(&database.target),
    };
    if open::is_absent_file(&database) {
        let message = format!("there is no file {}", database.target.shown());
        return Err(Failure::failed(Diagnostic::new(Code::NoDatabase, message)));
    }
    let variable =
        has_password(&asked.url).then(|| format!("{}_PASSWORD", name.to_ascii_uppercase()));
    let url = match (path_from(folder, &database.target), &variable) {
        (Some(path), _) => file_url(&database, &path),
        (None, Some(variable)) => without_password(&asked.url, variable),
        (None, None) => asked.url.clone(),
    };
    not_taken(open, &name)?;
    let mut session = open_session(context, &database).await?;
    let (mut full, empty) = schemas(&mut session, &database).await?;
    let default = database.dialect.facts().schema;
    if full.is_empty() {
        full.extend(database.schema.clone());
    }
    let mut first = Some(session);
    let mut all = Vec::new();
    // An engine without schemas has one database.
    let rounds = full.len().max(1);
    for at in 0..rounds {
        let (mut database, mut name) = (database.clone(), name.clone());
        if let Some(schema) = full.get(at) {
            database.schema = Some(schema.clone());
            if rounds > 1 && Some(schema.as_str()) != default {
                name = format!("{name}_{}", only_letters(schema));
            }
        }
        let is_open = first.as_ref().map(|session| &session.schema) == Some(&database.schema);
        let session = match first.take_if(|_| is_open) {
            Some(session) => session,
            None => open_session(context, &database).await?,
        };
        not_taken(open, &name)?;
        database.name = name;
        let mut read = read_schema(database, session, open).await?;
        read.url.clone_from(&url);
        read.existing.variable.clone_from(&variable);
        if rounds > 1 {
            read.existing.schema.clone_from(&read.database.schema);
        }
        for other in full.iter().filter(|other| Some(*other) != full.get(at)) {
            let catalog = read.database.dialect.catalog();
            catalog.leave_out_schema(&mut read.schema, other);
        }
        read.empty.clone_from(&empty);
        all.push(read);
    }
    if let Some(session) = first {
        session.close().await;
    }
    Ok(all)
}

async fn open_session(context: &Context, database: &Database) -> Result<Session, Failure> {
    let session = open::session(context, database, Access::ReadOnly, None).await;
    session.map_err(|error| Failure::failed(open::cannot_open(database, &error)))
}

/// An error if a name belongs to another database.
fn not_taken(open: &Connections, name: &str) -> Result<(), Failure> {
    if open.keys().any(|known| known.eq_ignore_ascii_case(name)) {
        let message = format!("two databases are called `{name}`");
        return Err(source::usage(message, "give each a name: --from NAME=URL"));
    }
    Ok(())
}

/// The schemas of a database that have anything in them, and those that are empty.
async fn schemas(
    session: &mut Session,
    database: &Database,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let (mut full, mut empty) = (Vec::new(), Vec::new());
    if let Some(query) = database.dialect.catalog().schemas_query() {
        let rows = session.many_rows(&query.sql, query.columns).await;
        let rows = rows.map_err(|error| {
            Failure::failed(open::cannot_ask(database, "reading its schemas", &error))
        })?;
        for row in rows {
            if let [Some(name), Some(filled)] = row.as_slice() {
                let to = if filled == "1" { &mut full } else { &mut empty };
                to.push(name.clone());
            }
        }
        empty.retain(|name| Some(name.as_str()) != database.dialect.facts().schema);
    }
    Ok((full, empty))
}

/// Reads the schema of a database that is open.
async fn read_schema(
    mut database: Database,
    session: Session,
    open: &mut Connections,
) -> Result<Read, Failure> {
    let within = database.schema.clone();
    let connected = Connected::new(session, &database.target, within.as_deref()).await;
    let connected = connected.map_err(|error| {
        Failure::failed(open::cannot_ask(&database, "reading its schema", &error))
    })?;
    let mut schema = connected.schema.clone();
    let tool = remove_histories(&mut schema, |_| false).first().copied();
    database.collation = schema.settings.get("collation").cloned();
    let server = &connected.session.server;
    let existing = Existing {
        name: database.name.clone(),
        schema: None,
        engine: database.dialect.facts().name,
        server: format!("{} {}", server.product, server.version),
        tables: schema.tables.len(),
        tool,
        statements: 0,
        proven: false,
        variable: None,
    };
    open.insert(database.name.clone(), connected);
    Ok(Read {
        database,
        url: String::new(),
        existing,
        schema,
        empty: Vec::new(),
    })
}

/// The URL of a file of an embedded engine.
fn file_url(database: &Database, path: &str) -> String {
    let facts = database.dialect.facts();
    let scheme = facts.schemes.first().unwrap_or(&facts.name);
    let path = path.replace('%', "%25").replace('?', "%3F");
    let mode = match &database.target {
        Target::File(file) if file.read_only => "?mode=ro",
        _ => "",
    };
    format!("{scheme}:{path}{mode}")
}

/// A name for a database that was given none: its own, as far as it can be one.
fn own_name(target: &Target) -> String {
    let own = match target {
        Target::Server(server) => server.database.clone(),
        Target::File(file) => {
            let stem = file.path.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        }
    };
    let name = only_letters(&own);
    if is_database_name(&name) {
        name
    } else {
        format!("db_{name}")
    }
}

/// A text with `_` for what cannot be in a database's name.
fn only_letters(text: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric();
    let letters = text.chars();
    letters
        .map(|letter| if fits(letter) { letter } else { '_' })
        .collect()
}
