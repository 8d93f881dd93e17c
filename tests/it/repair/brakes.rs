//! What holds a repair before it writes, and what it does not do even when it may.

use bird::model::repair::Action;
use serde_json::json;
use time::Duration;

use super::{EXECUTE, PLAN, Plan, WHOLE, all, held, notes, orphans, world};
use crate::world::{Engine, World};

engines!(
    a_brake_holds_before_anything_is_written,
    rows_that_others_point_to_are_left,
    a_signal_ends_it_between_chunks,
);

fn a_brake_holds_before_anything_is_written(engine: Engine) {
    let world = notes(engine);
    let before = all(&world);
    let held = |code: &str, allow: &[&str]| {
        // What is shown is held as well, so that nobody hopes for it.
        for command in [PLAN, EXECUTE] {
            let output = world.run(&[command, allow].concat()).exits(3);
            // A preview lists the consents that are missing; the run fails with the code.
            let listed = output.stdout.contains("the run needs 1 consent:");
            let named = output.stderr.contains(code);
            assert!(
                named || (command == PLAN && listed),
                "{code}: {}",
                output.transcript()
            );
        }
        assert_eq!(all(&world), before, "{code}");
    };
    let with = |change: fn(&mut Plan)| {
        let mut plan = orphans(Action::Quarantine);
        change(&mut plan);
        plan.write(&world);
    };
    with(|plan| plan.made -= Duration::hours(2));
    held("plan-expired", &[]);
    with(|plan| plan.totals.orphan_rows = 60);
    held("mostly-orphans", &[]);
    world
        .run(&[PLAN, &["--allow", "mostly-orphans"]].concat())
        .ok();
    with(|plan| plan.totals.parents = Some(9));
    held("parent-shrunk", &[]);
    let drop = engine.pick(
        "DROP TRIGGER t",
        "DROP TRIGGER t ON notes",
        "DROP TRIGGER t",
    );
    for (when, held_by) in [("DELETE", true), ("INSERT", true), ("UPDATE", false)] {
        let trigger = engine.pick(
            format!("CREATE TRIGGER t AFTER {when} ON notes FOR EACH ROW SET @a = 1"),
            format!(
                "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RETURN NULL; END'; CREATE TRIGGER t AFTER {when} ON notes FOR EACH ROW \
                 EXECUTE FUNCTION f()"
            ),
            format!("CREATE TRIGGER t AFTER {when} ON notes BEGIN SELECT 1; END"),
        );
        world.client("twitter", &trigger);
        orphans(Action::Quarantine).write(&world);
        if held_by {
            held("side-effects", &[]);
        }
        let allow: &[&str] = if held_by {
            &["--allow", "side-effects"]
        } else {
            &[]
        };
        world.run(&[PLAN, allow].concat()).ok();
        world.client("twitter", drop);
    }
    orphans(Action::Quarantine).write(&world);
    if engine == Engine::Postgres {
        // Closed for writes, as a replica is: neither end will do.
        for name in ["ums", "twitter"] {
            let alter = "ALTER DATABASE {name} SET default_transaction_read_only = ";
            world.server(name, &format!("{alter}on"));
            world.run(PLAN).exits(3).warns("read-only");
            world.server(name, &format!("{alter}off"));
        }
    }
    let plan = world.read("orphans.plan");
    world.write("orphans.plan", &plan.replacen("\"12\"", "\"13\"", 1));
    world
        .run(EXECUTE)
        .exits(2)
        .warns("changed after it was written");
    world.write("orphans.plan", &plan[..plan.len() - 9]);
    world.run(EXECUTE).exits(2).warns("the file is incomplete");
    world.write("orphans.plan", &plan);
    let config = world.read("bird.toml");
    world.write("bird.toml", &format!("{config}where = \"id > 0\"\n"));
    held("other-reference", &[]);
    world.write("bird.toml", &format!("protected = true\n{config}"));
    world.run(PLAN).ok();
    world.run(EXECUTE).exits(3).warns("protected");
    world.write("bird.toml", &config);
    world.client("ums", "DELETE FROM people");
    held("parent-empty", &["--allow", "mostly-orphans"]);
    // Another database of the same name is another one.
    let world = match engine {
        Engine::Sqlite => world.env("BIRD_UMS_URL", "sqlite:data/other.db"),
        _ => world.engine("ums", engine),
    };
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world.run(EXECUTE).exits(3).warns("other-database");
    assert_eq!(all(&world), before);
    let journal = world.try_client("twitter", "SELECT * FROM bird_repair");
    assert!(journal.is_err(), "{journal:?}");
}

