//! A row that was kept and put back is what it was, whatever it holds, and however it is named.

use bird::model::repair::Action;
use serde_json::json;

use super::{EXECUTE, Plan, WHOLE, world};
use crate::world::{Engine, World};

engines!(
    rows_come_back_byte_for_byte,
    columns_may_change_between_repairs,
    rows_are_named_by_any_primary_key,
    a_table_may_refer_to_itself,
);

const ONE: &str = "00112233-4455-6677-8899-aabbccddeeff";
const NOBODY: &str = "ffffffff-4455-6677-8899-aabbccddeeff";

fn hex(id: &str) -> String {
    id.replace('-', "")
}

/// A table with a column of every kind, and a query that tells every byte of it.
fn things(engine: Engine) -> (&'static str, String, String) {
    let (one, nobody) = (hex(ONE), hex(NOBODY));
    let mysql = (
        "CREATE TABLE things (id BINARY(16) PRIMARY KEY, author_id BINARY(16), \
         `n``o` INT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE, b BIT(9), d DECIMAL(40,10), z DATE, \
         zt DATETIME(6), ts TIMESTAMP(3) NULL, h TIME(2), y YEAR, j JSON, e ENUM('a','ö'), \
         s SET('k','l'), vb VARBINARY(20), bl BLOB, c CHAR(5), t TEXT CHARACTER SET latin1, \
         u VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, f FLOAT, dd DOUBLE, p POINT, \
         g VARCHAR(40) GENERATED ALWAYS AS (CONCAT(u, '!')) STORED, \
         v DECIMAL(41,10) GENERATED ALWAYS AS (d + 1) VIRTUAL, \
         w INT NOT NULL DEFAULT 7, KEY by_author (author_id), CHECK (w > 0)) \
         DEFAULT CHARACTER SET utf8mb4;\n",
        format!(
            "SET sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';\
             INSERT INTO things (id, author_id, `n``o`, b, d, z, zt, ts, h, y, j, e, s, vb, bl, c, t, \
             u, f, dd, p) VALUES (X'{one}', X'{nobody}', 0, b'101010101', \
             123456789012345678901234567890.0123456789, '0000-00-00', '2020-02-31 01:02:03.123456', \
             '2020-01-01 00:00:00.999', '-838:59:59.00', 1901, '{{\"a\": [1, 2.50, null]}}', 'ö', \
             'k,l', X'00ff00', X'c328', 'x', X'e4', 'ß 😀  ', 0.1, 1e-300, POINT(1.5, -2)), \
             (UNHEX(REPLACE(UUID(), '-', '')), X'{nobody}', 4000000000, NULL, NULL, '2020-00-00', \
             '0000-00-00 00:00:00', NULL, NULL, NULL, NULL, '', '', '', '', '', '', '', NULL, NULL, NULL)"
        ),
        "SELECT HEX(id), HEX(author_id), `n``o`, HEX(b), d, z, zt, ts, h, y, j, e + 0, s + 0, HEX(vb), \
         HEX(bl), HEX(c), HEX(t), HEX(u), f, dd, HEX(p), g, v, w FROM things ORDER BY 1"
            .to_owned(),
    );
    let postgres = (
        "CREATE TYPE mood AS ENUM ('a', 'ö');\nCREATE DOMAIN small AS int CHECK (VALUE < 10);\n\
         CREATE TABLE things (gone int, id uuid PRIMARY KEY, author_id uuid, \
         \"n\"\"o\" int GENERATED ALWAYS AS IDENTITY, b bit(9), vb bytea, d numeric, j json, jb jsonb, \
         e mood, a int[], aa text[][], m small, t text, c char(5), f real, dd double precision, \
         ts timestamptz, tz timestamp, i interval, r int4range, ip inet, x xml, o boolean, mo money, \
         g text GENERATED ALWAYS AS (t || '!') STORED, w int NOT NULL DEFAULT 7 CHECK (w > 0));\n\
         ALTER TABLE things DROP COLUMN gone;\nCREATE INDEX by_author ON things (author_id);\n",
        format!(
            "INSERT INTO things (id, author_id, b, vb, d, j, jb, e, a, aa, m, t, c, f, dd, ts, tz, i, r, ip, \
             x, o, mo) VALUES ('{one}', '{nobody}', '101010101', '\\x00ff00', 'NaN', '{{\"b\":1,  \"a\":2}}', \
             '{{\"a\":1.50}}', 'ö', '{{1,NULL,3}}', '{{{{a,b}},{{\"c,\",NULL}}}}', 3, E'tab\\t ß', 'x', 0.1, \
             '-Infinity', 'infinity', '4713-01-01 00:00:00 BC', '1 year 2 days 3.5 seconds', '[1,5)', \
             '10.0.0.0/8', '<a/>', true, 1.23), (gen_random_uuid(), '{nobody}', NULL, '', 1.500, NULL, NULL, \
             NULL, '{{}}', NULL, NULL, '', '', 'NaN', 1e-300, NULL, NULL, NULL, 'empty', NULL, NULL, NULL, NULL)"
        ),
        "SELECT ROW(id, author_id, \"n\"\"o\", b, vb, d, j, jb, e, a, aa, m, t, c, f, dd, ts, tz, i, r, ip, \
         x, o, mo, g, w)::text FROM things ORDER BY id".to_owned(),
    );
    let sqlite = (
        "CREATE TABLE things (id BLOB PRIMARY KEY, author_id BLOB, \"n\"\"o\" INTEGER, t TEXT, any, \
         r REAL, num NUMERIC, d DATETIME, v VARCHAR(3), bo BOOLEAN, fl \"FLOATING POINT\", \
         g TEXT AS (t || '!') STORED, w INT AS (r + 1) VIRTUAL, k INT NOT NULL DEFAULT 7 CHECK (k > 0));\n\
         CREATE INDEX by_author ON things (author_id);\n",
        format!(
            "INSERT INTO things (id, author_id, \"n\"\"o\", t, any, r, num, d, v, bo, fl) VALUES \
             (x'{one}', x'{nobody}', 'text', x'00ff', '12', 'no number', x'31', 'x', 12, 'yes', 1), \
             (randomblob(16), x'{nobody}', 9223372036854775807, CAST(x'c328' AS TEXT), 1.5, 1e300, \
             '0x10', 17, 'long enough', 2, NULL), \
             (randomblob(16), x'{nobody}', 1.5, 'a' || char(0) || 'b', NULL, 3, 9e999, -0.0, '', '', 1.0)"
        ),
        {
            let names = [
                "id",
                "author_id",
                "\"n\"\"o\"",
                "t",
                "any",
                "r",
                "num",
                "d",
                "v",
                "bo",
                "fl",
                "g",
                "w",
                "k",
            ];
            let cells = names.map(|name| {
                format!("typeof({name}) || hex({name}) || coalesce(quote({name}), '')")
            });
            format!("SELECT {} FROM things ORDER BY id", cells.join(", "))
        },
    );
    engine.pick(mysql, postgres, sqlite)
}

