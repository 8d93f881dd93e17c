//! The database files of a protected environment that bird has written before. One that is gone, for
//! example because its volume is not mounted, is not created anew without consent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::open;
use crate::cmd::context::Context;
use crate::db::clock;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::target::Target;
use crate::project::{LARGE, read_regular};

/// The file in the state directory.
const FILE: &str = "files.json";

/// When bird last wrote each file, by its path.
#[derive(Default, Serialize, Deserialize)]
struct KnownFiles {
    written_on: BTreeMap<String, String>,
}

fn read(context: &Context) -> KnownFiles {
    let text = read_regular(&context.project.state.join(FILE), LARGE).ok();
    let known = text.and_then(|text| serde_json::from_slice(&text).ok());
    known.unwrap_or_default()
}

/// Remembers the files that a run has written.
pub fn remember(context: &Context) {
    if !context.project.protected {
        return;
    }
    let files: Vec<String> = context
        .project
        .selected()
        .filter_map(|database| match &database.target {
            Target::File(file) if file.path.exists() => Some(file.path.display().to_string()),
            _ => None,
        })
        .collect();
    if files.is_empty() {
        return;
    }
    let mut known = read(context);
    let now = clock::now();
    known
        .written_on
        .extend(files.into_iter().map(|file| (file, now.clone())));
    let state = &context.project.state;
    let written = serde_json::to_string_pretty(&known)
        .map_err(std::io::Error::from)
        .and_then(|text| {
            state.create("")?;
            state.replace(FILE, &text)
        });
    if let Err(reason) = written {
        context.progress.detail(&format!(
            "could not store which files were written: {reason}"
        ));
    }
}

/// The reasons not to create files: bird has written them before.
pub fn lost(context: &Context) -> Vec<Diagnostic> {
    let absent = context
        .project
        .selected()
        .filter(|one| open::is_absent_file(one));
    let absent: Vec<_> = absent.collect();
    if !context.project.protected || absent.is_empty() {
        return Vec::new();
    }
    let known = read(context);
    let lost = absent.into_iter().filter_map(|database| {
        let Target::File(file) = &database.target else {
            return None;
        };
        let written_on = known.written_on.get(&file.path.display().to_string())?;
        let name = &database.name;
        let message = format!(
            "{name}: the file {} is gone, which bird wrote on {written_on}",
            database.target.shown()
        );
        let hint = "mount its volume or restore it from a backup; to create an empty one: \
                    --allow lost-file";
        let fault = Diagnostic::new(Code::LostFile, message).database(name);
        Some(fault.hint(hint).consent(Code::LostFile))
    });
    lost.collect()
}
