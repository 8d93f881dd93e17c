//! Killed anywhere, a run leaves a state that the next run completes: every statement once.

use std::process::{Command, Stdio};

use crate::world::{Engine, World};

engines!(
    schema_statements_run_once_wherever_a_run_is_killed,
    row_statements_run_once_wherever_a_run_is_killed,
    mixed_files_run_once_wherever_a_run_is_killed,
    files_without_a_transaction_run_once_wherever_a_run_is_killed,
    a_run_that_is_killed_again_and_again_comes_to_its_end,
);

/// The points of `db::failpoint` that a run may pass, in the order of the protocol.
const POINTS: &[&str] = &[
    "before-lock",
    "locked",
    "history-made",
    "begin",
    "seen",
    "intended",
    "sent",
    "data-sent",
    "in-transaction",
    "committed",
    "booked",
    "recorded",
];

/// Schema statements of every kind that is told apart in another way.
fn schema_files(engine: Engine) -> Vec<String> {
    let own = engine.pick(
        "CREATE TABLE x (id INT);\nCREATE TABLE y (id INT);\n\
         ALTER TABLE a ADD COLUMN n INT, ADD INDEX by_n (n);\n\
         ALTER TABLE a RENAME COLUMN n TO m;\n\
         RENAME TABLE x TO z;\nDROP TABLE y, z;\n\
         TRUNCATE TABLE b;\nALTER TABLE b COMMENT = 'output', ENGINE = InnoDB;\n\
         CREATE VIEW v AS SELECT id FROM a;\nDROP VIEW v;\n\
         CREATE PROCEDURE p() SELECT 1;\nCREATE OR REPLACE VIEW w AS SELECT id FROM b;\n\
         DROP TABLE IF EXISTS none;\n",
        "ALTER TABLE a ADD COLUMN n INT;\nCREATE INDEX by_n ON a (n);\n\
         CREATE VIEW v AS SELECT id FROM a;\nTRUNCATE b;\n",
        "ALTER TABLE a ADD COLUMN n INT;\nCREATE INDEX by_n ON a (n);\n\
         CREATE VIEW v AS SELECT id FROM a;\n",
    );
    vec![
        "CREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\n".into(),
        format!("-- bird: allow drop-table, data-loss\n\n{own}"),
        "CREATE TABLE c (id INT);\n".into(),
    ]
}

/// Statements that would show if they ran twice, or not at all.
fn row_files() -> Vec<String> {
    vec![
        "CREATE TABLE a (id INT);\n".into(),
        "INSERT INTO a VALUES (1);\nINSERT INTO a SELECT id + 1 FROM a;\n\
         UPDATE a SET id = id * 10;\nINSERT INTO a VALUES (7), (8);\nDELETE FROM a WHERE id = 8;\n"
            .into(),
        "UPDATE a SET id = id + 1;\n".into(),
    ]
}

fn mixed_files() -> Vec<String> {
    vec![
        "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\n\
         ALTER TABLE a ADD COLUMN n INT;\nUPDATE a SET n = 5;\nINSERT INTO a SELECT * FROM a;\n\
         CREATE TABLE b (id INT);\nINSERT INTO b SELECT n + 1 FROM a;\n"
            .into(),
        "INSERT INTO b VALUES (100);\nCREATE INDEX i ON b (id);\nUPDATE b SET id = id + 1;\n"
            .into(),
    ]
}

/// Without a transaction, on every engine.
fn bare_files(engine: Engine) -> Vec<String> {
    let own = engine.pick(
        "CREATE INDEX i ON a (id);\n",
        "CREATE INDEX CONCURRENTLY i ON a (id);\nVACUUM a;\n\
         CREATE INDEX CONCURRENTLY ON a (id, n);\nDROP INDEX CONCURRENTLY i;\n",
        "VACUUM;\nCREATE INDEX i ON a (id);\n",
    );
    vec![
        "CREATE TABLE a (id INT, n INT);\nINSERT INTO a VALUES (1, 1), (2, 2);\n".into(),
        format!(
            "-- bird: no-transaction\n\nINSERT INTO a VALUES (3, 3);\n{own}UPDATE a SET n = n + 1;\n"
        ),
    ]
}

