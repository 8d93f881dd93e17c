//! Rows that refer to rows of their own table, and keys that are checked late.

use bird::model::repair::Action;
use serde_json::json;

use super::{EXECUTE, Plan, WHOLE, all, world};
use crate::world::{Engine, World};

engines!(
    a_chain_goes_and_comes_back_in_one_run,
    a_cascade_within_the_plan_keeps_every_row,
    an_undo_says_why_a_row_stays,
);

/// Notes of somebody (1) and of nobody (2), some of them about other notes.
fn notes(engine: Engine, rule: &str, of_likes: &str) -> World {
    let people = "CREATE TABLE people (id INT PRIMARY KEY);\nINSERT INTO people VALUES (1);\n";
    let notes = format!(
        "CREATE TABLE notes (id INT PRIMARY KEY, person INT, up INT, \
         FOREIGN KEY (up) REFERENCES notes (id){rule});\n\
         CREATE INDEX by_person ON notes (person);\n\
         CREATE TABLE likes (note INT, FOREIGN KEY (note) REFERENCES notes (id){of_likes});\n\
         INSERT INTO notes VALUES (1, 2, NULL), (2, 2, 1), (3, 2, 2), (4, 1, NULL), (6, 2, 4);\n"
    );
    let references = [("twitter.notes.person", "to = \"ums.people.id\"")];
    world(engine, people, &notes, &references)
}

/// Writes the plan for some of them, and gives its run.
fn plan(world: &World, ids: &[&str]) -> String {
    let mut plan = Plan::new(Action::Quarantine);
    for id in ids {
        plan = plan.row(0, &[("id", id)], &[Some("2")]);
    }
    plan.totals.orphan_rows = ids.len() as u64;
    plan.write(world)
}

fn a_chain_goes_and_comes_back_in_one_run(engine: Engine) {
    let world = notes(engine, "", "");
    let before = all(&world);
    for ids in [["1", "2", "3"], ["3", "2", "1"], ["2", "1", "3"]] {
        let run = plan(&world, &ids);
        let done = world.run(WHOLE).ok().json();
        assert_eq!(done["references"][0]["repaired"], 3, "{done}");
        assert_eq!(all(&world), "4\t1\tNULL\n6\t2\t4\n");
        world.run(&["repair", "--undo", &run]).ok();
        assert_eq!(all(&world), before);
    }
    // In chunks of one row, of which the one that is restored first refers to the next.
    let run = plan(&world, &["3", "2", "1"]);
    world.run(&[WHOLE, &["--chunk", "1"]].concat()).ok();
    let reverse = "UPDATE bird_quarantine_notes SET bird_chunk = 4 - bird_chunk";
    world.client("twitter", reverse);
    let undo = ["repair", "--undo", &run, "--format", "json"];
    let undone = world.run(&undo).ok().json();
    let one = &undone["references"][0];
    assert_eq!(
        (&one["returned"], &one["conflicts"], &one["refusals"]),
        (&json!(3), &json!(0), &json!([])),
        "{undone}"
    );
    assert_eq!(all(&world), before);
}

/// A row that goes with another is kept as well, whether all go at once or each alone.
fn a_cascade_within_the_plan_keeps_every_row(engine: Engine) {
    let world = notes(engine, " ON DELETE CASCADE", "");
    let before = all(&world);
    let execute = [WHOLE, &["--allow", "side-effects"]].concat();
    for (like, code, repaired) in [("", 0, 4), ("INSERT INTO likes VALUES (6)", 1, 3)] {
        if !like.is_empty() {
            world.client("twitter", like);
        }
        let run = plan(&world, &["1", "2", "3", "6"]);
        let done = world.run(&execute).exits(code).json();
        assert_eq!(done["references"][0]["repaired"], repaired, "{done}");
        let kept = "SELECT id, up FROM bird_quarantine_notes WHERE id < 6 ORDER BY 1";
        assert_eq!(world.client("twitter", kept), "1\tNULL\n2\t1\n3\t2\n");
        let count = "SELECT COUNT(*) FROM bird_quarantine_notes";
        assert_eq!(world.client("twitter", count), format!("{repaired}\n"));
        world.run(&["repair", "--undo", &run]).ok();
        assert_eq!(all(&world), before);
    }
}

fn an_undo_says_why_a_row_stays(engine: Engine) {
    let world = notes(engine, "", "");
    let run = plan(&world, &["1", "6"]);
    world.client("twitter", "UPDATE notes SET up = NULL WHERE id = 2");
    world.run(EXECUTE).ok();
    // What one of the two refers to goes.
    world.client("twitter", "DELETE FROM notes WHERE id = 4");
    let undone = world.run(&["repair", "--undo", &run]).exits(4);
    let error = undone.stderr.to_lowercase();
    assert!(
        error.contains("1 row stayed in quarantine") && error.contains("foreign key"),
        "{}",
        undone.transcript()
    );
    assert!(!error.contains("taken"), "{}", undone.transcript());
    assert!(all(&world).starts_with("1\t2\tNULL\n"));
}

/// Keys that are checked at the commit refuse only their own rows, in both directions.
#[test]
fn a_deferred_key_refuses_its_row_alone() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        engine.run(|engine| {
            let deferred = " DEFERRABLE INITIALLY DEFERRED";
            let world = notes(engine, deferred, deferred);
            world.client("twitter", "INSERT INTO likes VALUES (2)");
            let run = plan(&world, &["1", "2", "3", "6"]);
            let done = world.run(WHOLE).exits(1).json();
            let one = &done["references"][0];
            // The third goes; the second is liked, and is about the first.
            assert_eq!(
                (&one["repaired"], &one["refused"]),
                (&json!(2), &json!(2)),
                "{done}"
            );
            assert_eq!(one["refusals"][0]["row"], json!(["1"]), "{done}");
            assert_eq!(all(&world), "1\t2\tNULL\n2\t2\t1\n4\t1\tNULL\n");
            world.client("twitter", "DELETE FROM notes WHERE id = 4");
            let undone = world
                .run(&["repair", "--undo", &run, "--format", "json"])
                .exits(4)
                .json();
            let one = &undone["references"][0];
            assert_eq!(
                (&one["returned"], &one["conflicts"]),
                (&json!(1), &json!(1)),
                "{undone}"
            );
            assert_eq!(all(&world), "1\t2\tNULL\n2\t2\t1\n3\t2\t2\n");
        });
    }
}
