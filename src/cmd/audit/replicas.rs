//! `--replica`: the keys of children are read where that troubles nobody. A child that is seen late
//! is seen as it was, and its parents are still read after it; what is found is confirmed on the
//! primaries.

use std::sync::Arc;

use super::Args;
use super::ends::{Looked, Prepared};
use crate::cmd::Context;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::target::Target;
use crate::project::{self, Database};

/// Lets children be read from the replicas that were named.
pub fn read_from(context: &Context, args: &Args, looked: &mut [Looked]) -> Result<(), Failure> {
    for asked in &args.replicas {
        let (name, target) = replica(context, asked).map_err(Failure::failed)?;
        for one in looked.iter_mut() {
            let Some(prepared) = &one.prepared else {
                continue;
            };
            if prepared.child.database != name {
                continue;
            }
            let mut child = prepared.child.clone();
            child.reader = Some(target.clone());
            one.prepared = Some(Arc::new(Prepared {
                child,
                ..Prepared::clone(prepared)
            }));
        }
    }
    Ok(())
}

/// The database that is meant, and where its replica is.
fn replica(context: &Context, asked: &str) -> Result<(String, Target), Diagnostic> {
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
    Ok((name.to_owned(), replica.target))
}
