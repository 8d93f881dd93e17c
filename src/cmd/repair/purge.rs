//! `bird repair --purge`: deletes the quarantined rows of a run for good.

use std::collections::BTreeMap;

use super::Args;
use super::errors;
use super::quarantine;
use super::quarantine::JournaledTarget;
use super::report::{Mode, RepairReport};
use crate::cmd::context::Context;
use crate::db::repair::journal::JournaledChunk;
use crate::db::repair::kept_rows::{PlanRun, Released};
use crate::db::repair::purge::perform;
use crate::db::repair::retry::Retry;
use crate::db::session::Session;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::repair::safety_checks;

/// Counts the quarantined rows, asks for consent, and deletes them.
pub async fn run(context: &Context, args: &Args, plan: &str) -> Result<RepairReport, Failure> {
    let members = quarantine::members(context, args, plan).await?;
    let rows = members.iter().any(|member| member.kept() > 0);
    let missing = errors::refuse_or_list(context, args, losses(args, &members), rows)?;
    let run = PlanRun {
        plan,
        by: context.run,
    };
    let mode = Mode::Purged {
        dry_run: args.dry_run,
    };
    let mut report = RepairReport::new(mode, plan);
    report.list(missing);
    let work = async |session: &mut Session, chunk: &JournaledChunk, retry: &Retry<'_>| {
        if args.dry_run {
            Ok(Released {
                rows: chunk.kept,
                ..Released::default()
            })
        } else {
            perform(session, run, chunk, retry).await
        }
    };
    quarantine::each(context, args, members, &mut report, work).await?;
    Ok(report)
}

/// The losses without consent, with the number of rows.
fn losses(args: &Args, members: &[JournaledTarget<'_>]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for member in members {
        let mut kept: BTreeMap<&str, u64> = BTreeMap::new();
        for chunk in &member.chunks {
            let table = chunk.quarantine.as_deref().unwrap_or_default();
            *kept.entry(table).or_default() += chunk.kept;
        }
        let name = &member.target.database.name;
        let held = kept.into_iter().filter_map(|(table, rows)| {
            safety_checks::purge(name, table, rows, &args.consents.allow)
        });
        faults.extend(held);
    }
    faults
}
