//! `--replica`: the keys of children are read where that troubles nobody. A child that is seen late
//! is seen as it was, and its parents are still read after it; what is found is confirmed on the
//! primaries.

use std::sync::Arc;

use super::Args;
use super::ends::{Looked, Prepared};
use crate::cmd::{Context, replica};
use crate::model::diagnostic::Failure;

/// Lets children be read from the replicas that were named.
pub fn read_from(context: &Context, args: &Args, looked: &mut [Looked]) -> Result<(), Failure> {
    for asked in &args.replicas {
        let (database, target) = replica::named(context, asked).map_err(Failure::failed)?;
        for one in looked.iter_mut() {
            let Some(prepared) = &one.prepared else {
                continue;
            };
            if prepared.child.database != database.name {
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
