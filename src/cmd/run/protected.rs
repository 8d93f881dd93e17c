//! Protected environments: nothing is written there without consent.

use super::known_files;
use crate::cmd::context::Context;
use crate::cmd::flags;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};

/// Whether a writing command lacks the consent that it needs.
pub fn is_guarded(context: &Context, consents: &flags::Consents) -> bool {
    context.project.protected && !consents.allows(Code::Protected)
}

/// Checks the consent. Every command that writes calls it before its first lock, and only if it has
/// something to write: a run that changes nothing needs no consent.
pub fn consent(context: &Context, consents: &flags::Consents) -> Result<(), Failure> {
    Failure::refuse(missing(context, consents))
}

/// The consents that are missing, for a dry run to list.
pub fn missing(context: &Context, consents: &flags::Consents) -> Vec<Diagnostic> {
    let mut missing = Vec::new();
    if is_guarded(context, consents) {
        missing.push(protected(context));
    }
    if !consents.allows(Code::LostFile) {
        missing.extend(known_files::lost(context));
    }
    missing
}

fn protected(context: &Context) -> Diagnostic {
    let message = match &context.project.environment {
        Some(name) => format!("the environment `{name}` is protected"),
        None => "this project is protected".to_owned(),
    };
    let fault = Diagnostic::new(Code::Protected, message)
        .note("bird.toml says `protected = true`, but this run would write")
        .hint("if this is the right environment: --allow protected");
    fault.consent(Code::Protected)
}
