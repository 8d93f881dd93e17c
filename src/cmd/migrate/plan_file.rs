//! `migrate --out` and `--plan`: a plan that was reviewed is the plan that is applied.

use std::path::Path;

use super::Args;
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::run::open;
use crate::cmd::source::describe;
use crate::db::{clock, inspect};
use crate::diff::diff;
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::plan_file::{KIND, PlanFile, PlannedDatabase, SCHEMA_VERSION};
use crate::model::schema::Schema;
use crate::plan::{Plan, reviewed};
use crate::project::{LARGE, own_key, read_regular, replace};

/// The version of bird in plan files.
const BIRD: &str = env!("CARGO_PKG_VERSION");

const WRITE_ANEW: &str = "write a new plan: bird migrate --out FILE";

/// Reads a plan file and checks that it is for the databases of this run.
pub fn read(context: &Context, path: &Path) -> Result<PlanFile, Failure> {
    let name = path.display();
    let fault = |message: String| {
        let fault = Diagnostic::new(Code::PlanFile, message);
        Failure::failed(fault.hint(WRITE_ANEW))
    };
    let text = read_regular(path, LARGE)
        .map_err(|reason| fault(format!("cannot read the plan {name}: {reason}")))?;
    let plan: PlanFile = serde_json::from_slice(&text)
        .map_err(|reason| fault(format!("{name} is not a plan of bird migrate: {reason}")))?;
    if plan.kind != KIND || plan.schema_version != SCHEMA_VERSION {
        let format = format!("{} {}", plan.kind, plan.schema_version);
        let message = format!("{name} has the format {format}, not {KIND} {SCHEMA_VERSION}");
        return Err(fault(message));
    }
    let accepted = own_key().map_or(Ok(true), |key| plan.is_accepted_by(&key));
    if !accepted.map_err(|reason| fault(format!("cannot check the plan {name}: {reason}")))? {
        let message =
            format!("the plan {name} was changed: its signature is not by the key of this user");
        return Err(fault(message));
    }
    let mut found = Vec::new();
    let mut moved = |message: String, hint: &str| {
        found.push(Diagnostic::new(Code::PlanMoved, message).hint(hint));
    };
    if plan.bird != BIRD {
        let message = format!(
            "the plan was written by bird {}, but this is {BIRD}",
            plan.bird
        );
        moved(message, reviewed::REVIEW_ANEW);
    }
    if plan.environment != context.project.environment {
        let none = || "no environment".to_owned();
        let named = |name: &Option<String>| name.clone().unwrap_or_else(none);
        let (was, is) = (
            named(&plan.environment),
            named(&context.project.environment),
        );
        let message = format!("the plan was written for {was}, but this run is for {is}");
        moved(message, "choose the environment of the plan with --env");
    }
    let planned: Vec<&str> = plan.databases.iter().map(|one| one.name.as_str()).collect();
    let selected: Vec<&str> = context
        .project
        .selected()
        .map(|one| one.name.as_str())
        .collect();
    if planned != selected {
        let (was, is) = (planned.join(", "), selected.join(", "));
        let message = format!("the plan is for {was}, but this run is for {is}");
        moved(message, "select the databases of the plan with --database");
    }
    for (planned, database) in plan.databases.iter().zip(context.project.selected()) {
        let (was, is) = (&planned.target, database.target.shown());
        if planned.name == database.name && *was != is {
            let message = format!(
                "the plan was written for {was}, but `{}` is {is}",
                planned.name
            );
            moved(message, "connect to the database of the plan");
        }
    }
    Failure::refuse(found).map(|()| plan)
}

/// The last version of each database that the plan names.
pub fn targets(plan: &PlanFile) -> Vec<(String, i64)> {
    let databases = plan.databases.iter();
    databases
        .filter_map(|one| Some((one.name.clone(), one.to?)))
        .collect()
}

