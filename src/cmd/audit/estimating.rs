//! About how much each end holds, asked of the catalogs. Where that cannot be told, the choice of a
//! strategy does without.

use std::collections::HashMap;
use std::sync::Arc;

use super::ends::{Looked, Prepared, Side};
use crate::db::keys;
use crate::db::session::{DbError, Session};

/// Asks for every end that is read, with one session for each database.
pub async fn estimate(looked: &mut [Looked]) {
    let mut sessions = HashMap::new();
    for one in looked {
        let Some(prepared) = &one.prepared else {
            continue;
        };
        let mut known = Prepared::clone(prepared);
        for side in [&mut known.child, &mut known.parent] {
            // A catalog that cannot be asked costs time at most.
            let _: Result<(), DbError> = end(&mut sessions, side).await;
        }
        one.prepared = Some(Arc::new(known));
    }
    for (_, session) in sessions {
        session.close().await;
    }
}

async fn end(sessions: &mut HashMap<String, Session>, side: &mut Side) -> Result<(), DbError> {
    if !sessions.contains_key(&side.database) {
        sessions.insert(side.database.clone(), side.session().await?);
    }
    let estimate = match (sessions.get_mut(&side.database), side.end(None)) {
        (Some(session), Ok(end)) => keys::estimate(session, &end).await?,
        _ => return Ok(()),
    };
    side.estimate = estimate;
    Ok(())
}
