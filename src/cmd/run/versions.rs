//! Parses versions on the command line: `N`, or `DATABASE@N`.

use crate::cmd::context::Context;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::did_you_mean;
use crate::project::Database;

/// Parses `--to N` and `--to DATABASE@N`: one version per database.
pub fn target_versions(context: &Context, asked: &[String]) -> Result<Vec<(String, i64)>, Failure> {
    let targets = versions(context, "--to", asked)?;
    for (at, (name, _)) in targets.iter().enumerate() {
        if targets[..at].iter().any(|(known, _)| known == name) {
            let fault = Diagnostic::new(Code::Usage, format!("--to names `{name}` twice"));
            return Err(Failure::failed(fault.hint("keep one of them")));
        }
    }
    Ok(targets)
}

/// Parses the versions of a flag, `N` or `DATABASE@N`.
pub fn versions(
    context: &Context,
    flag: &str,
    asked: &[String],
) -> Result<Vec<(String, i64)>, Failure> {
    let wrong = |message: String, hint: String| {
        Failure::failed(Diagnostic::new(Code::Usage, message).hint(hint))
    };
    let selected: Vec<&Database> = context.project.selected().collect();
    let mut versions: Vec<(String, i64)> = Vec::new();
    for text in asked {
        let (name, version) = match (text.split_once('@'), selected.as_slice()) {
            (Some((name, version)), _) => (name.to_owned(), version),
            (None, [only]) => (only.name.clone(), text.as_str()),
            (None, more) => {
                let message = format!("{flag} {text} does not name a database");
                let names = more
                    .iter()
                    .map(|database| format!("{flag} {}@{text}", database.name));
                let hint = format!("write {}", names.collect::<Vec<_>>().join(" or "));
                return Err(wrong(message, hint));
            }
        };
        if !selected.iter().any(|database| database.name == name) {
            let names = selected.iter().map(|database| database.name.as_str());
            let hint = did_you_mean(&name, names)
                .unwrap_or_else(|| "it must be one of this run's databases".into());
            return Err(wrong(
                format!("{flag} {text}: there is no database `{name}`"),
                hint,
            ));
        }
        let digits = version.strip_prefix('V').unwrap_or(version);
        let Ok(version) = digits.parse() else {
            let hint = format!("write a version: {flag} 7, or {flag} ums@7");
            return Err(wrong(
                format!("{flag} {text}: `{version}` is not a version"),
                hint,
            ));
        };
        if !versions.contains(&(name.clone(), version)) {
            versions.push((name, version));
        }
    }
    Ok(versions)
}
