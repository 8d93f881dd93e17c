//! Estimates the size of each endpoint from the catalogs. The choice of a strategy works without
//! them.

use std::sync::Arc;

use super::connections::Connections;
use super::endpoints::{Inspected, PreparedReference};
use crate::db::keys;

/// Estimates every endpoint that is read.
pub async fn estimate(connections: &mut Connections, inspected: &mut [Inspected]) {
    for one in inspected {
        let Some(prepared) = &one.prepared else {
            continue;
        };
        let mut known = PreparedReference::clone(prepared);
        for endpoint in [&mut known.child, &mut known.parent] {
            let connected = connections.get_mut(&endpoint.database);
            let (Some(connected), Ok(end)) = (connected, endpoint.end(None)) else {
                continue;
            };
            // A missing estimate costs time, never a wrong answer.
            if let Ok(estimate) = keys::estimate(&mut connected.session, &end).await {
                endpoint.estimate = estimate;
            }
        }
        one.prepared = Some(Arc::new(known));
    }
}
