//! Histories and files that disagree: what is only reformatted, what was changed, what a person
//! accepts, and what somebody edited by hand.

mod accept;
mod edited;

use serde_json::{Value, json};

use crate::world::{CANARY, Engine, World, database};

engines!(
    a_new_layout_is_accepted_and_told,
    a_change_is_refused_and_shown,
    what_is_not_kept_is_not_shown,
    no_password_is_kept_or_shown,
    a_history_without_what_was_kept_is_as_good,
    what_others_recorded_is_not_taken_for_bird_s,
    a_large_file_is_recorded_without_its_text,
);

const FILE: &str = "migrations/ums/V1__first.sql";
const TEXT: &str = "-- The first.\n\
                    CREATE TABLE a (id INT, note VARCHAR(40));\n\
                    -- bird: allow drop-table\n\
                    INSERT INTO a (id, note)\n  VALUES (1, 'two\nlines -- no comment');\n";
const LATER: &str = "migrations/ums/V2__later.sql";

/// A project whose only migration is applied.
fn applied(engine: Engine) -> World {
    let world = World::one(engine).file(FILE, TEXT);
    world.run(&["up"]).ok();
    world
}

fn ums(world: &World) -> Value {
    let status = world.run(&["status", "--format", "json"]).ok().json();
    database(&status, "ums").clone()
}

fn stored(world: &World, columns: &str) -> String {
    world.client("ums", &format!("SELECT {columns} FROM bird_applied"))
}

fn checksum(world: &World) -> String {
    let sql = "SELECT checksum FROM refinery_schema_history WHERE version = 1";
    world.client("ums", sql)
}

fn a_new_layout_is_accepted_and_told(engine: Engine) {
    let world = applied(engine);
    let before = checksum(&world);
    let windows = |text: &str| text.replace("\n", "\r\n").replace("two\r\nl", "two\nl");
    let edits = [
        windows(TEXT),
        format!("\u{feff}{TEXT}"),
        TEXT.replace("(id, note)\n  VALUES", "( id,note )\n\n\tVALUES"),
        TEXT.replace("-- The first.", "/* The very first. */\n--\n"),
        TEXT.trim_end().to_owned(),
        TEXT.replace("allow drop-table", "  allow   drop-table  "),
    ];
    for (at, edit) in edits.iter().enumerate() {
        world.write(FILE, edit);
        let output = "note[migration-reformatted]: V1 first was reformatted";
        world.run(&["status", "--exit-code"]).ok().warns(output);
        let ums = ums(&world);
        let expected = json!([{ "version": 1, "name": "first" }]);
        assert_eq!(ums["reformatted"], expected, "{edit:?}");
        assert_eq!(ums["changed"], json!([]));
        assert_eq!(ums["state"], "current");
        let quiet = world.run(&["migrate", "--quiet"]).ok();
        assert_eq!(quiet.stderr, "");
        // It is in nobody's way.
        let (next, sql) = (at + 2, format!("CREATE TABLE b{at} (id INT);\n"));
        world.write(&format!("migrations/ums/V{next}__next.sql"), &sql);
        let migrated = world
            .run(&["migrate", "--format", "json"])
            .ok()
            .warns(output);
        let finding = &migrated.json()["findings"][0];
        assert_eq!(finding["severity"], "note");
        assert_eq!(finding["file"], FILE);
    }
    assert_eq!(checksum(&world), before);
    world.write(FILE, TEXT);
    assert_eq!(world.run(&["status"]).ok().stderr, "");
}

fn a_change_is_refused_and_shown(engine: Engine) {
    let world = applied(engine).file(LATER, "CREATE TABLE b (id INT);\n");
    for (edit, lines) in [
        (
            TEXT.replace("two\n", "three\n").replace('\n', "\r\n"),
            ["-  VALUES (1, 'two", "+  VALUES (1, 'three"],
        ),
        (
            TEXT.replace("VARCHAR(40)", "VARCHAR(41)"),
            ["VARCHAR(40));", "VARCHAR(41));"],
        ),
        (
            TEXT.replace("allow drop-table", "allow data-loss"),
            ["--- bird: allow drop-table", "+-- bird: allow data-loss"],
        ),
        // A blank line makes it hold for the file.
        (
            TEXT.replace("drop-table\n", "drop-table\n\n"),
            ["\n         +\n", "INSERT"],
        ),
        // An editor did this, and the database holds the other text.
        (
            TEXT.replace("two\n", "two\r\n"),
            ["only line endings differ", "inside a string"],
        ),
        (
            format!("{TEXT}SELECT 'never closed"),
            ["+SELECT 'never closed", "+++ the file"],
        ),
    ] {
        world.write(FILE, &edit);
        for (command, code) in [("migrate", 3), ("status", 0)] {
            let output = world.run(&[command]).exits(code);
            let output = output.warns("error[migration-changed]: V1 first was changed");
            for line in lines {
                let output = output.stderr.replace("  =", "   ");
                assert!(output.contains(line), "no {line:?} in\n{output}");
            }
            assert!(
                !output
                    .stderr
                    .contains("-CREATE TABLE a (id INT, note VARCHAR(40));\n-")
            );
        }
        world.run(&["status", "--exit-code"]).exits(1);
        let ums = ums(&world);
        assert_eq!(ums["reformatted"], json!([]));
        assert_eq!(ums["state"], "disagrees");
    }
    world.refused("ums", "SELECT * FROM b");
    // However much was changed, what is told is bounded.
    let much: String = (0..4000)
        .map(|at| format!("INSERT INTO a (id) VALUES ({at});\n"))
        .collect();
    world.write(FILE, &much);
    let output = world.run(&["migrate"]).exits(3).warns("more lines");
    assert!(
        output.stderr.lines().count() < 45,
        "{}",
        output.transcript()
    );
}

