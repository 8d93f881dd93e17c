//! From an audit to its repair and back, over two engines.

use super::WHOLE;
use crate::world::{Engine, World};

engines!(what_an_audit_finds_is_repaired_and_restored);

fn what_an_audit_finds_is_repaired_and_restored(engine: Engine) {
    let parent = match engine {
        Engine::Sqlite => Engine::MySql,
        Engine::MySql | Engine::Galera => Engine::Sqlite,
        Engine::MariaDb => Engine::Postgres,
        Engine::Postgres => Engine::MariaDb,
    };
    if !parent.is_there() {
        return;
    }
    let world = World::bird()
        .engine("twitter", engine)
        .engine("ums", parent);
    world.run(&["up"]).ok();
    let id = |engine: Engine, digit: &str| {
        let digits = digit.repeat(32);
        engine.pick(
            format!("X'{digits}'"),
            format!("'{digits}'"),
            format!("x'{digits}'"),
        )
    };
    for digit in ["1", "2", "3", "4"] {
        let (id, name) = (id(parent, digit), format!("n{digit}"));
        let columns = "(id, name, email, password_hash)";
        let hash = "x".repeat(60);
        let user =
            format!("INSERT INTO users {columns} VALUES ({id}, '{name}', '{name}@b.c', '{hash}')");
        world.client("ums", &user);
    }
    let of = |digit: &str| id(engine, digit);
    for (author, content) in [
        ("1", "one"),
        ("2", "it''s"),
        ("7", "orphan"),
        ("7", "größe 😀"),
        ("3", "x"),
    ] {
        let message = format!(
            "INSERT INTO messages (author_id, content) VALUES ({}, '{content}')",
            of(author)
        );
        world.client("twitter", &message);
    }
    for (one, other) in [("1", "2"), ("1", "7"), ("8", "2"), ("8", "9")] {
        let follow = format!(
            "INSERT INTO subscriptions (subscriber_id, producer_id) VALUES ({}, {})",
            of(one),
            of(other)
        );
        world.client("twitter", &follow);
    }
    let hex = engine.pick("HEX({})", "upper(replace({}::text, '-', ''))", "hex({})");
    let hex = |column: &str| hex.replace("{}", column);
    let state = || {
        let messages = format!(
            "SELECT {}, {}, content, created_at FROM messages ORDER BY content",
            hex("id"),
            hex("author_id")
        );
        let follows = format!(
            "SELECT {}, {}, created_at FROM subscriptions ORDER BY 1, 2",
            hex("subscriber_id"),
            hex("producer_id")
        );
        world.client("twitter", &format!("{messages}; {follows};"))
    };
    let before = state();
    let audit = ["audit", "--plan", "orphans.plan", "--format", "json"];
    world.run(&audit).exits(1);
    // Four of nine rows are half of two small tables: more than anybody plants by hand.
    let execute = [WHOLE, &["--allow", "mostly-orphans"]].concat();
    let done = world.run(&execute).ok().json();
    let references = done["references"].as_array().expect("references");
    let sum = |name: &str| -> u64 {
        let numbers = references.iter().map(|one| one[name].as_u64().unwrap_or(0));
        numbers.sum()
    };
    // A row that is an orphan twice is taken out once.
    assert_eq!(
        (sum("planned"), sum("repaired"), sum("gone")),
        (6, 5, 1),
        "{done}"
    );
    world.run(&["audit"]).ok();
    assert_eq!(state().lines().count(), before.lines().count() - 5);
    let run = done["plan_run"].as_str().expect("a run");
    world.run(&["repair", "--undo", run]).ok();
    assert_eq!(state(), before);
    world.run(&["audit"]).exits(1);
    world.run(&["verify"]).ok();
}
