//! `--replica` and `--max-lag` on real replicas: what is read late is found late, never falsely; and
//! a replica is not written to.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::closed::nobody_writes_to_it;
use super::settings::limits_of_a_server_cut_no_read;
use crate::repair::{WHOLE, held};
use crate::world::{Engine, Output, Pair, World};

engines!(children_are_read_from_a_replica);

fn children_are_read_from_a_replica(engine: Engine) {
    match engine {
        Engine::Sqlite => a_copy_is_as_good(),
        _ => Pair::of(engine).iter().for_each(scenario),
    }
}

/// One scenario for each engine: there is but one replica of each, and it is stopped on the way.
fn scenario(pair: &Pair) {
    let world = planted(pair);
    what_it_has_is_found(pair, &world);
    what_it_lacks_is_told(pair, &world);
    a_lag_is_waited_for(pair, &world);
    one_that_does_not_follow_is_told(pair, &world);
    limits_of_a_server_cut_no_read(pair, &world);
    a_repair_waits_for_it(pair, &world);
    another_is_told_apart(pair, &world);
    a_partial_one_is_refused(pair, &world);
    if pair.engine == Engine::Postgres {
        what_a_standby_had_to_replay_is_told(pair, &world);
    } else {
        an_account_that_may_not_ask(pair, &world);
    }
    nobody_writes_to_it(pair, world);
}

/// Two databases and a reference between them.
pub const BOTH: &str = "[databases.ums]\n[databases.twitter]\n[[references]]\n\
                    from = \"twitter.messages.author\"\nto = \"ums.users.id\"\n";
const REPLICA: &[&str] = &["--replica", "twitter=${REPLICA}"];
const NO_LAG: &[&str] = &["--max-lag", "0s"];

/// The tables, without a row.
fn laid(world: World) -> World {
    let world = world
        .file("bird.toml", BOTH)
        .migration(
            "ums/V1__a.sql",
            "CREATE TABLE users (id INT NOT NULL PRIMARY KEY);\n",
        )
        .migration(
            "twitter/V1__a.sql",
            "CREATE TABLE messages (id INT NOT NULL PRIMARY KEY, author INT);\n\
             CREATE INDEX messages_author ON messages (author);\n",
        );
    world.run(&["up"]).ok();
    world
}

/// Fifty users, and a message of each; the last two messages have no author.
fn planted(pair: &Pair) -> World {
    // A run before this one may have ended in the middle.
    replay(pair, true);
    let world = laid(pair.world(&["ums", "twitter"]));
    let world = world.env("REPLICA", &pair.replica_url("twitter"));
    let users: Vec<String> = (1..=50).map(|id| format!("({id})")).collect();
    let users = format!("INSERT INTO users VALUES {}", users.join(", "));
    pair.primary("ums", &users);
    let messages: Vec<String> = (1..=52).map(|id| format!("({id}, {id})")).collect();
    let messages = format!("INSERT INTO messages VALUES {}", messages.join(", "));
    pair.primary("twitter", &messages);
    pair.catch_up("twitter");
    world
}

pub fn run(world: &World, flags: &[&[&str]]) -> Output {
    world.run(&[&["audit", "--format", "json"], flags.concat().as_slice()].concat())
}

/// The ids of the orphans that were found among so many rows.
#[track_caller]
fn found(output: &Output, rows: u64) -> Vec<String> {
    let document = output.json();
    assert_eq!(document["complete"], true, "{}", output.transcript());
    let one = &document["references"][0];
    assert_eq!(one["rows"], rows, "{}", output.transcript());
    let sample = one["sample"].as_array().expect("a sample");
    let ids = sample.iter().map(|orphan| orphan["row"]["id"].as_str());
    let mut ids: Vec<String> = ids.map(|id| id.expect("an id").to_owned()).collect();
    ids.sort();
    ids
}

fn replica(output: &Output) -> Value {
    output.json()["references"][0]["replica"].clone()
}