/// The digest is kept always, the text only where the config lets it.
fn what_is_not_kept_is_not_shown(engine: Engine) {
    let world = World::one(engine)
        .file("bird.toml", "[databases.ums]\nkeep_sql = false\n")
        .file(FILE, TEXT);
    world.run(&["up"]).ok();
    assert_eq!(stored(&world, "version, sql_text"), "1\tNULL\n");
    world.write(FILE, &TEXT.replace('\n', " \n").replace("two \n", "two\n"));
    world
        .run(&["status", "--exit-code"])
        .ok()
        .warns("reformatted");
    world.write(FILE, &TEXT.replace("two", "three"));
    let output = world.run(&["migrate"]).exits(3).warns("migration-changed");
    assert!(!output.stderr.contains("three"), "{}", output.transcript());
    // From now on, and not backwards.
    world.write("bird.toml", "[databases.ums]\n");
    world.write(FILE, TEXT);
    world.write(LATER, "CREATE TABLE b (id INT);\n");
    world.run(&["migrate"]).ok();
    assert_eq!(
        stored(&world, "count(*), count(digest), count(sql_text)"),
        "2\t2\t1\n"
    );
}

/// Every run of a test is searched for [`CANARY`].
fn no_password_is_kept_or_shown(engine: Engine) {
    let secret = format!("-- ALTER ROLE app PASSWORD '{CANARY}';\n{TEXT}");
    let world = World::one(engine).file(FILE, &secret);
    world.run(&["up"]).ok();
    assert_eq!(stored(&world, "version, sql_text"), "1\tNULL\n");
    world.write(FILE, &secret.replace("VARCHAR(40)", "VARCHAR(41)"));
    world.run(&["migrate"]).exits(3);

    // One that came in later would be in the difference.
    let world = applied(engine);
    assert_eq!(stored(&world, "count(sql_text)"), "1\n");
    world.write(
        FILE,
        &format!("{TEXT}CREATE USER app IDENTIFIED BY '{CANARY}';\n"),
    );
    world
        .run(&["migrate"])
        .exits(3)
        .warns("what changed is not shown");
}

/// Older birds and stock refinery leave no such table.
fn a_history_without_what_was_kept_is_as_good(engine: Engine) {
    let world = applied(engine);
    world.client("ums", "DROP TABLE bird_applied");
    world.run(&["status", "--exit-code"]).ok();
    assert_eq!(world.run(&["migrate"]).ok().stderr, "");
    world.write(FILE, &format!("{TEXT}\n"));
    world.run(&["migrate"]).exits(3).warns("migration-changed");
    world.run(&["status"]).ok().warns("migration-changed");
    world.write(FILE, TEXT);
    world.write(LATER, "CREATE TABLE b (id INT);\n");
    world.run(&["migrate"]).ok();
    assert_eq!(stored(&world, "version"), "2\n");
    world.write(LATER, "CREATE TABLE b (id INT); -- why\n");
    world
        .run(&["status", "--exit-code"])
        .ok()
        .warns("reformatted");
}

/// Somebody undid a migration and recorded another text with another tool: what bird kept is of a
/// text that is gone, though the file is just that text.
fn what_others_recorded_is_not_taken_for_bird_s(engine: Engine) {
    let world = applied(engine);
    world.client("ums", "UPDATE refinery_schema_history SET checksum = '123'");
    let output = world.run(&["migrate"]).exits(3).warns("migration-changed");
    assert!(
        !output.stderr.contains("as it was applied"),
        "{}",
        output.transcript()
    );
    world.write(FILE, &TEXT.replace("two", "three"));
    let output = world.run(&["migrate"]).exits(3).warns("migration-changed");
    assert!(!output.stderr.contains("three"), "{}", output.transcript());
}

/// What is kept never endangers what is recorded.
fn a_large_file_is_recorded_without_its_text(engine: Engine) {
    // Random enough that packing helps little.
    let noise = |at: u32| uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &at.to_be_bytes());
    let rows: Vec<String> = (0..20_000)
        .map(|at| format!("(1, '{}')", noise(at)))
        .collect();
    let large = format!(
        "{TEXT}INSERT INTO a (id, note) VALUES {};\n",
        rows.join(",\n")
    );
    let world = World::one(engine).file(FILE, &large);
    world.run(&["up"]).ok();
    assert_eq!(stored(&world, "version, sql_text"), "1\tNULL\n");
    world.write(FILE, &format!("{large}-- the end\n"));
    world
        .run(&["status", "--exit-code"])
        .ok()
        .warns("reformatted");
}

#[test]
fn a_file_that_changes_how_strings_are_read_is_kept_as_it_is() {
    Engine::Postgres.run(|engine| {
        let text = format!("SET standard_conforming_strings TO off;\n{TEXT}");
        let world = World::one(engine).file(FILE, &text);
        world.run(&["up"]).ok();
        world.write(FILE, &text.replace("two", "three"));
        world
            .run(&["migrate"])
            .exits(3)
            .warns("+  VALUES (1, 'three");
    });
}