/// The engine refuses to delete what others point to: the rest is done, and those are named.
fn rows_that_others_point_to_are_left(engine: Engine) {
    let people = "CREATE TABLE people (id INT PRIMARY KEY);\nINSERT INTO people VALUES (1);\n";
    let tweets = |rule: &str| {
        format!(
            "CREATE TABLE notes (id INT PRIMARY KEY, person INT NOT NULL);\n\
             CREATE INDEX by_person ON notes (person);\n\
             CREATE TABLE likes (note INT, FOREIGN KEY (note) REFERENCES notes (id){rule});\n\
             INSERT INTO notes VALUES (1, 1), (2, 2), (3, 2), (4, 2);\n\
             INSERT INTO likes VALUES (1), (3);\n"
        )
    };
    let references = [("twitter.notes.person", "to = \"ums.people.id\"")];
    let plan = |world: &World, action| {
        let rows = ["2", "3", "4"].into_iter();
        let plan = rows.fold(Plan::new(action), |plan, id| {
            plan.row(0, &[("id", id)], &[Some("2")])
        });
        plan.write(world)
    };
    let world = world(engine, people, &tweets(""), &references);
    let run = plan(&world, Action::Quarantine);
    let done = world.run(WHOLE).exits(1).json();
    let one = &done["references"][0];
    assert_eq!((&one["repaired"], &one["refused"]), (&json!(2), &json!(1)));
    assert_eq!(one["refusals"][0]["row"], json!(["3"]));
    assert_eq!(all(&world), "1\t1\n3\t2\n");
    world.run(&["repair", "--undo", &run]).ok();
    plan(&world, Action::SetNull);
    world.run(WHOLE).exits(3).warns("not-null");
    if engine != Engine::Sqlite {
        let cascade = engine.pick(
            "ALTER TABLE likes ADD CONSTRAINT c FOREIGN KEY (note) REFERENCES notes (id) ON DELETE CASCADE",
            "ALTER TABLE likes ADD FOREIGN KEY (note) REFERENCES notes (id) ON DELETE SET NULL",
            "",
        );
        world.client("twitter", cascade);
    } else {
        let cascade = "CREATE TABLE loves (note INT REFERENCES Notes (id) ON DELETE CASCADE)";
        world.client("twitter", cascade);
    }
    plan(&world, Action::Quarantine);
    world.run(WHOLE).exits(3).warns("side-effects");
}

/// The chunk is finished, and the same command goes on.
fn a_signal_ends_it_between_chunks(engine: Engine) {
    let world = notes(engine);
    let run = orphans(Action::Quarantine).write(&world);
    let held = held(&world, EXECUTE, "repair-taken");
    // Meanwhile nobody else gets at the rows, nor may another bird write.
    world
        .run(&[EXECUTE, &["--lock-timeout", "1s"]].concat())
        .exits(3)
        .warns("locked");
    if engine.pick(true, false, false) {
        // No parent that is missing can come now, nor one that does not count begin to; a new
        // one can.
        for come in [
            "INSERT INTO people VALUES (4, 'x')",
            "UPDATE people SET name = 'back' WHERE id = 2",
        ] {
            let come = format!("SET SESSION innodb_lock_wait_timeout = 1; {come}");
            assert!(world.refused("ums", &come).contains("Lock wait timeout"));
        }
        world.client("ums", "INSERT INTO people VALUES (100, 'new')");
    }
    let ended = held.interrupt();
    assert!(
        ended.stderr.contains("this run has committed"),
        "{}",
        ended.transcript()
    );
    let report = ended.json();
    let one = &report["references"][0];
    let number = |name: &str| one[name].as_u64().unwrap_or(0);
    assert_eq!(number("repaired") + number("remaining"), 5, "{report}");
    assert!((2..5).contains(&number("repaired")), "{report}");
    let aside = format!("SELECT count(*) FROM bird_quarantine_notes WHERE bird_run = '{run}'");
    assert_eq!(
        world.client("twitter", &aside),
        format!("{}\n", number("repaired"))
    );
    world.run(EXECUTE).ok();
    assert_eq!(world.client("twitter", &aside), "5\n");
}