fn what_it_has_is_found(pair: &Pair, world: &World) {
    if pair.engine == Engine::Postgres {
        // The time since its last transaction grows, and nothing is behind.
        thread::sleep(Duration::from_millis(1_200));
    }
    // Elsewhere a lag is told by checkpoints, and is gone a moment after the last row has come.
    let (limit, most) = pair.engine.pick(("5s", 5), ("0s", 0), ("", 0));
    let output = run(world, &[REPLICA, &["--max-lag", limit]]).exits(1);
    assert!(
        !output.stderr.contains("waiting"),
        "{}",
        output.transcript()
    );
    assert_eq!(found(&output, 52), ["51", "52"]);
    let (document, replica) = (output.json(), replica(&output));
    assert_eq!(document["references"][0]["guarantee"], "late");
    assert_eq!(replica["follows"], true, "{replica}");
    assert!(
        replica["behind_seconds"].as_u64() <= Some(most),
        "{replica}"
    );
    assert!(replica["behind_seconds"].is_u64(), "{replica}");
    let sources = document["references"][0]["sources"].to_string();
    assert!(sources.contains("keys from the replica"), "{sources}");
    let explained = world.run(&[&["audit", "--explain"], REPLICA].concat()).ok();
    explained
        .says("Asked of the replica of twitter")
        .says("Asked of ums");
    let output = run(world, &[]).exits(1);
    assert_ne!(output.json()["references"][0]["guarantee"], "late");
    assert_eq!(output.json()["references"][0]["replica"], Value::Null);
}

/// A copy of a file follows nothing; what is found there late is confirmed all the same.
fn a_copy_is_as_good() {
    let world = World::empty();
    let world = world
        .engine("ums", Engine::Sqlite)
        .engine("twitter", Engine::Sqlite);
    let world = laid(world).env("REPLICA", "sqlite:copy.db");
    let messages = "INSERT INTO messages VALUES (1, 1), (2, 2), (3, 3)";
    world.client("twitter", messages);
    std::fs::copy(world.name("twitter"), world.path("copy.db")).expect("a copy");
    world.client("ums", "INSERT INTO users VALUES (1)");
    world.client("twitter", "DELETE FROM messages WHERE id = 2");
    world.client("twitter", "INSERT INTO messages VALUES (4, 4)");
    let output = run(&world, &[REPLICA]).exits(1);
    assert_eq!(found(&output, 3), ["3"]);
    assert_eq!(
        replica(&output)["follows"],
        false,
        "{}",
        output.transcript()
    );
    output.warns(
        "does not report which server it replicates from: the audit misses rows that it lacks",
    );
    let output = run(&world, &[REPLICA, REPLICA]).exits(2);
    output.warns("`twitter` is named twice");
    let output = run(&world, &[REPLICA, NO_LAG]).exits(2);
    output.warns("--max-lag cannot be used");
    let output = run(&world, &[NO_LAG]).exits(1);
    output.warns("no server of this run is known to be a replica");
}

/// Stops it from showing what it receives, or lets it go on.
fn replay(pair: &Pair, on: bool) {
    let sql = match (pair.engine, on) {
        (Engine::Postgres, false) => "SELECT pg_wal_replay_pause()",
        (Engine::Postgres, true) => "SELECT pg_wal_replay_resume()",
        (Engine::MariaDb, false) => "STOP SLAVE SQL_THREAD",
        (Engine::MariaDb, true) => "START SLAVE",
        (_, false) => "STOP REPLICA SQL_THREAD",
        (_, true) => "START REPLICA",
    };
    pair.replica("", sql);
}

