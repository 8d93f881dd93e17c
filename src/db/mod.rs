//! Everything that talks to databases: sessions, and the queries and changes made through them.

pub mod apply;
pub mod audit;
pub mod clock;
mod compressed;
mod definitions;
pub mod doctor;
pub mod drop_database;
pub mod failpoint;
pub mod file;
pub mod history;
pub mod inspect;
pub mod journal;
pub mod keys;
pub mod limits;
pub mod lock;
pub mod own_tables;
pub mod pooler;
pub mod provision;
mod rebuild;
pub mod repair;
pub mod replay;
pub mod schema_record;
pub mod seed_record;
pub mod session;
pub mod shadow;
pub mod stored_migration;
pub mod writability;

/// Everything that waits can be stopped.
pub mod stop;
