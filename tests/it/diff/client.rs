//! What the diff says, run by SQLite's own client: it begins with foreign keys on, and unless it is
//! told to it does not stop at an error.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::world::{Engine, World};

const BEFORE: &str = "\
CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT);
CREATE TABLE b (id INTEGER PRIMARY KEY, n TEXT, a INT REFERENCES a (id) ON DELETE CASCADE);
CREATE TABLE c (n, m INT);
CREATE TABLE d (x TEXT);
CREATE VIEW v AS SELECT a.n FROM a JOIN b ON b.a = a.id;
CREATE TRIGGER g AFTER INSERT ON b BEGIN UPDATE a SET n = n WHERE id = NEW.a; END;
CREATE INDEX i ON b (n);
";
const ROWS: &str = "\
INSERT INTO a VALUES (1, 'x'), (2, 'y');
INSERT INTO b VALUES (1, 'x', 1), (2, 'y', 2);
INSERT INTO c VALUES (1, 1), (2, 2);
INSERT INTO d VALUES ('{\"k\":1}'), (NULL);
";
const AFTER: &str = "\
CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT NOT NULL);
CREATE TABLE b (id INTEGER PRIMARY KEY, n TEXT UNIQUE, a INT REFERENCES a (id) ON DELETE CASCADE);
CREATE TABLE c (n INT, m INT) STRICT;
CREATE TABLE d (x TEXT CHECK (x ->> 'k' > 0));
CREATE VIEW v AS SELECT a.n FROM a JOIN b ON b.a = a.id;
CREATE TRIGGER g AFTER INSERT ON b BEGIN UPDATE a SET n = n WHERE id = NEW.a; END;
CREATE INDEX i ON b (n);
";
const ALL: &str =
    "SELECT * FROM a; SELECT * FROM b; SELECT * FROM c; SELECT * FROM d; SELECT * FROM v;";

/// A database with rows, and what leads from its schema to another one.
fn way() -> Option<(World, String)> {
    Engine::Sqlite.is_there().then(|| {
        let world = World::one(Engine::Sqlite)
            .migration("ums/V1__before.sql", BEFORE)
            .file("after.sql", AFTER);
        world.run(&["up"]).ok();
        world.client("ums", ROWS);
        let arguments = ["diff", "ums@migrations", "after.sql", "--format", "sql"];
        let way = world.run(&arguments).exits(1).stdout;
        (world, way)
    })
}

/// Whether the client, which goes on behind errors, met none.
fn goes_on(world: &World, sql: &str) -> bool {
    let mut client = Command::new("sqlite3")
        .args(["-batch", "-cmd", "PRAGMA foreign_keys = ON"])
        .arg(world.name("ums"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a client");
    let mut stdin = client.stdin.take().expect("a pipe");
    stdin.write_all(sql.as_bytes()).expect("a pipe takes SQL");
    drop(stdin);
    client.wait().expect("the client ends").success()
}

#[test]
fn the_client_keeps_all_rows() {
    let Some((world, way)) = way() else { return };
    let before = world.client("ums", ALL);
    assert!(goes_on(&world, &way), "{way}");
    assert_eq!(world.client("ums", ALL), before);
    world.run(&["diff", "ums", "after.sql"]).ok();
    // The next number is the one that it was.
    world.client(
        "ums",
        "DELETE FROM a WHERE id = 2; INSERT INTO a (n) VALUES ('z');",
    );
    assert_eq!(world.client("ums", "SELECT max(id) FROM a").trim(), "3");
}

#[test]
fn a_client_that_goes_on_behind_an_error_loses_nothing() {
    for misfits in [
        "UPDATE a SET n = NULL",
        "UPDATE b SET n = 'x'",
        "UPDATE c SET n = 'no number'",
        "UPDATE d SET x = '{'",
        "UPDATE a SET n = NULL; UPDATE b SET n = 'x'; UPDATE c SET n = 'no number'",
    ] {
        let Some((world, way)) = way() else { return };
        world.client("ums", misfits);
        let before = world.client("ums", ALL);
        assert!(!goes_on(&world, &way), "{misfits}");
        assert_eq!(world.client("ums", ALL), before, "{misfits}\n{way}");
    }
}

#[test]
fn a_client_that_cannot_make_a_table_loses_nothing() {
    let Some((world, way)) = way() else { return };
    let before = world.client("ums", ALL);
    // As if the client were older than the text.
    let way = way.replace("x ->> 'k' > 0", "from_the_future(x) > 0");
    assert!(!goes_on(&world, &way), "{way}");
    assert_eq!(world.client("ums", ALL), before, "{way}");
}