fn schema_statements_run_once_wherever_a_run_is_killed(engine: Engine) {
    killed_everywhere(engine, &schema_files(engine));
}

/// What has no name of its own, and what is made in the place of nothing: only the rest of the
/// definition tells it.
#[test]
fn changes_without_a_name_are_found() {
    let both = "CREATE TABLE a (id INT, n INT);\nALTER TABLE a ADD PRIMARY KEY (id);\n\
         ALTER TABLE a DROP PRIMARY KEY;\n";
    let own = "CREATE OR REPLACE TABLE b (id INT);\n";
    let cases = [
        (Engine::MySql, both.to_owned()),
        (Engine::MariaDb, format!("{both}{own}")),
    ];
    for (engine, text) in cases {
        let consent = "-- bird: allow drop-table, data-loss\n\n";
        let file = [format!("{consent}{text}")];
        engine.run(|engine| killed_at(engine, &file, &["sent"]));
    }
}

/// Of tables that change their names only their storage tells which is which: that of a table in
/// partitions, and that of one whose file cannot bear its name.
#[test]
fn tables_that_change_their_names_change_them_once() {
    let swap = |one: &str, other: &str, made: &str| {
        format!(
            "CREATE TABLE {one} (id INT PRIMARY KEY) {made};\n\
             CREATE TABLE {other} (n INT PRIMARY KEY) {made};\n\
             RENAME TABLE {one} TO x, {other} TO {one}, x TO {other};\n"
        )
    };
    let text = swap("p", "q", "PARTITION BY KEY () PARTITIONS 2") + &swap("a$b", "a", "");
    for engine in [Engine::MySql, Engine::MariaDb] {
        let file = [text.clone()];
        engine.run(|engine| killed_at(engine, &file, &["sent"]));
    }
}

/// Whoever holds the table for long lets an index that is made beside it fail half way.
#[test]
fn an_index_made_beside_the_table_waits_for_it() {
    Engine::Postgres.run(|engine| {
        let world = world(engine, &["CREATE TABLE a (id INT);\n".into()]);
        world.run(&["migrate"]).ok();
        let index = "-- bird: no-transaction\n\nCREATE INDEX CONCURRENTLY i ON a (id);\n";
        world.write("migrations/ums/V2__f.sql", index);
        let blocker = Blocker::of(&world, "a");
        let running = world.start(&["migrate", "--lock-timeout", "1m"]);
        // Longer than a statement waits in the server's queue.
        std::thread::sleep(std::time::Duration::from_secs(7));
        blocker.release();
        running.finish().ok();
        let valid = "SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass";
        assert_eq!(world.client("ums", valid), "t\n");
    });
}

/// MariaDB promises no more of `CREATE OR REPLACE`: dying in it, it may leave no table at all.
#[test]
fn a_table_that_was_dropped_and_not_made_again_is_made() {
    Engine::MariaDb.run(|engine| {
        let first = "CREATE TABLE a (id INT);\n".to_owned();
        let second = "-- bird: allow drop-table, data-loss\n\nCREATE OR REPLACE TABLE a (n INT);\n\
             INSERT INTO a VALUES (1);\n";
        let world = world(engine, &[first]);
        world.run(&["migrate"]).ok();
        world.write("migrations/ums/V2__f.sql", second);
        assert!(killed(&world, "intended"));
        world.client("ums", "DROP TABLE a");
        world.run(&["migrate"]).ok();
        assert_eq!(world.client("ums", "SELECT n FROM a"), "1\n");
    });
}

fn row_statements_run_once_wherever_a_run_is_killed(engine: Engine) {
    killed_everywhere(engine, &row_files());
}

fn mixed_files_run_once_wherever_a_run_is_killed(engine: Engine) {
    killed_everywhere(engine, &mixed_files());
}

