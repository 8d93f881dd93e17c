//! About how much each end holds, asked of the catalogs. Where that cannot be told, the choice of a
//! strategy does without.

use std::sync::Arc;

use super::endpoints::{Looked, Prepared};
use crate::cmd::audit::connections::Visits;
use crate::db::keys;

/// Asks for every end that is read.
pub async fn estimate(visits: &mut Visits, looked: &mut [Looked]) {
    for one in looked {
        let Some(prepared) = &one.prepared else {
            continue;
        };
        let mut known = Prepared::clone(prepared);
        for side in [&mut known.child, &mut known.parent] {
            let visited = visits.get_mut(&side.database);
            let (Some(visited), Ok(end)) = (visited, side.end(None)) else {
                continue;
            };
            // A catalog that cannot be asked costs time at most.
            if let Ok(estimate) = keys::estimate(&mut visited.session, &end).await {
                side.estimate = estimate;
            }
        }
        one.prepared = Some(Arc::new(known));
    }
}
