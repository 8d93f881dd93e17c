//! The databases that have an endpoint of a reference. Each is opened once; its session answers
//! every query until keys are read.

use std::collections::BTreeMap;

use crate::db::session::{DbError, Session};
use crate::db::{inspect, keys};
use crate::dialect::keys::{HiddenRows, Replication};
use crate::model::schema::Schema;
use crate::model::target::Target;

/// A database that is open and was inspected.
pub struct Connected {
    pub target: Target,
    /// The schema that its tables are in, on engines that have schemas.
    pub within: Option<String>,
    pub session: Session,
    pub schema: Schema,
    /// Which server it is, if the engine says so.
    pub identity: Option<String>,
    /// Whether it is a replica, whose answers may be old.
    pub replica: bool,
    /// The tables of which the account does not see every row.
    pub hidden: Vec<HiddenRows>,
}

/// The databases that have an endpoint, by their names.
pub type Connections = BTreeMap<String, Connected>;

impl Connected {
    /// Inspects an open database.
    pub async fn new(
        mut session: Session,
        target: &Target,
        within: Option<&str>,
    ) -> Result<Connected, DbError> {
        let found = inspect(&mut session, target).await?;
        let hidden = keys::hidden_rows(&mut session).await?;
        keys::prepare(&mut session).await?;
        Ok(Connected {
            target: target.clone(),
            within: within.map(str::to_owned),
            session,
            schema: found.schema,
            identity: found.identity,
            replica: matches!(found.replication, Replication::Replica(_)),
            hidden,
        })
    }
}

/// Closes the sessions: keys are read in sessions of their own.
pub async fn close(connections: Connections) {
    for (_, connected) in connections {
        connected.session.close().await;
    }
}

/// The schema of a database, and the role of its server.
pub struct Inspection {
    pub schema: Schema,
    /// Which server it is, if the engine says so.
    pub identity: Option<String>,
    pub replication: Replication,
}

/// Reads the schema of a database, and the role of its server.
pub async fn inspect(session: &mut Session, target: &Target) -> Result<Inspection, DbError> {
    Ok(Inspection {
        schema: inspect::schema(session, target.database()).await?,
        identity: keys::identity(session).await?,
        replication: keys::replication(session).await?,
    })
}
