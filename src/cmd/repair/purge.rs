//! `bird repair --purge`: takes out for good what a run has kept.

use std::collections::BTreeMap;

use super::Args;
use super::errors;
use super::quarantine;
use super::quarantine::Member;
use super::report::{Mode, RepairReport};
use crate::cmd::context::Context;
use crate::db::repair::journal::Chunk;
use crate::db::repair::kept_rows::{Released, Run};
use crate::db::repair::purge::perform;
use crate::db::repair::retry::Patience;
use crate::db::session::Session;
use crate::model::diagnostic::Failure;
use crate::repair::safety_checks;

/// Counts what is kept of the run, asks for consent to lose it, and deletes it.
pub async fn run(context: &Context, args: &Args, plan: &str) -> Result<RepairReport, Failure> {
    let members = quarantine::members(context, args, plan).await?;
    consent(args, &members)?;
    let run = Run {
        plan,
        by: context.run,
    };
    let mode = Mode::Purged {
        dry_run: args.dry_run,
    };
    let mut report = RepairReport::new(mode, plan);
    let work = async |session: &mut Session, chunk: &Chunk, patience: &Patience<'_>| {
        if args.dry_run {
            Ok(Released {
                rows: chunk.kept,
                ..Released::default()
            })
        } else {
            perform(session, run, chunk, patience).await
        }
    };
    quarantine::each(context, args, members, &mut report, work).await?;
    Ok(report)
}

/// Nothing is lost without a person's word, who is told how much it is.
fn consent(args: &Args, members: &[Member<'_>]) -> Result<(), Failure> {
    let mut faults = Vec::new();
    for member in members {
        let mut kept: BTreeMap<&str, u64> = BTreeMap::new();
        for chunk in &member.chunks {
            let table = chunk.quarantine.as_deref().unwrap_or_default();
            *kept.entry(table).or_default() += chunk.kept;
        }
        let name = &member.place.database.name;
        let held = kept.into_iter().filter_map(|(table, rows)| {
            safety_checks::purge(name, table, rows, &args.consents.allow)
        });
        faults.extend(held);
    }
    errors::refuse(faults)
}
