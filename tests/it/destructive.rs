//! No output of any command holds an executable statement that destroys what the project's own
//! migrations made, in whatever environment the command runs.

use crate::world::{Engine, Output, World};

engines!(
    without_records_nothing_of_the_project_is_dropped,
    with_records_nothing_of_the_project_is_dropped,
    in_a_half_applied_file_nothing_of_the_project_is_dropped,
    after_an_adoption_nothing_of_the_project_is_dropped,
    without_the_rows_nothing_of_the_project_is_dropped,
);

/// The objects that the migrations of these tests make.
const OWN: &[&str] = &["users", "fees", "names", "by_name"];

fn world(engine: Engine) -> World {
    let world = World::one(engine)
        .migration(
            "ums/V1__users.sql",
            "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(20));\n\
             CREATE INDEX by_name ON users (name);\n",
        )
        .migration(
            "ums/V2__fees.sql",
            "CREATE TABLE fees (id INT PRIMARY KEY, of_user INT);\n\
             CREATE VIEW names AS SELECT name FROM users;\n",
        );
    world.provision("ums");
    world
}

fn without_a_record(world: &World) {
    let config = world.read("bird.toml");
    let config = config.replace("[databases.ums]", "[databases.ums]\nkeep_schema = false");
    world.write("bird.toml", &config);
}

/// Everything that may print SQL about drift, in all formats. None of these commands writes.
fn commands() -> Vec<Vec<&'static str>> {
    let mut all: Vec<Vec<&str>> = Vec::new();
    for format in ["table", "json", "sql", "markdown"] {
        for sources in [
            &["ums"][..],
            &["ums", "ums@applied"],
            &["ums", "ums@migrations"],
            &["ums@applied", "ums@migrations"],
        ] {
            let mut diff = vec!["diff"];
            diff.extend(sources);
            diff.extend(["--format", format]);
            all.push(diff);
        }
        for command in ["verify", "status", "doctor"] {
            if format != "sql" {
                all.push(vec![command, "--format", format]);
            }
        }
    }
    all.push(vec!["verify", "--format", "junit"]);
    all.push(vec!["inspect", "ums", "--format", "sql"]);
    all.push(vec!["migrate", "--dry-run", "--format", "sql"]);
    all
}

/// The statements of a text that would run and that take something of the project away.
fn destructive(output: &str) -> Vec<String> {
    // JSON and tables hold statements with their line ends escaped, and comments within them.
    let text = output.replace("\\n", "\n").replace("\\\"", "\"");
    let lines = text.lines().filter(|line| {
        let line = line.trim_start_matches([' ', '|', '"', '=']);
        let line = line.to_ascii_uppercase();
        let is_comment = line.starts_with("--") || line.starts_with("# ");
        let destroys = ["DROP ", "TRUNCATE ", "DELETE FROM "]
            .iter()
            .any(|word| line.contains(word));
        !is_comment && destroys
    });
    let own = lines.filter(|line| {
        let is_letter = |c: char| c.is_alphanumeric() || c == '_';
        let mut words = line.split(|c: char| !is_letter(c));
        words.any(|word| OWN.contains(&word))
    });
    own.map(str::to_owned).collect()
}

#[track_caller]
fn is_harmless(output: &Output) {
    let found = destructive(&output.stdout);
    assert!(found.is_empty(), "{found:?}: {}", output.transcript());
    let found = destructive(&output.stderr);
    assert!(found.is_empty(), "{found:?}: {}", output.transcript());
}

#[track_caller]
fn nothing_is_dropped(world: &World) {
    for command in commands() {
        is_harmless(&world.run(&command));
    }
    let drift = ["new", "drifted", "--database", "ums", "--from-drift"];
    is_harmless(&world.run(&drift));
    let files = std::fs::read_dir(world.path("migrations/ums")).expect("a folder");
    for file in files {
        let file = file.expect("a file").path();
        if file.to_string_lossy().contains("drifted") {
            let text = std::fs::read_to_string(&file).expect("a text");
            assert!(destructive(&text).is_empty(), "{text}");
            std::fs::remove_file(&file).expect("it goes");
        }
    }
}

