//! What a repair says and does, from beginning to end.

use bird::model::repair::Action;
use serde_json::json;

use super::{EXECUTE, PLAN, all, held, notes, orphans};
use crate::world::{Engine, World};

engines!(
    a_repair_takes_out_what_is_still_an_orphan_and_puts_it_back,
    a_key_is_set_to_null_and_back,
    rows_that_are_deleted_are_gone,
    a_second_run_with_the_same_plan_is_refused,
);

fn a_second_run_with_the_same_plan_is_refused(engine: Engine) {
    let world = notes(engine);
    orphans(Action::Quarantine).write(&world);
    let first = held(&world, EXECUTE, "repair-begun");
    // It has read the journal and waits, while the other one repairs.
    let second = world.start_and_wait_for(EXECUTE, "waiting");
    first.release().ok();
    second
        .finish()
        .exits(3)
        .warns("another run is repairing with the same plan");
    world.run(EXECUTE).ok();
}

fn a_repair_takes_out_what_is_still_an_orphan_and_puts_it_back(engine: Engine) {
    let world = notes(engine);
    let run = orphans(Action::Quarantine).write(&world);
    let before = all(&world);
    // Since the audit one parent has come, one row has gone, and one refers to somebody else.
    world.client("ums", "INSERT INTO people VALUES (4, 'new')");
    world.client("twitter", "DELETE FROM notes WHERE id = 6");
    world.client("twitter", "UPDATE notes SET person = 3 WHERE id = 7");
    let tables = tables(&world);
    let shown = world.run(PLAN).ok();
    assert!(
        shown.stdout.contains("nothing was written"),
        "{}",
        shown.transcript()
    );
    let looked = world
        .run(&[PLAN, &["--format", "json"]].concat())
        .ok()
        .json();
    assert_eq!(tables, self::tables(&world));
    let counts = |report: &serde_json::Value| {
        let one = &report["references"][0];
        [
            "planned",
            "repaired",
            "healed",
            "gone",
            "changed",
            "refused",
            "remaining",
        ]
        .map(|name| one[name].as_u64().unwrap_or(99))
    };
    let wanted = [5, 2, 1, 1, 1, 0, 0];
    assert_eq!(counts(&looked), wanted, "{looked}");
    let done = world.run(EXECUTE).ok().json();
    assert_eq!(counts(&done), wanted, "{done}");
    let one = &done["references"][0];
    assert_eq!(one["quarantine"], json!("bird_quarantine_notes"));
    assert_eq!(one["chunks"], 3);
    // The key 12 is above all others, and nobody is made to wait there.
    assert_eq!(one["guarantee"], json!("window"));
    assert_eq!(done["plan_run"], json!(run));
    assert_eq!(
        all(&world),
        "1\t1\tone\n3\t3\tthree\n4\t4\tfour\n7\t3\tNULL\n"
    );
    let aside =
        "SELECT id, person, body, bird_run, bird_chunk FROM bird_quarantine_notes ORDER BY 1";
    let kept = world.client("twitter", aside);
    assert_eq!(
        kept,
        format!("2\t2\ttwo\t{run}\t1\n5\t12\tfive\t{run}\t2\n")
    );
    // Once more does nothing more, and bird's own tables are nobody's drift.
    assert_eq!(counts(&world.run(EXECUTE).ok().json()), wanted);
    world.run(&["verify"]).ok();
    world.run(&["status", "--exit-code"]).ok();
    let schema = world.run(&["inspect", "twitter"]).ok();
    assert!(!schema.stdout.contains("bird_"), "{}", schema.transcript());

    // On the way back one row finds its key taken, and one is where it was after all.
    world.client("twitter", "INSERT INTO notes VALUES (2, 9, 'other')");
    let undo = ["repair", "--undo", &run, "--format", "json"];
    let dry = world
        .run(&[&undo[..], &["--dry-run"]].concat())
        .exits(4)
        .json();
    assert_eq!(dry["references"][0]["returned"], 1, "{dry}");
    let undone = world.run(&undo).exits(4);
    let output = undone.json();
    let one = &output["references"][0];
    assert_eq!(
        (&one["returned"], &one["conflicts"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(one["refusals"][0]["row"], json!(["2"]));
    assert!(all(&world).contains("2\t9\tother\n"));
    assert!(all(&world).contains("5\t12\tfive\n"));
    // Another of its keys is taken: the engine says so, and nothing is overwritten.
    world.client(
        "twitter",
        "UPDATE notes SET id = 20, body = 'two' WHERE id = 2",
    );
    let still = world.run(&undo).exits(4).json();
    assert_eq!(still["references"][0]["conflicts"], 1, "{still}");
    world.client("twitter", "DELETE FROM notes WHERE id = 20");
    world.run(&undo).ok();
    world.run(&undo).ok();
    let first = |text: &str| text.lines().take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(first(&all(&world)), first(&before));
    let left = world.client("twitter", "SELECT count(*) FROM bird_quarantine_notes");
    assert_eq!(left, "0\n");
    world.run(EXECUTE).exits(3).warns("plan-undone");
}

/// The names of all tables.
fn tables(world: &World) -> String {
    let engine = world.engine_of("twitter");
    let sql = engine.pick(
        "SHOW TABLES",
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT name FROM sqlite_schema ORDER BY 1",
    );
    world.client("twitter", sql)
}

fn a_key_is_set_to_null_and_back(engine: Engine) {
    let world = notes(engine);
    let run = orphans(Action::SetNull).write(&world);
    let before = all(&world);
    world.run(EXECUTE).ok();
    assert_eq!(
        all(&world),
        "1\t1\tone\n2\tNULL\ttwo\n3\t3\tthree\n4\tNULL\tfour\n5\tNULL\tfive\n6\tNULL\tsix\n\
         7\tNULL\tNULL\n"
    );
    world.client("twitter", "UPDATE notes SET person = 1 WHERE id = 4");
    world.client("twitter", "DELETE FROM notes WHERE id = 5");
    let undo = ["repair", "--undo", &run];
    let output = world.run(&undo).exits(4);
    assert!(
        output.stdout.contains("its key is set again"),
        "{}",
        output.transcript()
    );
    assert!(
        output.stdout.contains("the row does not exist any more"),
        "{}",
        output.transcript()
    );
    world.client("twitter", "UPDATE notes SET person = NULL WHERE id = 4");
    world.client("twitter", "INSERT INTO notes VALUES (5, NULL, 'five')");
    world.run(&undo).ok();
    assert_eq!(all(&world), before);
}

fn rows_that_are_deleted_are_gone(engine: Engine) {
    let world = notes(engine);
    let run = orphans(Action::Delete).write(&world);
    world.run(EXECUTE).exits(3).warns("data-loss");
    world
        .run(&[EXECUTE, &["--allow", "data-loss"]].concat())
        .ok();
    assert_eq!(all(&world), "1\t1\tone\n3\t3\tthree\n");
    world
        .run(&["repair", "--undo", &run])
        .exits(2)
        .warns("deleted");
    world
        .run(&["repair", "--undo", "00000000-0000-0000-0000-000000000000"])
        .exits(2)
        .warns("no-run");
}
