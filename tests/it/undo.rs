//! The way back: undo files, through the same journal and the same protocol.

mod accounts;
mod environments;
mod found;
mod renames;
mod sequences;

use std::process::Stdio;

use crate::world::{Engine, World, database};

engines!(
    the_newest_migration_is_taken_back,
    all_above_a_version_are_taken_back,
    a_way_back_that_fails_goes_on_where_it_stopped,
    a_way_back_runs_once_wherever_it_is_killed,
    what_is_lost_is_told_and_needs_consent,
    without_an_undo_file_it_is_worked_out,
    an_edited_migration_is_taken_back_as_it_was_applied,
    what_was_dropped_does_not_come_back,
);

fn world(engine: Engine) -> World {
    let world = World::one(engine)
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "ums/V1__a.undo.sql",
            "-- bird: allow drop-table\nDROP TABLE a;\n",
        )
        .migration(
            "ums/V2__n.sql",
            "ALTER TABLE a ADD COLUMN n INT;\nINSERT INTO a VALUES (1, 10);\nINSERT INTO a VALUES (2, 20);\n",
        )
        .migration(
            "ums/V2__n.undo.sql",
            "DELETE FROM a WHERE n = 10;\nUPDATE a SET id = id + 1 WHERE n = 20;\n\
             -- bird: allow data-loss\nALTER TABLE a DROP COLUMN n;\n",
        )
        .migration("ums/V3__b.sql", "CREATE TABLE b (id INT);\n")
        .migration(
            "ums/V3__b.undo.sql",
            "-- bird: allow drop-table\nDROP TABLE b;\n",
        );
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world
}

fn the_newest_migration_is_taken_back(engine: Engine) {
    let world = world(engine);
    world.run(&["undo", "--dry-run"]).ok().says("DROP TABLE b");
    world.client("ums", "SELECT * FROM b");
    let undone = world.run(&["undo", "--format", "json"]).ok().json();
    assert_eq!(undone["command"], "undo");
    assert_eq!(database(&undone, "ums")["current"], 2);
    world.refused("ums", "SELECT * FROM b");
    let rows = "SELECT count(*) FROM bird_journal WHERE version = 3";
    assert_eq!(world.client("ums", rows), "0\n");
    // Forward again, as if it had never been.
    world.run(&["migrate"]).ok().says("applied 1 migration");
    world.client("ums", "SELECT * FROM b");
    world.run(&["status", "--exit-code"]).ok();
}

fn all_above_a_version_are_taken_back(engine: Engine) {
    let world = world(engine);
    world
        .run(&["undo", "--to", "9"])
        .exits(2)
        .warns("V9 is not applied");
    world
        .run(&["undo", "--to", "ums@1"])
        .ok()
        .says("undid 2 migrations, 4 statements: ums at V1");
    assert_eq!(world.client("ums", "SELECT * FROM a"), "3\n");
    world.run(&["undo", "--to", "1"]).ok().says("nothing to do");
    world.run(&["undo"]).ok();
    world.refused("ums", "SELECT * FROM a");
    world.run(&["undo"]).ok().says("nothing to do");
    world.run(&["migrate"]).ok().says("applied 3 migrations");
}

