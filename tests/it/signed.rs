//! Files that bird wrote and reads again: what somebody changed in them does not count.

use std::path::Path;

use bird::model::own_key::OwnKey;
use serde_json::Value;

use crate::world::{Engine, Output, Running, World};

/// The secret of [`run`].
const SECRET: &str = "a secret of all runs";

/// Runs bird with a shared key.
fn run(world: &World, secret: &str, arguments: &[&str]) -> Output {
    let mut command = world.command(arguments);
    command.env("BIRD_KEY", secret);
    Running::start(command).finish()
}

/// Signs the marks of audits again after an edit.
pub fn sign_marks(world: &World, edit: impl FnOnce(&mut Value)) {
    let file = ".bird/audit/passes.json";
    let mut marks: Value = serde_json::from_str(&world.read(file)).expect("JSON");
    edit(&mut marks["references"]);
    let text = serde_json::to_vec(&marks["references"]).expect("JSON");
    let signature = own_key(world).sign("audit/passes.json", &text);
    marks["signature"] = serde_json::to_value(signature).expect("JSON");
    world.write(file, &marks.to_string());
}

/// Signs the lines of a checkpoint again after an edit.
pub fn sign_lines(world: &World, path: &Path, edit: impl FnOnce(&mut Vec<String>)) {
    let text = std::fs::read_to_string(path).expect("a checkpoint");
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let mut lines: Vec<String> = lines.map(|(_, line)| line.to_owned()).collect();
    edit(&mut lines);
    let (key, mut code, mut signed) = (own_key(world), String::new(), String::new());
    for line in lines {
        code = key.code(&code, line.as_bytes());
        signed.push_str(&format!("{code} {line}\n"));
    }
    std::fs::write(path, signed).expect("it is written");
}

/// The key of the user that the tests play.
fn own_key(world: &World) -> OwnKey {
    OwnKey::of_user(world.read(".local/state/bird/key"))
}

#[test]
fn an_edited_mark_hides_no_orphan() {
    let world = World::one(Engine::Sqlite)
        .file(
            "bird.toml",
            "[databases.ums]\n[[references]]\nfrom = \"ums.m.a\"\nto = \"ums.u.id\"\n",
        )
        .migration(
            "ums/V1__a.sql",
            "CREATE TABLE u (id INTEGER PRIMARY KEY);\n\
             CREATE TABLE m (id INTEGER PRIMARY KEY, a INT);\n\
             CREATE INDEX x ON m (a);\n\
             INSERT INTO u VALUES (1);\nINSERT INTO m VALUES (1, 1), (100, 1);\n",
        );
    world.run(&["up"]).ok();
    world.client("ums", "DELETE FROM m WHERE id = 100");
    world.run(&["audit", "--since", "id=1"]).ok();
    world.client("ums", "INSERT INTO m VALUES (5, 7), (100, 1)");
    let file = ".bird/audit/passes.json";
    let marks = world.read(file);
    assert!(marks.contains("\"id\": \"1\""), "{marks}");
    world.write(file, &marks.replace("\"id\": \"1\"", "\"id\": \"50\""));
    let found = world.run(&["audit", "--since", "id"]).exits(1);
    found.warns("the marks of earlier audits do not count");
    // Where the edit is signed, it counts: this test would see it.
    sign_marks(&world, |references| {
        let (_, pass) = references
            .as_object_mut()
            .expect("references")
            .iter_mut()
            .next()
            .expect("one");
        pass["marks"]["id"] = "50".into();
    });
    world.run(&["audit", "--since", "id"]).ok();
}

#[test]
fn an_edited_plan_is_refused() {
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    world.run(&["migrate", "--out", "plan.json"]).ok();
    let plan = world.read("plan.json");
    let edited = plan.replace("\"created_on\": \"2", "\"created_on\": \"3");
    assert_ne!(edited, plan);
    world.write("plan.json", &edited);
    world
        .run(&["migrate", "--plan", "plan.json"])
        .exits(2)
        .warns("error[plan-file]: the plan plan.json was changed");
    world.write("plan.json", &plan);
    // Whoever shares a key accepts only what was signed with it.
    run(&world, SECRET, &["migrate", "--plan", "plan.json"]).exits(2);
    run(&world, SECRET, &["migrate", "--out", "plan.json"]).ok();
    run(&world, "another", &["migrate", "--plan", "plan.json"]).exits(2);
    run(&world, SECRET, &["migrate", "--plan", "plan.json"]).ok();
}
