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

/// The other parameters of libpq, and those of poolers in URLs that hosting companies hand out.
const UNUSED_PARAMETERS: &[&str] = &[
    "channel_binding",
    "client_encoding",
    "connection_limit",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "pgbouncer",
    "pool_timeout",
    "replication",
    "require_auth",
    "requirepeer",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkeylogfile",
    "sslnegotiation",
    "sslpassword",
    "sslsni",
    "supa",
    "target_session_attrs",
    "tcp_user_timeout",
];

static FACTS: Facts = Facts {
    name: "postgres",
    driver: Driver::Postgres,
    schemes: &["postgres", "postgresql"],
    parameters: &[
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "ssl",
        "requiressl",
        "host",
        "hostaddr",
        "port",
        "user",
        "password",
        "dbname",
        "application_name",
        "options",
        "connect_timeout",
    ],
    unused_parameters: UNUSED_PARAMETERS,
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