fn a_way_back_that_fails_goes_on_where_it_stopped(engine: Engine) {
    let world = world(engine);
    world.run(&["undo"]).ok();
    let file = "migrations/ums/V2__n.undo.sql";
    let right = world.read(file);
    world.write(
        file,
        &right.replace("DROP COLUMN n", "DROP COLUMN nonsense"),
    );
    world
        .run(&["undo"])
        .exits(4)
        .warns("run the same bird undo again");
    if !engine.is_transactional() {
        let status = world.run(&["status"]).ok();
        status.says("V2 is half undone: statement 3 of 3 is next");
        world.run(&["migrate"]).exits(3).warns("half undone");
    }
    world.write(file, &right);
    world.run(&["undo"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM a"), "3\n");
    world.run(&["migrate"]).ok();
    world.run(&["status", "--exit-code"]).ok();
}

fn a_way_back_runs_once_wherever_it_is_killed(engine: Engine) {
    for point in [
        "locked",
        "begin",
        "intended",
        "sent",
        "data-sent",
        "in-transaction",
        "booked",
        "recorded",
    ] {
        for time in 1.. {
            let world = world(engine);
            world.run(&["undo"]).ok();
            let mut command = world.command(&["undo"]);
            command.env("BIRD_FAILPOINT", format!("{point}:{time}"));
            command.stdout(Stdio::null()).stderr(Stdio::null());
            if command.status().expect("bird starts").success() {
                break;
            }
            let current = world.run(&["status", "--format", "json"]).ok().json();
            if database(&current, "ums")["current"] == 2 {
                world.run(&["undo"]).ok();
            }
            assert_eq!(
                world.client("ums", "SELECT * FROM a"),
                "3\n",
                "{point}:{time}"
            );
            let rows = "SELECT count(*) FROM bird_journal WHERE version = 2";
            assert_eq!(world.client("ums", rows), "0\n", "{point}:{time}");
        }
    }
}

fn what_is_lost_is_told_and_needs_consent(engine: Engine) {
    let world = world(engine);
    world.write("migrations/ums/V3__b.undo.sql", "DROP TABLE b;\n");
    world.client("ums", "INSERT INTO b VALUES (1), (2)");
    world
        .run(&["undo"])
        .exits(3)
        .warns("drops the table `b`")
        .warns("`b` holds 2 rows")
        .warns("--allow drop-table");
    world.client("ums", "SELECT * FROM b");
    world.run(&["undo", "--allow", "drop-table"]).ok();
    world.refused("ums", "SELECT * FROM b");
    // A table without rows loses none.
    world.run(&["migrate"]).ok();
    world.run(&["undo"]).ok();
    world.refused("ums", "SELECT * FROM b");
    // Nor does one that only a column is dropped of.
    let column = "ALTER TABLE b ADD COLUMN c INT;\n";
    world.write("migrations/ums/V4__c.sql", column);
    world.run(&["migrate"]).ok();
    world.run(&["undo"]).ok();
    world.run(&["migrate"]).ok();
    world.client("ums", "INSERT INTO b (c) VALUES (1)");
    world.run(&["undo"]).exits(3).warns("--allow data-loss");
}

/// What was applied counts, not what the file says now.
fn an_edited_migration_is_taken_back_as_it_was_applied(engine: Engine) {
    let world = world(engine);
    world.write("migrations/ums/V3__b.sql", "CREATE TABLE c (id INT);\n");
    world
        .run(&["migrate"])
        .exits(3)
        .warns("bird undo --database ums");
    world.run(&["undo"]).ok();
    world.refused("ums", "SELECT * FROM b");
    world.run(&["migrate"]).ok();
    world.client("ums", "SELECT * FROM c");
    world.run(&["status", "--exit-code"]).ok();
}

fn what_was_dropped_does_not_come_back(engine: Engine) {
    let world = world(engine);
    world.client("ums", "INSERT INTO b VALUES (1)");
    let file =
        "-- bird: allow drop-table data-loss\n\nDROP TABLE b;\nALTER TABLE a DROP COLUMN n;\n";
    world.write("migrations/ums/V4__drop.sql", file);
    world.run(&["migrate"]).ok();
    let undo = world.run(&["undo"]).exits(3);
    undo.warns("it drops the table `b`, whose data is lost")
        .warns("it drops the column `n` of `a`, whose data is lost");
    world.refused("ums", "SELECT * FROM b");
    let undo = world.run(&["undo", "--allow", "not-undone"]).ok();
    undo.warns("it drops the table `b`, whose data is lost");
    assert_eq!(world.client("ums", "SELECT count(*) FROM b"), "0\n");
}

/// The difference between after and before does it, on every engine; what it would lose needs
/// consent, and what the migration itself put in stays.
fn without_an_undo_file_it_is_worked_out(engine: Engine) {
    let world = world(engine);
    for file in ["V2__n", "V3__b"] {
        let path = world.path(&format!("migrations/ums/{file}.undo.sql"));
        std::fs::remove_file(path).expect("it is there");
    }
    world.client("ums", "INSERT INTO b VALUES (1)");
    let asked = world.run(&["undo", "--to", "1"]).exits(3);
    asked.warns("not-undone");
    let asked = world.run(&["undo", "--to", "1", "--allow", "not-undone"]);
    let asked = asked.exits(3).warns("data-loss").warns("drop-table");
    asked.warns("V2__n.undo.sql (computed)");
    world.client("ums", "SELECT * FROM b");
    let allowed = [
        "undo",
        "--to",
        "1",
        "--allow",
        "not-undone",
        "--allow",
        "data-loss",
        "--allow",
        "drop-table",
    ];
    world.run(&allowed).ok();
    assert_eq!(
        world.client("ums", "SELECT id FROM a ORDER BY id"),
        "1\n2\n"
    );
    world.refused("ums", "SELECT n FROM a");
    world.refused("ums", "SELECT * FROM b");
    let count = "SELECT count(*) FROM refinery_schema_history";
    assert_eq!(world.client("ums", count), "1\n");
    world.run(&["diff"]).ok();
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", count), "3\n");
}

/// What another database has built on a migration keeps it from being taken back, or is taken
/// back first.
#[test]
fn what_is_required_is_taken_back_last() {
    Engine::Sqlite.run(|_| {
        let drop = |table: &str| format!("-- bird: allow drop-table\nDROP TABLE {table};\n");
        let world = World::empty()
            .file("bird.toml", "[databases.ums]\n[databases.twitter]\n")
            .migration("ums/V1__z.sql", "CREATE TABLE z (id INT);\n")
            .migration("ums/V2__a.sql", "CREATE TABLE a (id INT);\n")
            .migration("ums/V2__a.undo.sql", &drop("a"))
            .migration("twitter/V1__y.sql", "CREATE TABLE y (id INT);\n")
            .migration(
                "twitter/V2__b.sql",
                "-- bird: requires ums@2\n\nCREATE TABLE b (id INT);\n",
            )
            .migration("twitter/V2__b.undo.sql", &drop("b"))
            .engine("ums", Engine::Sqlite)
            .engine("twitter", Engine::Sqlite);
        world.run(&["up"]).ok();
        world.run(&["undo"]).exits(2).warns("--database");
        world
            .run(&["undo", "--database", "ums"])
            .exits(3)
            .warns("V2 b of `twitter` is applied and requires ums@2");
        world
            .run(&["undo", "--to", "ums@1"])
            .exits(3)
            .warns("bird undo --database twitter");
        world
            .run(&["undo", "--to", "ums@1", "--to", "twitter@1"])
            .ok()
            .says("undid 2 migrations");
    });
}

/// A person's answer, where a crash left something that cannot be decided.
#[test]
fn a_person_decides_what_bird_cannot() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        engine.run(|engine| {
            for (answer, columns) in [("--applied", "1\n"), ("--not-applied", "2\n")] {
                undecided(engine, answer, columns);
            }
        });
    }
}

