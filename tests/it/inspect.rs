//! What `bird inspect` prints recreates the schema, through the engine's own client and to the
//! byte; and its JSON is as published.

use std::fs;
use std::path::Path;

use crate::world::{Engine, World};

engines!(
    what_it_prints_recreates_the_schema,
    bird_and_the_client_make_the_same_of_a_long_history,
    drift_is_told_and_undone_on_live_databases,
);

/// The URL of a database, wherever bird is called.
fn address(world: &World, database: &str) -> String {
    match world.engine_of(database) {
        Engine::Sqlite => format!("sqlite:{}", world.name(database)),
        _ => world.url(database).to_owned(),
    }
}

fn what_it_prints_recreates_the_schema(engine: Engine) {
    for database in ["ums", "twitter"] {
        let world = World::bird().engine(database, engine);
        world.run(&["up"]).ok();
        let printed = world.run(&["inspect", database]).ok().stdout;
        assert!(!printed.contains("refinery"), "{printed}");
        let fresh = World::two(engine);
        fresh.client("two", &printed);
        let (one, other) = (address(&world, database), address(&fresh, "two"));
        let same = world.run(&["diff", &one, &other]).ok();
        assert!(
            same.stdout.ends_with("no difference\n"),
            "{}",
            same.transcript()
        );
        let again = fresh.run(&["inspect", "two"]).ok().stdout;
        assert_eq!(printed, again);
        let json = world
            .run(&["inspect", database, "--format", "json"])
            .ok()
            .json();
        let tables = &json["databases"][0]["schema"]["tables"];
        assert!(
            tables.as_array().is_some_and(|tables| !tables.is_empty()),
            "{json}"
        );
    }
}

fn bird_and_the_client_make_the_same_of_a_long_history(engine: Engine) {
    let mut world = World::two(engine);
    let mut whole = String::new();
    for version in 1..=120 {
        let table = format!("table_{}", version - (version - 1) % 4);
        let sql = match version % 4 {
            1 => format!(
                "CREATE TABLE {table} (id INT NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL \
                 DEFAULT 'none');\n"
            ),
            2 => format!("ALTER TABLE {table} ADD COLUMN size DECIMAL(8, 2);\n"),
            3 => format!("CREATE INDEX by_name_{version} ON {table} (name, size DESC);\n"),
            _ => format!("ALTER TABLE {table} RENAME COLUMN size TO width;\n"),
        };
        whole.push_str(&sql);
        world = world.migration(&format!("one/V{version}__m.sql"), &sql);
    }
    world.run(&["migrate"]).ok();
    world.client("two", &whole);
    let same = world.run(&["diff", "one", "two"]).ok();
    assert!(
        same.stdout.ends_with("no difference\n"),
        "{}",
        same.transcript()
    );
    let same = world.run(&["diff", "--database", "one"]).ok();
    assert!(
        same.stdout.ends_with("no difference\n"),
        "{}",
        same.transcript()
    );
    // The record tells drift. Whether a new environment would be the same, a replay tells.
    world.run(&["verify", "--database", "one"]).ok();
    // What was replayed is kept, and says the same.
    let kept = fs::read_dir(world.path(".bird/replay")).expect("the cache");
    assert_eq!(kept.count(), 1);
    world.client("one", "DROP TABLE table_1");
    let drift = world
        .run(&["diff", "--database", "one", "--format", "sql"])
        .exits(1);
    assert!(
        drift.stdout.contains("CREATE TABLE"),
        "{}",
        drift.transcript()
    );
    world.client("one", &drift.stdout);
    world.run(&["diff", "--database", "one"]).ok();
}

/// Hand-made drift of Bird's own databases: what the diff prints undoes it, and loses no row.
fn drift_is_told_and_undone_on_live_databases(engine: Engine) {
    let world = World::bird()
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["up"]).ok();
    world.run(&["verify"]).ok();
    world.client(
        "ums",
        "INSERT INTO users (name, email, password_hash) VALUES ('a', 'a@b', 'x');\n\
         ALTER TABLE users ADD COLUMN nick VARCHAR(20);\n\
         CREATE INDEX users_by_name ON users (name);",
    );
    world.client("twitter", "DROP TABLE subscriptions;");
    let found = world.run(&["verify", "--format", "json"]).exits(1).json();
    let findings = found["findings"].as_array().expect("findings").clone();
    let drifts = findings.iter().filter(|finding| finding["code"] == "drift");
    assert_eq!(drifts.count(), 3, "{found}");
    let output = world.run(&["diff"]).exits(1);
    for word in [
        "column nick",
        "index users_by_name",
        "table subscriptions",
        "data-loss",
    ] {
        assert!(
            output.stdout.contains(word),
            "{word}: {}",
            output.transcript()
        );
    }
    for database in ["ums", "twitter"] {
        let only = [
            "diff",
            "--database",
            database,
            "--format",
            "sql",
            "--verify",
        ];
        let sql = world.run(&only).exits(1).stdout;
        world.client(database, &sql);
    }
    world.run(&["diff"]).ok();
    world.run(&["verify"]).ok();
    assert_eq!(world.client("ums", "SELECT name FROM users"), "a\n");
}

/// What bird cannot change is no statement, and so nothing was proven.
#[test]
fn a_difference_without_statements_is_not_verified() {
    Engine::Postgres.run(|engine| {
        let world = World::two(engine);
        world.client("two", "CREATE SCHEMA app");
        let output = world
            .run(&["diff", "one", "two", "--format", "sql"])
            .exits(1);
        let output = output.says("not possible: schema app").says("not verified");
        assert!(
            !output.stdout.contains("verified in a scratch database"),
            "{}",
            output.transcript()
        );
        world.run(&["diff", "one", "two", "--verify"]).exits(2);
    });
}

/// A test of the library compares the published file with the types.
#[test]
fn the_json_schema_is_printed_as_published() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inspect.schema.json");
    let printed = World::empty().run(&["inspect", "--json-schema"]);
    let published = fs::read_to_string(&path).expect("it is published");
    assert_eq!(published, printed.ok().stdout);
}
