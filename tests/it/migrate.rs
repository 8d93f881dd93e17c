//! Migrations that stop half way: what is told, what stands, and how the next run goes on.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::world::{Engine, World, database};

engines!(
    a_failure_names_its_place_and_the_next_run_goes_on,
    an_applied_part_may_be_reformatted_and_the_rest_rewritten,
    an_applied_part_must_not_change,
    what_requires_a_failed_migration_is_not_run,
    what_is_required_comes_first,
    a_failing_row_undoes_its_statement_alone,
);

const FILE: &str = "migrations/ums/V1__first.sql";
const BROKEN: &str = "CREATE TABLE a (id INT);\n\
                      INSERT INTO a VALUES (1);\n  CREATE TABEL c (id INT);\n";
const MENDED: &str = "CREATE TABLE a (id INT);\n\
                      INSERT INTO a VALUES (1);\n  CREATE TABLE c (id INT);\n";

/// A file that is journaled statement by statement on every engine.
fn journaled(statements: &str) -> String {
    format!("-- bird: no-transaction\n{statements}")
}

/// The tables that are neither bird's nor refinery's, by name.
fn tables(world: &World, name: &str) -> String {
    let sql = world.engine_of(name).pick(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
         AND TABLE_NAME NOT IN ('bird_applied', 'bird_journal', 'bird_schema', 'refinery_schema_history') ORDER BY TABLE_NAME",
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' \
         AND tablename NOT IN ('bird_applied', 'bird_journal', 'bird_schema', 'refinery_schema_history') ORDER BY tablename",
        "SELECT name FROM sqlite_schema WHERE type = 'table' \
         AND name NOT IN ('bird_applied', 'bird_journal', 'bird_schema', 'refinery_schema_history') ORDER BY name",
    );
    let rows = world.client(name, sql);
    rows.lines().collect::<Vec<_>>().join(" ")
}

fn partial(world: &World) -> Value {
    let status = world.run(&["status", "--format", "json"]).ok().json();
    database(&status, "ums")["partial"].clone()
}

fn a_failure_names_its_place_and_the_next_run_goes_on(engine: Engine) {
    let world = World::one(engine).file(FILE, BROKEN);
    world.run(&["provision"]).ok();
    let failed = world.run(&["migrate", "--format", "json"]).exits(4);
    let failed = failed.warns(&format!("{FILE}:3:10")).json();
    let finding = &failed["findings"][0];
    assert_eq!(finding["code"], "statement-failed");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&json!(3), &json!(10))
    );
    assert_eq!(finding["file"], FILE);
    assert_eq!(&failed["error"], finding);
    let left = json!({ "version": 1, "statement": 3, "of": 3 });
    if engine.is_transactional() {
        assert_eq!(partial(&world), Value::Null);
        assert_eq!(tables(&world, "ums"), "");
    } else {
        assert_eq!(database(&failed, "ums")["partial"], left);
        assert_eq!(partial(&world), left);
        assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    }
    world.write(FILE, MENDED);
    let mended = world.run(&["migrate", "--format", "json"]).ok().json();
    assert_eq!(tables(&world, "ums"), "a c");
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    // The journal tells which run did what: the applied part was not run again.
    let run = |document: &Value| document["run"].as_str().expect("a run").to_owned();
    let (first, second) = (run(&failed), run(&mended));
    let before = if engine.is_transactional() {
        &second
    } else {
        &first
    };
    let journal = world.client(
        "ums",
        "SELECT statement, run FROM bird_journal ORDER BY statement",
    );
    assert_eq!(journal, format!("1\t{before}\n2\t{before}\n3\t{second}\n"));
    world.run(&["status", "--exit-code"]).ok();
}

fn an_applied_part_may_be_reformatted_and_the_rest_rewritten(engine: Engine) {
    let world = World::one(engine).file(FILE, &journaled(BROKEN));
    world.run(&["provision"]).ok();
    world
        .run(&["migrate"])
        .exits(4)
        .warns("statements 1 to 2 of 3");
    assert_eq!(
        partial(&world),
        json!({ "version": 1, "statement": 3, "of": 3 })
    );
    let reformatted = "\r\n/* why */ CREATE   TABLE a\r\n(id INT) ; -- first\r\n\
                       INSERT INTO a VALUES (1);CREATE TABLE d (id INT);\r\n\
                       INSERT INTO d VALUES (3);\r\nINSERT INTO d VALUES (4)";
    world.write(FILE, &journaled(reformatted));
    world
        .run(&["migrate", "--dry-run"])
        .ok()
        .says("statement 3 of 5");
    world
        .run(&["migrate"])
        .ok()
        .says("applied 1 migration, 3 statements");
    assert_eq!(tables(&world, "ums"), "a d");
    assert_eq!(world.client("ums", "SELECT count(*) FROM a"), "1\n");
    assert_eq!(
        world.client("ums", "SELECT id FROM d ORDER BY id"),
        "3\n4\n"
    );
    world.run(&["status", "--exit-code"]).ok();
}

