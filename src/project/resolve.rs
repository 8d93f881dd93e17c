//! Resolves the entry of a database to its target: chooses its URL and parses it.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::config::DatabaseConfig;
use super::document::Document;
use super::read::{SMALL, read_text};
use super::secrets::{Written, has_password};
use super::{Database, Request, url};
use crate::dialect::Dialect;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::target::{Target, Tls, is_loopback};

/// The origin of a URL: a place in the file, or a variable.
struct UrlOrigin {
    text: String,
    origin: String,
    location: Option<Location>,
    written: Written,
}

pub fn resolve(
    root: &Path,
    document: &Document,
    config: &DatabaseConfig,
    selected: bool,
    request: &Request<'_>,
) -> Result<Database, Diagnostic> {
    let source = source(root, document, config, request)?;
    let fault = |wrong: url::Wrong| {
        let message = format!("{} of `{}`: {}", source.origin, config.name, wrong.message);
        let mut fault = Diagnostic::new(Code::Config, message).database(&config.name);
        fault.location = source.location.clone();
        fault.hint = wrong.hint;
        fault
    };
    let text = url::expand(&source.text, request.variable).map_err(fault)?;
    let (dialect, target) = url::parse(&text, root).map_err(fault)?;
    let facts = dialect.facts();
    if let Some(engine) = &config.engine
        && engine != facts.name
    {
        let message = format!("`engine` is {engine}, but the URL is for {}", facts.name);
        return Err(fault(url::Wrong {
            message,
            hint: Some("leave `engine` out".into()),
        }));
    }
    let folder = match &config.migrations {
        Some(folder) => root.join(folder.get_ref()),
        None => root.join("migrations").join(&config.name),
    };
    Ok(Database {
        name: config.name.clone(),
        selected,
        dialect,
        target,
        schema: facts.schema.map(|default| match &config.schema_name {
            Some(name) => name.clone(),
            None => default.to_owned(),
        }),
        collation: config.collation.clone(),
        shadow: shadow(root, document, config, dialect, request)?,
        lock_timeout: config.lock_timeout,
        // Zero means no limit.
        statement_timeout: config.statement_timeout.filter(|time| !time.is_zero()),
        keep_sql: config.keep_sql.unwrap_or(true),
        keep_schema: config.keep_schema.unwrap_or(true),
        migrations: folder,
        desired: config.desired.as_ref().map(|path| root.join(path)),
        written: source.written,
        location: source.location,
    })
}

/// Resolves `shadow_url`.
fn shadow(
    root: &Path,
    document: &Document,
    config: &DatabaseConfig,
    dialect: &'static dyn Dialect,
    request: &Request<'_>,
) -> Result<Option<Target>, Diagnostic> {
    let Some(url) = &config.shadow_url else {
        return Ok(None);
    };
    let fault = |wrong: url::Wrong| {
        let message = format!("`shadow_url` of `{}`: {}", config.name, wrong.message);
        let mut fault = Diagnostic::new(Code::Config, message).database(&config.name);
        fault.hint = wrong.hint;
        fault.at(document.location(url.span()))
    };
    let text = url::expand(url.get_ref(), request.variable).map_err(fault)?;
    let (of, target) = url::parse(&text, root).map_err(fault)?;
    let (own, other) = (dialect.facts().name, of.facts().name);
    if dialect.facts().is_embedded() {
        return Err(fault(url::Wrong {
            message: "bird replays files of this engine in memory and needs no shadow".to_owned(),
            hint: Some("leave `shadow_url` out".to_owned()),
        }));
    }
    if own == other {
        Ok(Some(target))
    } else {
        Err(fault(url::Wrong {
            message: format!("the database is on {own}, so its shadow cannot be on {other}"),
            hint: None,
        }))
    }
}

