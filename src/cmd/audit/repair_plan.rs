//! `--plan FILE`: what `bird repair` would do with the orphans that were found.

use crate::model::code::Code;
use std::path::Path;

use super::args::Args;
use super::errors::cannot_write;
use super::report::AuditReport;
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, open_all};
use crate::cmd::run::open;
use crate::cmd::run::open::Absent;
use crate::db::audit::endpoints::Prepared;
use crate::db::clock::now;
use crate::db::repair;
use crate::db::repair::row_state;
use crate::db::session::{Access, DbError};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::ColumnNames;
use crate::model::repair::Totals;
use crate::project::{Database, Replacement};
use crate::repair::plan::{Header, Planned, Side, Writer};

/// A plan on its way to its file.
pub type Plan = Writer<Replacement>;

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
    let read = report.references.iter();
    let read: Vec<&Prepared> = read.filter_map(|one| one.prepared.as_deref()).collect();
    let references = planned(context, args, &read).await?;
    let header = Header::new(&context.run.to_string(), &now(), args.action, references);
    let file = Replacement::begin(path).map_err(|error| cannot_write(path, &error))?;
    let plan = Writer::new(file, &header);
    plan.map(Some).map_err(|error| cannot_write(path, &error))
}

/// What the plan says of each reference, asked in one session for each database.
async fn planned(
    context: &Context,
    args: &Args,
    read: &[&Prepared],
) -> Result<Vec<Planned>, Failure> {
    let is_end = |database: &&Database| {
        let mut ends = read.iter().flat_map(|one| [&one.child, &one.parent]);
        ends.any(|side| side.database == database.name)
    };
    let ends = context.project.databases.iter().filter(is_end);
    let wait = args.connect.wait;
    let mut opened = open_all(context, ends, Access::Look, Absent::IsAnError, wait).await?;
    let asking = async {
        let mut all = Vec::new();
        for one in read {
            let child = side(&mut opened, &one.reference.from, true).await?;
            let parent = side(&mut opened, &one.reference.to, false).await?;
            let names = one.child.names.iter().map(|column| column.name.clone());
            let planned = Planned::new(&one.reference, one.index, names.collect(), child, parent);
            all.push(planned);
        }
        Ok(all)
    };
    let all = asking.await;
    for session in opened.into_iter().filter_map(|one| one.session) {
        session.close().await;
    }
    all
}

async fn side(
    opened: &mut [RunDatabase<'_>],
    names: &ColumnNames,
    is_child: bool,
) -> Result<Side, Failure> {
    let mut opened = opened.iter_mut();
    let place = opened.find(|one| one.database.name == names.database);
    let Some(RunDatabase {
        database,
        session: Some(session),
        ..
    }) = place
    else {
        let message = format!("the database `{}` cannot be reached", names.database);
        return Err(Failure::failed(Diagnostic::new(Code::Config, message)));
    };
    let asking = async {
        repair::prepare(session, is_child).await?;
        row_state::side(session, &database.target, names, is_child).await
    };
    let told: Result<Side, DbError> = asking.await;
    told.map_err(|error| {
        let doing = "reading what a plan needs";
        Failure::failed(open::cannot_ask(database, doing, &error))
    })
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
    written.map_err(|error| cannot_write(path, &error))
}
