//! `--plan FILE`: what `bird repair` would do with the orphans that were found.

use std::path::Path;

use super::Args;
use super::ends::Prepared;
use super::report::AuditReport;
use crate::cmd::{Context, open};
use crate::db::history::now;
use crate::db::repair::look;
use crate::db::session::{Access, DbError, Session};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::ColumnNames;
use crate::model::repair::{Action, Totals};
use crate::project::{Database, Replacement};
use crate::repair::plan::{Header, Planned, Side, Writer};

/// A plan on its way to its file.
pub type Plan = Writer<Replacement>;

/// An action by its name.
pub fn action(name: &str) -> Result<Action, String> {
    Action::from_word(name).ok_or_else(|| {
        let known: Vec<&str> = Action::ALL.iter().map(|action| action.word()).collect();
        format!("the actions are {}", known.join(", "))
    })
}

/// Begins a plan with the references that were read; nothing where none was asked for, or where
/// the audit has gaps.
pub async fn begin(
    context: &Context,
    args: &Args,
    report: &AuditReport,
) -> Result<Option<Plan>, Failure> {
    let Some(path) = args.plan.as_deref().filter(|_| report.complete()) else {
        return Ok(None);
    };
    let mut references = Vec::new();
    for one in &report.references {
        if let Some(prepared) = &one.prepared {
            references.push(planned(context, args, prepared).await?);
        }
    }
    let header = Header::new(&context.run.to_string(), &now(), args.action, references);
    let file =
        Replacement::begin(path).map_err(|error| super::finish::cannot_write(path, &error))?;
    let plan = Writer::new(file, &header);
    plan.map(Some)
        .map_err(|error| super::finish::cannot_write(path, &error))
}

async fn planned(context: &Context, args: &Args, prepared: &Prepared) -> Result<Planned, Failure> {
    let reference = &prepared.reference;
    let child = side(context, args, &reference.from, true).await?;
    let parent = side(context, args, &reference.to, false).await?;
    let names = prepared.child.names.iter();
    let key = names.map(|column| column.name.clone()).collect();
    Ok(Planned::new(reference, prepared.index, key, child, parent))
}

async fn side(
    context: &Context,
    args: &Args,
    names: &ColumnNames,
    is_child: bool,
) -> Result<Side, Failure> {
    let Some(database) = context.project.database(&names.database) else {
        let message = format!("the database `{}` cannot be reached", names.database);
        return Err(Failure::failed(Diagnostic::error("config", message)));
    };
    let cannot = |error: DbError| {
        let doing = "reading what a plan needs";
        Failure::failed(open::cannot_ask(database, doing, &error))
    };
    let session = open::session(context, database, Access::Look, args.connect.wait).await;
    let mut session = session.map_err(cannot)?;
    let side = told(&mut session, database, names, is_child)
        .await
        .map_err(cannot);
    session.close().await;
    side
}

async fn told(
    session: &mut Session,
    database: &Database,
    names: &ColumnNames,
    is_child: bool,
) -> Result<Side, DbError> {
    crate::db::repair::prepare(session, is_child).await?;
    look::side(session, &database.target, names, is_child).await
}

/// Ends a plan: its file stands there whole.
pub fn end(report: &AuditReport, plan: Plan, path: &Path) -> Result<(), Failure> {
    let read = report
        .references
        .iter()
        .filter(|one| one.prepared.is_some());
    let totals: Vec<Totals> = read
        .map(|one| Totals {
            orphan_rows: one.tally.orphan_rows,
            orphan_keys: one.tally.orphan_keys,
            rows: one.tally.totals.rows,
            keys: one.tally.totals.keys,
            parents: one.parents(),
        })
        .collect();
    let written = plan.finish(&totals).and_then(Replacement::commit);
    written.map_err(|error| super::finish::cannot_write(path, &error))
}
