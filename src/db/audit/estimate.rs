//! About how much each end holds, asked of the catalogs. Where that cannot be told, the choice of a
//! strategy does without.

use std::sync::Arc;

use super::connections::Connections;
use super::endpoints::{Looked, Prepared};
use crate::db::keys;

/// Asks for every end that is read.
pub async fn estimate(connections: &mut Connections, looked: &mut [Looked]) {
    for one in looked {
        let Some(prepared) = &one.prepared else {
            continue;
        };
        let mut known = Prepared::clone(prepared);
        for side in [&mut known.child, &mut known.parent] {
            let connected = connections.get_mut(&side.database);
            let (Some(connected), Ok(end)) = (connected, side.end(None)) else {
                continue;
            };
            // A catalog that cannot be asked costs time at most.
            if let Ok(estimate) = keys::estimate(&mut connected.session, &end).await {
                side.estimate = estimate;
            }
        }
        one.prepared = Some(Arc::new(known));
    }
}
