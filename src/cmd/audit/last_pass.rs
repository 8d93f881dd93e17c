//! The file with the last full audit and the watermarks of each reference. Deleting it is always
//! safe.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cmd::context::Context;
use crate::db::audit::endpoints::PreparedReference;
use crate::db::audit::watermark::Watermark;
use crate::model::own_key::Signature;
use crate::model::reference::Reference;
use crate::model::target::Target;
use crate::project::{LARGE, own_key, read_regular};

/// The last audits, by reference.
#[derive(Debug, Clone, Default)]
pub struct LastPasses {
    references: BTreeMap<String, LastPass>,
    /// Whether there is a file that cannot be trusted, so that it counts as empty.
    pub is_distrusted: bool,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct MarksFile {
    #[serde(default)]
    references: BTreeMap<String, LastPass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
}

/// The last audits of one reference.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastPass {
    /// The start of the last full audit.
    pub full: Option<String>,
    /// The greatest value that an audit has seen, by column.
    pub marks: BTreeMap<String, String>,
    /// The server that gave each of these values, by column, if it says which one it is.
    pub servers: BTreeMap<String, String>,
}

/// The file in the state directory.
const FILE: &str = "audit/passes.json";

fn path(context: &Context) -> PathBuf {
    context.project.state.join(FILE)
}

/// The name of a reference with its conditions, and its servers, which differ between environments.
fn name(reference: &Reference, child: &Target, parent: &Target) -> String {
    let mut name = reference.ends();
    let conditions = [
        ("where", &reference.filter),
        ("to_where", &reference.to_filter),
    ];
    for (key, condition) in conditions {
        if let Some(condition) = condition {
            name.push_str(&format!(" {key} {condition}"));
        }
    }
    format!("{name} ({}, {})", child.shown(), parent.shown())
}

fn name_of(prepared: &PreparedReference) -> String {
    let (child, parent) = (&prepared.child.target, &prepared.parent.target);
    name(&prepared.reference, child, parent)
}

impl LastPass {
    /// The greatest value of a column that an audit of this server has seen: another server, or one
    /// that was promoted, may have other rows below it.
    pub fn mark(&self, column: &str, server: Option<&String>) -> Option<String> {
        let mark = self.marks.get(column)?;
        (self.servers.get(column) == server).then(|| mark.clone())
    }
}

impl LastPasses {
    /// Reads the file; empty if it is missing or unreadable. What this user did not write is not
    /// trusted: a greater mark would hide orphans.
    pub fn read(context: &Context) -> LastPasses {
        let text = read_regular(&path(context), LARGE).ok();
        let read = text.and_then(|text| serde_json::from_slice(&text).ok());
        let Some(MarksFile {
            references,
            signature,
        }) = read
        else {
            return LastPasses::default();
        };
        let is_own = || {
            let text = serde_json::to_vec(&references).ok()?;
            Some(own_key()?.code(FILE, &text) == signature?.code)
        };
        if is_own() == Some(true) {
            LastPasses {
                references,
                is_distrusted: false,
            }
        } else {
            LastPasses {
                is_distrusted: true,
                ..LastPasses::default()
            }
        }
    }

    pub fn of(&self, prepared: &PreparedReference) -> LastPass {
        let known = self.references.get(&name_of(prepared));
        known.cloned().unwrap_or_default()
    }

    /// The last audits of a reference that could not be inspected; `None` if a database of it is
    /// not known.
    pub fn of_reference(&self, context: &Context, reference: &Reference) -> Option<LastPass> {
        let target = |name: &str| Some(&context.project.database(name)?.target);
        let child = target(&reference.from.database)?;
        let parent = target(&reference.to.database)?;
        self.references
            .get(&name(reference, child, parent))
            .cloned()
    }

    /// Adds the references that this run has read completely.
    pub fn add<'a>(
        &mut self,
        begun_on: &str,
        complete: impl Iterator<Item = (&'a PreparedReference, Option<&'a Watermark>)>,
    ) {
        for (prepared, since) in complete {
            let last_pass = self.references.entry(name_of(prepared)).or_default();
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
                match &prepared.child.identity {
                    Some(server) => last_pass
                        .servers
                        .insert(since.column.clone(), server.clone()),
                    None => last_pass.servers.remove(&since.column),
                };
            }
        }
    }

    pub fn write(&self, context: &Context) -> std::io::Result<()> {
        let references = self.references.clone();
        let signed = serde_json::to_vec(&references)?;
        let text = serde_json::to_string_pretty(&MarksFile {
            signature: own_key().map(|key| key.sign(FILE, &signed)),
            references,
        })?;
        context.project.state.replace(FILE, &text)
    }
}
