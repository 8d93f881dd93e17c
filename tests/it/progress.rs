//! Progress and logs on stderr where no terminal shows a bar.

use std::time::Duration;

use serde_json::Value;

use crate::repair::held;
use crate::world::{Engine, World};

/// A migration that takes longer than the time to the first line.
const SLOW: &str = "CREATE TABLE n AS WITH RECURSIVE n(i) AS \
                    (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000000) \
                    SELECT count(*) AS c FROM n;\n";

/// Every line on stderr is one JSON object with a time, a level, a message and the run.
fn objects(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().map(|line| {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        for key in ["time", "level", "run", "message"] {
            assert!(object[key].is_string(), "{line}");
        }
        object
    });
    lines.collect()
}

#[test]
fn logs_are_json_where_asked_for() {
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "CREATE TABLE;\n");
    let output = world
        .run(&["up", "--log-format", "json", "--format", "json"])
        .exits(4);
    let run = output.json()["run"].clone();
    let all = objects(&output.stderr);
    let error = all.iter().find(|object| object["level"] == "error");
    let error = error.expect("an error");
    assert_eq!(error["code"], "statement-failed");
    assert_eq!(error["file"], "migrations/ums/V1__a.sql");
    assert!(all.iter().all(|object| object["run"] == run), "{all:?}");
    for wrong in [
        &["up", "--log-format", "json", "--nope"][..],
        &["--log-format=json", "nope"],
    ] {
        let all = objects(&world.run(wrong).exits(2).stderr);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["code"], "usage");
    }
    world
        .run(&["status", "--log-format", "xml"])
        .exits(2)
        .warns("text, json");
}

/// A job's log shows that a long statement is running, and claims no end.
#[test]
fn a_line_now_and_then_without_a_terminal() {
    let world = World::one(Engine::Sqlite)
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INTEGER);\n")
        .migration("ums/V2__slow.sql", SLOW);
    let mut running = world.start_and_wait_for(&["up"], "running for");
    // The first Ctrl-C waits for the statement, the second does not.
    while !running.has_ended() {
        running.signal("INT");
        std::thread::sleep(Duration::from_millis(300));
    }
    let output = running.finish().exits(130);
    let output = output.warns("bird: stopped at once: the running statement is rolled back");
    assert!(!output.stderr.contains(" left"), "{}", output.transcript());
    let line = output.warns("bird: 0 of 2 statements in ");
    line.warns("ums V1 a to V2 slow, running for ");
    let quiet = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "SELECT 1;\n");
    assert_eq!(quiet.run(&["up"]).ok().stderr, "");
}

/// What was done is not denied by the step that a signal keeps from beginning.
#[test]
fn an_interrupted_run_says_where_it_stopped() {
    Engine::Sqlite.run(|_| {
        let world = World::bird();
        let ended = held(&world, &["up"], "committed").interrupt();
        ended
            .says("applied 9 migrations")
            .warns("error[interrupted]: interrupted before the seeds");
        world.run(&["up"]).ok().says("inserted");
    });
}

/// Hundreds of migrations are one row, and each has its own with `-v`.
#[test]
fn many_migrations_are_a_short_report() {
    let many = |world: World| {
        (1..=480).fold(world, |world, version| {
            let sql = format!("CREATE TABLE t{version} (id INTEGER);\n");
            world.migration(&format!("ums/V{version}__t{version}.sql"), &sql)
        })
    };
    let world = many(World::one(Engine::Sqlite));
    let short = world.run(&["up"]).ok();
    let short = short.says("480 migrations, V1 to V480");
    assert!(short.stdout.lines().count() < 24, "{}", short.transcript());
    let world = many(World::one(Engine::Sqlite));
    let long = world.run(&["up", "-v"]).ok().says("V333 t333");
    assert!(long.stdout.lines().count() > 480);
}
