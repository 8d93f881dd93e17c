//! A database with a project before it, and what can be done to both.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::engine::{Client, Engine};
use super::random::Random;
use super::state;

/// The program in the profile of whoever is built with this.
const BIRD: &str = env!("CARGO_BIN_EXE_bird");

/// A run that takes longer is stuck.
const STUCK: Duration = Duration::from_secs(120);

pub struct Stand {
    pub engine: Engine,
    /// The project's folder.
    pub folder: PathBuf,
    database: String,
    url: String,
    asking: Client,
    blocking: Client,
}

/// A run of bird. It writes into files, because it may be killed in the middle of a word.
pub struct Bird {
    child: Child,
    folder: PathBuf,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Nothing where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Stand {
    /// `within` is a folder of this stand's own, and so is the name on the server.
    pub fn open(engine: Engine, within: &Path, name: &str) -> Result<Stand> {
        let folder = within.join("project");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("bird.toml"), "[databases.ums]\n")?;
        let file = || within.join("ums.db").display().to_string();
        let (database, url) = match engine {
            Engine::Sqlite => (file(), format!("sqlite:{}", file())),
            _ => (name.to_owned(), format!("{}/{name}", engine.variable("")?)),
        };
        Ok(Stand {
            engine,
            folder,
            database,
            url,
            asking: Client::open(engine, within, "asking")?,
            blocking: Client::open(engine, within, "blocking")?,
        })
    }

    /// Opens the clients again, when the server has been away.
    pub fn reopen(&mut self) -> Result<()> {
        let within = self.folder.parent().context("a folder")?;
        self.asking = Client::open(self.engine, within, "asking")?;
        self.blocking = Client::open(self.engine, within, "blocking")?;
        if self.engine != Engine::Sqlite {
            self.asking.enter(Some(&self.database))?;
        }
        Ok(())
    }

    /// Puts a project's migrations into the folder.
    pub fn write(&self, files: &[String]) -> Result<()> {
        let folder = self.folder.join("migrations/ums");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for (at, text) in files.iter().enumerate() {
            fs::write(folder.join(format!("V{}__f.sql", at + 1)), text)?;
        }
        Ok(())
    }

    /// An empty database, as after `bird provision`.
    pub fn fresh(&mut self) -> Result<()> {
        self.drop()?;
        if self.engine != Engine::Sqlite {
            let sql = format!("CREATE DATABASE {};", self.database);
            self.asking.ask(&sql)?;
            self.asking.enter(Some(&self.database))?;
        }
        Ok(())
    }

    pub fn drop(&mut self) -> Result<()> {
        self.asking.enter(None)?;
        let force = match self.engine {
            Engine::Sqlite => {
                for rest in ["", "-journal", "-wal", "-shm"] {
                    let path = PathBuf::from(format!("{}{rest}", self.database));
                    if path.exists() {
                        fs::remove_file(path)?;
                    }
                }
                return Ok(());
            }
            // A session that has just said goodbye may not be gone yet.
            Engine::Postgres => " WITH (FORCE)",
            Engine::MariaDb | Engine::MySql => "",
        };
        let sql = format!("DROP DATABASE IF EXISTS {}{force};", self.database);
        self.asking.ask(&sql).map(drop)
    }

    /// Starts bird with an environment of its own.
    pub fn start(&self, arguments: &[&str]) -> Result<Bird> {
        let file = |name: &str| File::create(self.folder.join(name));
        let child = Command::new(BIRD)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("HOME", &self.folder)
            .env("BIRD_UMS_URL", &self.url)
            .stdin(Stdio::null())
            .stdout(file("stdout")?)
            .stderr(file("stderr")?)
            .spawn()
            .context("bird does not start")?;
        let folder = self.folder.clone();
        Ok(Bird { child, folder })
    }

    pub fn migrate(&self) -> Result<Bird> {
        self.start(&["migrate", "--format", "json", "--color", "never"])
    }

    /// What the server calls itself; of SQLite it is the client.
    pub fn version(&mut self) -> Result<String> {
        let sql = self.engine.pick(
            "SELECT VERSION();",
            "SHOW server_version;",
            "SELECT sqlite_version();",
        );
        Ok(self.asking.ask(sql)?.trim().to_owned())
    }

