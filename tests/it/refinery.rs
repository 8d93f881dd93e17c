//! People go from refinery to bird and back: one history serves both, whatever its width.

mod edited;

use std::process::Command;

use refinery_core::Migration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::world::{Engine, World, database, skip};

engines!(
    from_refinery_to_bird_and_back,
    refinery_notices_what_changed_since_bird,
    a_wide_history_stays_wide,
    a_project_with_large_versions_begins_wide,
    a_large_version_in_a_narrow_history_is_refused_beforehand,
    a_name_that_the_history_cannot_hold_is_refused_beforehand,
);

const HISTORY: &str =
    "SELECT version, name, applied_on, checksum FROM refinery_schema_history ORDER BY version";

/// Of one project, valid on every engine; the texts are such that a checksum over anything but
/// their exact bytes would differ.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__first", "CREATE TABLE a (x INT);\n"),
    (
        "V2__Second_One",
        "-- Umlauts äöü, and ends of lines from Windows.\r\nCREATE TABLE b (x INT);\r\n\
         INSERT INTO b (x) VALUES (1);\r\n",
    ),
    ("V3__third", "CREATE TABLE c (x INT)"),
    (
        "V4__größe",
        "\n\nCREATE TABLE d (x INT);\nINSERT INTO d (x) VALUES (4); -- end\n\n",
    ),
    ("V5__fifth", "CREATE TABLE e (x INT);\n"),
];

fn add(world: &World, migrations: &[(&str, &str)]) {
    for (stem, text) in migrations {
        world.write(&format!("migrations/ums/{stem}.sql"), text);
    }
}

/// Where stock refinery's command line is, if it is.
pub fn refinery() -> Option<String> {
    let path = std::env::var("BIRD_TEST_REFINERY").ok();
    if path.is_none() {
        skip("REFINERY'S TESTS", "BIRD_TEST_REFINERY");
    }
    path
}

/// Runs `refinery migrate`; what it says, as an error where it fails.
pub fn refine(program: &str, world: &World) -> Result<String, String> {
    // bird takes paths relative to the project, refinery to where it is called; both take these.
    let url = match world.engine_of("ums") {
        Engine::Sqlite => format!("sqlite://{}", world.name("ums")),
        _ => world.url("ums").to_owned(),
    };
    let output = Command::new(program)
        .args([
            "migrate",
            "-e",
            "THE_URL",
            "-p",
            "migrations/ums",
            "-d",
            "-m",
        ])
        .current_dir(world.path(""))
        .env("THE_URL", url)
        .output()
        .expect("refinery starts");
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8_lossy(&shown).into_owned();
    if output.status.success() {
        Ok(shown)
    } else {
        Err(shown)
    }
}

/// The history's rows as the client sees them: version, name, time, checksum.
fn history(world: &World) -> Vec<[String; 4]> {
    let rows = world.client("ums", HISTORY);
    let row = |line: &str| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        <[String; 4]>::try_from(cells).expect("four cells")
    };
    rows.lines().map(row).collect()
}

/// All migrations are applied and none changed.
fn assert_clean(world: &World, count: usize) {
    let document = world
        .run(&["status", "--exit-code", "--format", "json"])
        .ok()
        .json();
    let ums = database(&document, "ums");
    assert_eq!(ums["state"], "current", "{document}");
    assert_eq!(ums["applied"].as_array().map(Vec::len), Some(count));
    assert_eq!(ums["changed"].as_array().map(Vec::len), Some(0));
    assert_eq!(ums["missing"].as_array().map(Vec::len), Some(0));
}

fn from_refinery_to_bird_and_back(engine: Engine) {
    let Some(program) = refinery() else { return };
    let world = World::one(engine);
    world.run(&["provision"]).ok();
    add(&world, &MIGRATIONS[..2]);
    refine(&program, &world).unwrap_or_else(|shown| panic!("{shown}"));
    assert_clean(&world, 2);
    add(&world, &MIGRATIONS[..4]);
    world.run(&["migrate"]).ok();
    assert_clean(&world, 4);
    add(&world, MIGRATIONS);
    refine(&program, &world).unwrap_or_else(|shown| panic!("{shown}"));
    assert_clean(&world, 5);

    let rows = history(&world);
    for (row, (stem, _)) in rows.iter().zip(MIGRATIONS) {
        let [version, name, applied_on, checksum] = row;
        assert_eq!(format!("V{version}__{name}"), *stem);
        assert!(checksum.parse::<u64>().is_ok(), "{checksum}");
        let time = OffsetDateTime::parse(applied_on, &Rfc3339).expect("RFC 3339");
        assert!(applied_on.ends_with('Z'), "{applied_on}");
        let age = (OffsetDateTime::now_utc() - time).whole_seconds();
        assert!((0..600).contains(&age), "{applied_on} is {age} s ago");
    }
    assert!(rows.is_sorted_by_key(|row| row[2].clone()), "{rows:?}");
    // Everything arrived in the database itself.
    let all = "SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) \
               + (SELECT count(*) FROM c) + (SELECT count(*) FROM d) + (SELECT count(*) FROM e)";
    assert_eq!(world.client("ums", all), "2\n");
}