/// A database by a URL of the command line, without a config.
pub fn unnamed(
    text: &str,
    root: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Database, Diagnostic> {
    let fault = |wrong: url::Wrong| {
        let mut fault = Diagnostic::new(Code::Usage, format!("the URL: {}", wrong.message));
        fault.hint = wrong.hint;
        fault
    };
    let expanded = url::expand(text, variable).map_err(fault)?;
    let (dialect, target) = url::parse(&expanded, root).map_err(fault)?;
    Ok(Database {
        name: target.shown(),
        selected: true,
        dialect,
        target,
        schema: dialect.facts().schema.map(str::to_owned),
        collation: None,
        shadow: None,
        lock_timeout: None,
        statement_timeout: None,
        keep_sql: true,
        keep_schema: true,
        migrations: PathBuf::new(),
        desired: None,
        written: Written::Elsewhere,
        location: None,
    })
}

fn source(
    root: &Path,
    document: &Document,
    config: &DatabaseConfig,
    request: &Request<'_>,
) -> Result<UrlOrigin, Diagnostic> {
    let name = format!("BIRD_{}_URL", config.name.to_ascii_uppercase());
    let file_name = format!("{name}_FILE");
    let place = |span: Range<usize>| Some(document.location(span));
    match ((request.variable)(&name), (request.variable)(&file_name)) {
        (Some(_), Some(_)) => {
            let message = format!("both {name} and {file_name} are set");
            Err(Diagnostic::new(Code::Config, message).hint("unset one of them"))
        }
        (Some(text), None) => Ok(UrlOrigin {
            text,
            origin: name,
            location: None,
            written: Written::Elsewhere,
        }),
        (None, Some(path)) => from_file(root, &path, &file_name, None),
        (None, None) => match (&config.url, &config.url_file) {
            (Some(url), _) => Ok(UrlOrigin {
                text: url.get_ref().clone(),
                origin: "`url`".into(),
                location: place(url.span()),
                written: if has_password(url.get_ref()) {
                    Written::Config
                } else {
                    Written::Elsewhere
                },
            }),
            (None, Some(file)) => from_file(root, file.get_ref(), "`url_file`", place(file.span())),
            (None, None) => {
                let message = format!("`{}` has no URL", config.name);
                let hint = format!("add `url` to [databases.{}], or set {name}", config.name);
                let fault = Diagnostic::new(Code::Config, message).hint(hint);
                Err(fault.at(document.location(config.span.clone())))
            }
        },
    }
}

fn from_file(
    root: &Path,
    path: &str,
    origin: &str,
    location: Option<Location>,
) -> Result<UrlOrigin, Diagnostic> {
    match read_text(&root.join(path), SMALL) {
        Ok(text) => Ok(UrlOrigin {
            text: text.trim().to_owned(),
            origin: origin.to_owned(),
            location,
            written: Written::File(root.join(path)),
        }),
        Err(reason) => {
            let message = format!("{origin}: cannot read {path}: {reason}");
            let mut fault = Diagnostic::new(Code::Config, message);
            fault.location = location;
            Err(fault)
        }
    }
}

/// Reports two databases on one target, which would share one history.
pub fn one_target_each(databases: &[Database], faults: &mut Vec<Diagnostic>) {
    let keys: Vec<String> = databases
        .iter()
        .map(|it| identity(it.dialect, &it.target, it.schema.as_deref()))
        .collect();
    for (index, database) in databases.iter().enumerate() {
        let twin = keys[..index].iter().position(|key| *key == keys[index]);
        let Some(twin) = twin.and_then(|at| databases.get(at)) else {
            continue;
        };
        let message = format!(
            "`{}` and `{}` are the same database",
            twin.name, database.name
        );
        let mut fault = Diagnostic::new(Code::SameTarget, message)
            .database(&database.name)
            .hint("give each its own database, because they would share one history");
        fault.location = database.location.clone();
        faults.push(fault);
    }
}

/// Reports a shadow that is also a database of the project, in any schema: a shadow is emptied.
pub fn no_shadow_is_a_target(databases: &[Database], faults: &mut Vec<Diagnostic>) {
    let place = |dialect: &dyn Dialect, target: &Target| identity(dialect, target, None);
    for database in databases {
        let Some(shadow) = &database.shadow else {
            continue;
        };
        let shadow = place(database.dialect, shadow);
        let own = databases
            .iter()
            .find(|own| place(own.dialect, &own.target) == shadow);
        if let Some(own) = own {
            let message = format!(
                "`shadow_url` of `{}` is the database `{}` itself, but bird empties a shadow",
                database.name, own.name
            );
            let fault = Diagnostic::new(Code::SameTarget, message).database(&database.name);
            faults.push(fault.hint("name an empty database that nobody else uses"));
        }
    }
}

/// A path without `..` and links, even if its end does not exist yet.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent(), path.components().next_back()) {
        (Some(folder), Some(Component::ParentDir)) => {
            let mut folder = real_path(folder);
            folder.pop();
            folder
        }
        (Some(folder), Some(last)) => real_path(folder).join(last),
        _ => path.to_path_buf(),
    }
}

