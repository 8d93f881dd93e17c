//! What a migration found in place: `IF NOT EXISTS` makes nothing then, and the undo drops nothing.

use crate::world::{Engine, World, database};

engines!(
    what_a_migration_found_stays_and_what_it_made_goes,
    what_nobody_saw_needs_consent_to_stay,
    what_was_added_by_hand_between_two_runs_stays,
    an_administrators_extension_stays,
    a_found_type_schema_and_view_stay,
);

const OLD: &str = "CREATE TABLE old (id INT PRIMARY KEY, x VARCHAR(9)); \
                   INSERT INTO old VALUES (1, 'kept')";

fn world(engine: Engine) -> World {
    let world = World::one(engine)
        .migration(
            "ums/V1__a.sql",
            "CREATE TABLE IF NOT EXISTS old (id INT PRIMARY KEY, x VARCHAR(9));\n\
             CREATE TABLE IF NOT EXISTS fresh (id INT PRIMARY KEY);\n",
        )
        .migration("ums/V2__b.sql", "ALTER TABLE old ADD COLUMN y INT;\n");
    world.provision("ums");
    world.client("ums", OLD);
    world
}

/// What takes back the statements of the undone migrations, the newest first.
fn accounts(document: &serde_json::Value) -> Vec<String> {
    let undone = database(document, "ums")["taken_back"].as_array().cloned();
    let undone = undone.unwrap_or_default();
    let statements = undone.iter().flat_map(|one| one["statements"].as_array());
    let by = statements
        .flatten()
        .map(|one| one["by"].as_str().unwrap_or_default().to_owned());
    by.collect()
}

fn what_a_migration_found_stays_and_what_it_made_goes(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate", "--allow", "non-empty"]).ok();
    // A table that the migrations state is theirs: it is no drift.
    world.run(&["verify"]).ok();
    world
        .run(&["diff", "ums", "ums@applied"])
        .ok()
        .says("no difference");
    let allowed = ["undo", "--to", "0", "--allow", "data-loss"];
    let shown = world.run(&[&allowed[..], &["--dry-run"]].concat()).ok();
    assert!(!shown.transcript().contains("DROP TABLE `old`"));
    assert!(!shown.transcript().contains("DROP TABLE \"old\""));
    let undone = [&allowed[..], &["--format", "json"]].concat();
    let undone = world.run(&undone).ok().json();
    let difference = "the difference of the schemas";
    let found = "stays: table old was there before";
    assert_eq!(accounts(&undone), [difference, found, difference]);
    assert_eq!(world.client("ums", "SELECT * FROM old"), "1\tkept\n");
    world.refused("ums", "SELECT * FROM fresh");
    world.run(&["migrate", "--allow", "non-empty"]).ok();
    world.run(&["verify"]).ok();
    world.run(&allowed).ok();
    assert_eq!(world.client("ums", "SELECT * FROM old"), "1\tkept\n");
}

fn what_nobody_saw_needs_consent_to_stay(engine: Engine) {
    let world = world(engine);
    let config = world.read("bird.toml");
    let without = config.replace("[databases.ums]", "[databases.ums]\nkeep_schema = false");
    world.write("bird.toml", &without);
    world.run(&["migrate", "--allow", "non-empty"]).ok();
    let asked = ["undo", "--to", "0", "--allow", "data-loss"];
    world
        .run(&asked)
        .exits(3)
        .warns("error[not-undone]")
        .warns("it may have found table old in place, so the undo keeps it")
        .warns("it may have found table fresh in place");
    let allowed = [&asked[..], &["--allow", "not-undone"]].concat();
    world.run(&allowed).ok();
    assert_eq!(world.client("ums", "SELECT * FROM old"), "1\tkept\n");
    world.client("ums", "SELECT * FROM fresh");
}

fn what_was_added_by_hand_between_two_runs_stays(engine: Engine) {
    let world = World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world.client("ums", OLD);
    let column = match engine {
        Engine::Postgres | Engine::MariaDb | Engine::Galera => {
            world.client("ums", "ALTER TABLE a ADD COLUMN n INT");
            "ALTER TABLE a ADD COLUMN IF NOT EXISTS n INT;\n"
        }
        Engine::MySql | Engine::Sqlite => "",
    };
    world.write(
        "migrations/ums/V2__b.sql",
        &format!(
            "CREATE TABLE IF NOT EXISTS old (id INT PRIMARY KEY, x VARCHAR(9));\n\
             ALTER TABLE old ADD COLUMN y INT;\n{column}"
        ),
    );
    world.run(&["migrate"]).ok();
    world.run(&["verify"]).ok();
    world.run(&["undo", "--allow", "data-loss"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM old"), "1\tkept\n");
    if !column.is_empty() {
        world.client("ums", "SELECT n FROM a");
    }
}

fn an_administrators_extension_stays(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let installed = "SELECT extname FROM pg_extension WHERE extname IN ('citext', 'hstore')";
    let world = World::one(engine).migration(
        "ums/V1__a.sql",
        "CREATE EXTENSION IF NOT EXISTS citext;\nCREATE EXTENSION IF NOT EXISTS hstore;\n\
         CREATE TABLE t (e citext, h hstore);\n",
    );
    world.provision("ums");
    world.client("ums", "CREATE EXTENSION citext");
    world.run(&["migrate"]).ok();
    world.run(&["verify"]).ok();
    let undo = ["undo", "--allow", "data-loss"];
    world
        .run(&undo)
        .ok()
        .says("stays: extension citext was there before");
    assert_eq!(world.client("ums", installed), "citext\n");
    let config = world.read("bird.toml");
    let without = config.replace("[databases.ums]", "[databases.ums]\nkeep_schema = false");
    world.write("bird.toml", &without);
    world.run(&["migrate"]).ok();
    world
        .run(&undo)
        .exits(3)
        .warns("may have found extension citext in place");
    world
        .run(&[&undo[..], &["--allow", "not-undone"]].concat())
        .ok();
    assert_eq!(world.client("ums", installed), "citext\nhstore\n");
}

/// Blocks and `OR REPLACE` find things in place, too.
fn a_found_type_schema_and_view_stay(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let world = World::one(engine).migration(
        "ums/V1__a.sql",
        "CREATE SCHEMA IF NOT EXISTS extra;\n\
         DO $$ BEGIN CREATE TYPE mood AS ENUM ('good'); \
         EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n\
         CREATE OR REPLACE VIEW v AS SELECT 1 AS a, 2 AS b;\n",
    );
    world.provision("ums");
    world.client(
        "ums",
        "CREATE SCHEMA extra; CREATE TYPE mood AS ENUM ('good'); CREATE VIEW v AS SELECT 1 AS a",
    );
    world.run(&["migrate", "--allow", "non-empty"]).ok();
    let undo = ["undo", "--allow", "data-loss"];
    world
        .run(&undo)
        .exits(3)
        .warns("statement 3 of V1 a: it replaces `v`, which was there before");
    world
        .run(&[&undo[..], &["--allow", "not-undone"]].concat())
        .ok();
    world.client("ums", "SELECT 'good'::mood FROM v");
    world.client("ums", "CREATE TABLE extra.t (id INT)");
}
