//! What a server tells of tables that a reference can and cannot point to or from.

use crate::world::{Engine, World};

/// A partitioned table is a table; what keeps no rows of its own is none.
#[test]
fn tables_are_told_from_what_only_looks_like_them() {
    Engine::Postgres.run(|engine| {
        let ends = ["plain", "parts", "seen", "kept", "far"];
        let references = ends.map(|from| {
            format!("[[references]]\nfrom = \"ums.{from}.id\"\nto = \"ums.parts.id\"\n")
        });
        let config = format!("[databases.ums]\n{}", references.concat());
        let world = World::one(engine).file("bird.toml", &config);
        world.run(&["up"]).ok();
        world.client(
            "ums",
            "CREATE TABLE plain (id bigint); CREATE INDEX ON plain (id) WHERE id IS NOT NULL; \
             CREATE TABLE parts (id bigint PRIMARY KEY) PARTITION BY HASH (id); \
             CREATE TABLE part PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0); \
             CREATE VIEW seen AS SELECT * FROM plain; \
             CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain; \
             CREATE FOREIGN DATA WRAPPER nowhere; \
             CREATE SERVER nobody FOREIGN DATA WRAPPER nowhere; \
             CREATE FOREIGN TABLE far (id bigint) SERVER nobody;",
        );
        let audit = world
            .run(&["audit", "--explain", "--format", "json"])
            .exits(2);
        let output: serde_json::Value = serde_json::from_str(&audit.stdout).expect("JSON");
        let findings = output["findings"].as_array().expect("findings").iter();
        let messages = findings
            .filter(|one| {
                one["code"]
                    .as_str()
                    .is_some_and(|code| code.starts_with("reference"))
            })
            .map(|one| one["message"].as_str().unwrap_or_default().to_owned());
        assert_eq!(
            messages.collect::<Vec<_>>(),
            [
                "ums.seen.id -> ums.parts.id: ums.seen is a view",
                "ums.kept.id -> ums.parts.id: ums.kept is a materialized view",
                "ums.far.id -> ums.parts.id: ums.far is a foreign table",
            ]
        );
    });
}

/// What makes an audit slow, or a reference loose, is told, and is no fault of the data.
#[test]
fn what_is_slow_or_loose_is_a_note() {
    let world = super::world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.a\"\n",
        "CREATE TABLE u (id INTEGER PRIMARY KEY, a INT); INSERT INTO u VALUES (1, 7), (2, 7);",
        "CREATE TABLE m (id INTEGER PRIMARY KEY, a INT); INSERT INTO m VALUES (1, 7), (2, 7);",
    );
    let document = world.run(&["audit", "--format", "json"]).exits(0).json();
    let findings = document["findings"].as_array().expect("findings");
    let output = |one: &serde_json::Value| (one["code"].clone(), one["severity"].clone());
    let output: Vec<_> = findings.iter().map(output).collect();
    let notes = ["reference-not-unique", "reference-not-indexed"];
    assert_eq!(output, notes.map(|code| (code.into(), "note".into())));
    assert_eq!(document["references"][0]["rows"], 2, "{document}");
}
