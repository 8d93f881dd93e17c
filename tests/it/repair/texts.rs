//! Keys of text are compared in a repair as they are in the audit, whatever their role.

use serde_json::json;

use super::{WHOLE, all, world};
use crate::world::Engine;

engines!(text_keys_are_repaired_by_the_collation_of_their_columns);

fn text_keys_are_repaired_by_the_collation_of_their_columns(engine: Engine) {
    let text = engine.pick("VARCHAR(20)", "VARCHAR(20)", "TEXT COLLATE NOCASE");
    let tags = format!(
        "CREATE TABLE tags (name {text} PRIMARY KEY);\nINSERT INTO tags VALUES ('Red'), ('x');\n"
    );
    let notes = format!(
        "CREATE TABLE notes (id {text} PRIMARY KEY, tag {text});\n\
         CREATE INDEX by_tag ON notes (tag);\n\
         INSERT INTO notes VALUES ('a', 'Red'), ('größe', 'Green'), ('it''s', 'Nobody '), \
         ('B', 'Nobody');\n"
    );
    let references = [("twitter.notes.tag", "to = \"ums.tags.name\"")];
    let world = world(engine, &tags, &notes, &references);
    let before = all(&world);
    // Where letters have one case, a parent of the other case is the same.
    let other_case = engine.pick("RED", "Red", "RED");
    let update = format!("UPDATE tags SET name = '{other_case}' WHERE name = 'Red'");
    world.client("ums", &update);
    let audit = world.run(&["audit", "--plan", "orphans.plan", "--format", "json"]);
    let audit = audit.exits(1);
    assert!(
        !audit.stderr.contains("collation"),
        "{}",
        audit.transcript()
    );
    let came = engine.pick("GREEN", "Green", "GREEN");
    world.client("ums", &format!("INSERT INTO tags VALUES ('{came}')"));
    let done = world.run(WHOLE).ok().json();
    let one = &done["references"][0];
    assert_eq!(
        (&one["repaired"], &one["healed"], &one["changed"]),
        (&json!(2), &json!(1), &json!(0)),
        "{done}"
    );
    world.run(&["audit"]).ok();
    let run = done["plan_run"].as_str().expect("a run");
    world.run(&["repair", "--undo", run]).ok();
    assert_eq!(all(&world), before);
}
