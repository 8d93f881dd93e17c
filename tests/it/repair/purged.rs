//! What a run has kept goes for good, and only with a person's word.

use bird::model::repair::Action;
use serde_json::json;

use super::{EXECUTE, Plan, all, held, notes, orphans, world};
use crate::world::Engine;

engines!(what_is_kept_goes_for_good_with_consent);

fn what_is_kept_goes_for_good_with_consent(engine: Engine) {
    let world = notes(engine);
    let run = orphans(Action::Quarantine).write(&world);
    world.run(EXECUTE).ok();
    let kept = || world.client("twitter", "SELECT count(*) FROM bird_quarantine_notes");
    let purge = ["repair", "--purge", &run, "--format", "json"];
    let allowed = [&purge[..], &["--allow", "data-loss"]].concat();
    // How much it is comes first, and nothing is lost without a word.
    let gone = "`bird_quarantine_notes` that would be deleted for good: 5";
    world.run(&purge).exits(3).warns("data-loss").warns(gone);
    let lacks = world.run(&[&purge[..], &["--dry-run"]].concat()).exits(3);
    let lacks = lacks.json();
    assert_eq!(lacks["references"][0]["purged"], 5, "{lacks:#}");
    assert_eq!(lacks["findings"][0]["consent"], "data-loss", "{lacks:#}");
    let dry = world.run(&[&allowed[..], &["--dry-run"]].concat()).ok();
    assert_eq!(
        dry.json()["references"][0]["purged"],
        5,
        "{}",
        dry.transcript()
    );
    let config = world.read("bird.toml");
    world.write("bird.toml", &format!("protected = true\n{config}"));
    world.run(&allowed).exits(3).warns("protected");
    world.write("bird.toml", &config);
    assert_eq!(kept(), "5\n");

    // What went back cannot go for good, and what is kept of a part only goes as far.
    let blocks = "INSERT INTO notes VALUES (2, 9, 'other'), (5, 9, 'another')";
    world.client("twitter", blocks);
    let undo = ["repair", "--undo", &run, "--format", "json"];
    world.run(&undo).exits(4);
    let left = all(&world);
    let done = world.run(&allowed).ok().json();
    let one = &done["references"][0];
    assert_eq!(
        (&one["purged"], &one["chunks"]),
        (&json!(2), &json!(2)),
        "{done}"
    );
    assert_eq!(
        (&done["purge"], &done["undo"]),
        (&json!(true), &json!(false))
    );
    assert_eq!((kept(), all(&world)), ("0\n".to_owned(), left.clone()));
    let undone = world.run(&undo).exits(2).warns("were purged: 2");
    undone.warns("only a backup has them");
    world.run(EXECUTE).exits(3).warns("plan-undone");
    // There is nothing left to purge, which needs no consent.
    let again = world.run(&["repair", "--purge", &run]).ok();
    again.says("no rows of the run");
    let nobody = "00000000-0000-0000-0000-000000000000";
    world
        .run(&["repair", "--purge", nobody])
        .exits(2)
        .warns("no-run");
    assert_eq!(all(&world), left);

    // Interrupted, it tells how far it came; what is still kept can go back, and the rest is told.
    let more = "INSERT INTO notes VALUES (30, 77, 'x'), (31, 77, 'y'), (32, 77, 'z')";
    world.client("twitter", more);
    let rows = ["30", "31", "32"].into_iter();
    let plan = rows.fold(Plan::new(Action::Quarantine), |plan, id| {
        plan.row(0, &[("id", id)], &[Some("77")])
    });
    let run = plan.write(&world);
    world.run(EXECUTE).ok();
    let purge = ["repair", "--purge", &run, "--allow", "data-loss"];
    let ended = held(&world, &purge, "purge-deleted").interrupt();
    ended.warns("this run has committed one chunk");
    assert_eq!(kept(), "2\n");
    let back = world.run(&["repair", "--undo", &run]).exits(1);
    back.warns("were purged: 1");
    assert_eq!(kept(), "0\n");
}

/// The dry runs of both ways out of a quarantine only read, which a read-only file permits too.
#[test]
fn what_is_kept_can_be_looked_at_in_a_read_only_file() {
    Engine::Sqlite.run(|engine| {
        let world = notes(engine);
        let run = orphans(Action::Quarantine).write(&world);
        world.run(EXECUTE).ok();
        let read_only = format!("{}?mode=ro", world.url("twitter"));
        let undo = ["repair", "--undo", &run];
        let purge = ["repair", "--purge", &run, "--allow", "data-loss"];
        let world = world.env("BIRD_TWITTER_URL", &read_only);
        let dry = world.run(&[&undo[..], &["--dry-run"]].concat()).ok();
        dry.says("would go back").says("nothing was written");
        let dry = world.run(&[&purge[..], &["--dry-run"]].concat()).ok();
        dry.says("would be gone for good")
            .says("nothing was written");
        world.run(&undo).exits(3).warns("error[read-only]");
        world.run(&purge).exits(3).warns("error[read-only]");
        let kept = "SELECT count(*) FROM bird_quarantine_notes";
        assert_eq!(world.client("twitter", kept), "5\n");
    });
}

/// SQLite gives the highest number to a new row again, where nothing forbids that.
#[test]
fn numbers_that_may_be_given_again_are_told() {
    let people = "CREATE TABLE people (id INTEGER PRIMARY KEY);\nINSERT INTO people VALUES (1);\n";
    let references = [("twitter.notes.person", "to = \"ums.people.id\"")];
    for (key, output) in [
        ("INTEGER PRIMARY KEY", true),
        ("INTEGER PRIMARY KEY AUTOINCREMENT", false),
    ] {
        Engine::Sqlite.run(|engine| {
            let notes = format!(
                "CREATE TABLE notes (id {key}, person INT);\nCREATE INDEX by_p ON notes (person);\n\
                 INSERT INTO notes VALUES (1, 2), (2, 1), (3, 2), (4, 2);\n"
            );
            let world = world(engine, people, &notes, &references);
            let ids = ["1", "3", "4"].into_iter();
            let plan = ids.fold(Plan::new(Action::Quarantine), |plan, id| {
                plan.row(0, &[("id", id)], &[Some("2")])
            });
            let run = plan.write(&world);
            let done = world.run(EXECUTE).ok();
            let document = done.json();
            let findings = document["findings"].as_array().expect("findings");
            let codes: Vec<_> = findings.iter().map(|one| one["code"].clone()).collect();
            let wanted = if output {
                vec![json!("numbered-again")]
            } else {
                Vec::new()
            };
            assert_eq!(codes, wanted, "{}", done.transcript());
            // A new row has the place of one that was kept: it is left aside.
            world.client("twitter", "INSERT INTO notes (person) VALUES (1)");
            let undo = ["repair", "--undo", &run, "--format", "json"];
            let undone = world.run(&undo).exits(if output { 4 } else { 0 }).json();
            assert_eq!(
                undone["references"][0]["conflicts"],
                json!(u64::from(output))
            );
        });
    }
}
