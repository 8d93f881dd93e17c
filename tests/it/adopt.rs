//! Databases that exist already, and those that another tool migrated.

mod baseline;
pub mod tools;

use serde_json::{Value, json};

use crate::world::{Engine, Output, World, database};
use tools::{TIME, TOOLS, crc, flyway_row, goose_row, in_utc, prisma_row, sqlx_row, tool};

engines!(
    every_tool_is_taken_over,
    what_another_tool_left_unfinished_is_refused,
    what_has_no_file_is_refused_and_all_of_it_is_listed,
    a_remark_names_what_no_version_can,
    flyways_baselines_undos_and_repeatables,
    the_last_row_of_goose_counts,
    attempts_that_prisma_rolled_back_do_not_count,
    alembics_heads_and_all_that_led_to_them,
    a_changed_file_needs_consent,
    if_one_database_is_refused_none_is_written,
    several_tools_need_a_word,
    what_goes_on_after_adoption_is_taken_over_as_well,
    hostile_versions_are_shown_and_never_run,
    the_way_back_inside_a_file_is_refused,
    large_versions_make_a_wide_history,
);

const A: &str = "CREATE TABLE a (id INT);\n";
const B: &str = "-- Größe\nCREATE TABLE b (id INT);\n";
const C: &str = "CREATE TABLE c (id INT);\n";
const HISTORY: &str =
    "SELECT version, name, applied_on FROM refinery_schema_history ORDER BY version";

/// Three migrations, of which another tool has run two.
fn scene(engine: Engine, name: &str) -> World {
    let world = World::one(engine)
        .migration("ums/V1__first.sql", A)
        .migration("ums/V2__second.sql", B)
        .migration("ums/V3__third.sql", C);
    world.run(&["provision"]).ok();
    let tool = tool(name);
    world.client("ums", &format!("{A}{B}{}", (tool.ddl)(engine)));
    world
}

fn record(world: &World, name: &str, applied: &[(i64, &str)]) {
    let engine = world.engine_of("ums");
    let rows = (tool(name).rows)(engine, applied);
    world.client("ums", &in_utc(engine, &rows));
}

/// Every table with its number of rows, and what a file holds.
fn snapshot(world: &World, name: &str) -> (String, Vec<u8>) {
    let engine = world.engine_of(name);
    let tables = world.client(
        name,
        engine.pick(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
             ORDER BY 1",
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
            "SELECT name FROM sqlite_schema ORDER BY 1",
        ),
    );
    let mut shown = String::new();
    for table in tables
        .lines()
        .filter(|table| !table.starts_with("sqlite_autoindex"))
    {
        // An index of a file has no rows, and its name is enough.
        let rows = world.try_client(name, &format!("SELECT count(*) FROM {table}"));
        shown.push_str(&format!(
            "{table} {}\n",
            rows.unwrap_or_default().trim_end()
        ));
    }
    let file = match engine {
        Engine::Sqlite => std::fs::read(world.name(name)).expect("the file"),
        _ => Vec::new(),
    };
    (shown, file)
}

/// Versions of what was adopted, and what the tool calls each.
fn adopted(output: &Output) -> Vec<(i64, String)> {
    let document = output.json();
    let rows = database(&document, "ums")["adopted"]
        .as_array()
        .expect("rows")
        .clone();
    let row = |row: &Value| {
        let from = row["from"].as_str().unwrap_or("null").to_owned();
        (row["version"].as_i64().expect("a version"), from)
    };
    rows.iter().map(row).collect()
}

fn adopt(world: &World) -> Output {
    world.run(&["adopt", "--format", "json"]).ok()
}

/// A refusal that leaves the database as it was, with everything it said.
fn refused(world: &World, arguments: &[&str], code: &str) -> Output {
    let before = snapshot(world, "ums");
    let mut all = vec!["adopt", "--format", "json"];
    all.extend(arguments);
    let output = world.run(&all).exits(3);
    let shown = output.json();
    assert_eq!(
        shown["findings"][0]["code"],
        code,
        "{}",
        output.transcript()
    );
    assert_eq!(shown["findings"][0]["database"], "ums");
    assert!(before == snapshot(world, "ums"), "it was written");
    output
}

