//! Databases whose tables nobody has recorded.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::{A, B, C, HISTORY, snapshot};
use crate::world::{Engine, World, database};

engines!(
    tables_that_are_there_are_taken_for_applied,
    tables_that_are_missing_are_told_with_the_version_that_fits,
    there_is_nothing_to_adopt_in_an_empty_database,
    the_repositorys_own_schema_is_a_baseline,
    several_runners_record_once,
);

fn scene(engine: Engine, tables: &str) -> World {
    let world = World::one(engine)
        .migration("ums/V1__first.sql", A)
        .migration("ums/V2__second.sql", B)
        .migration("ums/V3__third.sql", C);
    world.run(&["provision"]).ok();
    world.client("ums", tables);
    world
}

fn tables_that_are_there_are_taken_for_applied(engine: Engine) {
    let world = scene(engine, &format!("{A}{B}{C}INSERT INTO a VALUES (1);"));
    let before = snapshot(&world, "ums");
    let output = world.run(&["adopt", "--dry-run"]).ok();
    output.says("would adopt 3 migrations as a baseline, 0 pending");
    assert!(before == snapshot(&world, "ums"));
    let document = world.run(&["adopt", "--format", "json"]).ok().json();
    let state = database(&document, "ums");
    assert_eq!(state["tool"], "baseline");
    assert!(state["adopted"][0]["from"].is_null(), "{state}");
    assert_eq!(world.client("ums", HISTORY).lines().count(), 3);
    world.run(&["status", "--exit-code"]).ok();
    world.run(&["migrate"]).ok().says("nothing to do");
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    // refinery's checksums: an edit afterwards shows.
    world.write("migrations/ums/V1__first.sql", B);
    world
        .run(&["status", "--exit-code"])
        .exits(1)
        .warns("migration-changed");
}

fn tables_that_are_missing_are_told_with_the_version_that_fits(engine: Engine) {
    let world = scene(engine, &format!("{A}{B}"));
    let before = snapshot(&world, "ums");
    let output = world.run(&["adopt"]).exits(3).warns("adopt-missing-tables");
    output.warns("missing: c").warns("--to ums@2");
    assert!(before == snapshot(&world, "ums"));
    world
        .run(&["adopt", "--to", "9"])
        .exits(2)
        .warns("no migration with the version 9");
    world
        .run(&["adopt", "--to", "ums@2"])
        .ok()
        .says("1 pending");
    world.run(&["migrate"]).ok().says("applied 1 migration");
    world.run(&["status", "--exit-code"]).ok();
    let world = scene(engine, "CREATE TABLE z (id INT);");
    world
        .run(&["adopt"])
        .exits(3)
        .warns("check that this is the right database");
}

fn there_is_nothing_to_adopt_in_an_empty_database(engine: Engine) {
    let world = World::one(engine).migration("ums/V1__first.sql", A);
    let absent = if engine == Engine::Sqlite { 3 } else { 2 };
    world.run(&["adopt"]).exits(absent);
    world.run(&["provision"]).ok();
    let before = snapshot(&world, "ums");
    let output = world.run(&["adopt"]).exits(3).warns("nothing-to-adopt");
    output.warns("bird migrate");
    assert!(before == snapshot(&world, "ums"));
    world.run(&["migrate"]).ok();
    world
        .run(&["adopt"])
        .ok()
        .says("continues its history: 1 migration applied");
    world
        .run(&["adopt", "--from", "refinery"])
        .ok()
        .says("continues its history");
}

/// What `up` makes is read rightly by the check, on every engine and with real migrations.
fn the_repositorys_own_schema_is_a_baseline(engine: Engine) {
    let world = World::bird()
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["up"]).ok();
    for name in ["ums", "twitter"] {
        world.client(name, "DROP TABLE refinery_schema_history");
        world.client(name, "DROP TABLE bird_journal");
    }
    let output = world.run(&["adopt"]).ok();
    output.says("ums: adopted 4").says("twitter: adopted 5");
    world.run(&["up"]).ok().says("nothing to do");
    world.client("ums", "DROP TABLE sessions");
    world.client("ums", "DROP TABLE refinery_schema_history");
    world.client("ums", "DROP TABLE bird_journal");
    world
        .run(&["adopt"])
        .exits(3)
        .warns("missing: sessions")
        .warns("--to ums@3");
}

/// All of them begin at once; whoever comes second finds the work done.
fn several_runners_record_once(engine: Engine) {
    let world = scene(engine, &format!("{A}{B}{C}"));
    let runners: Vec<_> = (0..4).map(|_| world.start(&["adopt"])).collect();
    for runner in runners {
        runner.finish().ok();
    }
    assert_eq!(world.client("ums", HISTORY).lines().count(), 3);
    world.run(&["status", "--exit-code"]).ok();
}

/// On SQLite the transaction is the lock.
#[test]
fn a_lock_that_someone_holds_is_waited_for() {
    Engine::Sqlite.run(|engine| {
        let world = scene(engine, &format!("{A}{B}{C}"));
        let before = snapshot(&world, "ums");
        let mut client = Command::new("sqlite3")
            .args(["-batch", world.name("ums")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a client");
        let mut stdin = client.stdin.take().expect("a pipe");
        stdin
            .write_all(b"BEGIN IMMEDIATE; SELECT 'begun';\n")
            .expect("a pipe");
        let mut line = String::new();
        let stdout = client.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("an answer");
        assert_eq!(line, "begun\n");
        let output = world.run(&["adopt", "--lock-timeout", "200ms"]);
        output.exits(3).warns("locked");
        drop(stdin);
        client.wait().expect("its end");
        assert!(before == snapshot(&world, "ums"));
        world.run(&["adopt"]).ok();
    });
}
