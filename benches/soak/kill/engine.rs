//! The engines that are there, and a client of each that stays open.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// One per product: MySQL and MariaDB are one engine to bird, and differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    MariaDb,
    MySql,
    Postgres,
}

impl Engine {
    /// As it is asked for, and as the variables of the test servers name it.
    pub fn word(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::MariaDb => "mariadb",
            Engine::MySql => "mysql",
            Engine::Postgres => "postgres",
        }
    }

    /// What differs from engine to engine, as data.
    pub fn pick<T>(self, mysql: T, postgres: T, sqlite: T) -> T {
        match self {
            Engine::MariaDb | Engine::MySql => mysql,
            Engine::Postgres => postgres,
            Engine::Sqlite => sqlite,
        }
    }

    /// A variable of `tests/servers` for this engine.
    pub fn variable(self, rest: &str) -> Result<String> {
        let name = format!("BIRD_TEST_{}{rest}", self.word().to_ascii_uppercase());
        std::env::var(&name).with_context(|| format!("no {name}: start this with tests/servers"))
    }
}

/// The engine's own client, which runs whatever it is asked one after the other.
pub struct Client {
    engine: Engine,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    asked: usize,
    /// What it says of its errors: a pipe that nobody reads could hold it up.
    errors: std::path::PathBuf,
}

impl Client {
    /// In no database yet.
    pub fn open(engine: Engine, folder: &Path, name: &str) -> Result<Client> {
        let mut command = match engine {
            Engine::Sqlite => Command::new("sqlite3"),
            _ => Command::new(engine.variable("_CLIENT")?),
        };
        match engine {
            Engine::Sqlite => command.args(["-batch", "-bail", "-separator", "\t"]),
            Engine::MariaDb | Engine::MySql => command.args(["-N", "-B", "-n", "-A"]),
            Engine::Postgres => command
                .args(["-At", "-F", "\t"])
                .env("PGOPTIONS", "-c client_min_messages=warning"),
        };
        let errors = folder.join(format!("{name}.errors"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors)?)
            .spawn()
            .with_context(|| format!("the client of {}", engine.word()))?;
        let stdin = child.stdin.take().context("a pipe")?;
        let stdout = BufReader::new(child.stdout.take().context("a pipe")?);
        let mut client = Client {
            engine,
            child,
            stdin,
            stdout,
            asked: 0,
            errors,
        };
        if engine == Engine::Sqlite {
            client.ask(".timeout 20000\n")?;
        }
        Ok(client)
    }

    /// Everything that it answers to these statements, a line per row. An error ends the client.
    pub fn ask(&mut self, sql: &str) -> Result<String> {
        self.asked += 1;
        let end = format!("end of answer {}", self.asked);
        // A client that has ended does not read; what it said then is the better message.
        let _: std::io::Result<()> = writeln!(self.stdin, "{sql}\nSELECT '{end}';");
        let _: std::io::Result<()> = self.stdin.flush();
        let mut output = String::new();
        loop {
            let start = output.len();
            if self.stdout.read_line(&mut output)? == 0 {
                let errors = std::fs::read_to_string(&self.errors)?;
                bail!("the client of {}: {errors}\n{sql}", self.engine.word());
            }
            if output.get(start..).map(str::trim_end) == Some(end.as_str()) {
                output.truncate(start);
                return Ok(output);
            }
        }
    }

    /// Goes to a database, or to none.
    pub fn enter(&mut self, database: Option<&str>) -> Result<()> {
        let go = match (self.engine, database) {
            (Engine::Sqlite, Some(file)) => format!(".open {file}\n.timeout 20000"),
            (Engine::Sqlite, None) => ".open :memory:".to_owned(),
            (Engine::Postgres, name) => format!("\\connect {}", name.unwrap_or("postgres")),
            (_, Some(name)) => format!("USE {name};"),
            (_, None) => return Ok(()),
        };
        self.ask(&go).map(drop)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}