#[test]
fn what_this_file_looks_for_is_found() {
    for (text, is_found) in [
        ("DROP TABLE \"users\";", true),
        ("  \"sql\": \"BEGIN;\\nDROP TABLE \\\"users\\\";\"", true),
        ("ALTER TABLE `users` DROP COLUMN `name`;", true),
        ("-- DROP TABLE users;", false),
        ("DROP TABLE other;", false),
    ] {
        assert_eq!(!destructive(text).is_empty(), is_found, "{text}");
    }
}

fn without_records_nothing_of_the_project_is_dropped(engine: Engine) {
    let world = world(engine);
    without_a_record(&world);
    world.run(&["migrate"]).ok();
    nothing_is_dropped(&world);
    // What somebody else made may be dropped by hand, the project's own may not.
    world.client("ums", "CREATE TABLE by_hand (n INT)");
    nothing_is_dropped(&world);
    // A file that is gone made a table all the same.
    std::fs::remove_file(world.path("migrations/ums/V2__fees.sql")).expect("it goes");
    nothing_is_dropped_by_verify(&world);
}

/// A person who asks for the difference from other files gets it; the checks give no statement.
#[track_caller]
fn nothing_is_dropped_by_verify(world: &World) {
    for command in [
        &["verify"][..],
        &["verify", "--format", "json"],
        &["status", "--format", "json"],
        &["doctor"],
        &["diff", "ums", "ums@applied", "--format", "sql"],
        &["migrate", "--dry-run", "--format", "sql"],
    ] {
        is_harmless(&world.run(command));
    }
}

fn with_records_nothing_of_the_project_is_dropped(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    nothing_is_dropped(&world);
    world.client("ums", "CREATE TABLE by_hand (n INT)");
    nothing_is_dropped(&world);
    // A damaged record is none.
    let bytes = engine.pick("X'00'", "'\\x00'::bytea", "X'00'");
    world.client("ums", &format!("UPDATE bird_schema SET content = {bytes}"));
    nothing_is_dropped(&world);
    // A dry run of undo shows what it would take back, and this alone may name the project's own.
    let shown = world.run(&["undo", "--dry-run", "--format", "sql"]);
    assert!(!shown.stdout.contains("by_hand"), "{}", shown.transcript());
}

fn in_a_half_applied_file_nothing_of_the_project_is_dropped(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    world.write(
        "migrations/ums/V3__half.sql",
        "-- bird: no-transaction\nALTER TABLE users ADD COLUMN mail VARCHAR(20);\n\
         CREATE TABLE fees (id INT);\n",
    );
    world.run(&["migrate"]).exits(4);
    nothing_is_dropped_by_verify(&world);
    world.client("ums", "DROP TABLE bird_schema");
    nothing_is_dropped_by_verify(&world);
}

fn after_an_adoption_nothing_of_the_project_is_dropped(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    for table in [
        "refinery_schema_history",
        "bird_journal",
        "bird_applied",
        "bird_schema",
    ] {
        world.client("ums", &format!("DROP TABLE {table}"));
    }
    nothing_is_dropped_by_verify(&world);
    world.run(&["adopt", "--from", "baseline"]).ok();
    nothing_is_dropped(&world);
    world.client("ums", "DROP TABLE bird_schema");
    nothing_is_dropped(&world);
}

/// A migration that counts on rows which only the live database has.
fn without_the_rows_nothing_of_the_project_is_dropped(engine: Engine) {
    let world = world(engine);
    world.run(&["migrate"]).ok();
    world.client("ums", "INSERT INTO users VALUES (1, 'Ada')");
    world.write(
        "migrations/ums/V3__rows.sql",
        "ALTER TABLE fees ADD COLUMN why VARCHAR(20);\n\
         INSERT INTO fees (id, of_user) SELECT id, id FROM users;\n",
    );
    world.run(&["migrate"]).ok();
    nothing_is_dropped(&world);
    without_a_record(&world);
    nothing_is_dropped(&world);
}
