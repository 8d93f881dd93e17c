//! Builds the report and writes the requested files after everything was read.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::args::Args;
use super::errors::{cannot_keep, cannot_write, unwritten};
use super::last_pass::LastPass;
use super::missing_keys::MissingKeys;
use super::reference_report::ReferenceReport;
use super::repair_plan;
use super::report::AuditReport;
use crate::cmd::context::Context;
use crate::cmd::run::orphans;
use crate::db::audit::checkpoint::Checkpoint;
use crate::db::audit::endpoints::Inspected;
use crate::db::audit::task::Task;
use crate::db::audit::totals::ReferenceTotals;
use crate::db::clock::now;
use crate::invariant;
use crate::invariant::Broken;
use crate::model::diagnostic::Failure;
use crate::model::exit::Exit;
use crate::model::orphan::Orphan;
use crate::project::{Replacement, can_replace};

/// The report without the orphans, which are read from the checkpoint.
pub fn report(
    context: &Context,
    args: &Args,
    inspected: Vec<Inspected>,
    totals: &[ReferenceTotals],
    tasks: &[Arc<Task>],
) -> Result<AuditReport, Broken> {
    let mut references = Vec::new();
    for one in inspected {
        let reference = context.project.references.get(one.index);
        let reference = invariant!(reference, some, "an audit reads references of the project");
        let of_reference = totals.get(one.index).cloned();
        let mut totals = invariant!(of_reference, some, "each reference has totals");
        let task = tasks
            .iter()
            .find(|task| task.members.iter().any(|member| member.index == one.index));
        totals.complete = task.is_some() && totals.is_covered();
        references.push(ReferenceReport {
            index: one.index,
            reference: reference.clone(),
            notes: one.notes,
            prepared: one.prepared,
            task: task.cloned(),
            totals,
            since: None,
            last_pass: LastPass::default(),
            missing: MissingKeys::default(),
            last_full: None,
        });
    }
    Ok(AuditReport {
        references,
        assertions: Vec::new(),
        fail_on: args.fail_on,
        begun_on: String::new(),
        ended_on: now(),
        faults: Vec::new(),
        explained: None,
        plan: None,
        files: Vec::new(),
        resumable: true,
        sample: args.sample,
        exit: Exit::Done,
    })
}

/// Checks before the audit that the requested files can be written.
pub fn check(args: &Args) -> Result<(), Failure> {
    for path in args.orphans.iter().chain(&args.plan) {
        can_replace(path).map_err(|why| Failure::failed(unwritten(path, &why)))?;
    }
    Ok(())
}

/// Reads the orphans from the checkpoint into the samples and the requested files. A file is
/// replaced as a whole, or stays as it was.
pub async fn files(
    context: &Context,
    args: &Args,
    report: &mut AuditReport,
    mut checkpoint: Checkpoint,
) -> Result<(), Failure> {
    let mut plan = repair_plan::begin(context, args, report).await?;
    let begun = args.orphans.as_deref().map(|path| {
        let file = Replacement::begin(path);
        file.map_err(|error| cannot_write(path, &error))
    });
    let mut orphans = begun.transpose()?;
    let read = checkpoint.read(|orphan| {
        if let Some(file) = &mut orphans {
            line(report, file, &orphan)?;
        }
        if let Some(plan) = &mut plan {
            plan.row(&orphan)?;
        }
        Ok(report.keep(orphan)?)
    });
    let place = args.orphans.as_deref().or(args.plan.as_deref());
    read.map_err(|error| match place {
        Some(path) => cannot_write(path, &error),
        None => cannot_keep(&context.project.state.join("audit"), &error),
    })?;
    if let (Some(path), Some(file)) = (&args.orphans, orphans) {
        file.commit().map_err(|error| cannot_write(path, &error))?;
        let (rows, file) = (report.orphan_rows(), path.display());
        report.files.push(format!("Wrote {rows} to {file}."));
    }
    if let Some(path) = &args.plan {
        let file = path.display().to_string();
        if let Some(plan) = plan {
            repair_plan::end(report, plan, path)?;
            report.files.push(format!("Wrote the plan {file}."));
            report.plan = Some(file);
        } else {
            let why = "not every reference was read completely";
            report
                .files
                .push(format!("Did not write the plan {file}: {why}."));
        }
    }
    if report.complete() {
        checkpoint.close();
    }
    Ok(())
}

/// Writes one orphan as a line of JSON.
fn line(report: &AuditReport, to: &mut impl Write, orphan: &Orphan) -> io::Result<()> {
    let mut all = report.references.iter();
    let found = all.find(|one| one.index == orphan.reference);
    let audited = invariant!(found, some, "an orphan belongs to a reference of the run");
    let mut object = Map::new();
    let reference = &audited.reference;
    object.insert("reference".into(), json!(reference.from.to_string()));
    object.extend(orphans::identity(reference));
    object.extend(orphans::json(orphan));
    serde_json::to_writer(&mut *to, &Value::Object(object))?;
    to.write_all(b"\n")
}