/// People with ids of 16 bytes.
fn people(engine: Engine) -> String {
    let (id, literal) = engine.pick(("BINARY(16)", "X"), ("uuid", ""), ("BLOB", "x"));
    format!(
        "CREATE TABLE people (id {id} PRIMARY KEY);\nINSERT INTO people VALUES ({literal}'{}');\n",
        hex(ONE)
    )
}

/// The ids of all things.
fn ids(world: &World) -> Vec<String> {
    let sql = world.engine_of("twitter").pick(
        "SELECT LOWER(HEX(id)) FROM things ORDER BY 1",
        "SELECT id FROM things ORDER BY 1",
        "SELECT lower(hex(id)) FROM things ORDER BY 1",
    );
    let all = world.client("twitter", sql);
    let ids = all
        .lines()
        .map(|id| uuid::Uuid::parse_str(id).expect("an id"));
    ids.map(|id| id.to_string()).collect()
}

fn plan(world: &World, action: Action) -> String {
    let mut plan = Plan::new(action);
    for id in ids(world) {
        plan = plan.row(0, &[("id", &id)], &[Some(NOBODY)]);
    }
    plan.write(world)
}

fn made(engine: Engine) -> World {
    let (tweets, rows, _) = things(engine);
    let references = [("twitter.things.author_id", "to = \"ums.people.id\"")];
    let world = world(engine, &people(engine), tweets, &references);
    world.client("twitter", &rows);
    world
}

