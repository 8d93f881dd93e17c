//! SQLite, an embedded engine.

mod bookkeeping;
mod catalog;
pub mod checks;
mod containment;
mod ddl;
mod forbidden;
pub(super) mod keys;
mod literals;
mod provisioning;
pub(super) mod read;
pub(super) mod recovery;
pub(super) mod repairs;
mod seeds;
mod server;
mod session;
mod statements;
mod syntax;
pub(super) mod write;

use crate::dialect::catalog::Catalog;
use crate::dialect::checks::Check;
use crate::dialect::containment::Rules;
use crate::dialect::keys::Keys;
use crate::dialect::repairs::Repairs;
use crate::dialect::{Dialect, Driver, Facts};
use crate::sql::Syntax;

pub use syntax::SYNTAX;

pub struct Sqlite;

static FACTS: Facts = Facts {
    name: "sqlite",
    driver: Driver::Sqlite,
    schemes: &["sqlite"],
    parameters: &["mode"],
    unused_parameters: &[],
    port: None,
    transactional_ddl: true,
    schema: None,
    maintenance_db: None,
};

impl Dialect for Sqlite {
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
