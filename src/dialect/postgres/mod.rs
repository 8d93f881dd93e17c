//! The dialect of PostgreSQL: its facts, lexical rules and traits.

mod bookkeeping;
mod catalog;
pub mod checks;
mod containment;
pub mod copy;
mod forbidden;
pub mod hidden_rows;
pub(super) mod keys;
mod literals;
mod provisioning;
pub(super) mod read;
pub(super) mod recovery;
pub(super) mod repairs;
mod seeds;
mod server;
mod session;
mod shadow;
mod statements;
mod syntax;
mod variant;
pub(super) mod write;

use crate::dialect::catalog::Catalog;
use crate::dialect::checks::Check;
use crate::dialect::containment::Rules;
use crate::dialect::keys::Keys;
use crate::dialect::repairs::Repairs;
use crate::dialect::{Dialect, Driver, Facts};
use crate::sql::Syntax;

pub use syntax::SYNTAX;

pub struct Postgres;

static FACTS: Facts = Facts {
    name: "postgres",
    driver: Driver::Postgres,
    schemes: &["postgres", "postgresql"],
    parameters: &["sslmode", "sslrootcert", "sslcert", "sslkey", "host"],
    port: Some(5432),
    transactional_ddl: true,
    schema: Some("public"),
    maintenance_db: Some("postgres"),
};

/// The schema in use where the caller knows none.
fn schema_name(schema: Option<&str>) -> &str {
    schema.unwrap_or("public")
}

impl Dialect for Postgres {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    fn keys(&self) -> &dyn Keys {
        self
    }

    fn repairs(&self) -> &dyn Repairs {
        self
    }

    fn syntax(&self) -> &'static Syntax {
        &SYNTAX
    }

    fn containment(&self) -> &'static Rules {
        &containment::RULES
    }

    fn checks(&self) -> &'static [Check] {
        checks::CHECKS
    }
}
