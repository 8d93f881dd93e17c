//! Several birds at one database, and birds that are told to stop.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use crate::until::until;
use crate::world::{Engine, Running, World, database};

engines!(
    a_second_runner_waits_and_finds_the_work_done,
    an_impatient_runner_is_refused_and_changes_nothing,
    four_runners_apply_each_statement_once,
    four_runners_make_one_system,
    an_interrupted_run_stops_after_its_statement,
    a_runner_that_waits_can_be_interrupted,
);

const FILE: &str = "migrations/ums/V1__slow.sql";

/// A file whose second statement takes a while; SQLite's locks are held by hand instead.
fn slow(engine: Engine, seconds: u32) -> String {
    let sleep = engine.pick(
        format!("DO SLEEP({seconds})"),
        format!("SELECT pg_sleep({seconds})"),
        "SELECT 1".to_owned(),
    );
    format!("CREATE TABLE a (id INT);\n{sleep};\nINSERT INTO a VALUES (1);\n")
}

/// Who keeps a database busy: a bird in a slow statement, or a client with a transaction.
enum Holder {
    Bird(Running),
    Client(Child),
}

impl Holder {
    /// Returns when the database is really held.
    fn of(world: &World, seconds: u32) -> Holder {
        let engine = world.engine_of("ums");
        if engine == Engine::Sqlite {
            return Holder::Client(transaction(world));
        }
        world.write(FILE, &slow(engine, seconds));
        let running = world.start(&["migrate", "--database", "ums"]);
        until("the slow statement", || is_slow(world));
        Holder::Bird(running)
    }

    /// Waits for the bird; ends the transaction of the client.
    fn release(self) {
        match self {
            Holder::Bird(running) => {
                running.finish().ok();
            }
            Holder::Client(mut child) => {
                drop(child.stdin.take());
                assert!(child.wait().is_ok_and(|status| status.success()));
            }
        }
    }
}

/// Whether the slow statement runs on the server, in this world's database.
fn is_slow(world: &World) -> bool {
    let name = world.name("ums");
    let sql = world.engine_of("ums").pick(
        format!(
            "SELECT count(*) FROM information_schema.PROCESSLIST \
             WHERE DB = '{name}' AND INFO LIKE 'DO SLEEP%'"
        ),
        format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' \
             AND state = 'active' AND query LIKE 'SELECT pg_sleep%'"
        ),
        String::new(),
    );
    world.server("ums", &sql) != "0\n"
}

/// A client that holds the write lock of a SQLite file until its stdin closes.
pub fn transaction(world: &World) -> Child {
    client_after(world, "BEGIN IMMEDIATE;")
}