/// Writes a plan with the state of its databases.
pub async fn write(
    context: &Context,
    path: &Path,
    plan: &Plan,
    members: &mut [RunDatabase<'_>],
) -> Result<(), Failure> {
    let mut databases = Vec::new();
    for member in members.iter_mut().filter(|one| one.database.selected) {
        let schema = schema(member).await?;
        let own = plan.of(&member.database.name);
        let target = member.database.target.shown();
        databases.push(reviewed::planned(&member.subject(), target, own, schema));
    }
    let mut file = PlanFile {
        schema_version: SCHEMA_VERSION,
        kind: KIND.to_owned(),
        bird: BIRD.to_owned(),
        run: context.run.to_string(),
        created_on: clock::now(),
        environment: context.project.environment.clone(),
        databases,
        signature: None,
    };
    let signed = own_key().map_or(Ok(()), |key| file.sign(&key));
    let written = signed
        .and_then(|()| serde_json::to_string_pretty(&file))
        .map_err(std::io::Error::from)
        .and_then(|text| replace(path, &(text + "\n")));
    written.map_err(|reason| {
        let message = format!("cannot write the plan {}: {reason}", path.display());
        let fault = Diagnostic::new(Code::PlanFile, message);
        Failure::failed(fault.hint("name a file that can be written"))
    })
}

/// Refuses a run whose plan, histories or schemas are not those that were reviewed.
pub async fn check(
    args: &Args,
    plan: &Plan,
    members: &mut [RunDatabase<'_>],
) -> Result<(), Failure> {
    let Some(reviewed) = &args.reviewed else {
        return Ok(());
    };
    let mut found = Vec::new();
    for planned in &reviewed.databases {
        let mut members = members.iter_mut();
        let member = members.find(|member| member.database.name == planned.name);
        let member = invariant!(member, some, "the databases of a plan are those of the run");
        let own = plan.of(&planned.name);
        let moved = reviewed::moved(planned, &member.subject(), own);
        let is_same = moved.found.is_empty() && !moved.begun;
        found.extend(moved.found);
        if is_same && own.is_some_and(|own| !own.steps.is_empty()) {
            found.extend(schema_moved(planned, member).await?);
        }
    }
    Failure::refuse(found)
}

/// The live schema; `None` if the database does not exist.
async fn schema(member: &mut RunDatabase<'_>) -> Result<Option<Schema>, Failure> {
    let database = member.database;
    let Some(session) = &mut member.session else {
        return Ok(None);
    };
    let read = inspect::schema(session, database.target.database()).await;
    let read = read
        .map_err(|error| Failure::failed(open::cannot_ask(database, "reading its schema", &error)));
    read.map(Some)
}

/// The objects that have changed since the plan was written.
async fn schema_moved(
    planned: &PlannedDatabase,
    member: &mut RunDatabase<'_>,
) -> Result<Vec<Diagnostic>, Failure> {
    let now = schema(member).await?;
    let name = &planned.name;
    let fault = |message: String| {
        let fault = Diagnostic::new(Code::PlanMoved, format!("{name}: {message}"));
        fault.database(name).hint(reviewed::REVIEW_ANEW)
    };
    let (before, now) = match (&planned.schema, now) {
        (None, None) => return Ok(Vec::new()),
        (Some(_), None) => return Ok(vec![fault("the database does not exist any more".into())]),
        // Of a database that did not exist only its settings are new.
        (None, Some(now)) => {
            let settings = now.settings.clone();
            let empty = Schema {
                settings,
                ..Schema::default()
            };
            (empty, now)
        }
        (Some(before), Some(now)) => (before.clone(), now),
    };
    let catalog = member.database.dialect.catalog();
    let difference = diff(&before, &now, catalog.orders_columns());
    let mut found = Vec::new();
    for change in difference.changes.iter().chain(&difference.remarks) {
        for line in describe::lines(catalog, change, &before, &now) {
            let part = match line.part.as_str() {
                "" => String::new(),
                part => format!(": {part}"),
            };
            let what = line.how.since();
            let mut moved = fault(format!(
                "{}{part} {what} since the plan was written",
                line.object
            ));
            let sides = [("then", line.old), ("now", line.new)];
            for (label, text) in sides.into_iter().filter(|(_, text)| !text.is_empty()) {
                moved = moved.note(format!("{label}: {text}"));
            }
            found.push(moved);
        }
    }
    Ok(found)
}
