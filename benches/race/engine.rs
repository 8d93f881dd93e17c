//! The engines that are there, and their own clients.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::measure::{Job, say};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    MySql,
    Postgres,
    Sqlite,
}

pub struct Engine {
    pub name: &'static str,
    pub title: &'static str,
    pub family: Family,
    client: Job,
    /// Where databases are: a server's URL, or `sqlite:` and a folder.
    place: String,
    /// What the names of databases on a server begin with.
    prefix: String,
    /// Server and client, as they call themselves.
    pub versions: String,
}

/// Those of `tests/servers`, and SQLite wherever its client is. The names of their databases begin
/// with `prefix`, so that nobody else's bears one of them.
pub fn available(folder: &Path, prefix: &str) -> Result<Vec<Engine>> {
    let mut engines = Vec::new();
    let known = [
        ("mariadb", "MariaDB", Family::MySql),
        ("mysql", "MySQL", Family::MySql),
        ("postgres", "PostgreSQL", Family::Postgres),
        ("sqlite", "SQLite", Family::Sqlite),
    ];
    for (name, title, family) in known {
        let (client, place) = if family == Family::Sqlite {
            let client = Job::new("sqlite3").args(["-batch", "-bail"]);
            let data = folder.join("data");
            std::fs::create_dir_all(&data)?;
            (client, format!("sqlite:{}", data.display()))
        } else {
            let variable = format!("BIRD_TEST_{}", name.to_ascii_uppercase());
            let client = std::env::var(format!("{variable}_CLIENT"));
            let (Ok(client), Ok(place)) = (client, std::env::var(&variable)) else {
                say(&format!("no {title}: start this with tests/servers"))?;
                continue;
            };
            (unwrapped(&client)?, place)
        };
        let versions = String::new();
        let mut engine = Engine {
            name,
            title,
            family,
            client,
            place,
            prefix: prefix.to_owned(),
            versions,
        };
        match engine.ask_versions() {
            Ok(versions) => engine.versions = versions,
            Err(_) if family == Family::Sqlite => {
                say("no SQLite: its client sqlite3 is not on the PATH")?;
                continue;
            }
            Err(reason) => return Err(reason.context(title)),
        }
        engines.push(engine);
    }
    Ok(engines)
}

/// The command that a wrapper script ends in. Wrappers cost milliseconds (Debian's `psql` is a
/// Perl script besides), which would flatter whoever is compared with them. Where `/proc` does
/// not tell, the wrapper has to do.
fn unwrapped(wrapper: &str) -> Result<Job> {
    // It waits for its input, which stays open for as long as it is looked at.
    let mut command = Job::new(wrapper).command()?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let start = Instant::now();
    let mut found = None;
    while found.is_none() && process.exists() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
        found = look(&process);
    }
    drop(child.stdin.take());
    child.wait()?;
    Ok(found.unwrap_or_else(|| Job::new(wrapper)))
}

fn look(process: &Path) -> Option<Job> {
    let program = std::fs::read_link(process.join("exe")).ok()?;
    let script = ["bash", "sh", "dash", "busybox", "env", "perl"];
    if script.contains(&program.file_name()?.to_str()?) {
        return None;
    }
    let list = |file: &str| {
        let bytes = std::fs::read(process.join(file)).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let items = text.split_terminator('\0').map(str::to_owned);
        Some(items.collect::<Vec<String>>())
    };
    let args = list("cmdline")?;
    // Every wrapper passes arguments on. For a moment a program has none yet.
    if args.len() < 2 {
        return None;
    }
    let args = args.into_iter().skip(1);
    let variables = list("environ")?;
    let variables = variables.iter().filter_map(|pair| pair.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some(Job::new(program).args(args).alone(variables.collect()))
}

impl Engine {
    /// The client on a database; it runs the SQL of its input.
    pub fn client(&self, database: Option<&str>) -> Job {
        let client = self.client.clone();
        match (self.family, database) {
            (Family::Sqlite, Some(database)) => client.args([self.file(database)]),
            (Family::Sqlite, None) => client.args([":memory:"]),
            (Family::MySql, Some(database)) => client.args([self.on_server(database)]),
            (Family::Postgres, Some(database)) => {
                client.args([format!("--dbname={}", self.on_server(database))])
            }
            (_, None) => client,
        }
    }

    /// The client with one question; the answer is bare text.
    pub fn asking(&self, database: Option<&str>, sql: &str) -> Job {
        let client = self.client(database);
        match self.family {
            Family::Sqlite => client.args([sql]),
            Family::MySql => client.args(["-N", "-B", "-e", sql]),
            Family::Postgres => client.args(["-A", "-t", "-c", sql]),
        }
    }

    /// An empty database, as after `bird provision`.
    pub fn fresh(&self, database: &str) -> Result<()> {
        self.drop(database)?;
        if self.family == Family::Sqlite {
            return Ok(());
        }
        let sql = format!("CREATE DATABASE {}", self.on_server(database));
        self.asking(None, &sql).output().map(drop)
    }

    pub fn drop(&self, database: &str) -> Result<()> {
        let name = self.on_server(database);
        let force = match self.family {
            Family::Sqlite => {
                let file = self.file(database);
                for path in [file.clone(), format!("{file}-journal")] {
                    if Path::new(&path).exists() {
                        std::fs::remove_file(path)?;
                    }
                }
                return Ok(());
            }
            // A session that has just said goodbye may not be gone yet.
            Family::Postgres => "WITH (FORCE)",
            Family::MySql => "",
        };
        let sql = format!("DROP DATABASE IF EXISTS {name} {force}");
        self.asking(None, &sql).output().map(drop)
    }

    pub fn url(&self, database: &str) -> String {
        match self.family {
            Family::Sqlite => format!("sqlite:{}", self.file(database)),
            _ => format!("{}/{}", self.place, self.on_server(database)),
        }
    }

    /// What the client calls a database.
    pub fn name_of(&self, database: &str) -> String {
        match self.family {
            Family::Sqlite => self.file(database),
            _ => self.on_server(database),
        }
    }

    fn on_server(&self, database: &str) -> String {
        format!("{}_{database}", self.prefix)
    }

    fn file(&self, database: &str) -> String {
        let folder = self.place.trim_start_matches("sqlite:");
        format!("{folder}/{database}.db")
    }

    /// With the settings that decide what a commit costs.
    fn ask_versions(&self) -> Result<String> {
        let sql = match self.family {
            Family::MySql => {
                "SELECT CONCAT(VERSION(), ', innodb_flush_log_at_trx_commit = ', \
                 @@innodb_flush_log_at_trx_commit, ', buffer pool ', \
                 @@innodb_buffer_pool_size DIV 1048576, ' MB')"
            }
            Family::Postgres => {
                "SELECT current_setting('server_version') || ', fsync ' || \
                 current_setting('fsync') || ', shared buffers ' || \
                 current_setting('shared_buffers')"
            }
            Family::Sqlite => "SELECT sqlite_version()",
        };
        let server = self.asking(None, sql).output()?;
        let client = self.client.clone().args(["--version"]).output()?;
        // The first words may be the path of the program.
        let client = client.lines().next().context("no version")?;
        let client = client
            .split_once(" Ver ")
            .map_or(client, |(_, version)| version);
        Ok(match self.family {
            Family::Sqlite => format!("client {server}; bird brings its own"),
            _ => format!("{server}; client {client}"),
        })
    }
}
