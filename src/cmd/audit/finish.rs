//! What is told and written when everything has been read.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::args::Args;
use super::errors::{cannot_keep, cannot_write, unwritten};
use super::last_pass::Passed;
use super::reference_report::Audited;
use super::repair_plan;
use super::report::AuditReport;
use crate::cmd::context::Context;
use crate::cmd::run::orphans;
use crate::db::audit::checkpoint::Journal;
use crate::db::audit::endpoints::Looked;
use crate::db::audit::task::Task;
use crate::db::audit::totals::Tally;
use crate::db::clock::now;
use crate::model::diagnostic::Failure;
use crate::model::exit::Exit;
use crate::model::orphan::Orphan;
use crate::project::{Replacement, can_replace};

/// The report, but for what is read from the journal.
pub fn report(
    context: &Context,
    args: &Args,
    looked: Vec<Looked>,
    tallies: &[Tally],
    tasks: &[Arc<Task>],
) -> AuditReport {
    let references = looked.into_iter().filter_map(|one| {
        let reference = context.project.references.get(one.index)?;
        let task = tasks
            .iter()
            .find(|task| task.members.iter().any(|member| member.index == one.index));
        let mut tally = tallies.get(one.index).cloned().unwrap_or_default();
        tally.complete = task.is_some() && tally.is_covered();
        Some(Audited {
            index: one.index,
            reference: reference.clone(),
            remarks: one.remarks,
            prepared: one.prepared,
            task: task.cloned(),
            tally,
            since: None,
            passed: Passed::default(),
        })
    });
    AuditReport {
        references: references.collect(),
        assertions: Vec::new(),
        fail_on: args.fail_on,
        begun_on: String::new(),
        ended_on: now(),
        faults: Vec::new(),
        explained: None,
        sample: args.sample,
        exit: Exit::Done,
    }
}

/// Whether the files that were asked for can be written, asked before the audit begins.
pub fn check(args: &Args) -> Result<(), Failure> {
    for path in args.orphans.iter().chain(&args.plan) {
        can_replace(path).map_err(|why| Failure::failed(unwritten(path, &why)))?;
    }
    Ok(())
}

/// Reads the orphans back: the samples, and the files that were asked for. A file is written
/// whole, or what was there before stays.
pub async fn files(
    context: &Context,
    args: &Args,
    report: &mut AuditReport,
    mut journal: Journal,
) -> Result<(), Failure> {
    let mut plan = repair_plan::begin(context, args, report).await?;
    let begun = args.orphans.as_deref().map(|path| {
        let file = Replacement::begin(path);
        file.map_err(|error| cannot_write(path, &error))
    });
    let mut orphans = begun.transpose()?;
    let read = journal.read(|orphan| {
        if let Some(file) = &mut orphans {
            line(report, file, &orphan)?;
        }
        if let Some(plan) = &mut plan {
            plan.row(&orphan)?;
        }
        report.keep(orphan);
        Ok(())
    });
    let place = args.orphans.as_deref().or(args.plan.as_deref());
    read.map_err(|error| match place {
        Some(path) => cannot_write(path, &error),
        None => cannot_keep(&context.project.root, &error),
    })?;
    if let (Some(path), Some(file)) = (&args.orphans, orphans) {
        file.commit().map_err(|error| cannot_write(path, &error))?;
    }
    if let (Some(path), Some(plan)) = (&args.plan, plan) {
        repair_plan::end(report, plan, path)?;
    }
    if report.complete() {
        journal.close();
    }
    Ok(())
}

/// One orphan as a line of JSON.
fn line(report: &AuditReport, to: &mut impl Write, orphan: &Orphan) -> io::Result<()> {
    let mut all = report.references.iter();
    let Some(audited) = all.find(|one| one.index == orphan.reference) else {
        return Ok(());
    };
    let mut object = Map::new();
    object.insert("reference".into(), json!(audited.reference.name()));
    object.extend(orphans::json(orphan));
    serde_json::to_writer(&mut *to, &Value::Object(object))?;
    to.write_all(b"\n")
}
