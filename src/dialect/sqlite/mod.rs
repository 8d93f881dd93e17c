//! SQLite, embedded.

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
mod server;
mod session;
mod statements;
pub(super) mod write;

use crate::dialect::catalog::Catalog;
use crate::dialect::checks::Check;
use crate::dialect::containment::Rules;
use crate::dialect::keys::Keys;
use crate::dialect::repairs::Repairs;
use crate::dialect::{Dialect, Driver, Facts};
use crate::sql::cursor::{Grammar, Names};
use crate::sql::lex::{Bodies, Client, Lexis, Prefix, Quoted};

pub struct Sqlite;

static FACTS: Facts = Facts {
    name: "sqlite",
    driver: Driver::Sqlite,
    schemes: &["sqlite"],
    parameters: &["mode"],
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
    names: Names::AnyCase,
    parts: 2,
    own: &["main", "temp"],
    temporary: Some("temp"),
    attaching: &["ATTACH", "DETACH"],
    schema_is_database: false,
    not_columns: &["CONSTRAINT"],
};

/// How SQLite writes SQL.
pub const LEXIS: Lexis = Lexis {
    hash_comments: false,
    dashes_need_blank: false,
    carriage_return_ends_comment: false,
    nested_comments: false,
    conditional_comments: &[],
    hints: false,
    double_quoted: Quoted::Name,
    backslash: false,
    prefixes: &[Prefix {
        letters: "x",
        backslash: false,
        names: false,
    }],
    backticks: true,
    brackets: true,
    dollar_quotes: false,
    delimiter_lines: false,
    parentheses_hold: false,
    inline_data: false,
    bodies: Bodies::Triggers,
    client: Client {
        program: "sqlite3",
        sign: '.',
        // In the middle of a statement the dot stands between the parts of a name.
        anywhere: false,
        language: &[],
        words: &[],
        hints: &[
            (
                &["read"],
                "put the statements of the other file here, or make it a migration of its own",
            ),
            (&["import"], "write the rows as INSERT statements"),
            (
                &["open", "restore", "load"],
                "the configuration says which database a migration runs on",
            ),
            (
                &["shell", "system"],
                "run shell commands outside of migrations",
            ),
        ],
        hint: "take the line out; bird sends statements, not client commands",
    },
};