fn an_applied_part_must_not_change(engine: Engine) {
    let world = World::one(engine).file(FILE, &journaled(BROKEN));
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).exits(4);
    for changed in [
        MENDED.replace("(1)", "(2)"),
        MENDED.replace("TABLE a (id INT)", "TABLE a (id BIGINT)"),
        // A statement more at the beginning, and one less.
        format!("CREATE TABLE before_all (id INT);\n{MENDED}"),
        MENDED.replace("INSERT INTO a VALUES (1);\n", ""),
        "CREATE TABLE a (id INT);\n".to_owned(),
    ] {
        world.write(FILE, &journaled(&changed));
        let refused = world
            .run(&["migrate"])
            .exits(3)
            .warns("applied-part-changed");
        assert!(
            refused.stderr.contains("restore"),
            "{}",
            refused.transcript()
        );
        world.run(&["status", "--exit-code"]).exits(1);
        assert_eq!(tables(&world, "ums"), "a");
        assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    }
    world.write(FILE, &journaled(MENDED));
    world.run(&["migrate"]).ok();
    assert_eq!(tables(&world, "ums"), "a c");
}

/// The rows before the failing one are gone too: otherwise resuming would insert them twice.
fn a_failing_row_undoes_its_statement_alone(engine: Engine) {
    let text = "CREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (1), (2), (1);\n";
    let world = World::one(engine).file(FILE, &journaled(text));
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).exits(4).warns("V1__first.sql:3:1");
    assert_eq!(world.client("ums", "SELECT count(*) FROM a"), "0\n");
    world.write(FILE, &journaled(&text.replace("(1);", "(3);")));
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "SELECT count(*) FROM a"), "3\n");
}

fn what_requires_a_failed_migration_is_not_run(engine: Engine) {
    let world = World::empty()
        .file("bird.toml", "[databases.ums]\n[databases.twitter]\n")
        .file(FILE, BROKEN)
        .migration("twitter/V1__free.sql", "CREATE TABLE free (id INT);\n")
        .migration(
            "twitter/V2__bound.sql",
            "-- bird: requires ums@1\nCREATE TABLE bound (id INT);\n",
        )
        .engine("ums", engine)
        .engine("twitter", Engine::Sqlite);
    world.run(&["provision"]).ok();
    let stopped = world.run(&["migrate"]).exits(4);
    let waiting = stopped
        .stderr
        .lines()
        .find(|line| line.contains("V2 bound"));
    assert!(
        waiting.is_some_and(|line| line.contains("ums")),
        "{}",
        stopped.transcript()
    );
    assert_eq!(tables(&world, "twitter"), "free");
    world.write(FILE, MENDED);
    world.run(&["migrate"]).ok();
    assert_eq!(tables(&world, "twitter"), "bound free");
}

/// The databases run at once, so only waiting can bring this order about.
fn what_is_required_comes_first(engine: Engine) {
    let mut world = World::empty()
        .file("bird.toml", "[databases.twitter]\n[databases.ums]\n")
        .migration(
            "twitter/V1__bound.sql",
            "-- bird: requires ums@5\nCREATE TABLE t (id INT);\n",
        )
        .engine("twitter", Engine::Sqlite)
        .engine("ums", engine);
    for version in 1..=5 {
        let text = format!("CREATE TABLE t{version} (id INT);\n");
        world = world.migration(&format!("ums/V{version}__one.sql"), &text);
    }
    world.run(&["up"]).ok();
    let applied = |name: &str, version: u8| {
        let sql =
            format!("SELECT applied_on FROM refinery_schema_history WHERE version = {version}");
        let text = world.client(name, &sql);
        OffsetDateTime::parse(text.trim(), &Rfc3339).expect("a time")
    };
    assert!(applied("twitter", 1) >= applied("ums", 5));
}

/// Every pair of engines, each of them once the one that fails.
#[test]
fn one_database_fails_and_the_other_completes() {
    let engines = Engine::all();
    for failing in &engines {
        for other in engines.iter().filter(|other| *other != failing) {
            one_fails_one_completes(*failing, *other);
        }
    }
}

