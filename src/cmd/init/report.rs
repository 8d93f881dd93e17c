//! The report of `bird init`: the files, and the next commands.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::existing::Found;
use crate::guess::Guess;
use crate::model::count::counted;
use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::model::key::Compare;
use crate::output::{Block, Grid, Report};
use crate::project::template::{NewProject, Placed, TEMPLATES, Template};

/// What the next commands depend on.
pub struct Next {
    /// The folder to go to, as the command line names it.
    pub folder: Option<PathBuf>,
    /// The variables to set, each with what it holds.
    pub variables: Vec<(String, &'static str)>,
    /// Whether a migration has to be written first.
    pub empty: bool,
    /// The database that commands must name, where there are several.
    pub database: Option<String>,
}

/// What was written, or would be.
pub struct Outcome {
    pub template: &'static Template,
    pub project: NewProject,
    pub placed: Placed,
    /// The engine that the databases are on; of several engines the first.
    pub engine: &'static str,
    pub dry_run: bool,
    /// The databases that exist, where the project begins with them.
    pub found: Option<Found>,
}

/// The report.
pub struct InitReport {
    /// `None` for the list of templates.
    outcome: Option<Outcome>,
    next: Vec<(String, &'static str)>,
}

impl InitReport {
    /// The list of templates.
    pub fn list() -> InitReport {
        InitReport {
            outcome: None,
            next: Vec::new(),
        }
    }

