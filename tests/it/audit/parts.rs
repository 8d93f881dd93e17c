//! What is read in parts is whole in the end: in pieces, by ranges and lanes, page by page, in
//! several runs.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bird::db::clock::now;
use serde_json::Value;

use super::{counted, world};
use crate::signed::sign_lines;
use crate::world::{Engine, World};

/// More parents than are one piece, or one range of two lanes.
const MANY: u32 = 260_000;

/// Rows of one table far apart, a few orphans before, between and behind its parents, one parent
/// that does not count; rows of another close together before almost all parents.
fn many() -> World {
    let numbers = |limit: u32| {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {limit}) ")
    };
    world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\nto_where = \"id <> 100\"\n\
         [[references]]\nfrom = \"twitter.few.a\"\nto = \"ums.u.id\"\n",
        &format!(
            "CREATE TABLE u (id INTEGER PRIMARY KEY); {} INSERT INTO u SELECT i FROM n;",
            numbers(MANY)
        ),
        &format!(
            "CREATE TABLE m (id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX x ON m (a); \
             {} INSERT INTO m (a) SELECT i * 100 FROM n; \
             INSERT INTO m (a) VALUES (-1), (-1), (300000), (300000), (300000); \
             CREATE TABLE few (id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX y ON few (a); \
             {} INSERT INTO few (a) SELECT i FROM n; INSERT INTO few (a) VALUES (0);",
            numbers(MANY / 100),
            numbers(9)
        ),
    )
}

/// What both references of [`many`] hold.
fn truth() -> Vec<[u64; 4]> {
    let keys = u64::from(MANY / 100);
    vec![[keys + 5, keys + 2, 3, 6], [10, 10, 1, 1]]
}

/// The document says what is true of the first of them, or of both, and so does the file of
/// orphans.
fn is_true(world: &World, document: &Value) {
    let references = document["references"].as_array().expect("references");
    assert_eq!(counted(document), truth()[..references.len()], "{document}");
    assert_eq!(document["complete"], true);
    assert_eq!(references[0]["hidden_rows"], 1, "{document}");
    // Where each of the parents was read, it was read once.
    for (one, all) in references.iter().zip([MANY - 1, MANY]) {
        let counted = one["strategy"] != "merge" || one["parents"] == all;
        assert!(counted, "{document}");
    }
    let text = world.read("orphans.jsonl");
    let keys = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let key = line["key"].as_str().expect("a key");
        key.parse::<i64>().expect("a number")
    });
    let mut keys: Vec<i64> = keys.collect();
    keys.sort_unstable();
    let mut wanted = vec![-1, -1, 0, 100, 300_000, 300_000, 300_000];
    wanted.retain(|key| references.len() > 1 || *key != 0);
    assert_eq!(keys, wanted, "{text}");
}

/// Flags that come behind these in each of its runs.
const AUDIT: [&str; 5] = ["audit", "--format", "json", "--orphans", "orphans.jsonl"];

/// The journals of audits that run, or were cut short.
fn journals(world: &World) -> Vec<PathBuf> {
    let folder = world.path(".bird/audit").read_dir();
    let files = folder.into_iter().flatten().flatten();
    let paths = files.map(|file| file.path());
    let is_running = |path: &PathBuf| path.to_string_lossy().contains("running-");
    paths.filter(is_running).collect()
}

#[test]
fn pieces_and_ranges_make_a_whole() {
    let world = many();
    for flags in [
        &["--strategy", "merge", "--jobs", "1"][..],
        &["--strategy", "merge", "--jobs", "2"],
        &["--strategy", "sql", "--max-rate", "200000"],
    ] {
        let document = world.run(&[&AUDIT, flags].concat()).exits(1).json();
        is_true(&world, &document);
    }
}

/// A run that was killed leaves a gap between what it has done: the next one fills it, and reads
/// nothing twice.
#[test]
fn a_gap_is_filled() {
    let world = many();
    let one = ["--reference", "twitter.m.a"];
    let flags = [&AUDIT[..], &one, &["--strategy", "merge", "--jobs", "2"]].concat();
    let mut killed = world.command(&flags);
    killed.env("BIRD_FAILPOINT", "audit-done:3");
    assert_eq!(killed.output().expect("it runs").status.code(), None);
    let journal = journals(&world).pop().expect("a journal");
    sign_lines(&world, &journal, |lines| {
        let done = lines.iter().filter(|line| line.starts_with("{\"Done\""));
        assert_eq!(done.count(), 3, "{lines:?}");
        let first = lines.iter().position(|line| line.starts_with("{\"Done\""));
        lines.remove(first.expect("a portion that is done"));
    });
    let resumed = now();
    let document = world.run(&[&flags[..], &["--resume"]].concat());
    let document = document.exits(1).json();
    is_true(&world, &document);
    let began = document["window"]["from"].as_str().expect("a time");
    assert!(began < resumed.as_str(), "{began} {resumed}");
    assert!(journals(&world).is_empty());
}

