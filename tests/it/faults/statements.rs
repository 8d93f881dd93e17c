//! Statements that wait, that are half done, and whose effect is hard to see.

use std::time::{Duration, Instant};

use crate::exactly::{Blocker, killed, waits};
use crate::until::until;
use crate::world::{Engine, World, database};

engines!(
    a_blocked_statement_steps_back_and_names_who_is_in_the_way,
    a_prepared_transaction_in_the_way_is_named,
    a_row_that_somebody_holds_is_waited_for,
    rows_that_came_after_a_truncation_stay,
);

const TWO: &str = "migrations/ums/V2__two.sql";

/// A database at version 1 and a second file.
fn world(engine: Engine, first: &str, second: &str) -> World {
    let world = World::one(engine).migration("ums/V1__one.sql", first);
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world.write(TWO, second);
    world
}

/// No session has a prepared transaction: it stays through restarts until somebody ends it.
fn a_prepared_transaction_in_the_way_is_named(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // It has none.
    }
    let alter = "ALTER TABLE a ADD COLUMN n INT;\n";
    let world = world(engine, "CREATE TABLE a (id INT);\n", alter);
    let id = format!("pay-{}", world.name("ums"));
    let prepare = engine.pick(
        format!("XA START '{id}'; INSERT INTO a VALUES (1); XA END '{id}'; XA PREPARE '{id}'"),
        format!("BEGIN; INSERT INTO a VALUES (1); PREPARE TRANSACTION '{id}'"),
        String::new(),
    );
    let roll_back = engine.pick("XA ROLLBACK", "ROLLBACK PREPARED", "");
    world.client("ums", &prepare);
    let stopped = world.run(&["migrate", "--lock-timeout", "1s"]);
    world.client("ums", &format!("{roll_back} '{id}'"));
    stopped
        .exits(4)
        .warns(&format!("prepared transaction `{id}`"));
    world.run(&["migrate"]).ok();
}

/// Whoever comes later waits behind a statement that waits: it must give way before it tries
/// again.
fn a_blocked_statement_steps_back_and_names_who_is_in_the_way(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // `lock.rs` has its lock, which is one for the whole file.
    }
    let alter = "ALTER TABLE a ADD COLUMN n INT;\n";
    let world = world(engine, "CREATE TABLE a (id INT);\n", alter);
    let blocker = Blocker::of(&world, "a");
    let running = world.start(&["migrate", "--lock-timeout", "2s"]);
    let blocked = |world: &World| match engine {
        Engine::Postgres => {
            let sql = format!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' \
                 AND wait_event_type = 'Lock'",
                world.name("ums")
            );
            world.server("ums", &sql) != "0\n"
        }
        _ => waits(world),
    };
    until("the statement waits", || blocked(&world));
    // It is queued behind the ALTER, and no longer than that waits.
    let start = Instant::now();
    world.client("ums", "SELECT count(*) FROM a");
    assert!(start.elapsed() < Duration::from_secs(4));
    let stopped = running.finish().exits(4);
    let who = "its tables are locked by session";
    let stopped = stopped.warns(who).warns("--lock-timeout");
    let status = world.run(&["status", "--format", "json"]).ok().json();
    let partial = &database(&status, "ums")["partial"];
    assert!(partial.is_null(), "{partial} {}", stopped.transcript());
    let columns = engine.pick(
        "SELECT count(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
         AND TABLE_NAME = 'a'",
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum > 0",
        "",
    );
    assert_eq!(world.client("ums", columns), "1\n");
    blocker.release();
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", columns), "2\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// The statement was rolled back by its server, so it can be tried again.
fn a_row_that_somebody_holds_is_waited_for(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = world(
        engine,
        "CREATE TABLE a (id INT PRIMARY KEY, n INT);\nINSERT INTO a VALUES (1, 0);\n",
        "UPDATE a SET n = n + 1;\n",
    );
    let blocker = Blocker::with(&world, "UPDATE a SET n = n + 10");
    let running = world.start(&["migrate", "--lock-timeout", "30s"]);
    std::thread::sleep(Duration::from_millis(5500));
    blocker.release();
    running.finish().ok().warns("trying again");
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\t11\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// The server ends one of two that wait for each other, and rolls its transaction back.
#[test]
fn a_deadlock_is_tried_again() {
    Engine::Postgres.run(|engine| {
        let world = world(
            engine,
            "CREATE TABLE a (id INT PRIMARY KEY, n INT);\nINSERT INTO a VALUES (1, 0), (2, 0);\n",
            "UPDATE a SET n = n + 1 WHERE id = 1;\nSELECT pg_sleep(1.5);\n\
             UPDATE a SET n = n + 1 WHERE id = 2;\n",
        );
        let running = world.start(&["migrate", "--lock-timeout", "30s"]);
        let sleeping = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' \
             AND query LIKE 'SELECT pg_sleep%' AND state = 'active'",
            world.name("ums")
        );
        until("the first row is held", || {
            world.server("ums", &sleeping) != "0\n"
        });
        // It never looks for a deadlock itself, so bird's statement is the one that is ended.
        world.client(
            "ums",
            "SET deadlock_timeout TO '60s'; BEGIN; UPDATE a SET n = n + 10 WHERE id = 2; \
             UPDATE a SET n = n + 10 WHERE id = 1; COMMIT",
        );
        running.finish().ok().warns("trying again");
        let rows = world.client("ums", "SELECT n FROM a");
        assert_eq!(rows, "11\n11\n");
        world.run(&["status", "--exit-code"]).ok();
    });
}

