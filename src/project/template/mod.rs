//! Templates: the projects that `bird init` writes.
//!
//! A template is one line in [`TEMPLATES`] and one folder below `templates/`, which `build.rs` embeds:
//! a `bird.toml` whose URLs are those of the embedded engine, and migrations in a folder per engine.

mod config;
mod place;

use std::borrow::Cow;
use std::path::Path;

use crate::dialect::{DIALECTS, Dialect};
use crate::invariant::present;
use crate::model::diagnostic::Failure;
use crate::model::target::Target;

pub use config::{NewDatabase, config};
pub use place::{Placed, place};

/// The files below `templates/`, and Bird's own: each template with its paths and texts.
static FOLDERS: &[(&str, &[(&str, &str)])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The JSON Schema of bird.toml, which lets editors complete it.
pub const CONFIG_SCHEMA: &str = include_str!("../../../docs/bird.schema.json");
const CONFIG_SCHEMA_FILE: &str = "bird.schema.json";

/// A template.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
}

/// Every template, in the order of `bird init --list`. The first one is the default.
pub const TEMPLATES: &[Template] = &[
    template("empty", "databases without migrations, to begin with"),
    template("bird", "a small social network in two databases"),
];

const fn template(name: &'static str, title: &'static str) -> Template {
    Template { name, title }
}

/// A file of a new project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Relative to the project's folder, with `/`.
    pub path: String,
    pub text: Cow<'static, str>,
}

impl NewFile {
    pub fn new(path: impl Into<String>, text: impl Into<Cow<'static, str>>) -> NewFile {
        NewFile {
            path: path.into(),
            text: text.into(),
        }
    }
}

/// A project to write.
#[derive(Debug, Clone, Default)]
pub struct NewProject {
    /// The names of its databases.
    pub databases: Vec<String>,
    /// The engines that it has migrations for.
    pub engines: Vec<&'static str>,
    pub files: Vec<NewFile>,
}

impl Template {
    /// The template with this name; `None` if there is none.
    pub fn named(name: &str) -> Option<&'static Template> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// The project that it gives for these engines, the first of which the databases are on; without
    /// engines those of the template, on the embedded one. `databases` are declared by a template
    /// that has none.
    pub fn project(
        &self,
        engines: &[&'static dyn Dialect],
        databases: &[String],
    ) -> Result<NewProject, Failure> {
        match folder(self.name) {
            None => Ok(empty(engines, databases)),
            Some(files) => from_folder(files, engines),
        }
    }

    /// Whether it declares the databases that `--database` names.
    pub fn takes_databases(&self) -> bool {
        folder(self.name).is_none()
    }
}

/// The embedded files of a folder.
fn folder(name: &str) -> Option<&'static [(&'static str, &'static str)]> {
    let found = FOLDERS.iter().find(|(folder, _)| *folder == name);
    found.map(|(_, files)| *files)
}

/// The engine that needs no server.
pub fn embedded() -> &'static dyn Dialect {
    let embedded = DIALECTS.iter().find(|one| one.facts().is_embedded());
    *present(embedded, "one engine is embedded")
}

/// The URL of a database that is given no other one: in a file of the project, or on this machine.
fn default_url(dialect: &dyn Dialect, database: &str) -> String {
    let facts = dialect.facts();
    let scheme = facts.schemes.first().unwrap_or(&facts.name);
    match facts.port {
        None => format!("{scheme}:data/{database}.db"),
        Some(port) => format!("{scheme}://localhost:{port}/{database}"),
    }
}