/// An orphan that is none any more is not reported; one that the replica lacks is left out, and the
/// report says so.
fn what_it_lacks_is_told(pair: &Pair, world: &World) {
    replay(pair, false);
    pair.primary("ums", "INSERT INTO users VALUES (51)");
    pair.primary("twitter", "DELETE FROM messages WHERE id = 1");
    pair.primary("twitter", "INSERT INTO messages VALUES (99, 99), (100, 1)");
    let output = run(world, &[REPLICA]).exits(1);
    assert_eq!(found(&output, 52), ["52"]);
    let output = world.run(&[&["audit"], REPLICA].concat()).exits(1);
    output
        .says("rows that had not reached the replica may be missing")
        .says(
            pair.engine
                .pick("which did not replicate when", " s behind when", ""),
        );
    assert_eq!(found(&run(world, &[]).exits(1), 53), ["52", "99"]);
}

/// What it has received and cannot show yet, because somebody has locked its table, is a lag.
fn a_lag_is_waited_for(pair: &Pair, world: &World) {
    // A lag is told in seconds.
    thread::sleep(Duration::from_millis(1_100));
    let flags = [&["audit", "--format", "json"], REPLICA, NO_LAG].concat();
    let output = thread::scope(|scope| {
        if pair.engine != Engine::Postgres {
            let hold = "LOCK TABLES messages READ; DO SLEEP(30)";
            scope.spawn(|| pair.try_replica("twitter", hold));
            while holders(pair).is_empty() {
                thread::sleep(Duration::from_millis(20));
            }
            replay(pair, true);
        }
        let waiting = world.start_and_wait_for(&flags, "waiting: the replica of twitter is ");
        // Whoever looks how far behind it is, looks in a new session where that one broke.
        let all = "SELECT ID FROM information_schema.PROCESSLIST \
                   WHERE USER = 'root' AND COALESCE(INFO, '') <> 'DO SLEEP(30)' AND DB = ";
        let name = pair.name("twitter");
        match pair.engine {
            Engine::Postgres => {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
                assert!(pair.replica("", &format!("{end}'{name}'")).contains("t\n"));
                replay(pair, true);
            }
            _ => {
                let all = pair.replica("", &format!("{all}'{name}'"));
                let ended = all
                    .lines()
                    .map(|id| pair.try_replica("", &format!("KILL {id}")));
                assert!(ended.filter(Result::is_ok).count() > 0, "{all}");
                pair.replica("", &format!("KILL {}", holders(pair)));
            }
        }
        waiting.finish().exits(1)
    });
    let output = output.warns(" s behind").warns("going on");
    assert_eq!(found(&output, 53), ["52", "99"]);
    let behind = &replica(&output)["behind_seconds"];
    assert!(behind.as_u64() > Some(0), "{}", output.transcript());
}

/// The session that has locked the table.
fn holders(pair: &Pair) -> String {
    let sql = "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO = 'DO SLEEP(30)'";
    pair.replica("", sql).trim().to_owned()
}

/// One that does not follow at all is not one that has nothing to do.
fn one_that_does_not_follow_is_told(pair: &Pair, world: &World) {
    let show = "SELECT setting FROM pg_settings WHERE name = 'primary_conninfo'";
    let set = |value: &str| {
        let sql = format!("ALTER SYSTEM SET primary_conninfo = '{value}'");
        pair.replica("", &sql);
        pair.replica("", "SELECT pg_reload_conf()");
    };
    let before = match pair.engine {
        Engine::Postgres => pair.replica("", show).trim().to_owned(),
        _ => String::new(),
    };
    match pair.engine {
        Engine::Postgres => {
            set("");
            let receivers = "SELECT count(*) FROM pg_stat_wal_receiver";
            while pair.replica("", receivers) != "0\n" {
                thread::sleep(Duration::from_millis(20));
            }
        }
        Engine::MariaDb => drop(pair.replica("", "STOP SLAVE")),
        _ => drop(pair.replica("", "STOP REPLICA")),
    }
    let flags = [&["audit", "--format", "json"], REPLICA, NO_LAG].concat();
    let mut waiting =
        world.start_and_wait_for(&flags, "waiting: the replica of twitter does not replicate");
    let output = run(world, &[REPLICA]).exits(1);
    let replica = replica(&output);
    assert_eq!(replica["follows"], false, "{replica}");
    assert_eq!(replica["behind_seconds"], Value::Null, "{replica}");
    assert!(
        output.transcript().contains("does not replicate"),
        "{}",
        output.transcript()
    );
    assert!(!waiting.has_ended());
    match pair.engine {
        Engine::Postgres => set(&before.replace('\'', "''")),
        _ => replay(pair, true),
    }
    waiting.finish().exits(1).warns("going on");
    pair.catch_up("twitter");
}

