//! A reset: databases are dropped and brought up anew.

use crate::world::{Engine, World};

engines!(a_database_is_dropped_and_brought_up);

fn a_database_is_dropped_and_brought_up(engine: Engine) {
    let world = World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    world.run(&["up"]).ok();
    world.client("ums", "INSERT INTO a VALUES (1)");
    world
        .run(&["reset"])
        .exits(3)
        .warns("reset drops all data in")
        .warns("--allow drop-database");
    assert_eq!(world.client("ums", "SELECT count(*) FROM a"), "1\n");
    // The file was edited: a reset applies it as it is now.
    world.write(
        "migrations/ums/V1__a.sql",
        "CREATE TABLE a (id INT, n INT);\n",
    );
    let reset = ["reset", "--allow", "drop-database"];
    world.run(&reset).ok().says("applied 1 migration");
    assert_eq!(world.client("ums", "SELECT count(n) FROM a"), "0\n");
    world.run(&["status", "--exit-code"]).ok();
}