/// Databases without migrations.
fn empty(engines: &[&'static dyn Dialect], databases: &[String]) -> NewProject {
    let on = engines.first().copied().unwrap_or_else(embedded);
    let names = match databases {
        [] => vec!["app".to_owned()],
        names => names.to_vec(),
    };
    let declared = names.iter().map(|name| NewDatabase {
        name: name.clone(),
        url: default_url(on, name),
        ..NewDatabase::default()
    });
    let declared: Vec<NewDatabase> = declared.collect();
    let mut files = vec![NewFile::new("bird.toml", config(&declared, ""))];
    for name in &names {
        // Several engines have a folder each, and git keeps no folder without a file.
        if engines.len() > 1 {
            let folders = engines
                .iter()
                .map(|engine| format!("migrations/{name}/{}/.gitkeep", engine.facts().name));
            files.extend(folders.map(|path| NewFile::new(path, "")));
        } else {
            files.push(NewFile::new(format!("migrations/{name}/.gitkeep"), ""));
        }
    }
    let engines = match engines {
        [] => vec![on.facts().name],
        engines => engines.iter().map(|one| one.facts().name).collect(),
    };
    NewProject {
        databases: names,
        engines,
        files,
    }
}

/// The project in a folder, with the files of the chosen engines alone. Those of one engine stand
/// directly in the folder of their database.
fn from_folder(
    folder: &'static [(&'static str, &'static str)],
    engines: &[&'static dyn Dialect],
) -> Result<NewProject, Failure> {
    let all: Vec<&str> = DIALECTS.iter().map(|one| one.facts().name).collect();
    let chosen: Vec<&str> = match engines {
        [] => all.clone(),
        engines => engines.iter().map(|one| one.facts().name).collect(),
    };
    let on = engines.first().copied().unwrap_or_else(embedded);
    let mut project = NewProject {
        engines: chosen.clone(),
        ..NewProject::default()
    };
    for (path, text) in folder {
        if *path == "bird.toml" {
            let (databases, text) = config::on_engine(text, on, &default_url)?;
            project.databases = databases;
            project.files.push(NewFile::new(*path, text));
            continue;
        }
        let engine = all
            .iter()
            .find(|engine| path.split(['/', '.']).any(|part| part == **engine));
        match engine {
            Some(engine) if !chosen.contains(engine) => {}
            Some(engine) if chosen.len() == 1 => {
                let flat = path.replace(&format!("/{engine}/"), "/");
                project.files.push(NewFile::new(flat, *text));
            }
            _ => project.files.push(NewFile::new(*path, *text)),
        }
    }
    Ok(project)
}

/// The files that every new project has: what git ignores, line ends, and the schema for editors.
pub fn companions() -> Vec<NewFile> {
    vec![
        NewFile::new(CONFIG_SCHEMA_FILE, CONFIG_SCHEMA),
        NewFile::new(".gitignore", ".bird/\ndata/\n*.bird-lock\n"),
        // A checksum depends on every byte of a file.
        NewFile::new(".gitattributes", "*.sql text eol=lf\n"),
    ]
}

/// A service that runs checks on every push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forge {
    GitHub,
    GitLab,
}

impl Forge {
    /// The workflow that checks a project whose databases are on this engine.
    pub fn workflow(self, engine: &str, databases: &[String]) -> Option<NewFile> {
        let (name, path) = match self {
            Forge::GitHub => ("github", ".github/workflows/bird.yml"),
            Forge::GitLab => ("gitlab", ".gitlab-ci.yml"),
        };
        let wanted = format!("{name}.{engine}.yml");
        let mut files = folder("ci").unwrap_or_default().iter();
        let (_, text) = files.find(|(file, _)| *file == wanted)?;
        // A line with a database's name is there for each of them.
        let mut lines = String::new();
        for line in text.lines() {
            let each = line.contains("{name}");
            let names = if each { databases } else { &databases[..1] };
            for name in names {
                let line = line.replace("{name}", name);
                lines.push_str(&line.replace("{NAME}", &name.to_ascii_uppercase()));
                lines.push('\n');
            }
        }
        Some(NewFile::new(path, lines))
    }
}

/// The path of a file as a URL in the config of a project in `folder` names it: relative if both are
/// in one folder somewhere.
pub fn path_from(folder: &Path, target: &Target) -> Option<String> {
    let Target::File(file) = target else {
        return None;
    };
    let mut from = folder.components().peekable();
    let mut to = file.path.components().peekable();
    let mut shared = 0;
    while let (Some(one), Some(other)) = (from.peek(), to.peek())
        && one == other
    {
        from.next();
        to.next();
        shared += 1;
    }
    // The root alone is nothing in common.
    if shared < 2 {
        return Some(file.path.display().to_string());
    }
    let up = from.map(|_| "..".to_owned());
    let down = to.map(|part| part.as_os_str().to_string_lossy().into_owned());
    Some(up.chain(down).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_but_the_empty_one_has_a_folder_and_every_folder_a_template() {
        let mut listed: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        listed.retain(|name| *name != "empty");
        listed.push("ci");
        listed.sort_unstable();
        let there: Vec<&str> = FOLDERS.iter().map(|(name, _)| *name).collect();
        assert_eq!(listed, there);
    }

    #[test]
    fn both_forges_have_a_workflow_for_every_engine_that_names_every_database() {
        let databases = ["one".to_owned(), "two".to_owned()];
        for forge in [Forge::GitHub, Forge::GitLab] {
            for dialect in DIALECTS {
                let facts = dialect.facts();
                let file = forge.workflow(facts.name, &databases).unwrap();
                let urls = file.text.matches("_URL: ").count();
                assert_eq!(urls, if facts.is_embedded() { 0 } else { 2 });
                assert!(!file.text.contains('{'), "{}", file.text);
                assert!(file.text.contains("bird verify"), "{}", file.text);
            }
        }
    }

    #[test]
    fn a_file_is_named_from_the_project() {
        let from = |folder: &str, path: &str| {
            let target = Target::File(crate::model::target::FileTarget {
                path: path.into(),
                shown: String::new(),
                read_only: false,
            });
            path_from(Path::new(folder), &target).unwrap()
        };
        assert_eq!(from("/a/b", "/a/b/data/x.db"), "data/x.db");
        assert_eq!(from("/a/b", "/a/x.db"), "../x.db");
        assert_eq!(from("/a/b", "/var/x.db"), "/var/x.db");
    }
}