/// The other proof that bird's checksums are refinery's: a changed file does not go unnoticed.
fn refinery_notices_what_changed_since_bird(engine: Engine) {
    let Some(program) = refinery() else { return };
    let world = World::one(engine);
    add(&world, &MIGRATIONS[..2]);
    world.run(&["up"]).ok();
    refine(&program, &world).unwrap_or_else(|shown| panic!("{shown}"));
    add(&world, &[("V2__Second_One", "CREATE TABLE b (x INT);\n")]);
    let shown = refine(&program, &world).expect_err("a divergent migration");
    assert!(shown.contains("Second_One"), "{shown}");
}

/// As `refinery_core` with `int8-versions` hashes: the version as eight bytes.
fn wide_checksum(stem: &str, text: &str) -> String {
    let migration = Migration::unapplied(stem, text).expect("a name");
    migration.checksum().to_string()
}

const WIDE_TABLE: &str = "CREATE TABLE refinery_schema_history( version int8 PRIMARY KEY, \
                          name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255));";

/// A row as the library writes it that was compiled with `int8-versions`.
fn wide_row(stem: &str, text: &str) -> String {
    let (version, name) = stem[1..].split_once("__").expect("a stem");
    let checksum = wide_checksum(stem, text);
    format!(
        "INSERT INTO refinery_schema_history VALUES \
         ({version}, '{name}', '2024-05-05T05:05:05.123456789Z', '{checksum}');"
    )
}

fn a_wide_history_stays_wide(engine: Engine) {
    let world = World::one(engine);
    world.run(&["provision"]).ok();
    add(&world, &MIGRATIONS[..2]);
    let mut sql = WIDE_TABLE.to_owned();
    for (stem, text) in &MIGRATIONS[..2] {
        sql.push_str(text);
        sql.push_str(&wide_row(stem, text));
    }
    world.client("ums", &sql);
    assert_clean(&world, 2);
    // A version that only a wide history can hold, besides small ones.
    let later = [
        MIGRATIONS[2],
        ("V20260101120000__later", "CREATE TABLE z (x INT);"),
    ];
    add(&world, &later);
    world.run(&["migrate"]).ok();
    assert_clean(&world, 4);
    for (row, (stem, text)) in history(&world)[2..].iter().zip(&later) {
        assert_eq!(row[3], wide_checksum(stem, text), "{row:?}");
    }
    add(&world, &[("V1__first", "CREATE TABLE a (y INT);\n")]);
    world
        .run(&["migrate"])
        .exits(3)
        .warns("V1 first was changed after it was applied");
}

fn a_project_with_large_versions_begins_wide(engine: Engine) {
    let world = World::one(engine);
    let all = [
        MIGRATIONS[0],
        ("V20260101120000__later", "CREATE TABLE z (x INT);"),
    ];
    add(&world, &all);
    world.run(&["up"]).ok();
    assert_clean(&world, 2);
    for (row, (stem, text)) in history(&world).iter().zip(&all) {
        assert_eq!(row[3], wide_checksum(stem, text), "{row:?}");
    }
}

/// A narrow history cannot hold the version, and that is known before anything runs.
fn a_large_version_in_a_narrow_history_is_refused_beforehand(engine: Engine) {
    let world = World::one(engine);
    add(&world, &MIGRATIONS[..1]);
    world.run(&["up"]).ok();
    add(
        &world,
        &[
            MIGRATIONS[1],
            ("V20260101120000__later", "CREATE TABLE z (x INT);"),
        ],
    );
    let output = world.run(&["migrate"]);
    assert!([2, 3].contains(&output.code), "{}", output.transcript());
    output.warns("20260101120000");
    assert_eq!(history(&world).len(), 1);
    for table in ["b", "z"] {
        world.refused("ums", &format!("SELECT * FROM {table}"));
    }
}

/// The database may be older than bird, and its character set poorer than the file's name: then
/// the name is kept whole, or refused before anything runs.
fn a_name_that_the_history_cannot_hold_is_refused_beforehand(engine: Engine) {
    if engine.is_transactional() {
        return; // UTF-8 throughout.
    }
    let world = World::one(engine);
    world.server("ums", "CREATE DATABASE {name} CHARACTER SET latin1");
    add(&world, &[("V1__日本語", "CREATE TABLE a (x INT);\n")]);
    let output = world.run(&["migrate"]);
    if output.code == 0 {
        return assert_clean(&world, 1);
    }
    assert!([2, 3].contains(&output.code), "{}", output.transcript());
    world.refused("ums", "SELECT * FROM a");
}