/// A client of a SQLite file that has run a statement and keeps its transaction until its stdin
/// closes.
fn client_after(world: &World, sql: &str) -> Child {
    let mut child = Command::new("sqlite3")
        .args(["-batch", world.name("ums")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sqlite3 starts");
    let stdin = child.stdin.as_mut().expect("a pipe");
    stdin
        .write_all(format!("{sql}\nSELECT 'held';\n").as_bytes())
        .expect("sqlite3 reads");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("a pipe");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("an answer");
    assert_eq!(line, "held\n");
    child
}

/// bird with its stderr in a file, so that it can be watched.
fn watched(world: &World, arguments: &[&str]) -> Child {
    let stderr = File::create(world.path("stderr")).expect("a file");
    let mut command = world.command(arguments);
    command.stdout(Stdio::null()).stderr(stderr);
    command.spawn().expect("bird starts")
}

fn until_told(world: &World, text: &str) {
    until(text, || {
        fs::read_to_string(world.path("stderr")).is_ok_and(|output| output.contains(text))
    });
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

fn world(engine: Engine) -> World {
    let world = World::one(engine).file(FILE, &slow(engine, 0));
    world.run(&["provision"]).ok();
    world
}

fn a_second_runner_waits_and_finds_the_work_done(engine: Engine) {
    let world = world(engine);
    let holder = Holder::of(&world, 2);
    let mut second = watched(&world, &["migrate"]);
    until_told(&world, "waiting for the lock");
    assert!(second.try_wait().expect("its state").is_none());
    holder.release();
    let status = second.wait().expect("its end");
    let output = fs::read_to_string(world.path("stderr")).expect("what it told");
    assert!(status.success(), "{status}: {output}");
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// Nor in the other database, which nobody holds: if one is refused, none is written.
fn an_impatient_runner_is_refused_and_changes_nothing(engine: Engine) {
    let world = World::empty()
        .file("bird.toml", "[databases.free]\n[databases.ums]\n")
        .migration("free/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .file(FILE, &slow(engine, 0))
        .engine("free", Engine::Sqlite)
        .engine("ums", engine);
    world.run(&["provision"]).ok();
    let holder = Holder::of(&world, 4);
    let refused = world.run(&["migrate", "--lock-timeout", "200ms", "--format", "json"]);
    let refused = refused.exits(3).warns("locked");
    let document = refused.json();
    assert_eq!(document["error"]["code"], "locked");
    let notes = document["error"]["notes"].to_string();
    let user = engine.pick("session", "postgres", "does not know");
    assert!(notes.contains(user), "{notes}");
    assert_eq!(
        world.client("free", "SELECT count(*) FROM sqlite_schema"),
        "0\n"
    );
    // Looking needs no lock.
    world.run(&["status"]).ok();
    holder.release();
    world.run(&["migrate"]).ok();
    world.run(&["status", "--exit-code"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
}

fn four_runners_apply_each_statement_once(engine: Engine) {
    let mut world = World::one(engine);
    for version in 1..=5 {
        let text =
            format!("CREATE TABLE t{version} (id INT);\nINSERT INTO t{version} VALUES (1);\n");
        world = world.migration(&format!("ums/V{version}__t.sql"), &text);
    }
    world.run(&["provision"]).ok();
    let runners: Vec<_> = (0..4).map(|_| world.start(&["migrate"])).collect();
    for runner in runners {
        runner.finish().ok();
    }
    for version in 1..=5 {
        let rows = world.client("ums", &format!("SELECT count(*) FROM t{version}"));
        assert_eq!(rows, "1\n", "V{version}");
    }
    let journal = world.client(
        "ums",
        "SELECT count(*), count(DISTINCT version) FROM bird_journal",
    );
    assert_eq!(journal, "10\t5\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// From nothing, as containers that start together do.
fn four_runners_make_one_system(engine: Engine) {
    let world = World::bird().engine("ums", engine);
    let runners: Vec<_> = (0..4).map(|_| world.start(&["up"])).collect();
    for runner in runners {
        runner.finish().ok();
    }
    assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "3\n");
    world.run(&["status", "--exit-code"]).ok();
}

fn an_interrupted_run_stops_after_its_statement(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let world = world(engine);
        let Holder::Bird(mut running) = Holder::of(&world, 2) else {
            unreachable!("only SQLite is held by a client")
        };
        assert!(!running.has_ended());
        running.signal(name);
        let stopped = running
            .finish()
            .exits(code)
            .warns("stopping after the running statement");
        let journal = world.client("ums", "SELECT count(*) FROM bird_journal");
        let status = world.run(&["status", "--format", "json"]).ok().json();
        let partial = &database(&status, "ums")["partial"];
        if engine.is_transactional() {
            assert!(partial.is_null(), "{}", stopped.transcript());
            assert_eq!(journal, "0\n");
        } else {
            assert_eq!(partial["statement"], 3, "{}", stopped.transcript());
            assert_eq!(journal, "2\n");
            assert_eq!(world.client("ums", "SELECT count(*) FROM a"), "0\n");
        }
        if engine.is_transactional() {
            // It starts anew, and need not be slow again.
            world.write(FILE, &slow(engine, 0));
        }
        world.run(&["migrate"]).ok();
        assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
        world.run(&["status", "--exit-code"]).ok();
    }
}

/// The second signal does not wait for a statement that may take hours, and does not leave it to
/// the server either.
#[test]
fn a_second_signal_cancels_the_statement_on_the_server() {
    for engine in Engine::all() {
        if engine == Engine::Sqlite {
            continue;
        }
        let world = world(engine);
        world.write(FILE, &slow(engine, 50));
        let mut running = watched(&world, &["migrate"]);
        until("the slow statement", || is_slow(&world));
        signal(&running, "INT");
        until_told(&world, "stopping after the running statement");
        signal(&running, "INT");
        until_told(&world, "cancelling the running statement");
        let status = running.wait().expect("its end");
        assert_eq!(status.code(), Some(130), "{engine:?}");
        let output = fs::read_to_string(world.path("stderr")).expect("its output");
        let hint = "the second signal cancelled it on the server; run bird migrate again";
        // Where the statement notices the end of its sleep, it succeeds.
        let failed = output.contains("error[statement-failed]");
        assert_eq!(output.contains(hint), failed, "{engine:?}: {output}");
        assert!(failed || engine != Engine::Postgres, "{output}");
        assert!(!output.contains("statement_timeout"), "{output}");
        assert!(!is_slow(&world), "{engine:?}");
        // What stands is known, and the next run goes on from there.
        let stands = world.run(&["status", "--format", "json"]).ok().json();
        assert!(database(&stands, "ums")["partial"]["in_doubt"].is_null());
        if engine.is_transactional() {
            world.write(FILE, &slow(engine, 0));
        } else {
            let text = slow(engine, 50).replace("INSERT", "INSERT  ");
            let done = database(&stands, "ums")["partial"]["statement"] == 3;
            world.write(FILE, &if done { text } else { slow(engine, 0) });
        }
        world.run(&["migrate"]).ok();
        assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    }
}

/// An embedded statement ends with bird, and is rolled back.
#[test]
fn a_second_signal_ends_bird_where_all_is_embedded() {
    Engine::Sqlite.run(|engine| {
        let world = world(engine);
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                       SELECT count(*) FROM n";
        let text = format!("CREATE TABLE a (id INT);\nINSERT INTO a {endless};\n");
        world.write(FILE, &text);
        let mut running = watched(&world, &["migrate"]);
        until("the journal of SQLite", || {
            world.path("data/ums.db-journal").exists()
        });
        std::thread::sleep(std::time::Duration::from_millis(300));
        signal(&running, "INT");
        until_told(&world, "stopping after the running statement");
        signal(&running, "INT");
        assert_eq!(running.wait().expect("its end").code(), Some(130));
        world.write(
            FILE,
            "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\n",
        );
        world.run(&["migrate"]).ok();
        assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    });
}

fn a_runner_that_waits_can_be_interrupted(engine: Engine) {
    let world = world(engine);
    let holder = Holder::of(&world, 2);
    let mut second = watched(&world, &["migrate"]);
    until_told(&world, "waiting for the lock");
    signal(&second, "TERM");
    let status = second.wait().expect("its end");
    assert_eq!(status.code(), Some(143));
    holder.release();
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
}

/// It must poll: a session that waits inside PostgreSQL for an advisory lock holds a snapshot, and
/// the index waits for that.
#[test]
fn a_waiting_runner_does_not_block_a_concurrent_index() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        world.run(&["migrate"]).ok();
        let index = "-- bird: no-transaction\nSELECT pg_sleep(2);\n\
                     CREATE INDEX CONCURRENTLY i ON a (id);\n";
        world.write("migrations/ums/V2__i.sql", index);
        let first = world.start(&["migrate"]);
        until("the slow statement", || is_slow(&world));
        let mut second = watched(&world, &["migrate"]);
        until_told(&world, "waiting for the lock");
        first.finish().ok();
        assert!(second.wait().is_ok_and(|status| status.success()));
        world.run(&["status", "--exit-code"]).ok();
    });
}

/// A transaction cannot be the lock of a file that runs without one.
#[test]
fn runners_of_a_file_without_transaction_take_turns_on_sqlite() {
    Engine::Sqlite.run(|engine| {
        let world = World::one(engine).migration(
            "ums/V1__a.sql",
            "-- bird: no-transaction\nCREATE TABLE a (id INT);\nVACUUM;\n\
             INSERT INTO a VALUES (1);\nVACUUM;\nINSERT INTO a VALUES (2);\n",
        );
        world.run(&["provision"]).ok();
        let runners: Vec<_> = (0..4).map(|_| world.start(&["migrate"])).collect();
        for runner in runners {
            runner.finish().ok();
        }
        assert_eq!(
            world.client("ums", "SELECT id FROM a ORDER BY id"),
            "1\n2\n"
        );
        assert_eq!(
            world.client("ums", "SELECT count(*) FROM bird_journal"),
            "5\n"
        );
    });
}

/// What another runner applied meanwhile must be what this one has.
#[test]
fn a_runner_with_other_files_does_not_take_them_for_its_own() {
    Engine::Sqlite.run(|engine| {
        let world = world(engine);
        let mut holder = transaction(&world);
        let mut second = watched(&world, &["migrate"]);
        until_told(&world, "waiting for the lock");
        // Somebody else's V1, as refinery would record it.
        let stdin = holder.stdin.as_mut().expect("a pipe");
        let theirs = "CREATE TABLE refinery_schema_history( version int4 PRIMARY KEY, \
                      name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255));\n\
                      INSERT INTO refinery_schema_history VALUES (1, 'other', \
                      '2026-01-01T00:00:00Z', '1');\nCOMMIT;\n";
        stdin.write_all(theirs.as_bytes()).expect("sqlite3 reads");
        Holder::Client(holder).release();
        let status = second.wait().expect("its end");
        let output = fs::read_to_string(world.path("stderr")).expect("what it told");
        assert!(!status.success(), "{output}");
    });
}

/// A reader keeps SQLite from committing, and what is to be committed waits for it.
#[test]
fn migrations_and_seeds_wait_for_a_reader() {
    Engine::Sqlite.run(|engine| {
        let seeds = "[databases.ums]\n[[seeds]]\ntable = \"ums.a\"\nkey = [\"id\"]\n\
                     rows = [{ id = 7 }]\n";
        let world = world(engine).file("bird.toml", seeds);
        world.run(&["migrate"]).ok();
        world.write("migrations/ums/V2__b.sql", "CREATE TABLE b (id INT);\n");
        for command in ["migrate", "seed"] {
            let reader = client_after(&world, "BEGIN; SELECT * FROM a WHERE id < 0;");
            let mut second = watched(&world, &[command]);
            until_told(&world, "waiting for the lock");
            assert!(second.try_wait().expect("its state").is_none());
            Holder::Client(reader).release();
            let status = second.wait().expect("its end");
            let output = fs::read_to_string(world.path("stderr")).expect("what it told");
            assert!(status.success(), "{command}: {status}: {output}");
        }
        assert_eq!(
            world.client("ums", "SELECT id FROM a ORDER BY id"),
            "1\n7\n"
        );
        assert_eq!(world.client("ums", "SELECT count(*) FROM b"), "0\n");
    });
}
