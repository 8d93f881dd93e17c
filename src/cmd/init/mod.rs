//! `bird init`: writes a new project, and says what to do next.

mod baseline;
mod existing;
mod report;
mod suggest;

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use clap::ValueEnum;

use super::context::Context;
use super::facts::CommandFacts;
use super::source;
use crate::dialect::{DIALECTS, Dialect, names};
use crate::invariant;
use crate::model::diagnostic::Failure;
use crate::model::name::did_you_mean;
use crate::project::is_database_name;
use crate::project::template::{
    Forge, NewFile, NewProject, TEMPLATES, Template, companions, embedded, place,
};
use existing::FromUrl;
use report::{InitReport, Next, Outcome};

/// Create a new project: bird.toml and folders for migrations
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird init shop --database accounts --database sales\n         \
                   bird init shop --from 'mysql://app:${PASSWORD}@db/shop'        begins with \
                   a database that exists"
)]
pub struct Args {
    /// The project's folder; here by default
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Template to start from; `--list` shows all
    #[arg(long, value_name = "NAME", default_value = "empty", value_parser = template,
          hide_default_value = true)]
    template: &'static Template,
    /// Engine to write migrations for; the databases use the first; repeatable
    #[arg(long = "engine", value_name = "ENGINE", value_parser = engine)]
    engines: Vec<Engine>,
    /// Name of a database to declare; repeatable
    #[arg(long = "database", value_name = "NAME", value_parser = database)]
    databases: Vec<String>,
    /// Existing database to start from; bird only reads it; repeatable
    #[arg(long, value_name = "[NAME=]URL", value_parser = FromUrl::parse,
          conflicts_with_all = ["template", "engines", "databases"])]
    from: Vec<FromUrl>,
    /// Write a workflow that checks the project on every push
    #[arg(long, value_name = "SERVICE")]
    ci: Option<Service>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// List the templates
    #[arg(long, conflicts_with_all = ["folder", "engines", "from", "ci", "dry_run"])]
    list: bool,
}

/// An engine on the command line.
#[derive(Clone, Copy)]
struct Engine(&'static dyn Dialect);

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.facts().name)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Service {
    Github,
    Gitlab,
}

impl CommandFacts for Args {
    fn ignores_project(&self) -> bool {
        true
    }
}

/// Writes the files of a project; writes to no database.
pub async fn run(context: &Context, args: &Args) -> Result<InitReport, Failure> {
    if args.list {
        return Ok(InitReport::list());
    }
    let here = &context.project.root;
    let folder = args.folder.as_deref().unwrap_or(Path::new("."));
    let folder = normalized(&here.join(folder));
    let (mut project, found, on) = if args.from.is_empty() {
        let (project, on) = from_template(args)?;
        (project, None, on)
    } else {
        // What is in the way is told before anything is read.
        let mut first = companions();
        first.push(NewFile::new("bird.toml", ""));
        place(&folder, here, first, true)?;
        let mut found = existing::read(context, &args.from, &folder).await?;
        let project = std::mem::take(&mut found.project);
        let on = project.engines.first().copied();
        (project, Some(found), on.unwrap_or_default())
    };
    project.files.extend(companions());
    if let Some(service) = args.ci {
        let forge = match service {
            Service::Github => Forge::GitHub,
            Service::Gitlab => Forge::GitLab,
        };
        let workflow = forge.workflow(on, &project.databases);
        let workflow = invariant!(workflow, some, "every engine has its workflows");
        project.files.push(workflow);
    }
    let files = std::mem::take(&mut project.files);
    let placed = place(&folder, here, files, args.dry_run)?;
    let next = Next {
        folder: args.folder.clone().filter(|_| folder != normalized(here)),
        variables: variables(&project, found.as_ref(), on),
        empty: args.template.takes_databases(),
        database: project
            .databases
            .get(1)
            .and(project.databases.first())
            .cloned(),
    };
    Ok(InitReport::written(
        Outcome {
            template: args.template,
            project,
            placed,
            engine: on,
            dry_run: args.dry_run,
            found,
        },
        next,
    ))
}

/// The project of a template, and the engine that its databases are on.
fn from_template(args: &Args) -> Result<(NewProject, &'static str), Failure> {
    let template = args.template;
    if !args.databases.is_empty() && !template.takes_databases() {
        let message = format!("the template `{}` has databases of its own", template.name);
        return Err(source::usage(message, "leave `--database` out"));
    }
    let mut engines: Vec<&'static dyn Dialect> = Vec::new();
    for Engine(engine) in &args.engines {
        if engines
            .iter()
            .all(|one| one.facts().name != engine.facts().name)
        {
            engines.push(*engine);
        }
    }
    let mut databases = args.databases.clone();
    same_name_twice(&mut databases)?;
    let project = template.project(&engines, &databases)?;
    let on = engines.first().copied().unwrap_or_else(embedded);
    Ok((project, on.facts().name))
}

/// The variables to set before the next command, each with what it holds.
fn variables(
    project: &NewProject,
    found: Option<&existing::Found>,
    on: &str,
) -> Vec<(String, &'static str)> {
    match found {
        Some(found) => {
            let variables = found
                .databases
                .iter()
                .filter_map(|one| one.variable.clone());
            let mut variables: Vec<(String, &'static str)> =
                variables.map(|name| (name, "the password")).collect();
            // Schemas of one database share its variable.
            variables.dedup();
            variables
        }
        None if on == embedded().facts().name => Vec::new(),
        None => {
            let names = project.databases.iter();
            names
                .map(|name| {
                    let variable = format!("BIRD_{}_URL", name.to_ascii_uppercase());
                    (variable, "where the database is")
                })
                .collect()
        }
    }
}

/// Drops names that were given before, and refuses those that would share their variable.
fn same_name_twice(databases: &mut Vec<String>) -> Result<(), Failure> {
    let mut given = HashSet::new();
    databases.retain(|name| given.insert(name.clone()));
    for (at, name) in databases.iter().enumerate() {
        let twin = |other: &&String| other.eq_ignore_ascii_case(name);
        if let Some(twin) = databases.iter().take(at).find(twin) {
            let message = format!("`{twin}` and `{name}` differ only in case");
            return Err(source::usage(message, "give each database its own name"));
        }
    }
    Ok(())
}

/// A path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// Parses the name of a template.
fn template(name: &str) -> Result<&'static Template, String> {
    let names = || TEMPLATES.iter().map(|template| template.name);
    Template::named(name).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        did_you_mean(name, names()).unwrap_or(format!("the templates are {known}"))
    })
}

/// Parses the name of an engine.
fn engine(name: &str) -> Result<Engine, String> {
    let mut all = DIALECTS.iter();
    let found = all.find(|dialect| dialect.facts().name == name);
    found.map(|dialect| Engine(*dialect)).ok_or_else(|| {
        let known = names().join(", ");
        did_you_mean(name, names()).unwrap_or(format!("the engines are {known}"))
    })
}

/// Parses the name of a database.
fn database(name: &str) -> Result<String, String> {
    if is_database_name(name) {
        Ok(name.to_owned())
    } else {
        Err("write letters, digits and `_`, a letter first".to_owned())
    }
}