/// A repair of the primary looks at it between chunks, and goes on once it has caught up.
fn a_repair_waits_for_it(pair: &Pair, world: &World) {
    world.run(&["audit", "--plan", "orphans.plan"]).exits(1);
    replay(pair, false);
    pair.primary("twitter", "INSERT INTO messages VALUES (500, 1)");
    // A second is as fine as its lag is told.
    thread::sleep(Duration::from_millis(1_200));
    let arguments = [WHOLE, REPLICA, NO_LAG].concat();
    let held = held(world, &arguments, "repair-waits");
    replay(pair, true);
    let done = held.release().ok().warns("waiting: the replica of twitter");
    let report = done.warns("going on").json();
    assert_eq!(report["references"][0]["repaired"], 2, "{report}");
    let run = report["plan_run"].as_str().expect("a run");
    world.run(&["repair", "--undo", run]).ok();
    pair.primary("twitter", "DELETE FROM messages WHERE id = 500");
    pair.catch_up("twitter");
}

/// What cannot be its replica is not read; what may be something else is told.
/// A replica with filters lacks rows, and nothing of what it has says so.
fn a_partial_one_is_refused(pair: &Pair, world: &World) {
    let filter = |database: &str| match pair.engine {
        Engine::MySql => format!("CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = ({database})"),
        _ => format!("STOP SLAVE; SET GLOBAL replicate_ignore_db = '{database}'"),
    };
    if pair.engine == Engine::Postgres {
        return;
    }
    replay(pair, false);
    pair.replica("", &filter("elsewhere"));
    replay(pair, true);
    run(world, &[REPLICA])
        .exits(2)
        .warns("error[other-replica]")
        .warns("replicates only a part");
    replay(pair, false);
    pair.replica("", &filter(""));
    replay(pair, true);
}

fn another_is_told_apart(pair: &Pair, world: &World) {
    let refused = |url: &str| {
        let flag = format!("twitter={url}");
        run(world, &[&["--replica", &flag]]).exits(2)
    };
    let output = refused(&pair.replica_url("ums"));
    output
        .warns("error[other-replica]")
        .warns("it has no table `messages`");
    let alter = |sql: &str| {
        pair.primary("twitter", &format!("ALTER TABLE messages {sql}"));
        pair.catch_up("twitter");
    };
    replay(pair, false);
    pair.primary(
        "twitter",
        "ALTER TABLE messages RENAME COLUMN author TO author_id",
    );
    let config = BOTH.replace("messages.author", "messages.author_id");
    world.write("bird.toml", &config);
    let output = run(world, &[REPLICA]).exits(2);
    output.warns("has no column `author_id`");
    replay(pair, true);
    alter("RENAME COLUMN author_id TO author");
    world.write("bird.toml", BOTH);
    let output = world.run(&["audit", "--replica", "ums=${REPLICA}"]);
    output.warns("the replica of ums is not used");
    // The database is on another server than the one that the replica follows.
    let mut elsewhere = World::empty().file("bird.toml", BOTH);
    for database in ["ums", "twitter"] {
        elsewhere = elsewhere.engine(database, pair.engine);
    }
    let elsewhere = elsewhere.env("REPLICA", &pair.replica_url("twitter"));
    for (database, table) in [
        ("ums", "CREATE TABLE users (id INT NOT NULL PRIMARY KEY)"),
        (
            "twitter",
            "CREATE TABLE messages (id INT NOT NULL PRIMARY KEY, author INT)",
        ),
    ] {
        elsewhere.server(database, "CREATE DATABASE {name}");
        elsewhere.client(database, table);
    }
    let output = elsewhere.run(&[&["audit"], REPLICA].concat());
    match pair.engine {
        Engine::Postgres => output.exits(2).warns("it replicates from another server"),
        // There replicas may follow each other in a chain.
        _ => output
            .ok()
            .warns("replicates from another server than that of twitter"),
    };
}