/// MariaDB drops what it can and then fails; MySQL drops all or nothing.
#[test]
fn a_drop_that_fails_half_way_is_looked_at() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let drop = "-- bird: allow drop-table\n\nDROP TABLE a, missing;\n\
                        CREATE TABLE after_all (id INT);\n";
            let world = world(engine, "CREATE TABLE a (id INT);\n", drop);
            let failed = world.run(&["migrate"]).exits(4).warns("1051");
            let there = "SELECT count(*) FROM information_schema.TABLES \
                         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'a'";
            match engine {
                Engine::MariaDb => {
                    assert_eq!(world.client("ums", there), "0\n");
                    failed.warns("the next run finds it applied");
                }
                _ => {
                    assert_eq!(world.client("ums", there), "1\n");
                    assert!(!failed.stderr.contains("finds it applied"));
                    world.write(TWO, &drop.replace(", missing", ""));
                }
            }
            world.run(&["migrate"]).ok();
            assert_eq!(world.client("ums", there), "0\n");
            world.run(&["status", "--exit-code"]).ok();
        });
    }
}

/// An empty table is as empty when it is truncated twice, but what has come in between is lost.
fn rows_that_came_after_a_truncation_stay(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // It has no TRUNCATE.
    }
    let named: &[(&str, &str)] = engine.pick(
        &[
            ("a", ""),
            ("`odd-näme`", ""),
            ("parts", " PARTITION BY HASH (id) PARTITIONS 3"),
        ],
        &[("a", "")],
        &[],
    );
    for (name, rest) in named {
        for bare in ["", "-- bird: no-transaction\n"] {
            let truncate = format!(
                "-- bird: allow data-loss\n{bare}\nTRUNCATE TABLE {name};\nCREATE TABLE z (id INT);\n"
            );
            let create =
                format!("CREATE TABLE {name} (id INT){rest};\nINSERT INTO {name} VALUES (1);\n");
            let world = world(engine, &create, &truncate);
            let point = if engine.is_transactional() {
                "booked"
            } else {
                "sent"
            };
            if !killed(&world, point) {
                continue; // One transaction holds the file.
            }
            world.client("ums", &format!("INSERT INTO {name} VALUES (7)"));
            let next = world.run(&["migrate"]);
            let rows = world.client("ums", &format!("SELECT * FROM {name}"));
            assert_eq!(rows, "7\n", "{engine:?} {name}: {}", next.transcript());
            assert!([0, 5].contains(&next.code), "{}", next.transcript());
        }
    }
}

/// Rows on such a table stay where their transaction is rolled back, and its journal row does not.
#[test]
fn rows_that_cannot_be_rolled_back_are_refused() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let first = "CREATE TABLE m (id INT) ENGINE = MyISAM;\n";
            for changes in [
                "INSERT INTO m VALUES (1)",
                "CREATE TABLE n LIKE m;\nINSERT INTO n VALUES (1)",
                "RENAME TABLE m TO n;\nINSERT INTO n VALUES (1)",
                "ALTER TABLE m RENAME TO n;\nINSERT INTO n VALUES (1)",
                "CREATE TABLE n (id INT) ENGINE = MyISAM;\nINSERT INTO n VALUES (1)",
            ] {
                let world = world(engine, first, &format!("{changes};\n"));
                world
                    .run(&["migrate"])
                    .exits(3)
                    .warns("error[not-exact]")
                    .warns("-- bird: idempotent");
                let marked = changes.replace("INSERT", "-- bird: idempotent\nINSERT");
                world.write(TWO, &format!("{marked};\n"));
                world.run(&["migrate"]).ok();
                world.run(&["status", "--exit-code"]).ok();
            }
        });
    }
}

/// A value that a transaction has added to a type cannot be used before it commits.
#[test]
fn a_new_value_of_a_type_is_used_in_a_file_without_transaction() {
    Engine::Postgres.run(|engine| {
        let add = "ALTER TYPE mood ADD VALUE 'calm';\nINSERT INTO a VALUES ('calm');\n";
        let first = "CREATE TYPE mood AS ENUM ('glad');\nCREATE TABLE a (m mood);\n";
        let world = world(engine, first, add);
        world.run(&["migrate"]).exits(4).warns("55P04");
        assert_eq!(
            world.client("ums", "SELECT enum_range(NULL::mood)"),
            "{glad}\n"
        );
        world.write(TWO, &format!("-- bird: no-transaction\n\n{add}"));
        world.run(&["migrate"]).ok();
        assert_eq!(world.client("ums", "SELECT * FROM a"), "calm\n");
        world.run(&["status", "--exit-code"]).ok();
    });
}