fn rows_come_back_byte_for_byte(engine: Engine) {
    let world = made(engine);
    let (_, _, output) = things(engine);
    let before = world.client("twitter", &output);
    assert!(before.lines().count() >= 2, "{before}");
    for action in [Action::Quarantine, Action::SetNull, Action::Quarantine] {
        let run = plan(&world, action);
        let done = world.run(EXECUTE).ok().json();
        assert_eq!(done["references"][0]["repaired"], ids_of(&before), "{done}");
        // The same table takes them every time.
        assert_eq!(
            done["references"][0]["quarantine"],
            json!("bird_quarantine_things")
        );
        assert_ne!(world.client("twitter", &output), before);
        world.run(&["repair", "--undo", &run]).ok();
        assert_eq!(world.client("twitter", &output), before, "{action:?}");
    }
    world.run(&["verify"]).ok();
}

fn ids_of(rows: &str) -> serde_json::Value {
    json!(rows.lines().count())
}

/// What is aside keeps its shape; the rows of the changed table go elsewhere.
fn columns_may_change_between_repairs(engine: Engine) {
    let world = made(engine);
    let (_, _, output) = things(engine);
    let before = world.client("twitter", &output);
    let first = plan(&world, Action::Quarantine);
    world.run(EXECUTE).ok();
    world.client("twitter", "ALTER TABLE things ADD COLUMN later INT");
    world.run(EXECUTE).exits(3).warns("table-changed");
    world.run(&["repair", "--undo", &first]).ok();
    assert_eq!(world.client("twitter", &output), before);
    let again = plan(&world, Action::Quarantine);
    let done = world.run(EXECUTE).ok().json();
    assert_eq!(
        done["references"][0]["quarantine"],
        json!("bird_quarantine_things_2")
    );
    // A row that lacks a column that was kept cannot come back as it was.
    world.client("twitter", "ALTER TABLE things DROP COLUMN later");
    let undo = ["repair", "--undo", &again];
    world
        .run(&undo)
        .exits(3)
        .warns("no longer has its column `later`");
    world.client("twitter", "ALTER TABLE things ADD COLUMN later INT");
    world.run(&undo).ok();
    assert_eq!(world.client("twitter", &output), before);
}

/// Composite keys, characters that mean something to SQL, and one row that is the orphan of two
/// references.
fn rows_are_named_by_any_primary_key(engine: Engine) {
    let people = "CREATE TABLE people (id INT PRIMARY KEY);\nINSERT INTO people VALUES (1), (2);\n";
    let text = engine.pick("VARCHAR(20) COLLATE utf8mb4_bin", "text", "TEXT");
    let follows = format!(
        "CREATE TABLE follows (a INT NOT NULL, \"b c\" {text} NOT NULL, b INT, PRIMARY KEY (\"b c\", a));\n\
         CREATE INDEX by_a ON follows (a);\nCREATE INDEX by_b ON follows (b);\n"
    );
    // Where a column takes values of any type, a text of digits is one.
    let strict = follows.replace(
        "PRIMARY KEY (\"b c\", a));",
        "x ANY, PRIMARY KEY (\"b c\", a)) STRICT;",
    );
    assert_ne!(strict, follows);
    let follows = engine.pick(follows.replace('"', "`"), follows, strict);
    let references = [
        ("twitter.follows.a", "to = \"ums.people.id\""),
        (
            "twitter.follows.b",
            "to = \"ums.people.id\"\nnull = \"orphan\"\nwhere = \"a < 100\"",
        ),
    ];
    let world = world(engine, people, &follows, &references);
    let rows = [
        ("7", "it''s", "7", "it's"),
        ("-8", "back\\\\slash", "1", "back\\slash"),
        ("1", "größe 😀", "NULL", "größe 😀"),
        ("101", "a", "NULL", "a"),
        ("1", "fine", "2", "fine"),
    ];
    let columns = engine.pick("a, `b c`, b", "a, \"b c\", b", "a, \"b c\", b");
    for (a, name, b, _) in rows {
        let name = engine.pick(
            name.to_owned(),
            name.replace("\\\\", "\\"),
            name.replace("\\\\", "\\"),
        );
        world.client(
            "twitter",
            &format!("INSERT INTO follows ({columns}) VALUES ({a}, '{name}', {b})"),
        );
    }
    let select = format!("SELECT {columns} FROM follows ORDER BY a, b");
    let all = || {
        let own = "UPDATE follows SET x = CAST(a AS TEXT) WHERE x IS NULL; \
                   SELECT group_concat(typeof(x) || quote(x)) FROM (SELECT * FROM follows ORDER BY a, b)";
        let own = engine.pick("SELECT 1", "SELECT 1", own);
        world.client("twitter", &select) + &world.client("twitter", own)
    };
    let before = all();
    let mut plan = Plan::new(Action::Quarantine);
    for (place, row) in [(0, 0), (0, 1), (1, 0), (1, 2), (1, 3)] {
        let (a, _, b, name) = rows[row];
        let key = if place == 0 {
            Some(a)
        } else {
            Some(b).filter(|b| *b != "NULL")
        };
        plan = plan.row(place, &[("b c", name), ("a", a)], &[key]);
    }
    plan.totals.rows = 100;
    let run = plan.write(&world);
    let done = world.run(EXECUTE).ok().json();
    let counts = |at: usize| {
        let one = &done["references"][at];
        (one["repaired"].clone(), one["gone"].clone())
    };
    assert_eq!(counts(0), (json!(2), json!(0)), "{done}");
    // One was taken out by the first reference, and one is outside of `where`.
    assert_eq!(counts(1), (json!(1), json!(2)), "{done}");
    let left = world.client("twitter", &select);
    assert_eq!(left, "1\tfine\t2\n101\ta\tNULL\n");
    world.run(&["repair", "--undo", &run]).ok();
    assert_eq!(all(), before);
}

