//! Indexes that PostgreSQL builds beside other work: they commit by themselves, in several steps,
//! and what was not finished is left behind as invalid.

use crate::exactly::{Blocker, waits};
use crate::until::until;
use crate::world::{Engine, World};

const TWO: &str = "migrations/ums/V2__two.sql";

fn world(index: &str) -> World {
    let world = World::one(Engine::Postgres).migration(
        "ums/V1__one.sql",
        "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1), (1);\n",
    );
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world.write(TWO, &format!("-- bird: no-transaction\n\n{index};\n"));
    world
}

/// Valid and invalid indexes of the table.
fn indexes(world: &World) -> String {
    let sql = "SELECT count(*) FILTER (WHERE indisvalid), count(*) FILTER (WHERE NOT indisvalid) \
               FROM pg_index WHERE indrelid = 'a'::regclass";
    world.client("ums", sql)
}

#[test]
fn an_index_that_could_not_be_built_is_cleared_away() {
    Engine::Postgres.run(|_| {
        for name in ["one", "\"Odd name\"", ""] {
            let world = world(&format!(
                "CREATE UNIQUE INDEX CONCURRENTLY {name} ON a (id)"
            ));
            world
                .run(&["migrate"])
                .exits(4)
                .warns("23505")
                .warns("bird removed what it left half done: DROP INDEX CONCURRENTLY");
            assert_eq!(indexes(&world), "0\t0\n");
            world.client("ums", "DELETE FROM a WHERE ctid = '(0,1)'");
            world.run(&["migrate"]).ok();
            assert_eq!(indexes(&world), "1\t0\n");
            world.run(&["status", "--exit-code"]).ok();
        }
    });
}

/// bird is killed, and its session is ended before the index is built.
#[test]
fn an_index_whose_build_was_killed_is_built_anew() {
    Engine::Postgres.run(|_| {
        for name in ["one", ""] {
            let world = world(&format!("CREATE INDEX CONCURRENTLY {name} ON a (id)"));
            let blocker = Blocker::of(&world, "a");
            let running = world.start(&["migrate"]);
            until("the statement waits", || waits(&world));
            running.signal("KILL");
            assert_eq!(running.finish().code, 137);
            let end = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = '{}' AND query LIKE 'CREATE INDEX%'",
                world.name("ums")
            );
            world.server("ums", &end);
            until("its end", || !waits(&world));
            assert_eq!(indexes(&world), "0\t1\n");
            // Whoever was in the way is still there: nothing is done, and nothing forgotten.
            world.run(&["migrate", "--lock-timeout", "1s"]).exits(4);
            blocker.release();
            world
                .run(&["migrate"])
                .ok()
                .warns("an earlier run was interrupted: DROP INDEX CONCURRENTLY");
            assert_eq!(indexes(&world), "1\t0\n");
            world.run(&["status", "--exit-code"]).ok();
        }
    });
}
