//! Reads the project: bird.toml, the environment, the migration files. The only user of `toml`.

mod assertions;
mod config;
mod create;
mod document;
mod duration;
mod gitlab_loose_fk;
#[cfg(test)]
mod json_schema;
mod migrations;
mod own_key;
mod read;
mod references;
mod replace;
mod resolve;
mod secrets;
mod state_dir;
pub mod template;
mod url;
mod variables;

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

use crate::dialect::Dialect;
use crate::model::assertion::Assertion;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Location};
use crate::model::exit::Exit;
use crate::model::migration::Migration;
use crate::model::name::did_you_mean;
use crate::model::reference::Reference;
use crate::model::seed::Seed;
use crate::model::target::Target;
use config::Config;
use document::{ConfigReader, Document};

pub use config::is_database_name;
pub use create::Fresh;
pub use duration::parse_duration;
pub use gitlab_loose_fk::{LooseForeignKey, Scalar, read_loose_foreign_keys};
pub use own_key::{key_of_run, own_key};
pub use read::{LARGE, open_regular, read_regular, read_text};
pub use replace::{Replacement, can_replace, replace};
pub use resolve::{unnamed, unused_parameters};
pub use secrets::{has_password, without_password};
pub use state_dir::StateDir;
pub use url::{Wrong, parse as parse_url};
pub use variables::unread;

/// The request of the command line and its environment.
pub struct Request<'r> {
    /// `--config` or BIRD_CONFIG.
    pub config: Option<PathBuf>,
    /// `--env`.
    pub environment: Option<String>,
    /// `--database`, empty for all.
    pub databases: Vec<String>,
    /// `--state-dir` or BIRD_STATE_DIR.
    pub state_dir: Option<PathBuf>,
    /// The folder bird was called in.
    pub folder: PathBuf,
    /// Looks up an environment variable.
    pub variable: &'r dyn Fn(&str) -> Option<String>,
}

/// A project.
pub struct Project {
    /// The folder that relative paths start from.
    pub root: PathBuf,
    /// The selected environment.
    pub environment: Option<String>,
    /// The config file.
    config: PathBuf,
    /// Where bird keeps what helps its next run.
    pub state: StateDir,
    /// Whether writing needs consent.
    pub protected: bool,
    /// The selected databases and the others that could be resolved, in the order of the file.
    pub databases: Vec<Database>,
    pub references: Vec<Reference>,
    pub seeds: Vec<Seed>,
    pub assertions: Vec<Assertion>,
    /// Notices that are not errors.
    pub notices: Vec<String>,
    /// What is probably not meant.
    pub warnings: Vec<String>,
}

/// A database of the project.
#[derive(Clone)]
pub struct Database {
    pub name: String,
    /// Whether it is selected for this run.
    pub selected: bool,
    pub dialect: &'static dyn Dialect,
    pub target: Target,
    /// The schema inside the database, on engines that have them.
    pub schema: Option<String>,
    pub collation: Option<String>,
    /// The database of `shadow_url`.
    pub shadow: Option<Target>,
    pub lock_timeout: Option<Duration>,
    /// How long one statement may run before it is cancelled.
    pub statement_timeout: Option<Duration>,
    /// Whether the text of applied migrations is kept in the database.
    pub keep_sql: bool,
    /// Whether the schema is recorded in the database after a run that wrote.
    pub keep_schema: bool,
    pub migrations: PathBuf,
    /// The file or folder of its desired schema.
    pub desired: Option<PathBuf>,
    written: secrets::Written,
    /// Where its URL was written, for messages about two databases on one target.
    location: Option<Location>,
}

