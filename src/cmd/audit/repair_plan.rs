//! Writes the plan for `bird repair` (`--plan FILE`).

use std::path::Path;

use super::args::Args;
use super::errors::cannot_write;
use super::report::AuditReport;
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, open_all};
use crate::cmd::run::open;
use crate::cmd::run::open::Absent;
use crate::db::audit::endpoints::PreparedReference;
use crate::db::clock::now;
use crate::db::repair;
use crate::db::repair::row_state;
use crate::db::session::{Access, DbError};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::ColumnNames;
use crate::model::repair::Totals;
use crate::project::{Database, Replacement, own_key};
use crate::repair::plan::{Header, PlanWriter, PlannedEndpoint, PlannedReference};

/// A plan that is being written.
pub type Plan = PlanWriter<Replacement>;

/// Begins a plan with the references that were read; `None` without `--plan`, or if the audit is
/// incomplete.
pub async fn begin(
    context: &Context,
    args: &Args,
    report: &AuditReport,
) -> Result<Option<Plan>, Failure> {
    let Some(path) = args.plan.as_deref().filter(|_| report.complete()) else {
        return Ok(None);
    };
    let read = report.references.iter();
    let read: Vec<&PreparedReference> = read.filter_map(|one| one.prepared.as_deref()).collect();
    let references = planned(context, args, &read).await?;
    let header = Header::new(&context.run.to_string(), &now(), args.action, references);
    let file = Replacement::begin(path).map_err(|error| cannot_write(path, &error))?;
    let plan = PlanWriter::new(file, &header);
    plan.map(Some).map_err(|error| cannot_write(path, &error))
}

/// The references for the header of the plan, queried in one session per database.
async fn planned(
    context: &Context,
    args: &Args,
    read: &[&PreparedReference],
) -> Result<Vec<PlannedReference>, Failure> {
    let is_end = |database: &&Database| {
        let mut ends = read.iter().flat_map(|one| [&one.child, &one.parent]);
        ends.any(|planned_endpoint| planned_endpoint.database == database.name)
    };
    let ends = context.project.databases.iter().filter(is_end);
    let wait = args.connect.wait;
    let mut opened = open_all(context, ends, Access::ReadOnly, Absent::IsAnError, wait).await?;
    let asking = async {
        let mut all = Vec::new();
        for one in read {
            let child = planned_endpoint(&mut opened, &one.reference.from, true).await?;
            let parent = planned_endpoint(&mut opened, &one.reference.to, false).await?;
            let names = one.child.names.iter().map(|column| column.name.clone());
            let planned =
                PlannedReference::new(&one.reference, one.index, names.collect(), child, parent);
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

async fn planned_endpoint(
    opened: &mut [RunDatabase<'_>],
    names: &ColumnNames,
    is_child: bool,
) -> Result<PlannedEndpoint, Failure> {
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
        row_state::planned_endpoint(session, &database.target, names, is_child).await
    };
    let read: Result<PlannedEndpoint, DbError> = asking.await;
    read.map_err(|error| {
        let doing = "reading what a plan needs";
        Failure::failed(open::cannot_ask(database, doing, &error))
    })
}

/// Ends a plan, and puts its file in place.
pub fn end(report: &AuditReport, plan: Plan, path: &Path) -> Result<(), Failure> {
    let read = report
        .references
        .iter()
        .filter(|one| one.prepared.is_some());
    let totals: Vec<Totals> = read
        .map(|one| Totals {
            orphan_rows: one.totals.orphan_rows,
            orphan_keys: one.totals.orphan_keys,
            rows: one.totals.read.rows,
            keys: one.totals.read.keys,
            parents: one.parents(),
        })
        .collect();
    let written = plan.finish(&totals, own_key().as_ref());
    let written = written.and_then(Replacement::commit);
    written.map_err(|error| cannot_write(path, &error))
}
