//! Rows that nothing names and keys that bound no page: none of them is lost, or told twice.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world;
use crate::world::Engine;

/// SQLite lets NULL into most primary keys.
#[test]
fn a_primary_key_of_null_names_no_row() {
    let world = world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\nnull = \"orphan\"\n",
        "CREATE TABLE u (id TEXT PRIMARY KEY); INSERT INTO u VALUES ('u');",
        "CREATE TABLE m (id TEXT PRIMARY KEY, a TEXT); CREATE INDEX x ON m (a); \
         INSERT INTO m VALUES (NULL, 'z'), (NULL, 'z'), ('1', 'z'), ('2', 'u'), (NULL, NULL), \
         ('3', NULL);",
    );
    for strategy in ["merge", "hash", "probe", "sql"] {
        let flags = ["audit", "--format", "json", "--strategy", strategy];
        let document = world.run(&flags).exits(1).json();
        let one = &document["references"][0];
        let counted = ["rows", "orphan_keys", "orphan_rows", "null_rows"].map(|key| &one[key]);
        assert_eq!(counted, [4, 1, 5, 2], "{strategy}: {document}");
    }
}

/// One reference fails while the audit reads, so the audit goes on and on.
#[test]
fn rows_with_null_are_told_once_however_often_it_goes_on() {
    let references = "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\nnull = \"orphan\"\n\
        [[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\n\
        where = \"abs(big) > 0\"\n";
    let world = world(
        Engine::Sqlite,
        references,
        "CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1);",
        "CREATE TABLE m (id INTEGER PRIMARY KEY, a INT, big INT); CREATE INDEX x ON m (a); \
         INSERT INTO m VALUES (1, 1, -9223372036854775808), (2, 2, 1), (3, NULL, 1);",
    );
    let flags = ["audit", "--resume", "--orphans", "orphans.jsonl"];
    for _ in 0..3 {
        world.run(&flags).exits(2);
        let text = world.read("orphans.jsonl");
        let mut output: BTreeMap<String, u32> = BTreeMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            *output.entry(line["row"]["id"].to_string()).or_default() += 1;
        }
        let wanted = [("\"2\"".to_owned(), 1), ("\"3\"".to_owned(), 1)];
        assert_eq!(output, BTreeMap::from(wanted), "{text}");
    }
    // The end of a journal may be half a character, or a whole line but for its end.
    let folder = world.path(".bird/audit");
    let mut files = folder.read_dir().expect("a folder").flatten();
    let running = files.find(|file| file.file_name().to_string_lossy().starts_with("running"));
    let running = running.expect("a journal").path();
    let mut torn = std::fs::read(&running).expect("a journal");
    torn.pop();
    torn.extend(b"\n{\"Orphans\":{\"key\":\"\xC3");
    std::fs::write(&running, torn).expect("it is written");
    let output = world.run(&flags).exits(2).stderr;
    assert!(output.contains("integer overflow"), "{output}");
}

/// One session reads page after page of one snapshot. A page that ends within a key has fewer keys
/// than rows, and must not be taken for the last.
fn keys_without_pages_are_not_read_in_pages(engine: Engine) {
    let table = |name: &str, more: &str| {
        format!("CREATE TABLE {name} (id CHAR(36) PRIMARY KEY{more}) COLLATE utf8mb4_general_ci;\n")
    };
    let id = |digit: u32| format!("'{digit}fd80a60-c3c5-4e87-99f4-1fa3e0676d09'");
    let world = world(
        engine,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\ncompare = \"uuid\"\n",
        &format!("{}INSERT INTO u VALUES ({});", table("u", ""), id(1)),
        &format!(
            "{}INSERT INTO m VALUES ({}, {}), ({}, {});",
            table("m", ", a CHAR(36), KEY a (a)"),
            id(1),
            id(1),
            id(2),
            id(2)
        ),
    );
    let merge = ["audit", "--strategy", "merge"];
    let output = world.run(&merge).exits(2).stderr;
    assert!(output.contains("--apart"), "{output}");
    world
        .run(&["audit", "--strategy", "merge", "--apart"])
        .exits(1);
}

