//! The first hour of three users, from an empty folder: a developer, a CI engineer, an operator.

use crate::world::{Engine, World};

engines!(
    a_developer_begins,
    a_pipeline_checks,
    an_operator_audits_and_repairs,
);

/// An empty folder, and the databases that a project in it is to have.
fn folder(engine: Engine, databases: &[&str]) -> World {
    let mut world = World::empty();
    for database in databases {
        world = world.engine(database, engine);
    }
    world
}

fn a_developer_begins(engine: Engine) {
    let world = folder(engine, &["shop"]);
    let init = ["init", "--engine", engine.folder(), "--database", "shop"];
    world.run(&init).ok().says("bird new");
    world.run(&["new", "create_users"]).ok();
    let file = "migrations/shop/V1__create_users.sql";
    world.write(file, "CREATE TABLE users (id INT NOT NULL PRIMARY KEY);\n");
    world.run(&["up"]).ok().says("applied 1 migration");

    // The file was not right yet: it is taken back, and applied as it is now.
    world.write(
        file,
        "CREATE TABLE users (id INT NOT NULL PRIMARY KEY, name VARCHAR(40));\n",
    );
    let refused = world.run(&["migrate"]).exits(3);
    refused.warns("V1 create_users was changed after it was applied");
    world.run(&["undo"]).ok();
    world.run(&["up"]).ok();
    assert_eq!(world.client("shop", "SELECT count(name) FROM users"), "0\n");
    world.run(&["status", "--exit-code"]).ok();
    world.run(&["verify"]).ok();

    // A mistake in the second statement is corrected, and the same command goes on.
    world.run(&["new", "create_orders"]).ok();
    let file = "migrations/shop/V2__create_orders.sql";
    let orders = "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, user_id INT);\n";
    world.write(
        file,
        &format!("{orders}CREATE INDEX by_user ON order (user_id);\n"),
    );
    world
        .run(&["up"])
        .exits(4)
        .warns("statement 2 of 2 of V2 create_orders failed");
    world.run(&["status", "--exit-code"]).exits(1);
    world.write(
        file,
        &format!("{orders}CREATE INDEX by_user ON orders (user_id);\n"),
    );
    world.run(&["up"]).ok();
    world
        .run(&["status", "--list"])
        .ok()
        .says("V2 create_orders");
    world.run(&["verify"]).ok();
}

fn a_pipeline_checks(engine: Engine) {
    let world = folder(engine, &["ums", "twitter"]);
    world
        .run(&["init", "--template", "bird", "--ci", "github"])
        .ok();
    let workflow = world.read(".github/workflows/bird.yml");
    let lines = workflow.lines().filter_map(|line| {
        let command = line.trim().strip_prefix("- run: bird ")?;
        Some(command.split(' ').collect::<Vec<_>>())
    });
    let lines: Vec<Vec<&str>> = lines.collect();
    assert!(lines.len() >= 2, "{workflow}");
    for line in &lines {
        world.run(line).ok();
    }

    // Whatever a gate finds is named in its own format.
    let later = format!("migrations/ums/{}/V9__later.sql", engine.folder());
    world.write(&later, "CREATE TABLE later (id INT);\n");
    let status = ["status", "--exit-code", "--format"];
    let pending = [&status[..], &["github"]].concat();
    let found = world.run(&pending).exits(1).says("::");
    assert!(found.stdout.contains("V9 later"), "{}", found.transcript());
    let pending = [&status[..], &["junit"]].concat();
    world.run(&pending).exits(1).says("V9 later");
    world.client("ums", "CREATE TABLE by_hand (id INT)");
    let drift = world.run(&["verify", "--format", "github"]).exits(1);
    drift.says("by_hand");
}

fn an_operator_audits_and_repairs(engine: Engine) {
    let world = folder(engine, &["ums", "twitter"]);
    world.run(&["init", "--template", "bird"]).ok();
    world.run(&["up"]).ok();
    world.client(
        "ums",
        "INSERT INTO users (name, email, password_hash) VALUES ('a', 'a@b', 'x')",
    );
    let key = engine.pick(
        "X'00112233445566778899AABBCCDDEEFF'",
        "'00112233-4455-6677-8899-aabbccddeeff'",
        "X'00112233445566778899AABBCCDDEEFF'",
    );
    let message = format!("INSERT INTO messages (author_id, content) VALUES ({key}, 'hi')");
    world.client("twitter", &message);
    let audit = [
        "audit",
        "--metrics-file",
        "bird.prom",
        "--plan",
        "orphans.plan",
    ];
    world.run(&audit).exits(1).says("1 orphan row in 1 of 3");
    let metrics = world.read("bird.prom");
    let orphans = metrics.lines().find(|line| {
        line.starts_with("bird_audit_orphan_rows") && line.contains("twitter.messages.author_id")
    });
    assert!(
        orphans.is_some_and(|line| line.ends_with(" 1")),
        "{metrics}"
    );
    let plan = ["repair", "--plan", "orphans.plan"];
    world.run(&plan).ok().says("nothing was written");
    assert_eq!(
        world.client("twitter", "SELECT count(*) FROM messages"),
        "1\n"
    );
    let force = ["--execute", "--allow", "mostly-orphans"];
    world.run(&[&plan[..], &force].concat()).ok();
    assert_eq!(
        world.client("twitter", "SELECT count(*) FROM messages"),
        "0\n"
    );
    world.run(&["audit", "--metrics-file", "bird.prom"]).ok();
    world.run(&["doctor"]).ok();
}