fn undecided(engine: Engine, answer: &str, columns: &str) {
    let world = World::one(engine)
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .migration("ums/V2__n.sql", "ALTER TABLE a ADD COLUMN n INT;\n");
    world.provision("ums");
    world.run(&["migrate", "--to", "1"]).ok();
    let mut command = world.command(&["migrate"]);
    command.env("BIRD_FAILPOINT", "intended");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(!command.status().expect("bird starts").success());
    // Somebody else changes the same table meanwhile.
    world.client("ums", "ALTER TABLE a ADD COLUMN other INT");
    world
        .run(&["migrate"])
        .exits(5)
        .warns("bird cannot tell whether statement 1 of V2 n")
        .warns("`other` int")
        .warns("bird resolve ums@2.1 --applied");
    world.run(&["migrate"]).exits(5);
    world.run(&["resolve", "ums@2.7", "--applied"]).exits(3);
    world.run(&["resolve", "ums@x", "--applied"]).exits(2);
    world.run(&["resolve", "ums@2.1"]).exits(2);
    world
        .run(&["resolve", "ums@2.1", answer, "--reason", "I looked"])
        .ok();
    world.run(&["migrate"]).ok();
    let n = format!(
        "SELECT count(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{}' \
         AND TABLE_NAME = 'a' AND COLUMN_NAME <> 'other'",
        world.name("ums")
    );
    assert_eq!(world.client("ums", &n), columns);
    world.run(&["status", "--exit-code"]).ok();
}
