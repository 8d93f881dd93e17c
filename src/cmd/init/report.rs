//! The report of `bird init`: the files, and the next commands.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::output::{Block, Grid, Report};
use crate::project::template::{NewProject, Placed, TEMPLATES, Template};

/// What the next commands depend on.
pub struct Next {
    /// The folder to go to, as the command line names it.
    pub folder: Option<PathBuf>,
    /// The variables to set, because the databases are on servers.
    pub variables: Vec<String>,
    /// Whether a migration has to be written first.
    pub empty: bool,
    /// The database that commands must name, where there are several.
    pub database: Option<String>,
}

/// The report.
pub struct InitReport {
    template: &'static str,
    project: NewProject,
    placed: Placed,
    /// The engine that the databases are on.
    engine: &'static str,
    dry_run: bool,
    next: Vec<(String, &'static str)>,
    list: bool,
}

impl InitReport {
    /// The list of templates.
    pub fn list() -> InitReport {
        InitReport {
            template: "",
            project: NewProject::default(),
            placed: Placed::default(),
            engine: "",
            dry_run: false,
            next: Vec::new(),
            list: true,
        }
    }

    /// The files of a project, written unless it was a dry run.
    pub fn written(
        template: &'static Template,
        project: NewProject,
        placed: Placed,
        engine: &'static str,
        dry_run: bool,
        next: Next,
    ) -> InitReport {
        InitReport {
            template: template.name,
            project,
            placed,
            engine,
            dry_run,
            next: next.commands(),
            list: false,
        }
    }

    fn headline(&self) -> String {
        let count = self.project.databases.len();
        let names = self.project.databases.join(", ");
        let databases = if count == 1 { "database" } else { "databases" };
        let from = format!(
            "a project with {count} {databases} ({names}) on {}",
            self.engine
        );
        let verb = if self.dry_run { "would write" } else { "wrote" };
        format!("{verb} {from}")
    }

    /// Each file that people meet one by one, and each folder of migrations or schemas.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut folders = BTreeSet::new();
        for file in &self.placed.files {
            let parts: Vec<&str> = file.path.split('/').collect();
            let (shown, about) = match parts.as_slice() {
                ["migrations", database, .., _] => {
                    let folder = format!("migrations/{database}/");
                    let inside = |path: &str| path.starts_with(&folder) && path.ends_with(".sql");
                    let all = self.placed.files.iter();
                    let names = all.filter(|one| inside(&one.path)).map(|one| &one.path);
                    let names: BTreeSet<&str> =
                        names.filter_map(|path| path.rsplit('/').next()).collect();
                    let about = match names.len() {
                        0 => "for migrations: V1__name.sql".to_owned(),
                        1 => "1 migration".to_owned(),
                        several => format!("{several} migrations"),
                    };
                    (folder, about)
                }
                ["schema", ..] => ("schema/".to_owned(), "the desired schemas".to_owned()),
                _ => (file.path.clone(), about(&file.path).to_owned()),
            };
            if folders.insert(shown.clone()) {
                rows.push(vec![shown, about]);
            }
        }
        rows
    }
}

/// What a file is for.
fn about(path: &str) -> &'static str {
    match path {
        "bird.toml" => "databases, references, environments",
        "bird.schema.json" => "the keys of bird.toml, for editors",
        ".gitignore" => "bird's state and local databases",
        ".gitattributes" => "line ends of SQL files",
        path if path.ends_with(".yml") => "checks on every push",
        _ => "",
    }
}

impl Next {
    /// The next commands, and a remark on each.
    fn commands(self) -> Vec<(String, &'static str)> {
        let mut all = Vec::new();
        if let Some(folder) = &self.folder {
            all.push((format!("cd {}", quoted(&folder.to_string_lossy())), ""));
        }
        for variable in &self.variables {
            all.push((format!("export {variable}=…"), "where the database is"));
        }
        if self.empty {
            let database = self.database.map(|name| format!(" --database {name}"));
            let new = format!("bird new create_users{}", database.unwrap_or_default());
            all.push((new, "write its SQL into the file"));
            all.push(("bird up".to_owned(), "creates and migrates the databases"));
            all.push(("bird status".to_owned(), ""));
        } else {
            all.push(("bird up".to_owned(), "creates and migrates the databases"));
            all.push(("bird status".to_owned(), ""));
            all.push(("bird audit".to_owned(), "finds rows without a parent"));
        }
        all
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

impl Report for InitReport {
    fn command(&self) -> &'static str {
        "init"
    }

    fn exit(&self) -> Exit {
        Exit::Done
    }

    fn blocks(&self) -> Vec<Block> {
        if self.list {
            let rows = TEMPLATES.iter();
            let rows = rows.map(|one| vec![one.name.to_owned(), one.title.to_owned()]);
            return vec![Block::Grid(Grid {
                headers: vec!["template", "contents"],
                rows: rows.collect(),
                numbers: Vec::new(),
            })];
        }
        let mut blocks = vec![
            Block::Line(self.headline()),
            Block::Grid(Grid {
                headers: vec!["file", "contents"],
                rows: self.rows(),
                numbers: Vec::new(),
            }),
        ];
        for (file, lines) in self
            .placed
            .kept
            .iter()
            .filter(|(_, lines)| !lines.is_empty())
        {
            let line = format!("{file} is there already: add {} to it", lines.join(", "));
            blocks.push(Block::Line(line));
        }
        if !self.dry_run {
            blocks.push(Block::Line("next:".to_owned()));
            let widest = self.next.iter().map(|(command, _)| command.chars().count());
            let widest = widest.max().unwrap_or(0);
            for (command, remark) in &self.next {
                blocks.push(Block::Line(if remark.is_empty() {
                    format!("  {command}")
                } else {
                    format!("  {command:widest$}   # {remark}")
                }));
            }
        }
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn databases(&self) -> Vec<Value> {
        let names = self.project.databases.iter();
        names
            .map(|name| json!({ "name": name, "engine": self.engine }))
            .collect()
    }

    fn extra(&self) -> Map<String, Value> {
        let mut extra = Map::new();
        if self.list {
            let all = TEMPLATES
                .iter()
                .map(|one| json!({ "name": one.name, "title": one.title }));
            extra.insert("templates".to_owned(), all.collect());
            return extra;
        }
        let files = self.placed.files.iter().map(|file| file.path.clone());
        let kept = self.placed.kept.iter();
        let kept = kept.map(|(file, lines)| json!({ "file": file, "missing": lines }));
        let next = self.next.iter().map(|(command, _)| command.clone());
        extra.insert("template".to_owned(), self.template.into());
        extra.insert("engines".to_owned(), self.project.engines.clone().into());
        extra.insert("dry_run".to_owned(), self.dry_run.into());
        extra.insert("files".to_owned(), files.collect());
        extra.insert("kept".to_owned(), kept.collect());
        extra.insert("next".to_owned(), next.collect());
        extra
    }
}