/// A key that is equal for two URLs of one target.
pub fn identity(dialect: &dyn Dialect, target: &Target, schema: Option<&str>) -> String {
    match target {
        Target::File(file) => real_path(&file.path).display().to_string(),
        Target::Server(server) => {
            let host = if is_loopback(&server.host) {
                "localhost".to_owned()
            } else {
                server.host.to_ascii_lowercase()
            };
            let engine = dialect.facts().name;
            let (port, socket, name) = (server.port, &server.socket, &server.database);
            format!("{engine} {host}:{port} {socket:?} {name} {schema:?}")
        }
    }
}

/// A warning about a selected database that an environment leaves on the embedded file of the base
/// settings, unless a variable names another place.
pub fn left_on_base(database: &Database, environment: &str) -> Option<String> {
    let name = &database.name;
    let from_config = database.selected && database.location.is_some();
    (from_config && database.dialect.facts().is_embedded()).then(|| {
        let place = database.target.shown();
        format!(
            "warning: the environment `{environment}` sets no URL for `{name}`, which stays on {place}; \
             set BIRD_{}_URL, or `url` in [env.{environment}.databases.{name}]",
            name.to_ascii_uppercase()
        )
    })
}

/// Notices about network connections that the URL leaves unverified.
pub fn weak_tls(databases: &[Database]) -> Vec<String> {
    let weak = databases
        .iter()
        .filter(|database| database.selected)
        .filter_map(|database| {
            let Target::Server(server) = &database.target else {
                return None;
            };
            let how = match server.tls {
                Tls::Off => "not encrypted",
                Tls::Preferred => "encrypted only if the server supports it, and not verified",
                Tls::Required => "encrypted, but the server is not verified",
                Tls::VerifyCa => "encrypted; the certificate is verified, but not the host name",
                Tls::Local if server.socket.is_none() && !is_loopback(&server.host) => {
                    "encrypted only if the server takes no other"
                }
                Tls::Local | Tls::VerifyFull => return None,
            };
            Some(format!(
                "{}: the connection is {how}, as its URL says",
                database.name
            ))
        });
    weak.collect()
}

/// A notice about the parameters of a URL that have no effect, as many URLs are made for another client.
pub fn unused_parameters(name: &str, target: &Target) -> Option<String> {
    let Target::Server(server) = target else {
        return None;
    };
    let unused: Vec<String> = server
        .parameters
        .unused
        .iter()
        .map(|it| format!("`{it}`"))
        .collect();
    let (word, have) = match unused.len() {
        0 => return None,
        1 => ("parameter", "has"),
        _ => ("parameters", "have"),
    };
    let unused = unused.join(", ");
    Some(format!(
        "{name}: the {word} {unused} of its URL {have} no effect in bird"
    ))
}
