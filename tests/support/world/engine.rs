//! The engines that tests run on, and a client of each.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::direct;

/// One per product: MySQL and MariaDB are one engine to bird, and differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    MariaDb,
    MySql,
    Postgres,
    /// A MariaDB that is a node of a cluster; only for tests of that.
    Galera,
}

impl Engine {
    const EVERY: [Engine; 4] = [
        Engine::Sqlite,
        Engine::MariaDb,
        Engine::MySql,
        Engine::Postgres,
    ];

    /// The engines that are there, for a test that needs several at once; one test per engine
    /// comes from `engines!`.
    pub fn all() -> Vec<Engine> {
        Engine::EVERY
            .into_iter()
            .filter(|engine| engine.is_there())
            .collect()
    }

    /// Runs a test if the engine is there.
    pub fn run(self, check: impl FnOnce(Engine)) {
        if self.is_there() {
            check(self);
        }
    }

    /// Whether the engine and its client can be used. A missing one is reported once on stderr;
    /// with CI=true it is a failure, because a skipped test proves nothing.
    pub fn is_there(self) -> bool {
        let missing = self.missing();
        if let Some(missing) = &missing {
            assert!(!is_ci(), "{missing}");
            report(missing);
        }
        missing.is_none()
    }

    /// What is missing to use the engine, if it cannot be used.
    pub fn missing(self) -> Option<String> {
        match self.word() {
            None if has_sqlite() => None,
            None => Some(skipped("SQLITE TESTS", "the program sqlite3")),
            Some(_) if self.url().is_some() => None,
            Some(word) => {
                let variable = format!("BIRD_TEST_{word}");
                Some(skipped(&format!("{word} TESTS"), &variable))
            }
        }
    }

    /// The name in tests' names and in case files.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::MariaDb => "mariadb",
            Engine::MySql => "mysql",
            Engine::Postgres => "postgres",
            Engine::Galera => "galera",
        }
    }

    /// The server's URL without a database; `None` for SQLite, and if no server is there.
    pub fn url(self) -> Option<String> {
        std::env::var(format!("BIRD_TEST_{}", self.word()?)).ok()
    }

    /// The word in the names of the test servers' variables.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Engine::Sqlite => None,
            Engine::MariaDb => Some("MARIADB"),
            Engine::MySql => Some("MYSQL"),
            Engine::Postgres => Some("POSTGRES"),
            Engine::Galera => Some("GALERA"),
        }
    }

    /// The product as bird's reports call it.
    pub fn product(self) -> &'static str {
        match self {
            Engine::Sqlite => "SQLite",
            Engine::MariaDb | Engine::Galera => "MariaDB",
            Engine::MySql => "MySQL",
            Engine::Postgres => "PostgreSQL",
        }
    }

    /// The engine as bird's reports and its folders of migrations call it.
    pub fn folder(self) -> &'static str {
        self.pick("mysql", "postgres", "sqlite")
    }

    /// What differs from engine to engine, as data.
    pub fn pick<T>(self, mysql: T, postgres: T, sqlite: T) -> T {
        match self {
            Engine::MariaDb | Engine::MySql | Engine::Galera => mysql,
            Engine::Postgres => postgres,
            Engine::Sqlite => sqlite,
        }
    }

    /// Whether DDL can be rolled back.
    pub fn is_transactional(self) -> bool {
        self.pick(false, true, true)
    }

    /// Runs SQL in a database or beside all; see `World::client`. The clients of PostgreSQL and SQLite
    /// are the engines' own; for MySQL and MariaDB, whose clients start slowly, see [`direct`].
    pub fn client(self, database: Option<&str>, sql: &str) -> Result<String, String> {
        self.client_of(self.word(), database, sql)
    }

    /// As [`Engine::client`], of another server of this engine, by the word in its variables.
    pub fn client_of(
        self,
        server: Option<&str>,
        database: Option<&str>,
        sql: &str,
    ) -> Result<String, String> {
        let mut command = match (self, server) {
            (Engine::Sqlite, _) | (_, None) => Command::new("sqlite3"),
            (Engine::Postgres, Some(word)) => Command::new(variable(word, "_CLIENT")),
            (Engine::MariaDb | Engine::MySql | Engine::Galera, Some(word)) => {
                return direct::mysql(&variable(word, ""), database, sql);
            }
        };
        if self == Engine::Sqlite {
            command
                .args(["-batch", "-bail", "-separator", "\t", "-nullvalue", "NULL"])
                .args(["-cmd", "PRAGMA foreign_keys = ON"]);
        } else {
            command.args(["-At", "-F", "\t", "-P", "null=NULL"]);
        }
        command.args(database);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut stdin = child.stdin.take().expect("a pipe");
        // A client that stops at an error closes the pipe before it has read everything; its
        // exit code tells.
        let sql = sql.to_owned();
        let writer = std::thread::spawn(move || {
            let _: std::io::Result<()> = stdin.write_all(sql.as_bytes());
        });
        let output = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        writer.join().expect("writing to a pipe does not panic");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }
}

/// A variable of a test server, by the word in its name.
fn variable(word: &str, what: &str) -> String {
    let name = format!("BIRD_TEST_{word}{what}");
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} is unset"))
}

/// Whether the program of SQLite's own client is there.
fn has_sqlite() -> bool {
    static THERE: LazyLock<bool> =
        LazyLock::new(|| Command::new("sqlite3").arg("-version").output().is_ok());
    *THERE
}

fn skipped(what: &str, lacks: &str) -> String {
    format!("{what} ARE SKIPPED: {lacks} is missing. tests/run brings it along.")
}

/// Whether this run must not skip anything.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true") && !is_without_servers()
}

/// Whether the run was asked to do without servers, as `tests/run --fast` is.
fn is_without_servers() -> bool {
    std::env::var_os("BIRD_TEST_SERVERS").is_some_and(|servers| servers == "none")
}

/// Skips tests that lack something: that is reported, and with CI=true a failure.
pub fn skip(what: &str, lacks: &str) {
    let skipped = skipped(what, lacks);
    assert!(!is_ci(), "{skipped}");
    report(&skipped);
}

/// Reports what is skipped, once, and past the harness's capture of output.
pub fn report(skipped: &str) {
    static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    if is_without_servers() {
        return;
    }
    let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !reported.iter().any(|known| known == skipped) {
        reported.push(skipped.to_owned());
        let _: std::io::Result<()> = writeln!(std::io::stderr(), "{skipped}");
    }
}
