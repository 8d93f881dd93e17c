//! Audits from a watermark on: what they read, what they leave out, and what they say of it.

use serde_json::Value;

use super::{counted, world};
use crate::signed::sign_marks;
use crate::world::{Engine, World};

engines!(only_what_is_new_is_read);

fn only_what_is_new_is_read(engine: Engine) {
    let moment = engine.pick("DATETIME", "timestamp", "TEXT");
    let world = world(
        engine,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\n\
         where = \"kind = 1 OR kind = 2\"\n",
        "CREATE TABLE u (id INT PRIMARY KEY); INSERT INTO u VALUES (1);",
        &format!(
            "CREATE TABLE m (id INT PRIMARY KEY, a INT, seen {moment}, kind INT); \
             CREATE INDEX x ON m (a); INSERT INTO m VALUES \
             (1, 1, '2026-01-01 00:00:00', 1), (2, 9, '2026-01-01 00:00:00', 1), \
             (3, 9, '2026-02-01 00:00:00', 2), (4, 8, '2026-03-01 00:00:00', 2), \
             (5, 8, '2026-03-01 00:00:00', 3), (6, 7, '2025-12-01 00:00:00', 1);"
        ),
    );
    let audited = |since: &str| -> Value {
        let flags = ["audit", "--format", "json", "--since", since];
        world.run(&flags).exits(1).json()
    };
    // Nothing is noted yet, so everything is read.
    let first = audited("seen");
    assert_eq!(counted(&first), [[5, 4, 3, 4]], "{first}");
    let mark = |from: Option<&str>, upto: &str| serde_json::json!({ "column": "seen", "from": from, "upto": upto });
    let march = "2026-03-01 00:00:00";
    assert_eq!(
        first["references"][0]["since"],
        mark(None, march),
        "{first}"
    );
    assert_eq!(
        first["references"][0]["last_full_pass"],
        Value::Null,
        "{first}"
    );
    // One comes late, with the greatest value there was.
    world.client(
        "twitter",
        &format!("INSERT INTO m VALUES (7, 6, '{march}', 1), (8, 1, '2026-04-01 00:00:00', 1);"),
    );
    let second = audited("seen");
    let one = &second["references"][0];
    assert_eq!(counted(&second), [[3, 3, 2, 2]], "{second}");
    let april = "2026-04-01 00:00:00";
    assert_eq!(one["since"], mark(Some(march), april), "{second}");
    assert_eq!(one["strategy"], "probe", "{second}");
    let begun = &first["window"]["from"];
    assert_eq!(one["last_full_pass"], *begun, "{second}");
    // A value that was given counts more than what was noted.
    let third = audited("seen=2026-02-01 00:00:00");
    assert_eq!(counted(&third), [[4, 4, 3, 3]], "{third}");
    assert_eq!(third["references"][0]["last_full_pass"], *begun, "{third}");
    let output = world.run(&["audit", "--since", "seen"]).exits(0);
    output
        .says(&format!("only rows with seen from {april} on"))
        .says("Only a full audit finds older rows");
    let output = world.run(&["audit", "--since", "nowhere"]).exits(2);
    output.warns("m has no column nowhere");
    // As after a restored backup: the rows that the mark counts on are gone.
    world.client("twitter", "DELETE FROM m WHERE id >= 7");
    world
        .run(&["audit", "--since", "seen"])
        .exits(2)
        .warns("error[mark-ahead]")
        .warns(&format!("the greatest value is {march}"));
    world.run(&["audit"]).exits(1);
    audited(&format!("seen={march}"));
    world
        .run(&["audit", "--since", "seen"])
        .exits(1)
        .says(&format!("only rows with seen from {march} on"));
    world.client("twitter", "DELETE FROM m");
    let empty = world.run(&["audit", "--since", "seen"]).exits(2);
    empty.warns("the table has no value");
    a_mark_of_another_server_is_not_used(engine, &world);
}

/// A server that was promoted, or restored elsewhere, may have other rows below the mark.
fn a_mark_of_another_server_is_not_used(engine: Engine, world: &World) {
    sign_marks(world, |references| {
        let references = references.as_object_mut().expect("references");
        let (_, pass) = references.iter_mut().next().expect("a reference");
        match pass["servers"]["seen"].as_str() {
            Some(server) => pass["servers"]["seen"] = format!("{server}0").into(),
            None => assert_eq!(engine, Engine::Sqlite),
        }
    });
    if engine != Engine::Sqlite {
        let output = world.run(&["audit", "--since", "seen"]).ok();
        output.says("the stored value of seen is that of another server");
    }
}

/// An audit that read few rows and was cut short is no beginning of one that reads all.
#[test]
fn another_question_does_not_go_on() {
    let world = world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\n",
        "CREATE TABLE u (id INTEGER PRIMARY KEY);",
        "CREATE TABLE m (id INTEGER PRIMARY KEY, a INT); CREATE INDEX x ON m (a); \
         INSERT INTO m VALUES (1, 1), (2, 2), (3, 3);",
    );
    let flags = ["audit", "--format", "json", "--strategy", "probe"];
    let asked = world.run(&[&flags[..], &["--since", "id=3", "--explain"]].concat());
    let asked = asked.ok().json();
    // No index has both columns, so nothing is counted on the way.
    let sql = &asked["references"][0]["statements"][0]["sql"];
    let wanted = "SELECT \"a\" FROM main.\"m\" WHERE (\"id\" >= 3) AND \"a\" IS NOT NULL";
    assert_eq!(*sql, wanted, "{asked}");
    let mut killed = world.command(&[&flags[..], &["--since", "id=3"]].concat());
    killed.env("BIRD_FAILPOINT", "audit-done:1");
    assert_eq!(killed.output().expect("it runs").status.code(), None);
    // The same question does; what was read before may end at a lesser value than the greatest now.
    let same = world.run(&[&flags[..], &["--since", "id=3", "--resume"]].concat());
    let same = same.exits(1).json();
    assert_eq!(counted(&same), [[1, 1, 1, 1]], "{same}");
    let since = &same["references"][0]["since"];
    assert_eq!(
        (&since["from"], &since["upto"]),
        (&"3".into(), &Value::Null)
    );
    let document = world.run(&[&flags[..], &["--resume"]].concat());
    let document = document.exits(1).json();
    assert_eq!(counted(&document), [[3, 3, 3, 3]], "{document}");
}

/// What was noted of one database says nothing of another that has its place.
#[test]
fn a_mark_belongs_to_one_place() {
    let world = world(
        Engine::Sqlite,
        "[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\n",
        "CREATE TABLE u (id INTEGER PRIMARY KEY);",
        "CREATE TABLE m (id INTEGER PRIMARY KEY, a INT); CREATE INDEX x ON m (a); \
         INSERT INTO m VALUES (1, 1), (2, 2);",
    );
    let flags = ["audit", "--format", "json", "--since", "id"];
    world.run(&flags).exits(1);
    let noted = world.run(&flags).exits(1).json();
    assert_eq!(counted(&noted), [[1, 1, 1, 1]], "{noted}");
    std::fs::copy(world.path("data/twitter.db"), world.path("data/other.db")).expect("a copy");
    let world = world.env("BIRD_TWITTER_URL", "sqlite:data/other.db");
    let other = world.run(&flags).exits(1).json();
    assert_eq!(counted(&other), [[2, 2, 2, 2]], "{other}");
}