#[test]
fn keys_without_pages_are_not_read_in_pages_mariadb() {
    Engine::MariaDb.run(keys_without_pages_are_not_read_in_pages);
}

/// Where nobody knows how long keys are, a page has few of them at first; the keys at its ends count
/// once, and none is left out.
fn a_snapshot_goes_on_from_page_to_page(engine: Engine) {
    let collation = match engine {
        Engine::MariaDb => "utf8mb4_nopad_bin",
        _ => "utf8mb4_0900_bin",
    };
    let id = format!("VARCHAR(200) CHARACTER SET utf8mb4 COLLATE {collation}");
    let digits = (0..10).map(|digit| format!("SELECT {digit} AS d"));
    let digits = digits.collect::<Vec<_>>().join(" UNION ALL ");
    let numbers = ["a", "b", "c", "d", "e"].map(|name| format!("({digits}) {name}"));
    let numbers = format!(
        "SELECT CONCAT('key-', a.d, b.d, c.d, d.d, e.d) AS n FROM {}",
        numbers.join(", ")
    );
    let world = world(
        engine,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\n",
        &format!(
            "CREATE TABLE u (id {id} PRIMARY KEY); INSERT INTO u {numbers} HAVING n NOT LIKE '%999';"
        ),
        &format!(
            "CREATE TABLE m (id INT AUTO_INCREMENT PRIMARY KEY, a {id}, KEY a (a)); \
             INSERT INTO m (a) {numbers};"
        ),
    );
    let flags = [
        "audit",
        "--strategy",
        "merge",
        "--snapshot",
        "--format",
        "json",
    ];
    let document = world.run(&flags).exits(1).json();
    let found = &document["references"][0];
    let counted = ["rows", "keys", "parents", "orphan_keys", "orphan_rows"];
    let counted = counted.map(|what| found[what].as_u64());
    let wanted = [100_000, 100_000, 99_900, 100, 100].map(Some);
    assert_eq!(counted, wanted, "{document}");
    assert_eq!(found["guarantee"], "snapshot");
}

#[test]
fn a_snapshot_goes_on_from_page_to_page_mariadb() {
    Engine::MariaDb.run(a_snapshot_goes_on_from_page_to_page);
}

#[test]
fn a_snapshot_goes_on_from_page_to_page_mysql() {
    Engine::MySql.run(a_snapshot_goes_on_from_page_to_page);
}

/// What a row is named by finds it again, where the server shows fewer digits than it keeps, or
/// refuses what it has.
fn what_names_a_row_finds_it(engine: Engine) {
    let reference =
        |table: &str| format!("[[references]]\nfrom = \"twitter.{table}.a\"\nto = \"ums.u.id\"\n");
    let world = world(
        engine,
        &(reference("f") + &reference("d")),
        "CREATE TABLE u (id INT PRIMARY KEY);",
        "SET sql_mode = ''; CREATE TABLE f (id FLOAT PRIMARY KEY, a INT, KEY a (a)); \
         CREATE TABLE d (id DATE PRIMARY KEY, a INT, KEY a (a)); \
         INSERT INTO f VALUES (0.1, 1), (16777217, 1); \
         INSERT INTO d VALUES ('0000-00-00', 1), ('2026-01-00', 1);",
    );
    let document = world.run(&["audit", "--format", "json"]).exits(1).json();
    let references = document["references"].as_array().expect("references");
    let rows: Vec<&Value> = references.iter().map(|one| &one["orphan_rows"]).collect();
    assert_eq!(rows, [2, 2], "{document}");
}

#[test]
fn what_names_a_row_finds_it_mysql() {
    Engine::MySql.run(what_names_a_row_finds_it);
}
