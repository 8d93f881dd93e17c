//! Sessions that somebody else ends, statements whose time is over, and servers that end what is
//! idle.

use std::time::{Duration, Instant};

use crate::exactly::{Blocker, waits};
use crate::until::until;
use crate::world::{Engine, World, database};

engines!(
    a_session_that_is_ended_on_its_server_gives_its_lock_back,
    a_schema_statement_whose_session_is_ended_is_decided,
    a_statement_whose_time_is_over_is_cancelled_on_the_server,
);

const FILE: &str = "migrations/ums/V1__slow.sql";

fn slow(engine: Engine, seconds: u32) -> String {
    let sleep = engine.pick(
        format!("DO SLEEP({seconds})"),
        format!("SELECT pg_sleep({seconds})"),
        "SELECT 1".to_owned(),
    );
    format!("CREATE TABLE a (id INT);\n{sleep};\nINSERT INTO a VALUES (1);\n")
}

/// The sessions of this world's database that run something like this.
fn sessions(world: &World, like: &str) -> Vec<String> {
    let name = world.name("ums");
    let sql = world.engine_of("ums").pick(
        format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{name}' \
             AND INFO LIKE '{like}' AND ID <> CONNECTION_ID()"
        ),
        format!(
            "SELECT pid FROM pg_stat_activity WHERE datname = '{name}' \
             AND state = 'active' AND query LIKE '{like}' AND pid <> pg_backend_pid()"
        ),
        String::new(),
    );
    let rows = world.server("ums", &sql);
    rows.lines().map(str::to_owned).collect()
}

fn end(world: &World, session: &str) {
    let sql = world.engine_of("ums").pick(
        format!("KILL {session}"),
        format!("SELECT pg_terminate_backend({session})"),
        String::new(),
    );
    world.server("ums", &sql);
}

fn world(engine: Engine, text: &str) -> World {
    let world = World::one(engine).file(FILE, text);
    world.run(&["provision"]).ok();
    world
}

/// The lock is the session's: no run is kept waiting by one that is gone.
fn a_session_that_is_ended_on_its_server_gives_its_lock_back(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // It has no sessions.
    }
    let world = world(engine, &slow(engine, 30));
    let running = world.start(&["migrate"]);
    let like = engine.pick("DO SLEEP%", "SELECT pg_sleep%", "");
    until("the slow statement", || !sessions(&world, like).is_empty());
    for session in sessions(&world, like) {
        end(&world, &session);
    }
    let lost = running.finish().exits(4).warns("error[connection-lost]");
    assert!(
        lost.stderr.contains("bird migrate"),
        "{}",
        lost.transcript()
    );
    world.write(FILE, &slow(engine, 0));
    let start = Instant::now();
    world.run(&["migrate", "--lock-timeout", "5s"]).ok();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// While it waits behind somebody, so that it did not run.
fn a_schema_statement_whose_session_is_ended_is_decided(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = world(engine, "CREATE TABLE a (id INT);\n");
    world.run(&["migrate"]).ok();
    let alter = engine.pick(
        "ALTER TABLE a ADD COLUMN n INT;\n",
        "-- bird: no-transaction\n\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
        "",
    );
    world.write("migrations/ums/V2__alter.sql", alter);
    let blocker = Blocker::of(&world, "a");
    let running = world.start(&["migrate"]);
    until("the statement waits", || waits(&world));
    let like = engine.pick("ALTER TABLE%", "CREATE INDEX%", "");
    for session in sessions(&world, like) {
        end(&world, &session);
    }
    running.finish().exits(4).warns("error[connection-lost]");
    let status = world.run(&["status", "--format", "json"]).ok().json();
    assert_eq!(database(&status, "ums")["partial"]["in_doubt"], true);
    blocker.release();
    world.run(&["migrate"]).ok();
    world.run(&["status", "--exit-code"]).ok();
    let journal = "SELECT count(*) FROM bird_journal WHERE version = 2 AND state = 'done'";
    assert_eq!(world.client("ums", journal), "1\n");
}

/// bird does not leave it alone: it cancels it, and waits for its end.
fn a_statement_whose_time_is_over_is_cancelled_on_the_server(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // Its statements end with bird.
    }
    let limited = "[databases.ums]\nstatement_timeout = \"1s\"\n";
    // MySQL's SLEEP ends without an error when it is cancelled; what goes on behind it does not.
    let long = engine.pick(
        "INSERT INTO a SELECT SLEEP(0.2) FROM information_schema.COLLATIONS",
        "INSERT INTO a SELECT 1 FROM pg_sleep(30)",
        "",
    );
    let text = format!("CREATE TABLE a (id INT);\n{long};\nINSERT INTO a VALUES (1);\n");
    let world = world(engine, &text).file("bird.toml", limited);
    let start = Instant::now();
    let stopped = world
        .run(&["migrate"])
        .exits(4)
        .warns("statement 2 of 3 of V1 slow was cancelled");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{}",
        stopped.transcript()
    );
    assert_eq!(sessions(&world, "INSERT INTO a%"), Vec::<String>::new());
    world.write(FILE, &slow(engine, 0));
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// While a database waits for another one, its session says nothing; a server that ends idle
/// sessions must not end this one.
#[test]
fn a_session_that_waits_for_another_database_is_kept() {
    Engine::Postgres.run(|engine| {
        let world = World::empty()
            .file("bird.toml", "[databases.twitter]\n[databases.ums]\n")
            .file(FILE, &slow(engine, 4))
            .migration(
                "twitter/V1__bound.sql",
                "-- bird: requires ums@1\nCREATE TABLE t (id INT);\n",
            )
            .engine("ums", engine)
            .engine("twitter", engine);
        world.run(&["provision"]).ok();
        for setting in [
            "idle_session_timeout",
            "idle_in_transaction_session_timeout",
        ] {
            let name = world.name("twitter");
            let sql = format!("ALTER DATABASE {name} SET {setting} TO '1s'");
            world.server("twitter", &sql);
        }
        world.run(&["migrate"]).ok();
        world.run(&["status", "--exit-code"]).ok();
    });
}