/// Whoever has a row is waited for, with nothing held meanwhile, and what he makes of it counts.
#[test]
fn a_row_that_someone_has_is_waited_for() {
    let engines = [Engine::MariaDb, Engine::MySql, Engine::Postgres];
    // Longer than a statement waits in the server's queue, and all of them at once.
    std::thread::scope(|scope| {
        for engine in engines {
            scope.spawn(move || engine.run(waited_for));
        }
    });
}

fn waited_for(engine: Engine) {
    let notes = "CREATE TABLE notes (id INT PRIMARY KEY, person INT);\n\
                 CREATE INDEX by_person ON notes (person);\n\
                 INSERT INTO notes VALUES (1, 1), (2, 2), (3, 3), (4, 4);\n";
    let people = "CREATE TABLE people (id INT PRIMARY KEY);\nINSERT INTO people VALUES (1), (9);\n";
    let references = [("ums.notes.person", "to = \"twitter.people.id\"")];
    let world = world(engine, notes, people, &references);
    let plan = ["2", "3", "4"]
        .into_iter()
        .fold(Plan::new(Action::Quarantine), |plan, id| {
            plan.row(0, &[("id", id)], &[Some(id)])
        });
    plan.write(&world);
    let change = "UPDATE notes SET person = 1 WHERE id = 3";
    let blocker = crate::exactly::Blocker::with(&world, change);
    let running = world.start(EXECUTE);
    std::thread::sleep(std::time::Duration::from_millis(6500));
    blocker.release();
    let done = running.finish().ok().json();
    let one = &done["references"][0];
    assert_eq!(
        (&one["repaired"], &one["changed"]),
        (&json!(2), &json!(1)),
        "{done}"
    );
    assert_eq!(
        world.client("ums", "SELECT * FROM notes ORDER BY id"),
        "1\t1\n3\t1\n"
    );
}

/// Without a unique key, looking for one row would lock them all: nothing is locked, and said.
#[test]
fn a_key_is_held_only_where_an_index_has_its_place() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        engine.run(|engine| {
            let people =
                "CREATE TABLE people (id INT, KEY (id));\nINSERT INTO people VALUES (1), (9);\n";
            let notes = "CREATE TABLE notes (id INT PRIMARY KEY, person INT, KEY (person));\n\
                         INSERT INTO notes VALUES (1, 1), (2, 2), (3, 2), (4, 1), (5, 1);\n";
            let references = [("twitter.notes.person", "to = \"ums.people.id\"")];
            let world = world(engine, people, notes, &references);
            for wanted in ["window", "held"] {
                let plan = Plan::new(Action::Quarantine);
                let plan = plan.row(0, &[("id", "2")], &[Some("2")]);
                let run = plan.row(0, &[("id", "3")], &[Some("2")]).write(&world);
                let done = world.run(EXECUTE).ok().json();
                assert_eq!(done["references"][0]["repaired"], 2, "{done}");
                assert_eq!(done["references"][0]["guarantee"], json!(wanted), "{done}");
                world.run(&["repair", "--undo", &run]).ok();
                world.client("ums", "ALTER TABLE people ADD UNIQUE (id)");
            }
        });
    }
}