/// Both ends in one database, and in one table, whose name leaves no room for a longer one.
fn a_table_may_refer_to_itself(engine: Engine) {
    let name = "n".repeat(63);
    let tweets = format!(
        "CREATE TABLE {name} (id INT PRIMARY KEY, up INT, name VARCHAR(9));\n\
         CREATE INDEX by_up ON {name} (up);\n\
         INSERT INTO {name} VALUES (1, NULL, 'root'), (2, 1, 'a'), (3, 4, 'b'), (5, 3, 'c'), (9, 8, 'd');\n"
    );
    let from = format!("twitter.{name}.up");
    let to = format!("to = \"twitter.{name}.id\"");
    let world = world(
        engine,
        "CREATE TABLE p (id INT);\n",
        &tweets,
        &[(&from, &to)],
    );
    let all = || world.client("twitter", &format!("SELECT * FROM {name} ORDER BY id"));
    let before = all();
    let plan = Plan::new(Action::Quarantine);
    let plan = plan.row(0, &[("id", "3")], &[Some("4")]);
    let run = plan.row(0, &[("id", "9")], &[Some("8")]).write(&world);
    let done = world
        .run(&[EXECUTE, &["--max-rate", "20"]].concat())
        .ok()
        .json();
    let one = &done["references"][0];
    assert_eq!(one["repaired"], 2, "{done}");
    // Nobody else writes to a whole file, and on some servers a gap can be locked.
    let guarantee = engine.pick("held", "window", "held");
    assert_eq!(one["guarantee"], json!(guarantee), "{done}");
    assert_eq!(all(), "1\tNULL\troot\n2\t1\ta\n5\t3\tc\n");
    world.run(&["verify"]).ok();
    world.run(&["repair", "--undo", &run]).ok();
    assert_eq!(all(), before);
}

/// A condition of thousands of rows is no deeper than an engine takes it.
#[test]
fn keys_of_several_columns_are_many() {
    let people = "CREATE TABLE people (a INT, b INT, PRIMARY KEY (a, b));\n\
                  INSERT INTO people VALUES (1, 1), (3, 2);\n";
    let tweets = "CREATE TABLE notes (i INT, j TEXT, a INT, b INT, PRIMARY KEY (i, j));\n\
                  CREATE INDEX ab ON notes (a, b);\n\
                  WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000)\n\
                  INSERT INTO notes SELECT n % 7, 'k' || n, n, n % 3 FROM c;\n";
    let references = [("twitter.notes.(a, b)", "to = \"ums.people.(a, b)\"")];
    Engine::Sqlite.run(|engine| {
        let world = world(engine, people, tweets, &references);
        world.run(&["audit", "--plan", "orphans.plan"]).exits(1);
        let much = ["--chunk", "800", "--allow", "mostly-orphans"];
        let done = world.run(&[WHOLE, &much].concat()).ok().json();
        let one = &done["references"][0];
        assert_eq!(
            (&one["repaired"], &one["chunks"]),
            (&json!(2999), &json!(4)),
            "{done}"
        );
        let left = world.client("twitter", "SELECT count(*) FROM notes");
        assert_eq!(left, "1\n");
    });
}
