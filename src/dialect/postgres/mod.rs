//! PostgreSQL.

mod bookkeeping;
mod catalog;
pub mod checks;
mod containment;
pub mod copy;
mod forbidden;
pub(super) mod keys;
mod literals;
mod provisioning;
pub(super) mod read;
pub(super) mod recovery;
pub(super) mod repairs;
mod server;
mod session;
mod shadow;
mod statements;
mod variant;
pub(super) mod write;

use crate::dialect::catalog::Catalog;
use crate::dialect::checks::Check;
use crate::dialect::containment::Rules;
use crate::dialect::keys::Keys;
use crate::dialect::repairs::Repairs;
use crate::dialect::{Dialect, Driver, Facts};
use crate::sql::cursor::{Grammar, Names};
use crate::sql::lex::{Bodies, Client, Lexis, Prefix, Quoted};

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

    fn lexis(&self) -> &'static Lexis {
        &LEXIS
    }

    fn grammar(&self) -> &'static Grammar {
        &GRAMMAR
    }

    fn containment(&self) -> &'static Rules {
        &containment::RULES
    }

    fn checks(&self) -> &'static [Check] {
        checks::CHECKS
    }
}

static GRAMMAR: Grammar = Grammar {
    names: Names::LowerUnlessQuoted,
    parts: 3,
    own: &[],
    temporary: Some("pg_temp"),
    attaching: &[],
    schema_is_database: false,
    not_columns: &["CONSTRAINT"],
};

/// How PostgreSQL writes SQL, with `standard_conforming_strings` on.
pub const LEXIS: Lexis = Lexis {
    hash_comments: false,
    dashes_need_blank: false,
    carriage_return_ends_comment: true,
    nested_comments: true,
    conditional_comments: &[],
    hints: false,
    double_quoted: Quoted::Name,
    backslash: false,
    prefixes: &[
        Prefix {
            letters: "e",
            backslash: true,
            names: false,
        },
        Prefix {
            letters: "b",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "x",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "n",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "u&",
            backslash: false,
            names: true,
        },
    ],
    backticks: false,
    brackets: false,
    dollar_quotes: true,
    delimiter_lines: false,
    parentheses_hold: true,
    inline_data: true,
    bodies: Bodies::Atomic,
    client: Client {
        program: "psql",
        sign: '\\',
        anywhere: true,
        language: &[],
        words: &[],
        hints: &[
            (
                &["i", "ir", "include", "include_relative"],
                "put the statements of the other file here, or make it a migration of its own",
            ),
            (
                &["c", "connect"],
                "the configuration says which database a migration runs on",
            ),
            (
                &["restrict", "unrestrict"],
                "take the line out; pg_dump writes it for psql alone",
            ),
            (&["copy", "."], "write the rows as INSERT statements"),
            (
                &["g", "gexec", "gset", "gx", "crosstabview"],
                "end the statement with a semicolon",
            ),
            (
                &["set", "unset", "if", "elif", "else", "endif"],
                "write the statements out; migrations have no variables and no conditions",
            ),
            (
                &["encoding"],
                "bird's sessions speak UTF-8; take the line out",
            ),
            (&["!"], "run shell commands outside of migrations"),
        ],
        hint: "take the line out; bird sends statements, not client commands",
    },
};
