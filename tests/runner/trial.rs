//! Makes tests of cases: their names, the products they run on, and what is said when one fails.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};

use crate::case_file::{CaseFile, is_update};
use crate::world::Engine;
use crate::world::engine::{is_ci, report};

/// A file of cases.
pub struct Group {
    /// The name of its tests, or the first part of it.
    pub name: String,
    pub file: Arc<CaseFile>,
    /// Whether cases run on MariaDB and on MySQL; otherwise they take turns.
    pub every_product: bool,
}

impl Group {
    /// The products that the folder of the file stands for: `mysql` is MySQL and MariaDB.
    pub fn products(&self) -> Result<&'static [Engine], String> {
        match self.name.split("::").nth(1) {
            Some("mysql") => Ok(&[Engine::MariaDb, Engine::MySql]),
            Some("postgres") => Ok(&[Engine::Postgres]),
            Some("sqlite") => Ok(&[Engine::Sqlite]),
            _ => Err(format!(
                "{}: the folder is no engine: mysql, postgres, sqlite",
                self.file.path.display()
            )),
        }
    }

    /// Whether it is a product's turn to run a case. MariaDB and MySQL share most cases, so that
    /// each case runs on one of them, chosen by the case's name; `BIRD_TEST_EVERY=1` or a filter on
    /// the command line runs it on both.
    pub fn has_turn(&self, product: Engine, name: &str) -> bool {
        let first = crc32fast::hash(name.as_bytes()).is_multiple_of(2);
        match product {
            Engine::MariaDb => self.every_product || first,
            Engine::MySql => self.every_product || !first,
            _ => true,
        }
    }
}

/// Whether all cases run on MariaDB and on MySQL, for lack of a filter that says which matter.
pub fn wants_every_product() -> bool {
    std::env::var_os("BIRD_TEST_EVERY").is_some() || is_update()
}

/// The number of threads that `cargo test` is asked for.
pub fn test_threads() -> Option<usize> {
    std::env::var("RUST_TEST_THREADS").ok()?.parse().ok()
}

/// A test that needs no server.
pub fn trial(name: String, check: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, || caught(check).map_err(Failed::from))
}

/// A test that needs an engine. If that is missing the test is ignored, and with CI=true it fails.
pub fn engine_trial(
    name: String,
    engine: Engine,
    check: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Trial {
    let Some(missing) = engine.missing() else {
        return trial(name, check);
    };
    report(&missing);
    trial(name, || Err(missing)).with_ignored_flag(!is_ci())
}

/// A title as a part of a test's name: `a key is added` is `a_key_is_added`.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars() {
        if letter.is_alphanumeric() {
            slug.extend(letter.to_lowercase());
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.trim_matches('_').to_owned()
}

thread_local! {
    /// Whether this thread runs a test at the moment.
    static IN_TRIAL: Cell<bool> = const { Cell::new(false) };
    /// The place of the last panic in this thread.
    static PLACE: RefCell<String> = RefCell::default();
}

/// Keeps the place of a panic in a test for the report, instead of printing it among other tests.
pub fn keep_panics() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !IN_TRIAL.get() {
            return print(panic);
        }
        let place = panic.location().map(ToString::to_string);
        PLACE.replace(place.unwrap_or_default());
    }));
}

/// Runs a check; its panic is an error with the place of the panic.
fn caught(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    IN_TRIAL.set(true);
    let result = catch_unwind(AssertUnwindSafe(check));
    IN_TRIAL.set(false);
    result.unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or(panic.downcast_ref::<&str>().copied());
        let place = PLACE.take();
        Err(format!(
            "{place}: {}",
            message.unwrap_or("a panic without a message")
        ))
    })
}