fn files_without_a_transaction_run_once_wherever_a_run_is_killed(engine: Engine) {
    killed_everywhere(engine, &bare_files(engine));
}

fn world(engine: Engine, files: &[String]) -> World {
    let mut world = World::one(engine);
    for (at, text) in files.iter().enumerate() {
        world = world.migration(&format!("ums/V{}__f.sql", at + 1), text);
    }
    world.provision("ums");
    world
}

/// Kills a run at every point, each time that it passes there, and compares what the next run
/// makes of it with what an undisturbed run makes.
fn killed_everywhere(engine: Engine, files: &[String]) {
    killed_at(engine, files, POINTS);
}

/// As [`killed_everywhere`], at some of the points.
fn killed_at(engine: Engine, files: &[String], points: &[&str]) {
    let undisturbed = world(engine, files);
    undisturbed.run(&["migrate"]).ok();
    let wanted = state(&undisturbed);
    let mut kills = 0;
    for point in points {
        for time in 1.. {
            let world = world(engine, files);
            if !killed(&world, &format!("{point}:{time}")) {
                break;
            }
            kills += 1;
            world.run(&["migrate"]).ok();
            assert_eq!(state(&world), wanted, "{engine:?} {point}:{time}");
            world.run(&["status", "--exit-code"]).ok();
        }
    }
    assert!(kills >= 3, "{kills} kills on {engine:?}");
}

/// A run that is to be killed at a point; `false` where it came to its end before.
pub fn killed(world: &World, point: &str) -> bool {
    let mut command = world.command(&["migrate"]);
    command.env("BIRD_FAILPOINT", point);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    !command.status().expect("bird starts").success()
}

/// Every run is killed, each a little later than the one before, until one comes through.
fn a_run_that_is_killed_again_and_again_comes_to_its_end(engine: Engine) {
    let files = mixed_files();
    let undisturbed = world(engine, &files);
    undisturbed.run(&["migrate"]).ok();
    let world = world(engine, &files);
    for point in POINTS.iter().cycle().take(200) {
        killed(&world, point);
    }
    world.run(&["migrate"]).ok();
    assert_eq!(state(&world), state(&undisturbed));
}

/// All tables with their definitions and rows, and the history without its times; the journal
/// says that all is done.
pub fn state(world: &World) -> String {
    let engine = world.engine_of("ums");
    let name = world.name("ums");
    let tables = engine.pick(
        format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}' \
             AND TABLE_TYPE = 'BASE TABLE' ORDER BY 1"
        ),
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
         ORDER BY 1"
            .into(),
        "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1".into(),
    );
    let tables = world.client("ums", &tables);
    let all: Vec<String> = tables
        .lines()
        .map(|table| {
            let rows = match table {
                "refinery_schema_history" => "SELECT version, name, checksum \
                                              FROM refinery_schema_history ORDER BY 1"
                    .into(),
                "bird_journal" => "SELECT version, direction, statement, statements, digest, \
                                   state FROM bird_journal ORDER BY 1, 2, 3"
                    .into(),
                "bird_applied" => "SELECT version, digest FROM bird_applied ORDER BY 1".into(),
                // A run that was killed may have recorded other states, or none.
                "bird_schema" => "SELECT 1".into(),
                _ => format!("SELECT * FROM {table} ORDER BY 1"),
            };
            let definition = engine.pick(
                format!("SHOW CREATE TABLE {table}"),
                format!(
                    "SELECT attname, atttypid::regtype FROM pg_attribute \
                     WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
                ),
                "SELECT 1".into(),
            );
            format!("SELECT '{table}'; {rows}; {definition}")
        })
        .collect();
    let rest = engine.pick(
        format!(
            "SELECT TABLE_NAME, VIEW_DEFINITION <> '' FROM information_schema.VIEWS \
             WHERE TABLE_SCHEMA = '{name}' ORDER BY 1; \
             SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{name}'"
        ),
        "SELECT relname, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid \
         WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
            .into(),
        "SELECT name, sql FROM sqlite_schema ORDER BY 1".into(),
    );
    world.client("ums", &format!("{}; {rest};", all.join("; ")))
}

