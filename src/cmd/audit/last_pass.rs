//! The file with the last full audit and the watermarks of each reference. Deleting it is always
//! safe.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cmd::context::Context;
use crate::db::audit::endpoints::{Endpoint, PreparedReference};
use crate::db::audit::watermark::Watermark;
use crate::project::replace;

/// The last audits, by reference.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastPasses {
    references: BTreeMap<String, LastPass>,
}

/// The last audits of one reference.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastPass {
    /// The start of the last full audit.
    pub full: Option<String>,
    /// The greatest value that an audit has seen, by column.
    pub marks: BTreeMap<String, String>,
}

fn path(context: &Context) -> PathBuf {
    context.project.root.join(".bird/audit/passes.json")
}

/// The name of a reference with its servers, which differ between environments.
fn name(prepared: &PreparedReference) -> String {
    let place = |side: &Endpoint| side.target.shown();
    let (child, parent) = (place(&prepared.child), place(&prepared.parent));
    format!("{} ({child}, {parent})", prepared.reference)
}

impl LastPasses {
    /// Reads the file; empty if it is missing or unreadable.
    pub fn read(context: &Context) -> LastPasses {
        let text = std::fs::read(path(context)).ok();
        let read = text.and_then(|text| serde_json::from_slice(&text).ok());
        read.unwrap_or_default()
    }

    pub fn of(&self, prepared: &PreparedReference) -> LastPass {
        let known = self.references.get(&name(prepared));
        known.cloned().unwrap_or_default()
    }

    /// Records the references that this run has read completely.
    pub fn keep<'a>(
        mut self,
        context: &Context,
        begun_on: &str,
        complete: impl Iterator<Item = (&'a PreparedReference, Option<&'a Watermark>)>,
    ) -> std::io::Result<()> {
        for (prepared, since) in complete {
            let last_pass = self.references.entry(name(prepared)).or_default();
            // The rows of a replica that does not follow may be of any age.
            let read_replica = prepared.child.read_replica.as_ref();
            let is_now = read_replica.is_none_or(|read_replica| read_replica.behind().is_some());
            if is_now && since.is_none_or(|since| since.from.is_none()) {
                last_pass.full = Some(begun_on.to_owned());
            }
            if let Some(since) = since
                && let Some(mark) = &since.upto
            {
                last_pass.marks.insert(since.column.clone(), mark.clone());
            }
        }
        let text = serde_json::to_string_pretty(&self)?;
        replace(&path(context), &text)
    }
}
