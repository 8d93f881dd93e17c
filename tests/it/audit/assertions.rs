//! Assertions on every engine: they read, in their time, and never write.

use std::time::{Duration, Instant};

use crate::world::{Engine, World};

engines!(assertions_read_in_their_time_and_never_write);

fn assertions_read_in_their_time_and_never_write(engine: Engine) {
    let (id, slow, writing) = match engine {
        Engine::Sqlite => (
            "BLOB",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
             SELECT i FROM n WHERE i < 0",
            // The engine knows no statement of this form that writes.
            "WITH gone AS (SELECT 1) DELETE FROM users",
        ),
        Engine::Postgres => (
            "BYTEA",
            "SELECT pg_sleep(60)",
            "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone",
        ),
        _ => (
            "BINARY(16)",
            "SELECT SLEEP(60)",
            "WITH gone AS (SELECT 1) DELETE FROM users",
        ),
    };
    let hex = "000102030405060708090a0b0c0d0e0f";
    let bytes = match engine {
        Engine::Postgres => format!("'\\x{hex}'"),
        _ => format!("x'{hex}'"),
    };
    let world = World::one(engine).migration(
        "ums/V1__users.sql",
        &format!(
            "CREATE TABLE users (id {id}, born DATE, score DECIMAL(9,2));\n\
             INSERT INTO users VALUES ({bytes}, '2001-02-03', 1.50);\n"
        ),
    );
    world.run(&["up"]).ok();
    let assertion = |name: &str, sql: &str| {
        format!("[[assertions]]\ndatabase = \"ums\"\nname = \"{name}\"\nsql = '''{sql}'''\n")
    };
    let config = [
        "[databases.ums]\nstatement_timeout = \"500ms\"\n",
        &assertion("all", "SELECT id, born, score, NULL AS x FROM users"),
        &assertion("slow", slow),
        &assertion("writing", writing),
        &assertion("none", "SELECT 1 FROM users WHERE score > 2"),
    ];
    world.write("bird.toml", &config.concat());
    let begun = Instant::now();
    let audit = world.run(&["audit", "--format", "json"]).exits(2);
    // A timeout that nobody kept would take a minute, or no end.
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{}",
        audit.transcript()
    );
    let output: serde_json::Value = serde_json::from_str(&audit.stdout).expect("JSON");
    let asked = output["assertions"].as_array().expect("the assertions");
    let rows: Vec<_> = asked.iter().map(|one| one["rows"].as_u64()).collect();
    assert_eq!(
        rows,
        [Some(1), None, None, Some(0)],
        "{}",
        audit.transcript()
    );
    let row = &asked[0]["sample"][0];
    let id = row["id"]
        .as_str()
        .expect("an id")
        .replace(['-', '\\', 'x'], "");
    assert_eq!(id, hex, "{row}");
    assert_eq!(row["born"], "2001-02-03");
    assert!(
        row["score"]
            .as_str()
            .is_some_and(|score| score.starts_with("1.5")),
        "{row}"
    );
    assert!(row["x"].is_null(), "{row}");
    assert_eq!(world.client("ums", "SELECT count(*) FROM users"), "1\n");
}