fn every_tool_is_taken_over(engine: Engine) {
    for tool in TOOLS {
        let world = scene(engine, tool.name);
        record(&world, tool.name, &[(1, A), (2, B)]);
        let theirs = format!("SELECT * FROM {} ORDER BY 1", tool.table);
        let before = world.client("ums", &theirs);
        world.run(&["migrate"]).exits(3).warns("non-empty");
        let all = snapshot(&world, "ums");
        let dry = world.run(&["adopt", "--dry-run"]).ok();
        let dry = dry.says("would adopt 2 migrations").says("1 pending");
        assert!(dry.stdout.contains("V2 second"), "{}", dry.transcript());
        assert!(all == snapshot(&world, "ums"), "{} was written", tool.name);
        let output = adopt(&world);
        let document = output.json();
        assert_eq!(database(&document, "ums")["tool"], tool.name);
        assert_eq!(database(&document, "ums")["state"], "pending");
        let versions: Vec<i64> = adopted(&output).iter().map(|row| row.0).collect();
        assert_eq!(versions, [1, 2], "{}", tool.name);
        let history = world.client("ums", HISTORY);
        let named = history.starts_with("1\tfirst\t") && history.contains("\n2\tsecond\t");
        assert!(named && history.lines().count() == 2, "{history}");
        let time = TIME.replace(' ', "T");
        let shown = history.matches(&time).count();
        let expected = if (tool.tells_time)(engine) { 2 } else { 0 };
        assert_eq!(shown, expected, "{}: {history}", tool.name);
        let status = world.run(&["status", "--format", "json"]).ok().json();
        let state = database(&status, "ums");
        assert_eq!(state["state"], "pending", "{}: {state}", tool.name);
        assert_eq!(state["pending"], json!([{ "version": 3, "name": "third" }]));
        world.run(&["migrate"]).ok().says("applied 1 migration");
        world.run(&["status", "--exit-code"]).ok();
        // Once more there is nothing to do, whether the tool is named or not.
        world
            .run(&["adopt"])
            .ok()
            .says("continues its history: 3 migrations");
        world
            .run(&["adopt", "--from", tool.name])
            .ok()
            .says("nothing to do");
        assert_eq!(world.client("ums", &theirs), before, "{}", tool.name);
    }
}

fn what_another_tool_left_unfinished_is_refused(engine: Engine) {
    let yes = engine.pick("true", "true", "1");
    let failures = [
        (
            "flyway",
            flyway_row(engine, 9, Some("3"), "SQL", Some(1), false),
            "3 failed",
        ),
        ("sqlx", sqlx_row(engine, 3, C, false), "3 was started"),
        (
            "prisma",
            prisma_row(engine, "3_third", C, false, false),
            "3_third was started",
        ),
        (
            "golang-migrate",
            format!("UPDATE schema_migrations SET dirty = {yes};"),
            "dirty at version 2",
        ),
    ];
    for (name, sql, words) in failures {
        let world = scene(engine, name);
        record(&world, name, &[(1, A), (2, B)]);
        world.client("ums", &sql);
        refused(&world, &[], "adopt-unfinished").warns(words);
        refused(&world, &["--dry-run", "--from", name], "adopt-unfinished");
    }
}

fn what_has_no_file_is_refused_and_all_of_it_is_listed(engine: Engine) {
    for tool in TOOLS {
        let world = scene(engine, tool.name);
        record(&world, tool.name, &[(1, A), (7, B), (8, C)]);
        let output = refused(&world, &[], "adopt-unmatched");
        let notes = output.json()["findings"][0]["notes"].to_string();
        let last = match tool.name {
            "prisma" => "-- prisma: 8_x".to_owned(),
            name => format!("-- {name}: 8"),
        };
        assert!(notes.contains(&last), "{notes}");
        let only_one = ["golang-migrate", "alembic"].contains(&tool.name);
        assert_eq!(notes.contains(": 7"), !only_one, "{notes}");
    }
    // Of a long history some are listed, and what most people want is named.
    let world = scene(engine, "goose");
    let many: Vec<(i64, &str)> = (10..65).map(|version| (version, A)).collect();
    record(&world, "goose", &many);
    refused(&world, &[], "adopt-unmatched")
        .warns("--from baseline")
        .warns("and 45 more");
}

