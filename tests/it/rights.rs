//! The least rights of each command, as `docs/reference/rights.md` says: with them it does its work,
//! and without any of them it fails.

use crate::connect::Account;
use crate::world::{Engine, Output, Running, World};

const PAGE: &str = include_str!("../../docs/reference/rights.md");

const CONFIG: &str = "[databases.ums]\n\
    [[references]]\nfrom = \"ums.messages.author\"\nto = \"ums.users.id\"\n\
    [[seeds]]\ntable = \"ums.roles\"\nkey = [\"id\"]\nrows = [{ id = 1 }]\n";

const TABLES: &str = "CREATE TABLE users (id INT PRIMARY KEY);\n\
    CREATE TABLE messages (id INT PRIMARY KEY, author INT NOT NULL);\n\
    CREATE INDEX author ON messages (author);\n\
    CREATE TABLE roles (id INT PRIMARY KEY);\n\
    INSERT INTO users VALUES (1);\n";

/// The commands with their grants for an engine.
fn rows(engine: Engine) -> Vec<(Vec<&'static str>, Vec<String>)> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let quoted = |cell: &'static str| cell.split('`').skip(1).step_by(2);
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split(" | ");
        let command = cells.next().into_iter().flat_map(quoted).next();
        let cell = cells
            .nth(engine.pick(0, 1, 0))
            .expect("a cell for each engine");
        let grants = quoted(cell).map(|grant| grant.replace(['{', '}'], ""));
        let command = command.expect("a command").split(' ').collect();
        (command, grants.collect())
    })
    .collect()
}

struct Bench<'w> {
    world: &'w World,
    account: &'w Account<'w>,
    versions: u32,
}

impl Bench<'_> {
    /// Gives or takes a right.
    fn set(&self, give: bool, grant: &str) {
        let (privilege, on) = grant.split_once(" ON ").expect("a grant");
        let name = self.world.name("ums");
        let (on, role) = match self.world.engine_of("ums") {
            Engine::Postgres => (on.to_owned(), self.account.name.clone()),
            _ => (
                format!("`{name}`.{on}"),
                format!("'{}'@'%'", self.account.name),
            ),
        };
        let sql = if give {
            format!("GRANT {privilege} ON {on} TO {role}")
        } else {
            format!("REVOKE {privilege} ON {on} FROM {role}")
        };
        self.world.client("ums", &sql);
    }

    /// Makes a role the owner of all tables, on PostgreSQL.
    fn hand_over(&self, role: &str) {
        if self.world.engine_of("ums") != Engine::Postgres {
            return;
        }
        let tables = self.world.client(
            "ums",
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        );
        let alter = |table| format!("ALTER TABLE public.{table} OWNER TO {role}; ");
        let sql: String = tables.lines().map(alter).collect();
        self.world.client("ums", &sql);
    }

    /// Runs a command that has something to do.
    fn run(&mut self, command: &[&str]) -> Output {
        match command[0] {
            "migrate" => {
                self.versions += 1;
                let version = self.versions;
                // What was refused before is not in the way.
                let path = format!("migrations/ums/V{version}__more.sql");
                self.world
                    .write(&path, &format!("CREATE TABLE more{version} (id INT);\n"));
            }
            "seed" => {
                self.world.client("ums", "DELETE FROM roles");
            }
            "undo" => {
                self.versions += 1;
                let version = self.versions;
                let path = format!("migrations/ums/V{version}__more.sql");
                self.world
                    .write(&path, &format!("CREATE TABLE more{version} (id INT);\n"));
                let undo = format!("migrations/ums/V{version}__more.undo.sql");
                self.world
                    .write(&undo, &format!("DROP TABLE more{version};\n"));
                self.hand_over("CURRENT_USER");
                self.world.run(&["migrate"]).ok();
                self.hand_over(&self.account.name);
            }
            "repair" => {
                self.versions += 1;
                let orphan = format!("INSERT INTO messages VALUES ({}, 9)", self.versions);
                self.world.client("ums", &orphan);
                let planning = ["audit", "--plan", "orphans.plan"];
                self.world.run(&planning).exits(1);
            }
            "adopt" => {
                for table in [
                    "refinery_schema_history",
                    "bird_journal",
                    "bird_applied",
                    "bird_schema",
                ] {
                    self.world
                        .client("ums", &format!("DROP TABLE IF EXISTS {table}"));
                }
            }
            _ => {}
        }
        let mut running = self.world.command(command);
        running.env("BIRD_UMS_URL", self.account.url(""));
        Running::start(running).finish()
    }
}

#[test]
fn each_command_needs_just_its_rights() {
    for engine in [Engine::MySql, Engine::MariaDb, Engine::Postgres] {
        engine.run(|engine| {
            let mut wrong = Vec::new();
            for (command, grants) in rows(engine) {
                let world = World::one(engine).file("bird.toml", CONFIG);
                let world = world.migration("ums/V1__a.sql", TABLES);
                world.provision("ums");
                let account = Account::without_rights(&world);
                if engine == Engine::Postgres {
                    world.client("ums", "REVOKE ALL ON SCHEMA public FROM PUBLIC");
                }
                let migrates = command[0] == "migrate";
                // On PostgreSQL the account that migrates owns bird's tables.
                if !(migrates && engine == Engine::Postgres) {
                    world.run(&["up"]).ok();
                }
                let mut bench = Bench {
                    world: &world,
                    account: &account,
                    versions: 1,
                };
                for grant in &grants {
                    bench.set(true, grant);
                }
                let mut check = |bench: &mut Bench<'_>, works: bool, without: &str| {
                    let output = bench.run(&command);
                    if (output.code == 0) != works {
                        wrong.push(format!("without {without}: {}", output.transcript()));
                    }
                };
                check(&mut bench, true, "none");
                for grant in &grants {
                    bench.set(false, grant);
                    check(&mut bench, false, grant);
                    bench.set(true, grant);
                }
                check(&mut bench, true, "none");
                for grant in &grants {
                    bench.set(false, grant);
                }
            }
            assert!(wrong.is_empty(), "{engine:?}: {}", wrong.join("\n"));
        });
    }
}
