//! The computed undo where something is otherwise than on the day of the migration: another database
//! of the same files, another schema, an adopted history, a file that ran halfway.

use crate::world::{Engine, World, database};

engines!(
    in_another_database_of_the_same_files,
    in_a_second_schema,
    after_an_adoption,
    after_a_file_that_ran_halfway,
);

const FIRST: &str = "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(20));\n";
const SECOND: &str = "ALTER TABLE users ADD COLUMN mail VARCHAR(20);\n\
                      CREATE TABLE IF NOT EXISTS fees (id INT PRIMARY KEY);\n\
                      CREATE VIEW names AS SELECT name FROM users;\n";

fn world(engine: Engine) -> World {
    let world = World::one(engine)
        .migration("ums/V1__a.sql", FIRST)
        .migration("ums/V2__b.sql", SECOND);
    world.provision("ums");
    world
}

const UNDO: &[&str] = &["undo", "--allow", "data-loss", "--allow", "drop-table"];

fn version(world: &World, name: &str) -> i64 {
    let state = world.run(&["status", "--format", "json"]).json();
    database(&state, name)["current"]
        .as_i64()
        .unwrap_or_default()
}

fn in_another_database_of_the_same_files(engine: Engine) {
    let config = "[databases.ums]\n[databases.copy]\nmigrations = \"migrations/ums\"\n";
    let world = world(engine).engine("copy", engine);
    world.write("bird.toml", config);
    world.provision("copy");
    world.client("copy", "CREATE TABLE fees (id INT PRIMARY KEY)");
    world.client("copy", "INSERT INTO fees VALUES (7)");
    world.run(&["migrate", "--allow", "non-empty"]).ok();
    world.run(&["verify"]).ok();
    for name in ["copy", "ums"] {
        world.run(&[UNDO, &["--database", name]].concat()).ok();
        world.refused(name, "SELECT mail FROM users");
        world.refused(name, "SELECT * FROM names");
    }
    // It was there before in one of them only, which no new environment would get.
    world.run(&["verify", "--database", "ums"]).ok();
    world
        .run(&["verify", "--database", "copy"])
        .exits(1)
        .warns("copy: table fees would come out otherwise in a new environment");
    assert_eq!(world.client("copy", "SELECT * FROM fees"), "7\n");
    world.refused("ums", "SELECT * FROM fees");
    world.run(&["migrate"]).ok();
    world.run(&["verify"]).ok();
}

fn in_a_second_schema(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let world = world(engine);
    let config = "[databases.ums]\nschema_name = \"one\"\n\
                  [databases.copy]\nschema_name = \"two\"\nmigrations = \"migrations/ums\"\n";
    world.write("bird.toml", config);
    let url = world.url("ums").to_owned();
    let world = world.env("BIRD_COPY_URL", &url);
    world.client("ums", "CREATE SCHEMA one; CREATE SCHEMA two");
    world.run(&["migrate"]).ok();
    world.run(&["verify"]).ok();
    world.run(&[UNDO, &["--database", "copy"]].concat()).ok();
    world.client("ums", "SELECT mail FROM one.users, one.fees, one.names");
    world.refused("ums", "SELECT mail FROM two.users");
    world.refused("ums", "SELECT * FROM two.fees");
    world.run(&["verify"]).ok();
}

fn after_an_adoption(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    for table in [
        "refinery_schema_history",
        "bird_journal",
        "bird_applied",
        "bird_schema",
    ] {
        world.client("ums", &format!("DROP TABLE {table}"));
    }
    world.run(&["adopt", "--from", "baseline"]).ok();
    // Nobody knows what the migration found.
    world
        .run(UNDO)
        .exits(3)
        .warns("may have found table fees in place");
    world.run(&[UNDO, &["--allow", "not-undone"]].concat()).ok();
    assert_eq!(version(&world, "ums"), 1);
    world.client("ums", "SELECT * FROM fees");
    world.refused("ums", "SELECT mail FROM users");
    world.refused("ums", "SELECT * FROM names");
}

fn after_a_file_that_ran_halfway(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    world.write(
        "migrations/ums/V3__c.sql",
        "-- bird: no-transaction\nCREATE TABLE half (id INT);\nCREATE TABLE users (id INT);\n",
    );
    world.run(&["migrate"]).exits(4);
    world.write(
        "migrations/ums/V3__c.sql",
        "-- bird: no-transaction\nCREATE TABLE half (id INT);\nCREATE TABLE whole (id INT);\n",
    );
    world.run(&["migrate"]).ok();
    world.run(&["verify"]).ok();
    world.run(&[UNDO, &["--to", "1"]].concat()).ok();
    for gone in ["half", "whole", "fees", "names"] {
        world.refused("ums", &format!("SELECT * FROM {gone}"));
    }
    world.run(&["verify"]).ok();
}
