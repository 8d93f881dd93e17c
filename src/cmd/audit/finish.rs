//! What is told and written when everything has been read.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Args;
use super::ends::Looked;
use super::journal::Journal;
use super::report::{AuditReport, Audited};
use super::tally::Tally;
use super::task::Task;
use crate::cmd::Context;
use crate::db::history::now;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::orphan::Orphan;

/// Why what was found could not be kept.
pub fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    let told = Diagnostic::error("environment", message);
    Failure::failed(
        told.hint("the audit keeps what it finds in .bird/ of the project; make it writable"),
    )
}

/// The report, but for what is read from the journal.
pub fn report(
    context: &Context,
    (sample, fail_on): (Option<usize>, Severity),
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
        })
    });
    AuditReport {
        references: references.collect(),
        assertions: Vec::new(),
        fail_on,
        begun_on: String::new(),
        ended_on: now(),
        faults: Vec::new(),
        explained: None,
        sample: sample.unwrap_or(0),
        exit: Exit::Done,
    }
}

/// Reads the orphans back: the samples, and the files that were asked for. A file is written
/// whole, or what was there before stays.
pub fn files(
    context: &Context,
    args: &Args,
    report: &mut AuditReport,
    mut journal: Journal,
) -> Result<(), Failure> {
    let whole = |path: &Path| path.with_extension("partial");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| cannot_write(&path, &error)
    };
    let folder = &context.project.root;
    let mut orphans = match &args.orphans {
        Some(path) => Some(BufWriter::new(
            File::create(whole(path)).map_err(failed(path))?,
        )),
        None => None,
    };
    let read = journal.read(|orphan| {
        if let Some(file) = &mut orphans {
            line(report, file, &orphan)?;
        }
        report.keep(orphan);
        Ok(())
    });
    read.map_err(failed(args.orphans.as_deref().unwrap_or(folder)))?;
    if let (Some(path), Some(file)) = (&args.orphans, orphans) {
        let file = file
            .into_inner()
            .map_err(|error| cannot_write(path, error.error()))?;
        file.sync_all().map_err(failed(path))?;
        std::fs::rename(whole(path), path).map_err(failed(path))?;
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
    object.extend(told(orphan));
    serde_json::to_writer(&mut *to, &Value::Object(object))?;
    to.write_all(b"\n")
}

/// An orphan as reports show it: its key and its row.
pub fn told(orphan: &Orphan) -> Map<String, Value> {
    let key = match orphan.key.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    let row: Map<String, Value> = orphan
        .row
        .iter()
        .map(|(column, cell)| (column.clone(), json!(cell)))
        .collect();
    let mut object = Map::new();
    object.insert("key".into(), key);
    object.insert("row".into(), Value::Object(row));
    if orphan.hidden {
        object.insert("hidden".into(), json!(true));
    }
    object
}
