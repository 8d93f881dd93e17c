//! A replica from which the keys of a database's children are read.

use crate::dialect::keys::{Following, Replication};
use crate::model::target::Target;

/// A replica that is read instead of the primary.
#[derive(Debug, Clone)]
pub struct ReadReplica {
    pub target: Target,
    pub identity: Option<String>,
    /// Its state before the first key was read.
    pub replication: Replication,
}

impl ReadReplica {
    /// The age of its rows, as the end of a sentence.
    pub fn age(&self) -> String {
        match &self.replication {
            Replication::Replica(Following { behind: None, .. }) => {
                "which did not replicate when the audit began".to_owned()
            }
            Replication::Replica(Following {
                behind: Some(behind),
                ..
            }) => format!("which was {behind} s behind when the audit began"),
            Replication::Primary => "which reports no server that it replicates from".to_owned(),
            Replication::Unknown => "which does not report how far behind it is".to_owned(),
        }
    }

    /// Whether it followed another server, if that is known.
    pub fn follows(&self) -> Option<bool> {
        match &self.replication {
            Replication::Replica(following) => Some(following.behind.is_some()),
            Replication::Primary => Some(false),
            Replication::Unknown => None,
        }
    }

    /// The number of seconds that it was behind, if that is known.
    pub fn behind(&self) -> Option<u64> {
        match &self.replication {
            Replication::Replica(following) => following.behind,
            _ => None,
        }
    }
}