/// A statement that waits on its server when bird is killed may still run. The next run waits
/// for the old session, names it, and finds what came of it.
#[test]
fn a_statement_that_outlives_its_client_runs_once() {
    for engine in [Engine::MySql, Engine::MariaDb, Engine::Postgres] {
        engine.run(zombie);
    }
}

fn zombie(engine: Engine) {
    let alter = engine.pick(
        "ALTER TABLE a ADD COLUMN n INT;\n",
        "-- bird: no-transaction\n\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
        "",
    );
    let world = world(engine, &["CREATE TABLE a (id INT);\n".into()]);
    world.run(&["migrate"]).ok();
    world.client("ums", "INSERT INTO a VALUES (1)");
    world.write("migrations/ums/V2__f.sql", alter);
    let blocker = Blocker::of(&world, "a");
    let mut running = world.command(&["migrate"]);
    running.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = running.spawn().expect("bird starts");
    crate::until::until("the statement waits", || waits(&world));
    running.kill().expect("it can be killed");
    running.wait().expect("its end");
    let second = world.start(&["migrate"]);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    blocker.release();
    let second = second.finish().ok();
    if engine != Engine::MariaDb {
        // MariaDB ends the statement with its client.
        let output = second
            .stderr
            .contains("waiting for the lock, held by session");
        assert!(output, "{}", second.transcript());
    }
    let columns = engine.pick(
        format!(
            "SELECT count(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{}' \
             AND TABLE_NAME = 'a'",
            world.name("ums")
        ),
        "SELECT 1 + count(*) FROM pg_index WHERE indrelid = 'a'::regclass AND indisvalid".into(),
        String::new(),
    );
    assert_eq!(world.client("ums", &columns), "2\n", "{engine:?}");
    world.run(&["status", "--exit-code"]).ok();
}

/// Whether a statement waits for the blocker.
pub fn waits(world: &World) -> bool {
    let name = world.name("ums");
    let sql = world.engine_of("ums").pick(
        format!(
            "SELECT count(*) FROM information_schema.PROCESSLIST \
             WHERE DB = '{name}' AND STATE LIKE 'Waiting for table metadata lock%'"
        ),
        format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' \
             AND wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX%'"
        ),
        String::new(),
    );
    world.server("ums", &sql) != "0\n"
}

/// A client with a transaction that has touched a table.
pub struct Blocker(std::process::Child);

impl Blocker {
    pub fn of(world: &World, table: &str) -> Blocker {
        Blocker::with(world, &format!("INSERT INTO {table} VALUES (2)"))
    }

    /// A client with a transaction that has done this.
    pub fn with(world: &World, sql: &str) -> Blocker {
        use std::io::{BufRead as _, Write as _};

        let engine = world.engine_of("ums");
        let word = match engine {
            Engine::MariaDb => "MARIADB",
            Engine::MySql => "MYSQL",
            _ => "POSTGRES",
        };
        let client = std::env::var(format!("BIRD_TEST_{word}_CLIENT")).expect("a client");
        let mut command = Command::new(client);
        command.args(engine.pick(["-N", "-B", "-n"], ["-A", "-t", "-q"], ["", "", ""]));
        let mut child = command
            .arg(world.name("ums"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the client starts");
        let sql = format!("BEGIN;\n{sql};\nSELECT 'held';\n");
        let stdin = child.stdin.as_mut().expect("a pipe");
        stdin.write_all(sql.as_bytes()).expect("it reads");
        stdin.flush().expect("it reads");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        std::io::BufReader::new(stdout)
            .read_line(&mut line)
            .expect("an answer");
        assert_eq!(line, "held\n");
        Blocker(child)
    }

    pub fn release(mut self) {
        use std::io::Write as _;

        let mut stdin = self.0.stdin.take().expect("a pipe");
        stdin.write_all(b"COMMIT;\n").expect("it reads");
        drop(stdin);
        assert!(self.0.wait().is_ok_and(|status| status.success()));
    }
}