    pub fn state(&mut self) -> Result<String> {
        let looking = (self.engine == Engine::Sqlite).then_some(self.database.as_str());
        if looking.is_some() {
            self.asking.enter(looking)?;
        }
        let state = state::state(self.engine, &mut self.asking)?;
        if looking.is_some() {
            self.asking.enter(None)?;
        }
        Ok(state)
    }

    /// Statements that were announced and are not known to be done. SQLite has no such.
    pub fn intents(&mut self) -> Result<usize> {
        let there = match self.engine {
            Engine::Sqlite => return Ok(0),
            Engine::Postgres => "SELECT to_regclass('bird_journal');",
            Engine::MariaDb | Engine::MySql => {
                "SELECT TABLE_NAME FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'bird_journal';"
            }
        };
        if self.asking.ask(there)?.trim().is_empty() {
            return Ok(0);
        }
        Ok(self.asking.ask(state::INTENTS)?.lines().count())
    }

    /// Holds a table of the project with a transaction that others have to wait for; `false`
    /// where there is none yet.
    pub fn block(&mut self, random: &mut Random) -> Result<bool> {
        if self.engine == Engine::Sqlite {
            self.blocking.enter(Some(&self.database))?;
            let word = [
                "BEGIN IMMEDIATE;",
                "BEGIN; SELECT count(*) FROM sqlite_schema;",
            ];
            let word = random.pick(&word).context("a word")?;
            return self.blocking.ask(word).map(|_| true);
        }
        let ways: &[&str] = self.engine.pick(
            &[
                "BEGIN; SELECT * FROM {};",
                "BEGIN; SELECT * FROM {} FOR UPDATE;",
            ][..],
            &[
                "BEGIN; SELECT * FROM {};",
                "BEGIN; SELECT * FROM {} FOR UPDATE;",
                "BEGIN; LOCK TABLE {} IN ROW EXCLUSIVE MODE;",
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM {};",
            ],
            &[],
        );
        loop {
            let tables = self.tables()?;
            let Some(table) = random.pick(&tables) else {
                return Ok(false);
            };
            self.blocking.enter(Some(&self.database))?;
            let way = random.pick(ways).context("a way")?;
            let Err(reason) = self.blocking.ask(&way.replace("{}", table)) else {
                return Ok(true);
            };
            // The statement of a killed run still goes on in the server: it may have dropped or
            // renamed this very table after it was listed.
            let within = self.folder.parent().context("a folder")?;
            self.blocking = Client::open(self.engine, within, "blocking")?;
            if self.tables()?.contains(table) {
                return Err(reason);
            }
        }
    }

    /// The project's own tables.
    fn tables(&mut self) -> Result<Vec<String>> {
        let tables = self.asking.ask(self.engine.pick(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND TABLE_TYPE = 'BASE TABLE' AND TABLE_NAME NOT LIKE 'bird%' \
             AND TABLE_NAME NOT LIKE 'refinery%' ORDER BY 1;",
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname NOT LIKE 'bird%' \
             AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'refinery%' ORDER BY 1;",
            "",
        ))?;
        Ok(tables.lines().map(str::to_owned).collect())
    }

    pub fn release(&mut self) -> Result<()> {
        self.blocking.ask("COMMIT;")?;
        if self.engine == Engine::Sqlite || self.engine == Engine::Postgres {
            self.blocking.enter(None)?;
        }
        Ok(())
    }
}

impl Bird {
    /// Kills it; `false` where it had come to its end before.
    pub fn kill(&mut self) -> Result<bool> {
        if self.child.try_wait()?.is_some() {
            return Ok(false);
        }
        // It may end by itself in this very moment.
        let _: std::io::Result<()> = self.child.kill();
        let status = self.child.wait()?;
        Ok(status.code().is_none())
    }

    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    pub fn finish(mut self) -> Result<Ended> {
        let start = Instant::now();
        while !self.has_ended()? {
            if start.elapsed() > STUCK {
                self.kill()?;
                bail!("bird has not ended after {} s", STUCK.as_secs());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let status = self.child.wait()?;
        let read = |name: &str| -> Result<String> {
            let bytes = fs::read(self.folder.join(name))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(Ended {
            code: status.code(),
            stdout: read("stdout")?,
            stderr: read("stderr")?,
        })
    }
}

impl Drop for Bird {
    fn drop(&mut self) {
        // Only where something else went wrong it is still there.
        let _: Result<bool> = self.kill();
    }
}