/// Two audits of the same at once don't get in each other's way.
#[test]
fn two_audits_have_two_journals() {
    let world = many();
    let slow = ["--strategy", "merge", "--max-rate", "300000"];
    let slow = world.start(&[&AUDIT[..], &slow].concat());
    for _ in 0..2_000 {
        let begun = journals(&world).into_iter().any(|journal| {
            let text = fs::read_to_string(journal).unwrap_or_default();
            text.contains("{\"Orphans\"") && text.contains("{\"Done\"")
        });
        if begun {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(journals(&world).len(), 1, "the first has ended already");
    let quick = ["audit", "--format", "json", "--strategy", "merge"];
    let document = world.run(&quick).exits(1).json();
    assert_eq!(counted(&document), truth(), "{document}");
    is_true(&world, &slow.finish().exits(1).json());
    assert!(journals(&world).is_empty());
}

/// More rows with NULL than are read at once.
#[test]
fn every_row_with_null_is_read() {
    let world = world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\nnull = \"orphan\"\n",
        "CREATE TABLE u (id INTEGER PRIMARY KEY);",
        "CREATE TABLE m (id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX x ON m (a); \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4500) \
         INSERT INTO m SELECT i, NULL FROM n;",
    );
    let document = world.run(&AUDIT).exits(1).json();
    assert_eq!(document["references"][0]["null_rows"], 4_500, "{document}");
    assert_eq!(world.read("orphans.jsonl").lines().count(), 4_500);
}

/// Rows with NULL that could not be read are a gap.
#[test]
fn rows_with_null_that_were_not_read_are_missing() {
    let world = world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\nnull = \"orphan\"\n",
        "CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1);",
        // What names the row cannot be told.
        "CREATE TABLE m (id TEXT NOT NULL PRIMARY KEY, a INT); CREATE INDEX x ON m (a); \
         INSERT INTO m VALUES ('1', 1), ('2', 2), (CAST(x'ff' AS TEXT), NULL);",
    );
    let flags = ["audit", "--format", "json", "--strategy", "merge"];
    let output = world.run(&flags).exits(2);
    let document = output.json();
    assert_eq!(counted(&document), [[2, 2, 1, 1]], "{document}");
    let one = &document["references"][0];
    assert_eq!(
        (&one["complete"], &one["parents"]),
        (&false.into(), &Value::Null)
    );
    let output = world.run(&["audit", "--strategy", "merge"]).exits(2);
    output.says("rows with NULL were not read");
}

/// What Ctrl-C leaves unread is said, nothing is promised, and the next run reads the rest.
#[test]
fn an_interrupted_audit_says_what_it_covered() {
    let world = many();
    let flags = ["audit", "--strategy", "merge", "--jobs", "2"];
    let slow = world.start(&[&flags[..], &["--max-rate", "50000"]].concat());
    let is_begun = || {
        let texts = journals(&world).into_iter().map(fs::read_to_string);
        texts.flatten().any(|text| text.contains("{\"Done\""))
    };
    for _ in 0..2_000 {
        if is_begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    slow.signal("INT");
    let output = slow.finish().exits(130);
    let output = output.says("twitter.m.a -> ums.u.id: not finished; covered: keys from ");
    let output = output.says("\nnot finished: ");
    let output = output.says("; bird audit --resume continues\n");
    assert!(!output.stdout.contains("every orphan"), "{}", output.stdout);
    let resumed = world.run(&[&flags[..], &["--resume"]].concat()).exits(1);
    resumed
        .says("confirmed: every orphan listed")
        .says("\nfailed: 7 orphan rows in 2 references\n");
}

/// What was seen of another instant does not count.
#[test]
fn a_snapshot_that_was_killed_is_taken_anew() {
    Engine::MariaDb.run(|engine| {
        let world = world(
            engine,
            "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\n",
            "CREATE TABLE u (id INT PRIMARY KEY); INSERT INTO u VALUES (1);",
            "CREATE TABLE m (id INT PRIMARY KEY, a INT, KEY a (a)); \
             INSERT INTO m VALUES (1, 1), (2, 2);",
        );
        let mut killed = world.command(&AUDIT);
        killed.env("BIRD_FAILPOINT", "audit-done:1");
        assert_eq!(killed.output().expect("it runs").status.code(), None);
        world.client("twitter", "INSERT INTO m VALUES (3, 3)");
        let document = world.run(&[&AUDIT[..], &["--resume"]].concat());
        let document = document.exits(1).json();
        assert_eq!(document["references"][0]["guarantee"], "snapshot");
        assert_eq!(counted(&document), [[3, 3, 2, 2]], "{document}");
        assert_eq!(world.read("orphans.jsonl").lines().count(), 2);
    });
}

/// What cannot be a key is told, however it is read.
#[test]
fn values_that_are_no_keys_are_told() {
    let id = "6fd80a60-c3c5-4e87-99f4-1fa3e0676d09";
    let world = world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\ncompare = \"uuid\"\n",
        &format!(
            "CREATE TABLE u (id BLOB PRIMARY KEY); INSERT INTO u VALUES (x'{}');",
            id.replace('-', "")
        ),
        &format!(
            "CREATE TABLE m (id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX x ON m (a); \
             INSERT INTO m (a) VALUES ('{id}'), ('junk'), ('junk'), ('{id}');"
        ),
    );
    for strategy in ["merge", "hash", "probe"] {
        let flags = ["audit", "--format", "json", "--strategy", strategy];
        let document = world.run(&flags).exits(1).json();
        let one = &document["references"][0];
        assert_eq!(one["malformed_rows"], 2, "{strategy}: {document}");
        assert_eq!(one["malformed"], serde_json::json!(["junk"]), "{document}");
        assert_eq!(document["findings"][0]["code"], "malformed-key");
        assert_eq!(counted(&document)[0][2..], [0, 0], "{document}");
    }
}