/// A project without a config file, for commands whose arguments suffice.
pub fn none(request: &Request<'_>) -> Project {
    Project {
        root: request.folder.clone(),
        state: StateDir::new(&request.folder, None, request),
        environment: None,
        config: PathBuf::new(),
        protected: false,
        databases: Vec::new(),
        references: Vec::new(),
        seeds: Vec::new(),
        assertions: Vec::new(),
        notices: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Finds and reads bird.toml; all faults are reported at once.
pub fn load(request: &Request<'_>) -> Result<Project, Failure> {
    let path = find(request)?;
    let root = root_of(&path);
    let text = read::read_text(&path, read::SMALL).map_err(|reason| {
        let message = format!("cannot read {}: {reason}", path.display());
        Failure::failed(Diagnostic::new(Code::Config, message))
    })?;
    let file = shown(&path, &request.folder);
    let document = Document::new(file, text);
    let mut reader = ConfigReader::new(&document);
    let (table, errors) = DeTable::parse_recoverable(&document.text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        // The message names what the parser expected, never what it found, which may be a secret.
        reader.fault(span, format!("not TOML: {}", error.message()), None);
    }
    if !reader.faults.is_empty() {
        return Err(failure(reader.faults));
    }
    let config = with_environment(&mut reader, table.get_ref(), request);
    if config.databases.is_empty() && reader.faults.is_empty() {
        let message = "no database is declared".to_owned();
        reader.fault(
            0..0,
            message,
            Some("add [databases.NAME] with a `url`".into()),
        );
    }
    unknown_selection(&mut reader, &config, &request.databases);
    let mut project = Project {
        environment: request.environment.clone(),
        protected: config.protected,
        databases: Vec::new(),
        references: config.references,
        seeds: config.seeds,
        assertions: config.assertions,
        notices: Vec::new(),
        state: StateDir::new(&root, config.state_dir.as_deref(), request),
        warnings: Vec::new(),
        root,
        config: path,
    };
    for own in config.databases {
        let selected = request.databases.is_empty() || request.databases.contains(&own.name);
        match resolve::resolve(&project.root, &document, &own, selected, request) {
            Ok(database) => {
                let environment = request.environment.as_deref().filter(|_| own.url_of_base);
                let left = environment.and_then(|name| resolve::left_on_base(&database, name));
                project.warnings.extend(left);
                project.databases.push(database);
            }
            // A database that is not selected may lack its variables.
            Err(fault) if selected => reader.faults.push(fault),
            Err(_) => {}
        }
    }
    resolve::one_target_each(&project.databases, &mut reader.faults);
    resolve::no_shadow_is_a_target(&project.databases, &mut reader.faults);
    assertions::parse_statements(
        &mut project.assertions,
        &project.databases,
        &mut reader.faults,
    );
    if !reader.faults.is_empty() {
        return Err(failure(reader.faults));
    }
    project.notices = resolve::weak_tls(&project.databases);
    Ok(project)
}

fn failure(mut diagnostics: Vec<Diagnostic>) -> Failure {
    diagnostics.sort_by_key(|fault| fault.location.as_ref().map(|at| (at.line, at.column)));
    Failure {
        exit: Exit::Failed,
        diagnostics,
    }
}

/// Finds the config: `--config`, BIRD_CONFIG, then bird.toml or config/bird.toml from here upwards.
fn find(request: &Request<'_>) -> Result<PathBuf, Failure> {
    if let Some(path) = &request.config {
        return Ok(request.folder.join(path));
    }
    for folder in request.folder.ancestors() {
        for name in ["bird.toml", "config/bird.toml"] {
            let path = folder.join(name);
            if path.is_file() {
                return Ok(path);
            }
        }
    }
    let message = format!(
        "no bird.toml in {} nor in any folder above it",
        request.folder.display()
    );
    let hint = "begin a project with `bird init`, or name its config with --config FILE";
    Err(Failure::failed(
        Diagnostic::new(Code::NoConfig, message).hint(hint),
    ))
}

/// The folder of bird.toml, or the one above `config/`.
fn root_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new("."));
    if folder.file_name().is_some_and(|name| name == "config") {
        folder.parent().unwrap_or(folder).to_path_buf()
    } else {
        folder.to_path_buf()
    }
}

/// Formats a path for messages: relative if it is inside the folder.
fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Reads the file once for each environment, so that faults in any of them are reported, and returns
/// the selected one.
fn with_environment(
    reader: &mut ConfigReader<'_>,
    table: &DeTable<'_>,
    request: &Request<'_>,
) -> Config {
    let mut base = table.clone();
    let environments = base.remove("env");
    let mut chosen = config::read(reader, &base);
    let none = DeTable::new();
    let environments = match &environments {
        Some(value) => reader.table(value, "env").unwrap_or(&none),
        None => &none,
    };
    let mut found = request.environment.is_none();
    for (name, value) in environments.iter() {
        let Some(over) = reader.table(value, name.get_ref()) else {
            continue;
        };
        nested_environment(reader, over);
        let mut whole = base.clone();
        document::overlay(&mut whole, over);
        let mut config = config::read(reader, &whole);
        if request.environment.as_deref() == Some(name.get_ref().as_ref()) {
            for own in &mut config.databases {
                let base = chosen.databases.iter().find(|base| base.name == own.name);
                let of_base = base.and_then(|base| base.url.as_ref());
                own.url_of_base = of_base.is_some_and(|base| {
                    let url = own.url.as_ref();
                    url.is_some_and(|url| url.span() == base.span())
                });
            }
            chosen = config;
            found = true;
        }
    }
    if let (false, Some(asked)) = (found, &request.environment) {
        let names: Vec<&str> = environments
            .keys()
            .map(|key| key.get_ref().as_ref())
            .collect();
        let hint = did_you_mean(asked, names.iter().copied()).unwrap_or_else(|| {
            if names.is_empty() {
                "the file has no [env.NAME]".into()
            } else {
                format!("the environments are {}", names.join(", "))
            }
        });
        let message = format!("there is no environment `{asked}`");
        reader
            .faults
            .push(Diagnostic::new(Code::NoEnvironment, message).hint(hint));
    }
    chosen
}

