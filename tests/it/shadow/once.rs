//! A run replays the same texts once, however many of its checks need their schema.

use crate::world::{Engine, Output, World};

engines!(
    checks_share_a_replay,
    a_state_between_two_migrations_is_replayed_once,
);

/// The replays of a run with `-v`, by the number of their files.
fn replays(output: &Output) -> Vec<&str> {
    let lines = output.stderr.lines();
    let replays = lines.filter_map(|line| line.split_once(": replayed "));
    replays
        .filter_map(|(_, rest)| rest.strip_suffix(" in a scratch database"))
        .collect()
}

fn world(engine: Engine, database: &str) -> World {
    let world = World::empty()
        .file("bird.toml", &format!("[databases.ums]\n{database}"))
        .file(
            "schema.sql",
            "CREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\nCREATE TABLE c (id INT);\n",
        )
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .migration("ums/V2__b.sql", "CREATE TABLE b (id INT);\n")
        .migration("ums/V3__c.sql", "CREATE TABLE c (id INT);\n")
        .engine("ums", engine);
    world.run(&["up"]).ok();
    world
}

/// The applied migrations are all migrations: what would come out of them in a new environment is
/// also what is compared with the desired schema.
fn checks_share_a_replay(engine: Engine) {
    let world = world(engine, "schema = 'schema.sql'\n");
    let verify = world.run(&["verify", "-v"]).ok();
    assert_eq!(
        replays(&verify),
        ["3 files", "1 file"],
        "{}",
        verify.transcript()
    );
    world.write("migrations/ums/V4__d.sql", "CREATE TABLE d (id INT);\n");
    let verify = world.run(&["verify", "-v"]).exits(1);
    assert_eq!(
        replays(&verify),
        ["3 files", "4 files", "1 file"],
        "{}",
        verify.transcript()
    );
}

fn a_state_between_two_migrations_is_replayed_once(engine: Engine) {
    let world = world(engine, "");
    let undo = world.run(&["undo", "--to", "0", "-v"]).ok();
    assert_eq!(
        replays(&undo),
        ["3 files", "2 files", "1 file"],
        "{}",
        undo.transcript()
    );
    world.run(&["up"]).ok().says("applied 3 migrations");
    world.run(&["verify"]).ok();
}
