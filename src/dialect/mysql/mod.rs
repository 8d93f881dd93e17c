//! MySQL and MariaDB: one dialect, two products.

mod bookkeeping;
mod catalog;
pub mod checks;
mod containment;
mod ddl;
mod definition_queries;
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
use syntax::{as_in_files, syntax_of};

/// What has characters, and so a character set and a collation.
pub const CHARACTERS: &[&str] = &[
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "enum",
    "set",
];

pub struct MySql;

/// The other parameters in URLs of MySQL's shell, of usual drivers, and of those that hosting companies
/// hand out, in lower case.
const UNUSED_PARAMETERS: &[&str] = &[
    "allowmultiqueries",
    "allownativepasswords",
    "allowpublickeyretrieval",
    "auth-method",
    "autoreconnect",
    "cacheprepstmts",
    "characterencoding",
    "charset",
    "clientfoundrows",
    "collation",
    "compression",
    "compression-algorithms",
    "compression-level",
    "connection-attributes",
    "connection_limit",
    "connectioncollation",
    "enabledtlsprotocols",
    "encoding",
    "get-server-public-key",
    "interpolateparams",
    "loc",
    "multistatements",
    "parsetime",
    "pool",
    "pool_timeout",
    "readtimeout",
    "reconnect",
    "rewritebatchedstatements",
    "server-public-key-path",
    "servertimezone",
    "sockettimeout",
    "ssl-capath",
    "ssl-cipher",
    "ssl-crl",
    "ssl-crlpath",
    "statement-cache-capacity",
    "timezone",
    "tls-ciphersuites",
    "tls-version",
    "tls-versions",
    "tlsversion",
    "useunicode",
    "useserverprepstmts",
    "writetimeout",
    "zerodatetimebehavior",
];

static FACTS: Facts = Facts {
    name: "mysql",
    driver: Driver::MySql,
    schemes: &["mysql", "mariadb"],
    parameters: &[
        "ssl-mode",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
        "socket",
        "connect-timeout",
        "ssl",
        "tls",
        "usessl",
        "requiressl",
        "sslaccept",
    ],
    unused_parameters: UNUSED_PARAMETERS,
    port: Some(3306),
    transactional_ddl: false,
    schema: None,
    maintenance_db: Some("information_schema"),
};

impl Dialect for MySql {
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