fn one_fails_one_completes(failing: Engine, other: Engine) {
    let world = World::empty()
        .file("bird.toml", "[databases.ums]\n[databases.twitter]\n")
        .file(FILE, BROKEN)
        .migration("twitter/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .migration("twitter/V2__b.sql", "CREATE TABLE b (id INT);\n")
        .engine("ums", failing)
        .engine("twitter", other);
    world.run(&["provision"]).ok();
    let stopped = world.run(&["migrate", "--format", "json"]).exits(4).json();
    let (ums, twitter) = (database(&stopped, "ums"), database(&stopped, "twitter"));
    assert_eq!(ums["current"], Value::Null, "{failing:?}, {other:?}");
    let state = if failing.is_transactional() {
        "pending"
    } else {
        "half-applied"
    };
    assert_eq!(ums["state"], state, "{failing:?}, {other:?}");
    assert_eq!(twitter["state"], "current", "{failing:?}, {other:?}");
    assert_eq!(twitter["ran"].as_array().map(Vec::len), Some(2));
    assert_eq!(stopped["findings"].as_array().map(Vec::len), Some(1));
    assert_eq!(stopped["findings"][0]["database"], "ums");
    world.write(FILE, MENDED);
    world.run(&["migrate"]).ok().says("applied 1 migration");
    world.run(&["status", "--exit-code"]).ok();
    assert_eq!(tables(&world, "ums"), "a c");
    assert_eq!(tables(&world, "twitter"), "a b");
}

/// Inside a transaction PostgreSQL refuses them, so bird does before anything runs; and a string
/// of several statements would be one.
#[test]
fn indexes_are_built_concurrently_in_a_file_without_transaction() {
    Engine::Postgres.run(|engine| {
        let indexes = "CREATE INDEX CONCURRENTLY i ON a (id);\nANALYZE a;\n\
                       CREATE INDEX CONCURRENTLY j ON a (id);\n";
        let world = World::one(engine)
            .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
            .migration("ums/V2__i.sql", indexes);
        world.run(&["provision"]).ok();
        world
            .run(&["migrate"])
            .exits(3)
            .warns("cannot run inside a transaction")
            .warns("-- bird: no-transaction");
        world.write("migrations/ums/V2__i.sql", &journaled(indexes));
        world
            .run(&["migrate"])
            .ok()
            .says("applied 2 migrations, 4 statements");
        let valid = "SELECT count(*) FROM pg_index WHERE indrelid = 'a'::regclass AND indisvalid";
        assert_eq!(world.client("ums", valid), "2\n");
        let journal = "SELECT version, statement FROM bird_journal ORDER BY 1, 2";
        assert_eq!(world.client("ums", journal), "1\t1\n2\t1\n2\t2\n2\t3\n");
    });
}

/// A file that no transaction can run needs no directive.
#[test]
fn a_file_whose_statements_all_refuse_a_transaction_runs_without_one() {
    let test = |engine: Engine| {
        let alone = engine.pick(
            "",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\nREINDEX (VERBOSE) TABLE CONCURRENTLY a;\n\
             DROP INDEX CONCURRENTLY i;\nVACUUM (ANALYZE) a;\n",
            "VACUUM;\n",
        );
        let world = World::one(engine)
            .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
            .migration("ums/V2__alone.sql", alone);
        world.run(&["up"]).ok();
        world.run(&["verify"]).ok();
        world.write(
            "migrations/ums/V3__mixed.sql",
            "CREATE TABLE b (id INT);\nVACUUM;\n",
        );
        let refused = world.run(&["migrate"]).exits(3);
        refused
            .warns("`VACUUM …` cannot run inside a transaction")
            .warns("-- bird: no-transaction");
    };
    Engine::Postgres.run(test);
    Engine::Sqlite.run(test);
}

/// One plan and one report for as many engines as there are.
#[test]
fn one_system_stands_on_all_engines_at_once() {
    let engines = Engine::all();
    let mut config = String::new();
    let mut world = World::empty();
    for (at, engine) in engines.iter().enumerate() {
        config.push_str(&format!("[databases.d{at}]\n"));
        world = world
            .migration(&format!("d{at}/V1__a.sql"), "CREATE TABLE a (id INT);\n")
            .engine(&format!("d{at}"), *engine);
    }
    let world = world.file("bird.toml", &config);
    world
        .run(&["up"])
        .ok()
        .says(&format!("applied {} migration", engines.len()));
    world.run(&["up"]).ok().says("nothing to do");
    world.run(&["status", "--exit-code"]).ok();
}
