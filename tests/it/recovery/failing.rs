//! Statements that fail and leave something behind all the same.

use crate::world::{Engine, World};

/// A world with what is there, and one file.
fn world(engine: Engine, setup: &str, file: &str) -> World {
    let world = World::one(engine).migration("ums/V1__f.sql", file);
    world.server("ums", "CREATE DATABASE {name}");
    world.client("ums", setup);
    world
}

const MIGRATE: &[&str] = &["migrate", "--allow", "non-empty", "--allow", "drop-table"];

#[test]
fn an_index_that_could_not_be_unique_is_cleared_away() {
    Engine::Postgres.run(|engine| {
        let world = world(
            engine,
            "CREATE TABLE t (n INT); INSERT INTO t VALUES (1), (1);",
            "-- bird: no-transaction\n\nCREATE UNIQUE INDEX CONCURRENTLY one_n ON t (n);\n\
             CREATE INDEX CONCURRENTLY ON t (n);\n",
        );
        let indexes = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass";
        world
            .run(MIGRATE)
            .exits(4)
            .warns("could not create unique index")
            .warns("bird removed what it left half done: DROP INDEX CONCURRENTLY IF EXISTS public.one_n");
        assert_eq!(world.client("ums", indexes), "0\n");
        world.client("ums", "DELETE FROM t");
        world.run(MIGRATE).ok();
        assert_eq!(world.client("ums", indexes), "2\n");
    });
}

/// MariaDB drops what it can before it says that something is missing; MySQL drops nothing.
#[test]
fn a_drop_that_fails_half_way_is_looked_at() {
    let file = "DROP TABLE a, missing;\n";
    Engine::MySql.run(|engine| {
        let world = world(engine, "CREATE TABLE a (id INT)", file);
        world
            .run(MIGRATE)
            .exits(4)
            .warns("nothing of V1 f is applied");
        world.client("ums", "SELECT * FROM a");
        world.write("migrations/ums/V1__f.sql", "DROP TABLE a;\n");
        world.run(MIGRATE).ok();
    });
    Engine::MariaDb.run(|engine| {
        let world = world(engine, "CREATE TABLE a (id INT)", file);
        world
            .run(MIGRATE)
            .exits(4)
            .warns("its change is in place all the same");
        world.refused("ums", "SELECT * FROM a");
        world
            .run(MIGRATE)
            .ok()
            .says("is already applied by an earlier run");
    });
}

/// What failed and left nothing is no doubt: the file can be edited.
#[test]
fn a_change_that_fails_can_be_edited() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let setup = "CREATE TABLE t (n INT); INSERT INTO t VALUES (1), (1)";
            let world = world(engine, setup, "ALTER TABLE t ADD UNIQUE one_n (n);\n");
            world.run(MIGRATE).exits(4).warns("Duplicate entry");
            world.write(
                "migrations/ums/V1__f.sql",
                "ALTER TABLE t ADD KEY one_n (n);\n",
            );
            world.run(MIGRATE).ok();
        });
    }
}
