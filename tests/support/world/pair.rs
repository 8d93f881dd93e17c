//! A primary and its replica: two servers that no other test uses.

use std::time::{Duration, Instant};

use super::engine::skip;
use super::{Engine, World};

const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);

/// Both servers, and the databases of a test on them. With it these are dropped.
pub struct Pair {
    pub engine: Engine,
    random: String,
}

impl Pair {
    /// The pair of an engine, where it is there.
    pub fn of(engine: Engine) -> Option<Pair> {
        let variable = format!("BIRD_TEST_{}_REPLICA", engine.word()?);
        if std::env::var_os(&variable).is_none() {
            skip("REPLICA TESTS", &variable);
            return None;
        }
        let random = uuid::Uuid::now_v7().simple().to_string()[20..].to_owned();
        Some(Pair { engine, random })
    }

    /// What a database of the project is called on both servers.
    pub fn name(&self, database: &str) -> String {
        format!("{database}_{}", self.random)
    }

    fn word(&self, which: &str) -> String {
        format!("{}_{which}", self.engine.word().expect("a server"))
    }

    fn url(&self, which: &str, database: &str) -> String {
        let variable = format!("BIRD_TEST_{}", self.word(which));
        let server = std::env::var(&variable).unwrap_or_else(|_| panic!("{variable} is unset"));
        format!("{server}/{}", self.name(database))
    }

    /// The URL of a database on the primary.
    pub fn primary_url(&self, database: &str) -> String {
        self.url("PRIMARY", database)
    }

    /// The URL of a database on the replica.
    pub fn replica_url(&self, database: &str) -> String {
        self.url("REPLICA", database)
    }

    fn client(&self, which: &str, database: &str, sql: &str) -> Result<String, String> {
        let name = (!database.is_empty()).then(|| self.name(database));
        let word = self.word(which);
        let engine = self.engine;
        engine.client_of(Some(&word), name.as_deref(), sql)
    }

    /// What the engine's own client gets from the primary, beside all databases where none is
    /// named; see [`World::client`].
    pub fn primary(&self, database: &str, sql: &str) -> String {
        let output = self.client("PRIMARY", database, sql);
        output.unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    /// As [`Pair::replica`], with what the client says on stderr where it fails.
    pub fn try_replica(&self, database: &str, sql: &str) -> Result<String, String> {
        self.client("REPLICA", database, sql)
    }

    /// As [`Pair::primary`], from the replica.
    pub fn replica(&self, database: &str, sql: &str) -> String {
        let output = self.try_replica(database, sql);
        output.unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    /// Waits until the replica has all that the primary has, by a table that comes and goes.
    pub fn catch_up(&self, database: &str) {
        self.primary(
            database,
            "DROP TABLE IF EXISTS caught_up; CREATE TABLE caught_up (number INT)",
        );
        let random = uuid::Uuid::now_v7().as_u128() as u16;
        self.primary(
            database,
            &format!("INSERT INTO caught_up VALUES ({random})"),
        );
        let begun = Instant::now();
        let there = || self.client("REPLICA", database, "SELECT number FROM caught_up");
        let wait = |met: &dyn Fn() -> bool| {
            while !met() {
                assert!(begun.elapsed() < PATIENCE, "the replica does not follow");
                std::thread::sleep(PAUSE);
            }
        };
        wait(&|| there() == Ok(format!("{random}\n")));
        self.primary(database, "DROP TABLE caught_up");
        // Until that has come, it is behind.
        wait(&|| there().is_err());
    }

    /// A world whose databases are on the primary.
    pub fn world(&self, databases: &[&str]) -> World {
        let mut world = World::empty();
        for database in databases {
            let variable = format!("BIRD_{}_URL", database.to_ascii_uppercase());
            world = world.env(&variable, &self.primary_url(database));
        }
        world
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let force = self.engine.pick("", " WITH (FORCE)", "");
        for database in ["ums", "twitter"] {
            let sql = format!("DROP DATABASE IF EXISTS {}{force}", self.name(database));
            let _: Result<String, String> = self.client("PRIMARY", "", &sql);
        }
    }
}