/// Dots, twenty digits, hashes: each is named in the file that holds it.
fn a_remark_names_what_no_version_can(engine: Engine) {
    let long = "20150100000001000000";
    let scenes = [
        ("dbmate", format!("INSERT INTO schema_migrations VALUES ('{long}');"), long),
        ("diesel", "INSERT INTO __diesel_schema_migrations VALUES ('2026-05-05-120000', '2026-01-02 03:04:05');".into(), "2026-05-05-120000"),
        ("prisma", prisma_row(engine, "first_of_all", A, true, false), "first_of_all"),
        ("flyway", flyway_row(engine, 1, Some("1.2"), "SQL", Some(crc(A)), true), "1.2"),
    ];
    for (name, sql, version) in scenes {
        let world = scene(engine, name);
        world.client("ums", &sql);
        let remark = format!("-- {name}: {version}");
        refused(&world, &[], "adopt-unmatched").warns(&remark);
        world.write("migrations/ums/V1__first.sql", &format!("{remark}\n{A}"));
        assert_eq!(adopted(&adopt(&world)), [(1, version.to_owned())]);
    }
    // One file may hold several, and is applied when all of them are.
    let world = scene(engine, "dbmate");
    record(&world, "dbmate", &[(11, A), (12, B)]);
    world.write(
        "migrations/ums/V1__first.sql",
        &format!("-- dbmate: 11, 12, 13\n{A}"),
    );
    refused(&world, &[], "adopt-half").warns("`13` is not");
    record(&world, "dbmate", &[(13, C)]);
    assert_eq!(adopted(&adopt(&world)), [(1, "11, 12, 13".to_owned())]);
}

fn flyways_baselines_undos_and_repeatables(engine: Engine) {
    let world = scene(engine, "flyway");
    let row = |rank, version, kind, sum| flyway_row(engine, rank, version, kind, sum, true);
    // Before the baseline Flyway ran nothing, and its version needs no file.
    let rows = [
        row(1, Some("1.5"), "BASELINE", None),
        row(2, Some("2"), "SQL", Some(crc(B))),
        row(3, Some("3"), "SQL", Some(crc(C))),
        row(4, Some("3"), "UNDO_SQL", Some(1)),
        row(5, None, "SQL", Some(2)),
    ];
    world.client("ums", &rows.concat());
    refused(&world, &[], "adopt-unmatched").warns("-- flyway: R__all_views.sql");
    // What is repeatable becomes a migration as any other. Its name in the file is consent.
    let views = "-- flyway: R__all_views.sql\nCREATE VIEW v AS SELECT 1;\n";
    world.write("migrations/ums/V4__views.sql", views);
    refused(&world, &[], "changed-file");
    world.client(
        "ums",
        "UPDATE flyway_schema_history SET checksum = NULL WHERE version IS NULL",
    );
    let output = adopt(&world);
    let expected = [(1, "up to 1.5"), (2, "2"), (4, "R__all_views.sql")];
    assert_eq!(
        adopted(&output),
        expected.map(|(at, from)| (at, from.to_owned()))
    );
}

fn the_last_row_of_goose_counts(engine: Engine) {
    let world = scene(engine, "goose");
    let rows = [
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (2, false),
        (3, false),
        (2, true),
    ];
    let rows = rows.map(|(version, applied)| goose_row(engine, version, applied));
    world.client("ums", &rows.concat());
    let versions: Vec<i64> = adopted(&adopt(&world)).iter().map(|row| row.0).collect();
    assert_eq!(versions, [1, 2]);
}

fn attempts_that_prisma_rolled_back_do_not_count(engine: Engine) {
    let world = scene(engine, "prisma");
    let row = |name, text, finished, back| prisma_row(engine, name, text, finished, back);
    let rows = [
        row("1_first", "something else", false, true),
        row("1_first", A, true, false),
        row("2_second", B, true, false),
        row("3_third", C, false, true),
    ];
    world.client("ums", &rows.concat());
    let expected = [(1, "1_first"), (2, "2_second")];
    assert_eq!(
        adopted(&adopt(&world)),
        expected.map(|(at, from)| (at, from.to_owned()))
    );
}

