//! Everything that bird knows of a database engine without a connection. Pure.
//!
//! An engine is a folder here, an entry in [`DIALECTS`] and a driver in `db/session`. A new engine
//! writes, each in a file of this name in its folder:
//!
//! | file | implements | about |
//! |---|---|---|
//! | `mod.rs` | [`Dialect`], [`Facts`] | name, URL schemes, port; the map of the folder |
//! | `syntax.rs` | [`Syntax`] | how its SQL is lexed, and how names are written |
//! | `literals.rs` | [`Literals`] | quoting, literals, comparisons |
//! | `seeds.rs` | [`SeedSql`] | declared values, as they are stored and compared |
//! | `session.rs` | [`SessionSql`] | settings, limits, reset and end of a session |
//! | `server.rs` | [`ServerFacts`] | product and version, locks, replication, load |
//! | `bookkeeping.rs` | [`Bookkeeping`] | bird's own tables |
//! | `statements.rs` | [`Statements`] | error codes, forbidden statements, definitions |
//! | `forbidden.rs` | – | the statements that a migration must not contain |
//! | `provisioning.rs` | [`Provisioning`] | databases and scratch databases |
//! | `shadow.rs` | [`BorrowQueries`] | the queries of scratch databases |
//! | `containment.rs` | [`Rules`] | what a statement could reach beyond its database |
//! | `recovery` | – | what an interrupted statement has done |
//! | `catalog.rs` | [`Catalog`] | schemas, with `read` (queries to schema), `ddl` and `write` |
//! | `keys.rs` | [`Keys`] | keys of references, compared across engines |
//! | `repairs.rs` | [`Repairs`] | quarantine tables and obstacles |
//! | `checks.rs` | [`Check`] | the checks of `bird doctor` |
//!
//! The modules beside the folders hold the traits and what is the same for every engine. An
//! engine's folder uses no other engine's.

pub mod catalog;
pub mod checks;
pub mod containment;
pub mod keys;
pub mod recovery;
pub mod repairs;
pub mod statement;

pub(crate) mod bookkeeping;
mod literals;
mod provisioning;
pub mod seeds;
mod server;
mod session;
mod statements;

mod mysql;
pub mod postgres;
mod sqlite;

use catalog::Catalog;
use checks::Check;
use containment::Rules;
use keys::Keys;
use repairs::Repairs;

use crate::sql::Syntax;

pub use bookkeeping::Bookkeeping;
pub use catalog::Extension;
pub use literals::{Literals, sizes};
pub use provisioning::{BorrowQueries, Missing, Provisioning};
use seeds::SeedSql;
pub use server::{Lock, ServerFacts};
pub use session::SessionSql;
pub use statements::{ErrorKind, Forbidden, Statements, runs_without_transaction};

/// All engines, in the order in which the README lists them.
pub static DIALECTS: &[&dyn Dialect] = &[&sqlite::Sqlite, &mysql::MySql, &postgres::Postgres];

/// The client library that connects to an engine. Each has an arm in `db::session`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    MySql,
    Postgres,
    Sqlite,
}

/// The fixed facts of an engine.
#[derive(Debug)]
pub struct Facts {
    /// `mysql`, `postgres`, `sqlite`: the name in the config, in folders and in reports.
    pub name: &'static str,
    pub driver: Driver,
    /// The URL schemes that mean this engine.
    pub schemes: &'static [&'static str],
    /// The URL parameters that bird understands.
    pub parameters: &'static [&'static str],
    /// The URL parameters that other clients understand and that have no effect here, in lower case. What
    /// is in neither list is an error.
    pub unused_parameters: &'static [&'static str],
    /// The default port. `None` for an embedded engine.
    pub port: Option<u16>,
    /// Whether DDL can be rolled back.
    pub transactional_ddl: bool,
    /// The default schema. `None` if the engine has no schemas inside a database.
    pub schema: Option<&'static str>,
    /// The database that every server has: bird connects to it to create a missing one.
    pub maintenance_db: Option<&'static str>,
}

impl Facts {
    /// Whether the engine runs inside bird, without a server.
    pub fn is_embedded(&self) -> bool {
        self.port.is_none()
    }
}

/// An engine, as far as it is known without a connection.
pub trait Dialect:
    Literals + SeedSql + SessionSql + ServerFacts + Bookkeeping + Statements + Provisioning + Sync
{
    fn facts(&self) -> &'static Facts;

    /// Reads and writes schemas.
    fn catalog(&self) -> &dyn Catalog;

    /// Reads the keys of references.
    fn keys(&self) -> &dyn Keys;

    /// The SQL of repairs.
    fn repairs(&self) -> &dyn Repairs;

    /// How it writes SQL.
    fn syntax(&self) -> &'static Syntax;

    /// What its statements can reach outside of their database.
    fn containment(&self) -> &'static Rules;

    /// The checks of `bird doctor`.
    fn checks(&self) -> &'static [Check];
}

/// The engine of a URL scheme. `None` if no engine has it.
pub fn by_scheme(scheme: &str) -> Option<&'static dyn Dialect> {
    let mut all = DIALECTS.iter().copied();
    all.find(|dialect| dialect.facts().schemes.contains(&scheme))
}

/// The names of all engines.
pub fn names() -> Vec<&'static str> {
    let all = DIALECTS.iter().map(|dialect| dialect.facts().name);
    all.collect()
}
