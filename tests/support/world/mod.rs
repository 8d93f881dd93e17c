//! What a scenario stands on: a project in a temporary folder, its databases on any engine, the
//! program, and a client of each engine.
//!
//! ```ignore
//! engines!(a_second_run_finds_nothing_to_do);
//!
//! fn a_second_run_finds_nothing_to_do(engine: Engine) {
//!     let world = World::bird().engine("ums", engine).engine("twitter", engine);
//!     world.run(&["up"]).ok();
//!     world.run(&["status", "--exit-code"]).ok();
//!     assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "3\n");
//! }
//! ```

mod direct;
pub mod engine;
mod output;
mod pair;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub use engine::{Engine, skip};
pub use output::{Output, Running, database};
pub use pair::Pair;

/// A password that the test servers have and that must never be shown.
pub const CANARY: &str = "S3cr3t-canary";

/// A project in a temporary folder. Its server databases are dropped with it.
pub struct World {
    folder: TempDir,
    /// By name in the project.
    databases: BTreeMap<String, Placed>,
    variables: BTreeMap<String, String>,
}

/// A database of the project and where it is.
struct Placed {
    engine: Engine,
    /// On a server its unique name, else the file's path.
    name: String,
}

impl World {
    /// Without a single file.
    pub fn empty() -> World {
        World {
            folder: tempfile::tempdir().expect("a temporary folder"),
            databases: BTreeMap::new(),
            variables: BTreeMap::new(),
        }
    }

    /// The repository's own project: `ums` and `twitter`, on SQLite unless [`World::engine`] says
    /// otherwise.
    pub fn bird() -> World {
        let world = World::empty();
        for folder in ["config", "migrations", "schema"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            copy(&from, &world.path(folder));
        }
        world
            .engine("ums", Engine::Sqlite)
            .engine("twitter", Engine::Sqlite)
    }

    /// A project with one database, `ums`, on an engine and without migrations.
    pub fn one(engine: Engine) -> World {
        World::empty()
            .file("bird.toml", "[databases.ums]\n")
            .file("migrations/ums/.keep", "")
            .engine("ums", engine)
    }

    /// A project with two databases, `one` and `two`, that exist and are empty.
    pub fn two(engine: Engine) -> World {
        let world = World::empty()
            .file("bird.toml", "[databases.one]\n[databases.two]\n")
            .file("migrations/one/.keep", "")
            .file("migrations/two/.keep", "")
            .engine("one", engine)
            .engine("two", engine);
        world.run(&["provision"]).ok();
        world
    }

    /// Puts a database of the project on an engine, through `BIRD_<NAME>_URL`. It does not exist
    /// yet: `up` or `provision` makes it, or [`World::server`] by hand. On a server it gets a
    /// fresh name, see [`World::name`]; on SQLite it is `data/<name>.db`.
    pub fn engine(mut self, database: &str, engine: Engine) -> World {
        let name = match engine.url() {
            None => self
                .path(&format!("data/{database}.db"))
                .display()
                .to_string(),
            Some(_) => {
                let random = uuid::Uuid::now_v7().simple().to_string();
                format!("{database}_{}", &random[20..])
            }
        };
        let url = match engine.url() {
            None => format!("sqlite:data/{database}.db"),
            Some(server) => format!("{server}/{name}"),
        };
        let placed = Placed { engine, name };
        if let Some(before) = self.databases.insert(database.to_owned(), placed) {
            before.drop();
        }
        self.env(&variable(database), &url)
    }

    /// Writes a file of the project, folders included.
    pub fn file(self, path: &str, text: &str) -> World {
        self.write(path, text);
        self
    }

    /// As [`World::file`], in the middle of a scenario.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        let folder = path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// The text of a file of the project.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A migration of `ums`, or of whichever database the path begins with: `migrations/<path>`.
    pub fn migration(self, path: &str, text: &str) -> World {
        self.file(&format!("migrations/{path}"), text)
    }

    /// Sets a variable for every run from now on.
    pub fn env(mut self, name: &str, value: &str) -> World {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A path inside the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The engine that a database is on.
    pub fn engine_of(&self, database: &str) -> Engine {
        self.placed(database).engine
    }

    /// What a database is called on its server; on SQLite the path of its file.
    pub fn name(&self, database: &str) -> &str {
        &self.placed(database).name
    }

    /// The URL that bird gets, password included.
    pub fn url(&self, database: &str) -> &str {
        let name = variable(database);
        self.variables
            .get(&name)
            .unwrap_or_else(|| panic!("{name} is not set"))
    }

    /// The program, about to run in the project's folder, with a clean environment: PATH, HOME
    /// and the project's own variables, so neither CI nor a colour setting of the caller.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bird"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Runs bird to its end. Every run is searched for the password.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).finish()
    }

    /// Starts bird and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Starts bird, leaves it running, and waits until it has told something on stderr.
    pub fn start_and_wait_for(&self, arguments: &[&str], text: &str) -> Running {
        Running::start_and_wait_for(self.command(arguments), text)
    }

    /// The rows that the engine's client gets in a database: a line each, cells between
    /// tabs, NULL as `NULL`. Any number of statements; the first error is a panic. On SQLite
    /// foreign keys are on.
    pub fn client(&self, database: &str, sql: &str) -> String {
        self.try_client(database, sql)
            .unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    /// As [`World::client`], with what the client says on stderr where it fails.
    pub fn try_client(&self, database: &str, sql: &str) -> Result<String, String> {
        let placed = self.placed(database);
        placed.engine.client(Some(&placed.name), sql)
    }

    /// The engine must refuse this; what it says.
    pub fn refused(&self, database: &str, sql: &str) -> String {
        match self.try_client(database, sql) {
            Ok(rows) => panic!("the engine took this: {sql}\n{rows}"),
            Err(error) => error,
        }
    }

    /// As [`World::client`], but on the database's server without choosing the database, so that
    /// it can be made or dropped by hand. `{name}` in the statement is [`World::name`].
    pub fn server(&self, database: &str, sql: &str) -> String {
        let placed = self.placed(database);
        let sql = sql.replace("{name}", &placed.name);
        placed
            .engine
            .client(None, &sql)
            .unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    /// Makes an empty database. On a server without a run of bird, because many tests begin so.
    pub fn provision(&self, database: &str) {
        let engine = self.engine_of(database);
        if engine == Engine::Sqlite {
            self.run(&["provision", "--database", database]).ok();
        } else {
            let settings = engine.pick("CHARACTER SET utf8mb4", "TEMPLATE template0", "");
            self.server(database, &format!("CREATE DATABASE {{name}} {settings}"));
        }
    }

    fn placed(&self, database: &str) -> &Placed {
        self.databases
            .get(database)
            .unwrap_or_else(|| panic!("{database} is on no engine: call .engine() first"))
    }
}

impl Placed {
    /// A database that was never made is as good as dropped.
    fn drop(&self) {
        let force = match self.engine {
            Engine::Sqlite => return,
            Engine::Postgres => " WITH (FORCE)",
            Engine::MariaDb | Engine::MySql | Engine::Galera => "",
        };
        let sql = format!("DROP DATABASE IF EXISTS {}{force}", self.name);
        let _: Result<String, String> = self.engine.client(None, &sql);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.databases.values().for_each(Placed::drop);
    }
}

fn variable(database: &str) -> String {
    format!("BIRD_{}_URL", database.to_ascii_uppercase())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the repository has the folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a file type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the file can be copied");
        }
    }
}
