//! Selects the references of a run.

use super::args::Args;
use crate::cmd::context::Context;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::did_you_mean;
use crate::model::reference::Reference;

/// The references of this run: those that were named, else those with an endpoint in a selected
/// database.
pub fn references<'p>(
    context: &'p Context,
    args: &Args,
) -> Result<Vec<(usize, &'p Reference)>, Failure> {
    let all = || context.project.references.iter().enumerate();
    let is_named = |name: &str, reference: &Reference| {
        let own = reference.name.as_deref();
        own == Some(name) || name == reference.from.to_string() || name == reference.ends()
    };
    for name in &args.references {
        if !all().any(|(_, reference)| is_named(name, reference)) {
            let names: Vec<String> = all().map(|(_, one)| one.title()).collect();
            let fault = Diagnostic::new(Code::Usage, format!("no reference `{name}` is declared"));
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("the references are {}", names.join(", ")));
            return Err(Failure::failed(fault.hint(hint)));
        }
    }
    let selected = |reference: &Reference| {
        let ends = [&reference.from.database, &reference.to.database];
        let mut databases = ends
            .iter()
            .filter_map(|name| context.project.database(name));
        databases.any(|database| database.selected)
    };
    let wanted = all().filter(|(_, reference)| match args.references.as_slice() {
        [] => selected(reference),
        names => names.iter().any(|name| is_named(name, reference)),
    });
    Ok(wanted.collect())
}
