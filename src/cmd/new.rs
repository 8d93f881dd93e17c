//! `bird new`: the next migration file, empty or written from a difference.

use serde_json::{Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::source::compare::{Compared, Verification, Verified, compare};
use super::source::{self, Loaded, ShadowPool, Source, Upto, schema_file};
use crate::model::change::Renamed;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::output::{Block, Grid, Report};
use crate::project::{Database, Fresh};

/// Create the next migration file
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird new add_nick --database ums --from-schema        reaches schema/ums.sql"
)]
pub struct Args {
    /// Short name for the file, such as add_nick
    #[arg(value_name = "NAME")]
    name: String,
    /// Write the statements that turn the migrations' schema into the desired schema
    #[arg(long, conflicts_with = "from_drift")]
    from_schema: bool,
    /// Write the statements that turn the applied migrations' schema into the live schema
    #[arg(long)]
    from_drift: bool,
    /// Update the desired-schema file to the schema of the migrations, the new one included
    #[arg(long, conflicts_with = "from_schema")]
    write_schema: bool,
    /// Treat as renamed: table=table or table.column=table.column; repeatable
    #[arg(long = "rename", value_name = "OLD=NEW", value_parser = flags::rename)]
    renames: Vec<Renamed>,
    /// Server on which another engine's file is tried; repeatable
    #[arg(long, value_name = "URL")]
    shadow: Vec<String>,
    #[command(flatten)]
    connect: flags::Connect,
}

impl CommandFacts for Args {}

/// The report: the files that were written.
pub struct NewReport {
    database: String,
    fresh: Fresh,
    /// Each file as it is shown, with its number of statements; `None` for a desired-schema file.
    written: Vec<(String, Option<usize>)>,
    diagnostics: Vec<Diagnostic>,
}

/// Writes files; writes to no database.
pub async fn run(context: &Context, args: &Args) -> Result<NewReport, Failure> {
    let database = only(context)?;
    let fresh = context.project.next_migration(database, &args.name)?;
    let mut report = NewReport {
        database: database.name.clone(),
        fresh: fresh.clone(),
        written: Vec::new(),
        diagnostics: Vec::new(),
    };
    let computed = args.from_schema || args.from_drift;
    let mut texts = Vec::new();
    for (engine, path) in &fresh.files {
        let shown = context.project.shown(path);
        let base = if computed {
            base(args, database, *engine)?
        } else {
            None
        };
        let (text, count) = match base {
            Some(base) => {
                let compared = difference(context, args, &base).await?;
                report
                    .diagnostics
                    .extend(notes(args, database, &fresh, &compared));
                (script(&compared), compared.ddl.steps.len())
            }
            None => {
                if let (true, Some(engine)) = (computed, engine) {
                    let message =
                        format!("{shown} is empty: bird has no {engine} server to try it on");
                    let fault = Diagnostic::new(Code::NotWritten, message);
                    let hint = "name one with --shadow URL, or write its statements by hand";
                    report.diagnostics.push(fault.hint(hint));
                }
                (
                    format!("-- {}\n", args.name.trim().replace(['\n', '\r'], " ")),
                    0,
                )
            }
        };
        texts.push((path, text));
        report.written.push((shown, Some(count)));
    }
    if computed && report.written.iter().all(|(_, count)| *count == Some(0)) {
        let message = format!(
            "{}: there is no difference, so no migration was written",
            database.name
        );
        return Err(Failure::refused(Diagnostic::new(
            Code::NoDifference,
            message,
        )));
    }
    for (path, text) in texts {
        context.project.write_new(path, &text)?;
    }
    schema_files(context, args, database, &mut report).await?;
    Ok(report)
}

/// Says which desired-schema files are behind, or writes them, for every engine that there is a
/// server for.
async fn schema_files(
    context: &Context,
    args: &Args,
    database: &Database,
    report: &mut NewReport,
) -> Result<(), Failure> {
    if args.write_schema {
        // One file for all engines has the schema of the database's own.
        let each = database.desired.as_ref().is_some_and(|path| path.is_dir());
        let own = Some(database.dialect.facts().name);
        for (engine, _) in &report.fresh.files {
            if !each && engine.is_some() && *engine != own {
                continue;
            }
            if let Some(base) = base(args, database, *engine)? {
                let written = schema_file::write(context, &base).await?;
                report.written.extend(written.map(|file| (file, None)));
            } else if let Some(engine) = engine {
                let message = format!("the schema file for {engine} was not written: no server");
                let fault = Diagnostic::new(Code::NotWritten, message);
                let hint = "name one with --shadow URL, or write the file by hand";
                report.diagnostics.push(fault.hint(hint));
            }
        }
    } else if !args.from_schema {
        let behind = schema_file::behind(context, database).await;
        report.diagnostics.extend(behind);
    }
    Ok(())
}

