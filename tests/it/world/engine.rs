//! The engines that tests run on, and each one's own client.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Once;

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

static NO_SQLITE: Once = Once::new();
static NO_MARIADB: Once = Once::new();
static NO_MYSQL: Once = Once::new();
static NO_POSTGRES: Once = Once::new();
static NO_GALERA: Once = Once::new();

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
        let every = Engine::EVERY.into_iter();
        every.filter(|engine| engine.is_there()).collect()
    }

    /// Runs a test where the engine is there.
    pub fn run(self, check: impl FnOnce(Engine)) {
        if self.is_there() {
            check(self);
        }
    }

    /// Whether the engine and its client can be used. A missing one is told, once; with CI=true
    /// it is a failure, because a skipped test proves nothing.
    pub fn is_there(self) -> bool {
        let (once, missing) = match self {
            Engine::Sqlite => (&NO_SQLITE, "the program sqlite3"),
            Engine::MariaDb => (&NO_MARIADB, "BIRD_TEST_MARIADB"),
            Engine::MySql => (&NO_MYSQL, "BIRD_TEST_MYSQL"),
            Engine::Postgres => (&NO_POSTGRES, "BIRD_TEST_POSTGRES"),
            Engine::Galera => (&NO_GALERA, "BIRD_TEST_GALERA"),
        };
        let there = match self {
            Engine::Sqlite => Command::new("sqlite3").arg("-version").output().is_ok(),
            _ => self.url().is_some(),
        };
        if !there {
            let what = match self {
                Engine::Galera => "Galera",
                _ => self.product(),
            };
            skip(once, &format!("{what} TESTS"), missing);
        }
        there
    }

    /// The server's URL without a database; nothing for SQLite, and where no server is there.
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

    /// Runs SQL by the engine's own client, in a database or beside all; see `World::client`.
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
        let mut command = match server {
            None => Command::new("sqlite3"),
            Some(word) => {
                let name = format!("BIRD_TEST_{word}_CLIENT");
                let program = std::env::var_os(&name).unwrap_or_else(|| panic!("{name} is unset"));
                Command::new(program)
            }
        };
        match self {
            Engine::Sqlite => command
                .args(["-batch", "-bail", "-separator", "\t", "-nullvalue", "NULL"])
                .args(["-cmd", "PRAGMA foreign_keys = ON"]),
            Engine::MariaDb | Engine::MySql | Engine::Galera => command.args(["-N", "-B"]),
            Engine::Postgres => command.args(["-At", "-F", "\t", "-P", "null=NULL"]),
        };
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
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// Tells that something is skipped, past the capturing of the test harness; with CI=true nothing
/// may be.
pub fn skip(once: &Once, what: &str, missing: &str) {
    let told = format!("{what} ARE SKIPPED: {missing} is missing. tests/run brings it along.");
    if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
        panic!("{told}");
    }
    once.call_once(|| {
        let _: std::io::Result<()> = writeln!(std::io::stderr(), "{told}");
    });
}