fn nested_environment(reader: &mut ConfigReader<'_>, over: &DeTable<'_>) {
    if let Some((key, _)) = over.get_key_value("env") {
        reader.fault(
            key.span(),
            "an environment cannot contain another environment".into(),
            None,
        );
    }
}

fn unknown_selection(reader: &mut ConfigReader<'_>, config: &Config, asked: &[String]) {
    let names = || {
        config
            .databases
            .iter()
            .map(|database| database.name.as_str())
    };
    for name in asked {
        if !names().any(|known| known == name) {
            let all: Vec<&str> = names().collect();
            let hint = did_you_mean(name, names())
                .unwrap_or_else(|| format!("the databases are {}", all.join(", ")));
            let message = format!("there is no database `{name}`");
            reader
                .faults
                .push(Diagnostic::new(Code::NoDatabase, message).hint(hint));
        }
    }
}

impl Database {
    /// The variable of its URL, if it has one.
    pub fn variable(&self) -> Option<String> {
        let named = self.name != self.target.shown();
        named.then(|| format!("BIRD_{}_URL", self.name.to_ascii_uppercase()))
    }

    /// Whether another one is another schema of the same database on a server.
    pub fn shares_database_with(&self, other: &Database) -> bool {
        let place = |of: &Database| resolve::identity(of.dialect, &of.target, None);
        let differ = self.schema.is_some() && other.schema.is_some() && self.schema != other.schema;
        differ && place(self) == place(other)
    }

    /// Whether statements in one of them may name the other: another database of the same server, where
    /// the engine knows no bounds between them.
    pub fn is_beside(&self, other: &Database) -> bool {
        let (Target::Server(own), Target::Server(theirs)) = (&self.target, &other.target) else {
            return false;
        };
        let mut alike = theirs.clone();
        alike.database.clone_from(&own.database);
        let place = |target: &Target| resolve::identity(self.dialect, target, None);
        self.dialect.syntax().grammar.schema_is_database
            && self.dialect.facts().name == other.dialect.facts().name
            && own.database != theirs.database
            && place(&self.target) == place(&Target::Server(alike))
    }

    /// The same database of the project, on the server and engine of another one.
    pub fn on(&self, other: &Database) -> Database {
        Database {
            name: self.name.clone(),
            migrations: self.migrations.clone(),
            desired: self.desired.clone(),
            ..other.clone()
        }
    }
}

impl Project {
    /// The selected databases.
    pub fn selected(&self) -> impl Iterator<Item = &Database> {
        self.databases.iter().filter(|database| database.selected)
    }

    pub fn database(&self, name: &str) -> Option<&Database> {
        self.databases.iter().find(|database| database.name == name)
    }

    /// Identifies the project on this machine: its folder, or its config if that has another name.
    pub fn identity(&self) -> String {
        let usual = ["bird.toml", "config/bird.toml"];
        let is_usual = usual.iter().any(|name| self.root.join(name) == self.config);
        let path = if is_usual { &self.root } else { &self.config };
        path.display().to_string()
    }

    /// Formats a path for messages: relative if it is inside the project.
    pub fn shown(&self, path: &Path) -> String {
        shown(path, &self.root)
    }

    /// Reads the migrations of the database at an index. Faults in those of a database that is not
    /// selected are ignored.
    pub fn read_migrations(&self, at: usize) -> Result<Vec<Migration>, Vec<Diagnostic>> {
        let Some(database) = self.databases.get(at) else {
            return Ok(Vec::new());
        };
        self.read_migrations_of(database)
    }

    /// Reads the migrations of a database for the engine that it is on.
    pub fn read_migrations_of(
        &self,
        database: &Database,
    ) -> Result<Vec<Migration>, Vec<Diagnostic>> {
        let engine = database.dialect.facts().name;
        let read = migrations::read(&database.migrations, engine, &|path| self.shown(path));
        match read {
            Err(_) if !database.selected => Ok(Vec::new()),
            Err(faults) => {
                let named = faults
                    .into_iter()
                    .map(|fault| fault.database(&database.name));
                Err(named.collect())
            }
            read => read,
        }
    }
}
