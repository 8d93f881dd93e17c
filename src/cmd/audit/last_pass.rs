//! When each reference was last read whole, and how far reading by a watermark has come: kept
//! beside the project. Deleting it is always safe.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cmd::context::Context;
use crate::db::audit::endpoints::{Prepared, Side};
use crate::db::audit::watermark::Since;
use crate::project::replace;

/// What is known of the audits before, by reference.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Passes {
    references: BTreeMap<String, Passed>,
}

/// What is known of one reference.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Passed {
    /// When an audit that read it whole began.
    pub full: Option<String>,
    /// By column: the greatest value that an audit has seen.
    pub marks: BTreeMap<String, String>,
}

fn path(context: &Context) -> PathBuf {
    context.project.root.join(".bird/audit/passes.json")
}

/// A reference and the databases that have its ends: those of another environment are others.
fn name(prepared: &Prepared) -> String {
    let place = |side: &Side| side.target.shown();
    let (child, parent) = (place(&prepared.child), place(&prepared.parent));
    format!("{} ({child}, {parent})", prepared.reference)
}

impl Passes {
    /// What was kept; nothing where it is gone or cannot be read.
    pub fn read(context: &Context) -> Passes {
        let text = std::fs::read(path(context)).ok();
        let read = text.and_then(|text| serde_json::from_slice(&text).ok());
        read.unwrap_or_default()
    }

    pub fn of(&self, prepared: &Prepared) -> Passed {
        let known = self.references.get(&name(prepared));
        known.cloned().unwrap_or_default()
    }

    /// Records the references that this run has read to their end.
    pub fn keep<'a>(
        mut self,
        context: &Context,
        begun_on: &str,
        complete: impl Iterator<Item = (&'a Prepared, Option<&'a Since>)>,
    ) -> std::io::Result<()> {
        for (prepared, since) in complete {
            let passed = self.references.entry(name(prepared)).or_default();
            // What a replica had of it that did not follow, may be of any age.
            let reader = prepared.child.reader.as_ref();
            let is_now = reader.is_none_or(|reader| reader.behind().is_some());
            if is_now && since.is_none_or(|since| since.from.is_none()) {
                passed.full = Some(begun_on.to_owned());
            }
            if let Some(since) = since
                && let Some(mark) = &since.upto
            {
                passed.marks.insert(since.column.clone(), mark.clone());
            }
        }
        let text = serde_json::to_string_pretty(&self)?;
        replace(&path(context), &text)
    }
}
