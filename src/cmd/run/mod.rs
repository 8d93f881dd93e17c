//! Code that commands share: opened databases, locks, limits, replicas, consent.

pub mod database;
pub mod known_files;
pub mod limits;
pub mod locks;
pub mod metrics;
pub mod missing;
pub mod open;
pub mod orphans;
pub mod protected;
pub mod recording;
pub mod references;
pub mod replica;
pub mod siblings;
pub mod state;
pub mod versions;