/// Finds the database that the migration is for.
fn only(context: &Context) -> Result<&Database, Failure> {
    let selected: Vec<&Database> = context.project.selected().collect();
    match selected.as_slice() {
        [only] => Ok(*only),
        several => {
            let names: Vec<&str> = several.iter().map(|one| one.name.as_str()).collect();
            let message = format!(
                "a migration belongs to one database, but the project has {}",
                names.join(", ")
            );
            let hint = format!(
                "name one: bird new NAME --database {}",
                names.first().unwrap_or(&"ums")
            );
            Err(source::usage(message, hint))
        }
    }
}

/// The server on which the file of an engine can be tried, if there is one.
fn base(
    args: &Args,
    database: &Database,
    engine: Option<&str>,
) -> Result<Option<Database>, Failure> {
    if engine.is_none_or(|engine| engine == database.dialect.facts().name) {
        return Ok(Some(database.clone()));
    }
    if args.from_drift {
        return Ok(None);
    }
    for url in &args.shadow {
        let named = source::at_url(url)?;
        if engine == Some(named.dialect.facts().name) {
            return Ok(Some(database.on(&named)));
        }
    }
    let embedded = crate::dialect::DIALECTS
        .iter()
        .find(|dialect| dialect.facts().is_embedded());
    let Some(embedded) = embedded.filter(|dialect| engine == Some(dialect.facts().name)) else {
        return Ok(None);
    };
    let url = format!(
        "{}:shadow.db",
        embedded.facts().schemes.first().unwrap_or(&"")
    );
    Ok(Some(database.on(&source::at_url(&url)?)))
}

async fn difference(context: &Context, args: &Args, base: &Database) -> Result<Compared, Failure> {
    let compared = source::with(context, async |pool| {
        let (from, to) = sides(pool, args, base).await?;
        compare(pool, from, to, &args.renames, Verification::Demanded).await
    })
    .await?;
    let wrong = |why: &str| {
        let message = format!(
            "bird found no statements that give {}: {why}",
            compared.to.label
        );
        let hint = "`bird diff` shows what differs; write the migration by hand";
        Failure::failed(Diagnostic::new(Code::NotVerified, message).hint(hint))
    };
    match &compared.verified {
        Verified::Yes | Verified::Without(_) => Ok(compared),
        Verified::No(why) | Verified::Wrong(why) => Err(wrong(why)),
    }
}

async fn sides(
    pool: &mut ShadowPool<'_>,
    args: &Args,
    base: &Database,
) -> Result<(Loaded, Loaded), Failure> {
    let (from, to) = if args.from_drift {
        (Source::migrations(base, Upto::Applied), Source::live(base))
    } else {
        (Source::migrations(base, Upto::All), Source::desired(base))
    };
    let wait = args.connect.wait;
    let from = pool.load(&from, base, wait).await?;
    Ok((from, pool.load(&to, base, wait).await?))
}

fn script(compared: &Compared) -> String {
    let catalog = compared.from.base.dialect.catalog();
    let mut text = format!("-- {} -> {}\n", compared.from.label, compared.to.label);
    for renamed in &compared.renamed {
        text.push_str(&format!(
            "-- bird: renamed-from {} -> {}\n",
            renamed.from, renamed.to
        ));
    }
    if compared.ddl.steps.iter().any(|step| step.alone) {
        text.push_str("-- bird: no-transaction\n");
    }
    text.push('\n');
    text.push_str(&catalog.script(&compared.ddl.steps));
    text
}

/// The notes for the author of the file.
fn notes(args: &Args, database: &Database, fresh: &Fresh, compared: &Compared) -> Vec<Diagnostic> {
    let mut all = compared.to.notes.clone();
    for twin in &compared.twins {
        let message = format!("{} is dropped, and {} looks like it", twin.from, twin.to);
        let fault = Diagnostic::new(Code::MaybeRenamed, message);
        let hint = format!(
            "if it was renamed, delete the file and run again with --rename {}={}",
            twin.from, twin.to
        );
        all.push(fault.hint(hint));
    }
    if args.from_drift {
        let name = &database.name;
        let message = format!("{name} already has the change of V{}", fresh.version);
        let fault = Diagnostic::new(Code::AdoptDrift, message);
        let hint = format!(
            "record it there: bird adopt --from baseline --to {name}@{}",
            fresh.version
        );
        all.push(fault.hint(hint));
    }
    all
}

impl Report for NewReport {
    fn command(&self) -> &'static str {
        "new"
    }

    fn exit(&self) -> Exit {
        Exit::Done
    }

    fn blocks(&self) -> Vec<Block> {
        let rows = self.written.iter();
        vec![Block::Grid(Grid {
            headers: vec!["database", "file", "statements"],
            rows: rows
                .map(|(file, count)| {
                    vec![
                        self.database.clone(),
                        file.clone(),
                        count.map_or_else(String::new, |count| count.to_string()),
                    ]
                })
                .collect(),
            numbers: vec![2],
            ..Grid::default()
        })]
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn databases(&self) -> Vec<Value> {
        let files = self
            .written
            .iter()
            .map(|(file, count)| json!({ "file": file, "statements": count }));
        vec![json!({
            "name": self.database,
            "version": self.fresh.version,
            "files": files.collect::<Vec<_>>(),
        })]
    }
}
