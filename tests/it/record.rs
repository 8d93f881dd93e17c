//! The recorded schema: drift is told against what the last run left, whatever a replay would give
//! today; a new environment is another question.

use std::time::Duration;

use crate::lock::transaction;
use crate::repair::held;
use crate::world::{Engine, Output, World, database};

engines!(
    the_record_tells_drift_and_keeps_it_through_a_migration,
    a_record_that_is_missing_or_edited_is_replaced_by_a_replay,
    rows_that_a_migration_counts_on_are_no_drift,
    a_half_applied_file_is_no_drift,
    without_a_record_nothing_is_dropped_on_a_guess,
    the_history_of_another_tool_is_no_drift,
    an_undo_is_recorded,
    a_run_that_dies_before_it_records_leaves_the_replay,
);

const TABLE: &str = "CREATE TABLE a (id INT PRIMARY KEY);\n";

fn world(engine: Engine) -> World {
    let world = World::one(engine).migration("ums/V1__a.sql", TABLE);
    world.provision("ums");
    world
}

/// The result of a check of `verify`: `ok`, `found`, `not-done`, with its findings' severities.
fn check(verified: &Output, name: &str) -> String {
    let document = verified.json();
    let checks = database(&document, "ums")["checks"].clone();
    let checks = checks.as_array().expect("checks").iter();
    let mut found = checks.filter(|one| one["check"] == name);
    found
        .next()
        .map_or_else(|| "absent".to_owned(), |one| one["result"].to_string())
}

/// Says whether runs from now on use records.
fn keep_schema(world: &World, keeps: bool) {
    let config = format!("[databases.ums]\nkeep_schema = {keeps}\n");
    world.write("bird.toml", &config);
}

/// A migration whose column has the character set of its database.
const TEXT: &str = "CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20));\n";

fn become_latin1(world: &World) {
    let name = world.name("ums");
    let sql = format!("ALTER DATABASE {name} CHARACTER SET latin1");
    world.client("ums", &sql);
}

fn verify(world: &World) -> Output {
    world.run(&["verify", "--format", "json"])
}

fn the_record_tells_drift_and_keeps_it_through_a_migration(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    world.run(&["verify"]).ok().says("reproducible");
    world.client("ums", "CREATE TABLE by_hand (n INT)");
    world.client("ums", "ALTER TABLE a ADD COLUMN by_hand INT");
    world
        .run(&["verify"])
        .exits(1)
        .warns("table by_hand exists in the database");
    world.write(
        "migrations/ums/V2__b.sql",
        "ALTER TABLE a ADD COLUMN n INT;\nCREATE TABLE b (id INT PRIMARY KEY);\n",
    );
    world.run(&["migrate"]).ok();
    // What was there before the run is drift after it, and nothing else is.
    let diff = world.run(&["diff", "--format", "sql"]).exits(1);
    for (sql, is_there) in [
        ("DROP TABLE", true),
        ("by_hand", true),
        ("`b`", false),
        ("\"b\"", false),
    ] {
        assert_eq!(
            diff.stdout.contains(sql),
            is_there,
            "{sql}: {}",
            diff.transcript()
        );
    }
    world.client("ums", "DROP TABLE by_hand");
    world.client("ums", "ALTER TABLE a DROP COLUMN by_hand");
    world.run(&["verify"]).ok();
}

fn a_record_that_is_missing_or_edited_is_replaced_by_a_replay(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    let bytes = engine.pick("X'00'", "'\\x00'::bytea", "X'00'");
    world.client("ums", &format!("UPDATE bird_schema SET content = {bytes}"));
    world
        .run(&["verify"])
        .ok()
        .warns("the recorded schema cannot be read");
    world.client("ums", "DROP TABLE bird_schema");
    let verified = world.run(&["verify"]).ok();
    assert!(
        !verified.stdout.contains("reproducible"),
        "{}",
        verified.transcript()
    );
    world.client("ums", "CREATE TABLE by_hand (n INT)");
    world.run(&["verify"]).exits(1).warns("by_hand");
    world.client("ums", "DROP TABLE by_hand");
    world.client("ums", "CREATE TABLE bird_schema (one INT)");
    world
        .run(&["verify"])
        .ok()
        .warns("the recorded schema cannot be read");
    // A run that cannot record has done its work all the same.
    world.write(
        "migrations/ums/V2__b.sql",
        "CREATE TABLE b (id INT PRIMARY KEY);\n",
    );
    world
        .run(&["migrate"])
        .ok()
        .warns("the schema cannot be recorded");
}

fn rows_that_a_migration_counts_on_are_no_drift(engine: Engine) {
    let world = World::one(engine).migration(
        "ums/V1__a.sql",
        "CREATE TABLE roles (id INT PRIMARY KEY, name VARCHAR(20) UNIQUE);\n\
             CREATE TABLE perms (role_id INT NOT NULL REFERENCES roles (id), p VARCHAR(9));\n",
    );
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world.client("ums", "INSERT INTO roles VALUES (1, 'admin')");
    world.write(
        "migrations/ums/V2__b.sql",
        "INSERT INTO perms VALUES ((SELECT id FROM roles WHERE name = 'admin'), 'all');\n",
    );
    world.run(&["migrate"]).ok();
    let verified = verify(&world).ok();
    assert_eq!(
        check(&verified, "drift"),
        "\"ok\"",
        "{}",
        verified.transcript()
    );
    world.run(&["diff"]).ok().says("no difference");
    world.run(&["verify", "--fail-on", "note"]).exits(1);
}