fn alembics_heads_and_all_that_led_to_them(engine: Engine) {
    let graph = |world: &World| {
        for (file, line, text) in [
            ("V1__first", "-> a1", A),
            ("V2__second", "a1 -> b2", B),
            ("V3__third", "a1 -> c3", C),
            ("V4__fourth", "b2, c3 -> d4", "CREATE TABLE d (id INT);\n"),
        ] {
            let text = format!("-- Running upgrade {line}\n\n{text}");
            world.write(&format!("migrations/ums/{file}.sql"), &text);
        }
    };
    let heads = |world: &World, heads: &[&str]| {
        let rows = heads
            .iter()
            .map(|head| format!("INSERT INTO alembic_version VALUES ('{head}');"));
        world.client("ums", &rows.collect::<String>());
    };
    let versions =
        |world: &World| -> Vec<i64> { adopted(&adopt(world)).iter().map(|row| row.0).collect() };
    // One branch of two: the other one is not applied, though its version is lower than the next.
    let world = scene(engine, "alembic");
    graph(&world);
    heads(&world, &["c3"]);
    assert_eq!(versions(&world), [1, 3]);
    let world = scene(engine, "alembic");
    graph(&world);
    heads(&world, &["b2", "c3"]);
    assert_eq!(versions(&world), [1, 2, 3]);
    let world = scene(engine, "alembic");
    graph(&world);
    heads(&world, &["b2", "e5", "f6"]);
    refused(&world, &[], "adopt-unmatched")
        .warns("e5")
        .warns("f6");
    // Remarks name revisions without saying what led to them: then there is one line.
    let world = scene(engine, "alembic");
    world.write(
        "migrations/ums/V2__second.sql",
        &format!("-- alembic: b2\n{B}"),
    );
    heads(&world, &["b2"]);
    let expected = [(1, "up to b2"), (2, "b2")];
    assert_eq!(
        adopted(&adopt(&world)),
        expected.map(|(at, from)| (at, from.to_owned()))
    );
    let world = scene(engine, "alembic");
    world.write(
        "migrations/ums/V2__second.sql",
        &format!("-- alembic: b2\n{B}"),
    );
    world.write(
        "migrations/ums/V3__third.sql",
        &format!("-- alembic: c3\n{C}"),
    );
    heads(&world, &["b2", "c3"]);
    refused(&world, &[], "adopt-heads");
}

fn a_changed_file_needs_consent(engine: Engine) {
    for name in ["flyway", "sqlx", "prisma"] {
        let world = scene(engine, name);
        record(&world, name, &[(1, A), (2, B)]);
        // What bird itself needs in a file changes nothing of what the tool ran.
        world.write(
            "migrations/ums/V2__second.sql",
            &format!("-- bird: no-transaction\n{B}"),
        );
        world.run(&["adopt", "--dry-run"]).ok();
        world.write("migrations/ums/V2__second.sql", &B.replace("id", "ident"));
        let output = refused(&world, &[], "changed-file").warns("V2__second.sql");
        assert_eq!(output.json()["findings"].as_array().map(Vec::len), Some(1));
        world.run(&["adopt", "--allow", "changed-file"]).ok();
        let status = world.run(&["status", "--format", "json"]).ok().json();
        assert_eq!(database(&status, "ums")["state"], "pending");
    }
}

fn if_one_database_is_refused_none_is_written(engine: Engine) {
    let world = World::empty()
        .file("bird.toml", "[databases.a]\n[databases.b]\n")
        .migration("a/V1__first.sql", A)
        .migration("b/V1__first.sql", A)
        .engine("a", engine)
        .engine("b", engine);
    world.run(&["provision"]).ok();
    for name in ["a", "b"] {
        let goose = tool("goose");
        let rows = (goose.rows)(engine, &[(1, A)]);
        world.client(name, &format!("{A}{}{rows}", (goose.ddl)(engine)));
    }
    world.client("b", &goose_row(engine, 2, true));
    let before = (snapshot(&world, "a"), snapshot(&world, "b"));
    world.run(&["adopt"]).exits(3).warns("adopt-unmatched");
    assert!(before == (snapshot(&world, "a"), snapshot(&world, "b")));
    world.client("b", &goose_row(engine, 2, false));
    world
        .run(&["adopt"])
        .ok()
        .says("a: adopted 1")
        .says("b: adopted 1");
    world.run(&["status", "--exit-code"]).ok();
}

