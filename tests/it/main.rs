//! The integration tests: the program from outside, on every engine that is there. Tests that are
//! data are in `tests/cases`.
// The lints know what is a test by this attribute, helpers included.
#![cfg(test)]

/// Makes tests of a function that takes an [`Engine`], one for each of some engines.
macro_rules! tests_on {
    ($check:ident: $($name:ident $engine:ident),+) => {
        mod $check {
            use crate::world::Engine;

            $(
                #[test]
                fn $name() {
                    Engine::$engine.run(super::$check);
                }
            )+
        }
    };
}

/// Makes one test per engine of each function that takes an [`Engine`]: `engines!(f)` gives
/// `f::sqlite`, `f::mariadb`, `f::mysql` and `f::postgres`. An engine that is not there is told
/// once on stderr and skipped; with CI=true it fails.
macro_rules! engines {
    ($($check:ident),+ $(,)?) => { $(
        tests_on!($check: sqlite Sqlite, mariadb MariaDb, mysql MySql, postgres Postgres);
    )+ };
}

mod access;
mod adopt;
mod audit;
#[path = "../support/case_file.rs"]
mod case_file;
mod catalogs;
mod command_line;
mod connect;
mod consent;
mod destructive;
mod diff;
mod doctor;
mod exactly;
#[path = "../support/failpoint.rs"]
mod failpoint;
mod faults;
mod files;
mod first_hour;
mod formats;
mod guard;
mod history;
mod init_from;
mod inspect;
mod keys;
mod live;
mod lock;
#[path = "../support/mask.rs"]
mod mask;
mod metrics;
mod migrate;
mod mixed;
mod names;
mod pooler;
mod progress;
mod quiet;
mod record;
mod recovery;
mod refinery;
mod repair;
mod reset;
mod rights;
mod schema;
mod script;
mod seed;
mod session;
mod shadow;
mod signed;
mod soak;
mod split;
mod sql_modes;
mod sqlite;
#[path = "../support/sqlite_complete.rs"]
mod sqlite_complete;
mod terminal;
mod tidy;
mod trust;
mod undo;
mod until;
#[path = "../support/world/mod.rs"]
mod world;