fn a_half_applied_file_is_no_drift(engine: Engine) {
    if engine.is_transactional() {
        return;
    }
    let world = world(engine);
    world.run(&["migrate"]).ok();
    world.write(
        "migrations/ums/V2__b.sql",
        "CREATE TABLE b (id INT PRIMARY KEY);\nCREATE TABLE a (id INT PRIMARY KEY);\n",
    );
    world.run(&["migrate"]).exits(4);
    let verified = verify(&world).exits(1);
    assert_eq!(
        check(&verified, "drift"),
        "\"ok\"",
        "{}",
        verified.transcript()
    );
    world.run(&["diff"]).ok();
    world.client("ums", "CREATE TABLE by_hand (n INT)");
    world.run(&["diff"]).exits(1).says("by_hand");
}

/// A migration of which the shadow lacks a part, by a name of another database.
fn without_a_record_nothing_is_dropped_on_a_guess(engine: Engine) {
    if !matches!(engine, Engine::MySql | Engine::MariaDb) {
        return;
    }
    let other = World::one(engine);
    other.provision("ums");
    other.client("ums", "CREATE TABLE users (id INT PRIMARY KEY)");
    let name = other.name("ums");
    for statement in [
        format!(
            "CREATE TABLE m (id INT PRIMARY KEY, u INT, FOREIGN KEY (u) REFERENCES {name}.users (id))"
        ),
        format!("CREATE VIEW m AS SELECT * FROM {name}.users"),
        format!(
            "CREATE TRIGGER m AFTER INSERT ON a FOR EACH ROW INSERT INTO {name}.users VALUES (NEW.id)"
        ),
    ] {
        let world = world(engine).migration("ums/V2__m.sql", &format!("{statement};\n"));
        world.run(&["migrate"]).ok();
        world.run(&["verify"]).ok();
        world.run(&["diff"]).ok();
        keep_schema(&world, false);
        let verified = world.run(&["verify"]).exits(1);
        assert!(
            !verified.stderr.contains("error["),
            "{}",
            verified.transcript()
        );
        let diff = world.run(&["diff", "--format", "sql"]).exits(1);
        let mut lines = diff.stdout.lines();
        let executable = lines.find(|line| line.contains("DROP") && !line.starts_with("--"));
        assert_eq!(executable, None, "{}", diff.transcript());
        assert!(diff.stdout.contains("-- DROP"), "{}", diff.transcript());
    }
}

fn the_history_of_another_tool_is_no_drift(engine: Engine) {
    let world = world(engine);
    world.client("ums", TABLE);
    world.client(
        "ums",
        "CREATE TABLE schema_migrations (version VARCHAR(128) PRIMARY KEY)",
    );
    world.client("ums", "INSERT INTO schema_migrations VALUES ('1')");
    world.run(&["adopt"]).ok();
    world.run(&["verify"]).ok();
    world.run(&["diff"]).ok().says("no difference");
    // The tool goes on, and changes what is its own.
    world.client(
        "ums",
        "ALTER TABLE schema_migrations ADD COLUMN note VARCHAR(9)",
    );
    world.run(&["diff"]).ok().says("no difference");
    world.client("ums", "CREATE TABLE by_hand (n INT)");
    world.run(&["verify"]).exits(1).warns("by_hand");
}

fn an_undo_is_recorded(engine: Engine) {
    let world = world(engine).migration("ums/V2__b.sql", "CREATE TABLE b (id INT PRIMARY KEY);\n");
    world.run(&["migrate"]).ok();
    world.run(&["undo"]).ok();
    world.run(&["verify"]).ok().says("reproducible");
    world.client("ums", "CREATE TABLE b (id INT PRIMARY KEY)");
    world.run(&["verify"]).exits(1).warns("table b exists");
}

/// What was there at the time of a migration and is otherwise today.
#[test]
fn changed_defaults_are_no_drift_of_what_they_were_for() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let world = World::one(engine).migration("ums/V1__a.sql", TEXT);
            world.provision("ums");
            world.run(&["migrate"]).ok();
            become_latin1(&world);
            let diff = world.run(&["diff", "--format", "sql"]).exits(1);
            assert!(
                diff.stdout.contains("ALTER DATABASE"),
                "{}",
                diff.transcript()
            );
            assert!(!diff.stdout.contains("MODIFY"), "{}", diff.transcript());
            assert!(!diff.stdout.contains("data-loss"), "{}", diff.transcript());
        });
    }
}

