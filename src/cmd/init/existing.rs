//! `bird init --from`: a project for databases that exist. Reads only.

use std::path::Path;

use super::suggest::{Suggestion, suggestions, text};
use crate::adopt::remove_histories;
use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::cmd::source::{self, Loaded, ShadowPool, Text};
use crate::db::audit::connections::{self, Connected, Connections};
use crate::db::session::Access;
use crate::diff::diff;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::schema::{Kind, Schema};
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
struct Read {
    database: Database,
    url: String,
    existing: Existing,
    /// Without other tools' histories.
    schema: Schema,
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
        all.push(read);
    }
    let mut diagnostics = Vec::new();
    let mut texts = Vec::new();
    source::with(context, async |pool| {
        for read in &mut all {
            let (text, fault) = baseline(pool, read, open).await?;
            texts.push(text);
            diagnostics.extend(fault);
        }
        Ok(())
    })
    .await?;
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

/// Opens a database and reads its schema.
async fn connect(
    context: &Context,
    asked: &FromUrl,
    folder: &Path,
    open: &mut Connections,
) -> Result<Read, Failure> {
    if has_password(&asked.url) {
        context.progress.notice(
            "other users of this machine can see a password on the command line; write ${VARIABLE} \
             instead",
        );
    }
    let mut database = source::at_url(&asked.url)?;
    let name = match &asked.name {
        Some(name) => name.clone(),
        None => own_name(&database.target),
    };
    if open.keys().any(|known| known.eq_ignore_ascii_case(&name)) {
        let message = format!("two databases are called `{name}`");
        return Err(source::usage(message, "give each a name: --from NAME=URL"));
    }
    if open::is_absent_file(&database) {
        let message = format!("there is no file {}", database.target.shown());
        return Err(Failure::failed(Diagnostic::new(Code::NoDatabase, message)));
    }
    let session = open::session(context, &database, Access::ReadOnly, None).await;
    let session = session.map_err(|error| Failure::failed(open::cannot_open(&database, &error)))?;
    let within = database.schema.clone();
    let connected = Connected::new(session, &database.target, within.as_deref()).await;
    let connected = connected.map_err(|error| {
        Failure::failed(open::cannot_ask(&database, "reading its schema", &error))
    })?;
    let mut schema = connected.schema.clone();
    let tool = remove_histories(&mut schema, |_| false).first().copied();
    database.collation = schema.settings.get("collation").cloned();
    database.name.clone_from(&name);
    let variable =
        has_password(&asked.url).then(|| format!("{}_PASSWORD", name.to_ascii_uppercase()));
    let url = match (path_from(folder, &database.target), &variable) {
        (Some(path), _) => file_url(&database, &path),
        (None, Some(variable)) => without_password(&asked.url, variable),
        (None, None) => asked.url.clone(),
    };
    let server = &connected.session.server;
    let existing = Existing {
        name: name.clone(),
        engine: database.dialect.facts().name,
        server: format!("{} {}", server.product, server.version),
        tables: schema.tables.len(),
        tool,
        statements: 0,
        proven: false,
        variable,
    };
    open.insert(name, connected);
    Ok(Read {
        database,
        url,
        existing,
        schema,
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
    let letters = own.chars();
    let fits = |letter: char| letter.is_ascii_alphanumeric();
    let name: String = letters
        .map(|letter| if fits(letter) { letter } else { '_' })
        .collect();
    if is_database_name(&name) {
        name
    } else {
        format!("db_{name}")
    }
}

/// The text of the migration that recreates a schema, and a warning where a scratch database did not
/// prove that.
async fn baseline(
    pool: &mut ShadowPool<'_>,
    read: &mut Read,
    open: &Connections,
) -> Result<(String, Option<Diagnostic>), Failure> {
    let name = &read.existing.name;
    let connected = open.get(name);
    let connected = crate::invariant!(connected, some, "a database that was read is open");
    let loaded = Loaded {
        label: name.clone(),
        base: read.database.clone(),
        schema: read.schema.clone(),
        server: connected.session.server.clone(),
        is_live: true,
        renames: Vec::new(),
        notes: Vec::new(),
        not_sent: Vec::new(),
        shadow: None,
    };
    let mut ddl = loaded.recreation();
    let catalog = read.database.dialect.catalog();
    for step in &mut ddl.steps {
        // Creating objects in an empty database risks no data.
        step.risks.clear();
        if let Some(sql) = catalog.without_version(&step.sql) {
            step.sql = sql;
        }
    }
    read.existing.statements = ddl.steps.len();
    let mut sql = format!("-- {name} as it was when bird took it over\n");
    if ddl.steps.iter().any(|step| step.alone) {
        sql.push_str("-- bird: no-transaction\n");
    }
    sql.push('\n');
    sql.push_str(&catalog.script(&ddl.steps));
    let why = match ddl.unsupported.first() {
        Some(first) => Some(format!("{}: {}", first.about, first.why)),
        None => prove(pool, read, &sql).await,
    };
    read.existing.proven = why.is_none();
    let fault = why.map(|why| {
        let message =
            format!("{name}: bird could not prove that the baseline gives this schema: {why}");
        let fault = Diagnostic::new(Code::NotVerified, message).database(name);
        let hint =
            format!("correct migrations/{name}/V1__baseline.sql by hand; `bird verify` compares");
        fault.severity(Severity::Warning).hint(hint)
    });
    Ok((sql, fault))
}

/// Runs a baseline in a scratch database, and compares the schema. `None` if it is the same.
async fn prove(pool: &mut ShadowPool<'_>, read: &Read, sql: &str) -> Option<String> {
    let text = Text {
        name: "V1__baseline.sql".to_owned(),
        sql: sql.into(),
    };
    let base = &read.database;
    let made = match pool.replay("baseline", base, &[text], false).await {
        Ok(made) => made,
        Err(failure) => return Some(failure.to_string()),
    };
    if let Some(note) = made.notes.first() {
        return Some(note.message.clone());
    }
    let orders = base.dialect.catalog().orders_columns();
    let rest = diff(
        &unversioned(made.schema),
        &unversioned(read.schema.clone()),
        orders,
    );
    let first = rest.changes.first()?;
    Some(format!("{} differs after the replay", first.about()))
}

/// A schema without the versions of extensions, which a baseline leaves to the server.
fn unversioned(mut schema: Schema) -> Schema {
    for object in &mut schema.objects {
        if object.kind == Kind::Extension {
            object.options.remove("version");
            object.sql.clear();
        }
    }
    schema
}