fn several_tools_need_a_word(engine: Engine) {
    let world = scene(engine, "goose");
    record(&world, "goose", &[(1, A)]);
    world.client("ums", &(tool("flyway").ddl)(engine));
    record(&world, "flyway", &[(1, A), (2, B)]);
    let before = snapshot(&world, "ums");
    let output = world.run(&["adopt"]).exits(2);
    let output = output.warns("--from flyway or --from goose");
    assert!(before == snapshot(&world, "ums"), "{}", output.transcript());
    world
        .run(&["adopt", "--from", "sqlx"])
        .exits(2)
        .warns("no table of sqlx");
    world
        .run(&["adopt", "--from", "goose"])
        .ok()
        .says("adopted 1 migration from goose");
}

fn what_goes_on_after_adoption_is_taken_over_as_well(engine: Engine) {
    let world = scene(engine, "goose");
    record(&world, "goose", &[(1, A), (2, B)]);
    world.run(&["adopt"]).ok();
    // The other tool went on.
    world.client("ums", &format!("{C}{}", goose_row(engine, 3, true)));
    world
        .run(&["adopt"])
        .ok()
        .says("continues its history: 2 migrations");
    let output = world.run(&["adopt", "--from", "goose"]).ok();
    output.says("adopted 1 migration from goose, 0 pending");
    world.run(&["status", "--exit-code"]).ok();
    // A history that disagrees with its files is nobody's to take over.
    world.write("migrations/ums/V1__first.sql", B);
    world.run(&["adopt"]).exits(3).warns("migration-changed");
    world
        .run(&["adopt", "--from", "refinery"])
        .exits(3)
        .warns("migration-changed");
    world
        .run(&["adopt", "--from", "goose"])
        .exits(3)
        .warns("migration-changed");
}

fn hostile_versions_are_shown_and_never_run(engine: Engine) {
    let world = scene(engine, "dbmate");
    let hostile = "1''); DROP TABLE a; --\u{1b}[2J";
    world.client(
        "ums",
        &format!("INSERT INTO schema_migrations VALUES ('{hostile}');"),
    );
    let output = world.run(&["adopt"]).exits(3).warns("DROP TABLE a");
    assert!(!output.stderr.contains('\u{1b}'), "{}", output.transcript());
    // Named by a remark it is taken over, and only its own number and name go into the history.
    let remark = "-- dbmate: 1'); DROP TABLE a; --\u{1b}[2J";
    world.write("migrations/ums/V1__first.sql", &format!("{remark}\n{A}"));
    world.run(&["adopt"]).exits(3).warns("adopt-unmatched");
    world.client("ums", "DELETE FROM schema_migrations");
    let hostile = "1'');DROP";
    world.client(
        "ums",
        &format!("INSERT INTO schema_migrations VALUES ('{hostile}');"),
    );
    world.write(
        "migrations/ums/V1__first.sql",
        &format!("-- dbmate: 1');DROP\n{A}"),
    );
    world.run(&["adopt"]).ok().says("1');DROP");
    assert!(world.client("ums", HISTORY).starts_with("1\tfirst\t"));
    world.client("ums", "SELECT * FROM a");
}

fn the_way_back_inside_a_file_is_refused(engine: Engine) {
    for (name, up, down) in [
        ("dbmate", "-- migrate:up", "-- migrate:down"),
        ("goose", "-- +goose Up", "-- +goose Down"),
    ] {
        let world = scene(engine, name);
        record(&world, name, &[(1, A), (2, B)]);
        let both = format!("{up}\n{C}\n{down}\nDROP TABLE c;\n");
        world.write("migrations/ums/V3__third.sql", &both);
        let shown = refused(&world, &[], "adopt-way-back");
        assert_eq!(shown.json()["findings"][0]["line"], 4);
        world.write(
            "migrations/ums/V3__third.sql",
            &format!("{up}\n{C}\n{down}\n"),
        );
        world.run(&["adopt"]).ok();
        world.run(&["migrate"]).ok();
    }
}

fn large_versions_make_a_wide_history(engine: Engine) {
    let world = World::one(engine)
        .migration("ums/V20260101120000__first.sql", A)
        .migration("ums/V20260101130000__second.sql", B);
    world.run(&["provision"]).ok();
    world.client("ums", &format!("{A}{}", (tool("rails").ddl)(engine)));
    record(&world, "rails", &[(20260101120000, A)]);
    world.run(&["adopt"]).ok();
    world.run(&["migrate"]).ok().says("applied 1 migration");
    world.run(&["status", "--exit-code"]).ok();
}