/// A standby that has to replay what a statement still sees ends the statement.
fn what_a_standby_had_to_replay_is_told(pair: &Pair, world: &World) {
    let delay = |sql: &str| {
        pair.replica(
            "",
            &format!("ALTER SYSTEM {sql} max_standby_streaming_delay"),
        );
        pair.replica("", "SELECT pg_reload_conf()");
    };
    pair.replica("", "ALTER SYSTEM SET max_standby_streaming_delay = 0");
    pair.replica("", "SELECT pg_reload_conf()");
    // Each row takes a while, so that a statement lasts longer than the pause between two VACUUMs.
    let config = format!("{BOTH}where = \"pg_sleep(0.02) IS NOT NULL\"\n");
    world.write("bird.toml", &config);
    let flags = [&["audit", "--format", "json"], REPLICA].concat();
    let mut auditing = world.start(&flags);
    while !auditing.has_ended() {
        let clean = "UPDATE messages SET id = id WHERE id = 2; VACUUM messages";
        for statement in clean.split(';') {
            pair.primary("twitter", statement);
        }
        thread::sleep(Duration::from_millis(100));
    }
    let output = auditing.finish().exits(2);
    let document = output.json();
    assert_eq!(document["complete"], false, "{}", output.transcript());
    assert_eq!(document["references"][0]["coverage"], json!([]));
    let output = output.warns("twitter: reading its keys from the replica: ");
    let output = output.warns("due to conflict with recovery (40001)");
    output.warns("hot_standby_feedback = on").warns("--resume");
    delay("RESET");
    world.write("bird.toml", BOTH);
}

/// Without the right to ask how far behind a replica is, a limit for that cannot be followed.
fn an_account_that_may_not_ask(pair: &Pair, world: &World) {
    let user = format!("u{}", pair.name(""));
    let (one, password) = (format!("'{user}'@'%'"), "S3cr3t-canary");
    pair.primary("", &format!("CREATE USER {one} IDENTIFIED BY '{password}'"));
    let name = pair.name("twitter");
    pair.primary("", &format!("GRANT SELECT ON {name}.* TO {one}"));
    pair.catch_up("twitter");
    let url = pair
        .replica_url("twitter")
        .replace("root:", &format!("{user}:"));
    let flag = format!("twitter={url}");
    let named = &["--replica", &flag];
    let output = run(world, &[named, NO_LAG]).exits(2);
    let right = match pair.engine {
        Engine::MariaDb => "GRANT SLAVE MONITOR",
        _ => "GRANT REPLICATION CLIENT",
    };
    let output = output.warns("does not report to this account how far behind it is");
    output.warns(right);
    pair.primary("", &format!("{} ON *.* TO {one}", right));
    pair.catch_up("twitter");
    let output = run(world, &[named, NO_LAG]).exits(1);
    assert_eq!(replica(&output)["follows"], true, "{}", output.transcript());
    pair.primary(
        "",
        &format!("{} ON *.* FROM {one}", right.replace("GRANT", "REVOKE")),
    );
    pair.catch_up("twitter");
    let output = run(world, &[named]).exits(1);
    assert_eq!(
        replica(&output)["follows"],
        Value::Null,
        "{}",
        output.transcript()
    );
    pair.primary("", &format!("DROP USER {one}"));
}