/// The account that looks is not the one that migrated.
#[test]
fn another_account_sees_no_drift() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let world = World::one(engine).migration(
                "ums/V1__a.sql",
                "CREATE TABLE t (id INT PRIMARY KEY, v INT);\n\
                 CREATE VIEW w AS SELECT id FROM t;\n\
                 CREATE FUNCTION f () RETURNS INT DETERMINISTIC RETURN 1;\n\
                 CREATE PROCEDURE p () SELECT 1;\n\
                 CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1;\n",
            );
            world.provision("ums");
            let name = world.name("ums").to_owned();
            // An account has a short name; the end of the database's is its own.
            let own: String = name.chars().rev().take(28).collect();
            let [dep, ci] = [format!("{own}_a"), format!("{own}_b")];
            for user in [&dep, &ci] {
                world.server(
                    "ums",
                    &format!("CREATE USER `{user}`@`%` IDENTIFIED BY 'x'"),
                );
                world.server("ums", &format!("GRANT ALL ON *.* TO `{user}`@`%`"));
            }
            let url = world.url("ums").to_owned();
            let as_user = |user: &str| {
                let (scheme, rest) = url.split_once("://").expect("a URL");
                let (_, place) = rest.rsplit_once('@').expect("an account");
                format!("{scheme}://{user}:x@{place}")
            };
            let run = |user: &str, arguments: &[&str]| {
                let mut command = world.command(arguments);
                command.env("BIRD_UMS_URL", as_user(user));
                crate::world::Running::start(command).finish()
            };
            run(&dep, &["migrate"]).ok();
            for keeps in [true, false] {
                keep_schema(&world, keeps);
                run(&ci, &["verify"]).ok();
                run(&ci, &["diff"]).ok().says("no difference");
            }
            // A definer that somebody changed is drift, whoever looks.
            keep_schema(&world, true);
            world.client(
                "ums",
                &format!("ALTER DEFINER = `{ci}`@`%` VIEW w AS SELECT id FROM t"),
            );
            run(&ci, &["verify"]).exits(1).warns("view w differs");
            run(&dep, &["verify"]).exits(1).warns("view w differs");
            for user in [dep, ci] {
                world.server("ums", &format!("DROP USER `{user}`@`%`"));
            }
        });
    }
}

fn a_run_that_dies_before_it_records_leaves_the_replay(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    world.write(
        "migrations/ums/V2__b.sql",
        "CREATE TABLE IF NOT EXISTS b (id INT PRIMARY KEY);\n",
    );
    let mut command = world.command(&["migrate"]);
    command.env("BIRD_FAILPOINT", "before-record");
    let killed = command.status().expect("bird ran");
    assert_ne!(killed.code(), Some(0));
    let verified = verify(&world).ok();
    assert_eq!(check(&verified, "drift"), "\"ok\"");
    assert_eq!(check(&verified, "reproducible"), "absent");
    world.client("ums", "CREATE TABLE by_hand (n INT)");
    world.run(&["verify"]).exits(1).warns("by_hand");
    // Nobody saw whether the migration found its table.
    world
        .run(&["undo"])
        .exits(3)
        .warns("may have found table b in place");
    world.client("ums", "DROP TABLE by_hand");
    world.write("migrations/ums/V3__c.sql", "CREATE TABLE c (id INT);\n");
    world.run(&["migrate"]).ok();
    assert_eq!(check(&verify(&world).ok(), "reproducible"), "\"ok\"");
    world.run(&["undo"]).ok();
    world
        .run(&["undo"])
        .exits(3)
        .warns("may have found table b in place");
}

/// Another writer of a SQLite file may be in the way when the run has done its work.
#[test]
fn a_record_waits_for_another_writer() {
    Engine::Sqlite.run(|engine| {
        let world = world(engine);
        let held = held(&world, &["migrate"], "before-record");
        let mut writer = transaction(&world);
        let waiter = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(2));
            drop(writer.stdin.take());
            writer.wait().expect("it ends")
        });
        held.release().ok().warns("waiting for the lock");
        waiter.join().expect("no panic");
        assert_eq!(check(&verify(&world).ok(), "reproducible"), "\"ok\"");
    });
}

/// A replay of today would take a column back to the character set of today.
#[test]
fn an_undo_under_changed_defaults_keeps_the_character_set() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let world = World::one(engine).migration("ums/V1__a.sql", TEXT);
            world.provision("ums");
            let widen = "ALTER TABLE a MODIFY v VARCHAR(30) CHARACTER SET utf8mb4;\n";
            world.run(&["migrate"]).ok();
            world.write("migrations/ums/V2__b.sql", widen);
            world.run(&["migrate"]).ok();
            world.client("ums", "INSERT INTO a VALUES (1, '日本')");
            become_latin1(&world);
            world.run(&["undo", "--allow", "data-loss"]).ok();
            assert_eq!(world.client("ums", "SELECT v FROM a"), "日本\n");
            let columns = "SELECT CHARACTER_SET_NAME FROM information_schema.COLUMNS \
                           WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'v'";
            assert_eq!(world.client("ums", columns), "utf8mb4\n");
        });
    }
}
