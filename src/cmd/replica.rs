//! A replica that somebody named: `NAME=URL`.

use super::Context;
use crate::model::diagnostic::Diagnostic;
use crate::model::target::Target;
use crate::project::{self, Database};

/// The database that is meant, and where its replica is.
pub fn named<'c>(context: &'c Context, asked: &str) -> Result<(&'c Database, Target), Diagnostic> {
    let usage = |message: String| Diagnostic::error("usage", message);
    let Some((name, url)) = asked.split_once('=') else {
        return Err(usage("--replica takes NAME=URL".to_owned()));
    };
    let Some(database) = context.project.database(name) else {
        return Err(usage(format!("--replica: there is no database `{name}`")));
    };
    let variable = |name: &str| std::env::var(name).ok();
    let replica: Database = project::unnamed(url, &context.project.root, variable)?;
    if replica.dialect.facts().name != database.dialect.facts().name {
        let message = format!("--replica: `{name}` is another engine than its replica");
        return Err(usage(message));
    }
    Ok((database, replica.target))
}
