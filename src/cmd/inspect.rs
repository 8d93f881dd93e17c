//! `bird inspect`: a schema as SQL that recreates it, or as JSON.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::source::{self, Loaded, Source};
use crate::dialect::catalog::Catalog;
use crate::invariant;
use crate::model::change::{Ddl, DdlStep};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::schema::{Id, JSON_SCHEMA, Kind};
use crate::output::{Block, Format, Grid, Report, SQL};
use crate::project::Database;

/// Show a schema as SQL that recreates it, or as JSON
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird inspect --database ums > ums.sql        recreates it\n         \
                   bird inspect ums@7 --format json"
)]
pub struct Args {
    /// What to inspect, as for `bird diff` [default: every live database of the project]
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Server for the scratch database in which a file is replayed
    #[arg(long, value_name = "URL")]
    shadow: Option<String>,
    /// Print the JSON Schema of the JSON output instead
    #[arg(long, conflicts_with = "source")]
    json_schema: bool,
    #[command(flatten)]
    connect: flags::Connect,
}

impl CommandFacts for Args {
    const FORMATS: &'static [&'static Format] = &[SQL];
    const DEFAULT_FORMAT: &'static Format = SQL;

    fn stands_alone(&self) -> bool {
        self.json_schema || self.source.as_deref().is_some_and(source::stands_alone)
    }
}

/// A schema and the statements that recreate it.
struct Inspected {
    loaded: Loaded,
    ddl: Ddl,
}

/// The report: the schemas that were read.
pub struct InspectReport {
    all: Vec<Inspected>,
    json_schema: Option<Value>,
}

/// Reads schemas; writes nothing.
pub async fn run(context: &Context, args: &Args) -> Result<InspectReport, Failure> {
    if args.json_schema {
        let schema: Option<Value> = serde_json::from_str(JSON_SCHEMA).ok();
        let schema = invariant!(schema, some, "the published JSON Schema is JSON");
        return Ok(InspectReport {
            all: Vec::new(),
            json_schema: Some(schema),
        });
    }
    let sources = sources(context, args)?;
    let all = source::with(context, async |pool| {
        let mut all = Vec::new();
        for (source, base) in &sources {
            all.push(pool.load(source, base, args.connect.wait).await?);
        }
        Ok(all)
    })
    .await?;
    Ok(InspectReport {
        all: all.into_iter().map(recreated).collect(),
        json_schema: None,
    })
}

fn sources(context: &Context, args: &Args) -> Result<Vec<(Source, Database)>, Failure> {
    let Some(text) = &args.source else {
        let selected = context.project.selected();
        return Ok(selected
            .map(|database| (Source::live(database), database.clone()))
            .collect());
    };
    let source = Source::parse(context, text)?;
    let base = match (source.base(), &args.shadow) {
        (Some(base), _) => base.clone(),
        (None, Some(url)) => source::at_url(url)?,
        (None, None) => return Err(source::no_engine()),
    };
    Ok(vec![(source, base)])
}

fn recreated(loaded: Loaded) -> Inspected {
    let mut ddl = loaded.recreation_anywhere();
    // Creating objects in an empty database risks no data.
    ddl.steps.iter_mut().for_each(|step| step.risks.clear());
    Inspected { loaded, ddl }
}

/// The statements, as comments where they would create another object than the one that is there.
fn script(catalog: &dyn Catalog, ddl: &Ddl) -> String {
    let unsupported = ddl.unsupported.iter();
    let wrong: HashSet<&Id> = unsupported.map(|unsupported| &unsupported.about).collect();
    let is_wrong = |step: &DdlStep| step.about.kind != Kind::Table && wrong.contains(&step.about);
    let groups = ddl
        .steps
        .chunk_by(|one, other| is_wrong(one) == is_wrong(other));
    let texts = groups.map(|steps| {
        let text = catalog.script(steps);
        match steps.first() {
            Some(first) if is_wrong(first) => {
                let lines = text.lines().map(|line| format!("-- {line}\n"));
                lines.collect()
            }
            _ => text,
        }
    });
    texts.collect()
}

impl Report for InspectReport {
    fn command(&self) -> &'static str {
        "inspect"
    }

    fn exit(&self) -> Exit {
        // Something is missing in the SQL, or not understood in the JSON.
        let incomplete = |one: &Diagnostic| one.severity > Severity::Note;
        if self.diagnostics().iter().any(incomplete) {
            Exit::Found
        } else {
            Exit::Done
        }
    }

    fn blocks(&self) -> Vec<Block> {
        let rows = self.all.iter().flat_map(|one| {
            let Loaded { label, schema, .. } = &one.loaded;
            let tables = schema.tables.iter().map(move |table| {
                vec![
                    label.clone(),
                    "table".to_owned(),
                    table.name.clone(),
                    table.columns.len().to_string(),
                    table.keys.len().to_string(),
                    table.foreign_keys.len().to_string(),
                ]
            });
            let others = schema.objects.iter().map(move |object| {
                let kind = object.kind.noun().to_owned();
                let none = String::new;
                vec![
                    label.clone(),
                    kind,
                    object.name.clone(),
                    none(),
                    none(),
                    none(),
                ]
            });
            tables.chain(others)
        });
        vec![Block::Grid(Grid {
            headers: vec![
                "database",
                "kind",
                "name",
                "columns",
                "keys",
                "foreign keys",
            ],
            rows: rows.collect(),
            numbers: vec![3, 4, 5],
            ..Grid::default()
        })]
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = Vec::new();
        for Inspected { loaded, ddl } in &self.all {
            all.extend(loaded.notes.iter().cloned());
            let name = &loaded.label;
            for opaque in &loaded.schema.opaque_objects {
                let message = format!("{name}: bird does not understand {}", opaque.what);
                all.push(Diagnostic::new(Code::NotUnderstood, message));
            }
            for table in &loaded.schema.tables {
                for line in &table.opaque_clauses {
                    let table = &table.name;
                    let message =
                        format!("{name}: bird does not understand a line of {table}: {line}");
                    all.push(Diagnostic::new(Code::NotUnderstood, message));
                }
            }
            for unsupported in &ddl.unsupported {
                let (about, why) = (&unsupported.about, &unsupported.why);
                let message = format!("{name}: {about} cannot be recreated: {why}");
                all.push(Diagnostic::new(Code::Unsupported, message).severity(Severity::Warning));
            }
        }
        all
    }

    fn databases(&self) -> Vec<Value> {
        let all = self.all.iter().map(|Inspected { loaded, .. }| {
            json!({
                "name": loaded.label,
                "engine": loaded.base.dialect.facts().name,
                "product": loaded.server.product,
                "server_version": loaded.server.version,
                "schema": loaded.schema,
            })
        });
        all.collect()
    }

    fn extra(&self) -> Map<String, Value> {
        let schema = self.json_schema.clone();
        schema
            .map(|schema| ("json_schema".to_owned(), schema))
            .into_iter()
            .collect()
    }

    fn sql(&self) -> Option<String> {
        if self.json_schema.is_some() {
            return Some(JSON_SCHEMA.to_owned());
        }
        let texts = self.all.iter().map(|Inspected { loaded, ddl }| {
            let catalog = loaded.base.dialect.catalog();
            let settings = catalog.client_settings(&loaded.schema);
            let settings = settings.map_or_else(String::new, |sql| format!("{sql};\n"));
            let script = settings + &script(catalog, ddl);
            // The script spans several databases, so it connects to each in turn.
            let base = &loaded.base;
            match self.all.len() {
                1 => script,
                _ => base.dialect.connect_command(&base.target.client_target()) + &script,
            }
        });
        Some(texts.collect())
    }
}