    /// The files of a project, written unless it was a dry run.
    pub fn written(outcome: Outcome, next: Next) -> InitReport {
        InitReport {
            next: match &outcome.found {
                Some(found) => next.adoption(found),
                None => next.commands(),
            },
            outcome: Some(outcome),
        }
    }
}

impl Outcome {
    fn headline(&self) -> String {
        let count = self.project.databases.len();
        let names = self.project.databases.join(", ");
        let engines = match &self.found {
            Some(_) => self.project.engines.join(", "),
            None => self.engine.to_owned(),
        };
        let from = format!(
            "a project with {} ({names}) on {engines}",
            counted(count, "database")
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
                        number => counted(number, "migration"),
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
    /// The commands that come first, and a remark on each.
    fn before(&self) -> Vec<(String, &'static str)> {
        let mut all = Vec::new();
        if let Some(folder) = &self.folder {
            all.push((format!("cd {}", quoted(&folder.to_string_lossy())), ""));
        }
        for (variable, remark) in &self.variables {
            all.push((format!("export {variable}=…"), *remark));
        }
        all
    }

    /// The next commands where databases exist.
    fn adoption(self, found: &Found) -> Vec<(String, &'static str)> {
        let mut all = self.before();
        all.push((
            "bird adopt --from baseline".to_owned(),
            "records V1 as applied, runs nothing",
        ));
        all.push((
            "bird verify".to_owned(),
            "compares the databases with the migrations",
        ));
        let suggested = found.suggestions.iter().any(|one| one.is_written);
        all.push((
            "bird audit".to_owned(),
            if suggested {
                "after you have checked the references in bird.toml"
            } else {
                "finds rows without a parent, once references are declared"
            },
        ));
        all
    }

    /// The next commands of a template.
    fn commands(self) -> Vec<(String, &'static str)> {
        let mut all = self.before();
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
        // A baseline that could not be proven needs a look.
        if self.diagnostics().is_empty() {
            Exit::Done
        } else {
            Exit::Found
        }
    }

    fn blocks(&self) -> Vec<Block> {
        let Some(outcome) = &self.outcome else {
            let rows = TEMPLATES.iter();
            let rows = rows.map(|one| vec![one.name.to_owned(), one.title.to_owned()]);
            return vec![grid(vec!["template", "contents"], rows.collect())];
        };
        let mut blocks = vec![
            Block::Line(outcome.headline()),
            grid(vec!["file", "contents"], outcome.rows()),
        ];
        if let Some(found) = &outcome.found {
            blocks.insert(1, databases(found));
            blocks.extend(suggestions(found));
        }
        let kept = outcome.placed.kept.iter();
        for (file, lines) in kept.filter(|(_, lines)| !lines.is_empty()) {
            let line = format!("{file} is there already: add {} to it", lines.join(", "));
            blocks.push(Block::Line(line));
        }
        if !outcome.dry_run {
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
        let found = self.outcome.as_ref().and_then(|one| one.found.as_ref());
        found
            .map(|found| found.diagnostics.clone())
            .unwrap_or_default()
    }

    fn databases(&self) -> Vec<Value> {
        let Some(outcome) = &self.outcome else {
            return Vec::new();
        };
        if let Some(found) = &outcome.found {
            let all = found.databases.iter().map(|one| {
                json!({
                    "name": one.name,
                    "engine": one.engine,
                    "server": one.server,
                    "schema": one.schema,
                    "tables": one.tables,
                    "tool": one.tool,
                    "statements": one.statements,
                    "proven": one.proven,
                })
            });
            return all.collect();
        }
        let names = outcome.project.databases.iter();
        names
            .map(|name| json!({ "name": name, "engine": outcome.engine }))
            .collect()
    }

    fn extra(&self) -> Map<String, Value> {
        let mut extra = Map::new();
        let Some(outcome) = &self.outcome else {
            let all = TEMPLATES
                .iter()
                .map(|one| json!({ "name": one.name, "title": one.title }));
            extra.insert("templates".to_owned(), all.collect());
            return extra;
        };
        let files = outcome.placed.files.iter().map(|file| file.path.clone());
        let kept = outcome.placed.kept.iter();
        let kept = kept.map(|(file, lines)| json!({ "file": file, "missing": lines }));
        let next = self.next.iter().map(|(command, _)| command.clone());
        let template = outcome.found.is_none().then_some(outcome.template.name);
        extra.insert("template".to_owned(), json!(template));
        extra.insert("engines".to_owned(), outcome.project.engines.clone().into());
        extra.insert("dry_run".to_owned(), outcome.dry_run.into());
        extra.insert("files".to_owned(), files.collect());
        extra.insert("kept".to_owned(), kept.collect());
        extra.insert("next".to_owned(), next.collect());
        if let Some(found) = &outcome.found {
            let suggested = found.suggestions.iter().map(|one| {
                json!({
                    "from": one.guess.from.to_string(),
                    "to": one.guess.to.to_string(),
                    "score": one.guess.score,
                    "ambiguous": one.guess.is_ambiguous,
                    "values": one.evidence.map(|evidence| evidence.values),
                    "found": one.evidence.map(|evidence| evidence.found),
                    "written": one.is_written,
                    "compare": one.compare.as_ref().map(Compare::word),
                })
            });
            extra.insert("suggested_references".to_owned(), suggested.collect());
        }
        extra
    }
}

fn grid(headers: Vec<&'static str>, rows: Vec<Vec<String>>) -> Block {
    Block::Grid(Grid {
        headers,
        rows,
        ..Grid::default()
    })
}

/// The databases that were read.
fn databases(found: &Found) -> Block {
    let rows = found.databases.iter().map(|one| {
        let tool = one
            .tool
            .map(|tool| format!(", without the history of {tool}"));
        let proven = if one.proven {
            "recreates it exactly"
        } else {
            "not proven"
        };
        vec![
            one.name.clone(),
            one.server.clone(),
            format!(
                "{}{}{}",
                one.schema
                    .as_ref()
                    .map_or(String::new(), |name| format!("schema {name}: ")),
                counted(one.tables, "table"),
                tool.unwrap_or_default()
            ),
            format!("{}, {proven}", counted(one.statements, "statement")),
        ]
    });
    grid(
        vec!["database", "server", "contents", "baseline"],
        rows.collect(),
    )
}

/// What seems to refer to what: the entries of bird.toml first.
fn suggestions(found: &Found) -> Vec<Block> {
    let (written, others): (Vec<_>, Vec<_>) =
        found.suggestions.iter().partition(|one| one.is_written);
    let mut blocks = Vec::new();
    for (title, some) in [
        ("suggested references, as comments in bird.toml:", written),
        ("doubtful references, not written:", others),
    ] {
        if some.is_empty() {
            continue;
        }
        let rows = some.iter().map(|one| {
            let Guess { from, to, .. } = &one.guess;
            vec![format!("{from} -> {to}"), one.describe()]
        });
        blocks.push(Block::Line(title.to_owned()));
        blocks.push(grid(vec!["reference", "evidence"], rows.collect()));
    }
    blocks
}
