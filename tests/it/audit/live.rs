//! Orphans in Bird's own data, on every engine and between engines: every strategy finds them all
//! and nothing else, whoever writes meanwhile and however often the audit is cut short.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use bird::db::clock::now;
use serde_json::Value;

use super::counted;
use crate::world::{Engine, World};

engines!(
    every_strategy_finds_the_same,
    what_a_reference_says_is_heeded,
    an_audit_that_was_killed_goes_on,
    writers_who_keep_the_order_make_no_orphan,
    a_table_may_change_meanwhile,
);

/// How many users there are; a hundred more are referred to and missing.
const USERS: u32 = 1_200;

fn id(engine: Engine, number: u32) -> String {
    match engine {
        Engine::Postgres => format!("'{}'", output(number)),
        _ => format!("x'{}'", output(number).replace('-', "")),
    }
}

/// Far apart, as ids are.
fn output(number: u32) -> String {
    let head = number.wrapping_mul(0x9E37_79B9);
    format!("{head:08x}-0000-4000-8000-{number:012x}")
}

/// `INSERT` of many rows at once.
fn insert(into: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = rows.collect();
    format!("INSERT INTO {into} VALUES {};\n", rows.join(",\n"))
}

/// Bird's databases with users, messages and subscriptions, some of which refer to nobody.
fn planted(ums: Engine, twitter: Engine) -> World {
    let world = World::bird().engine("ums", ums).engine("twitter", twitter);
    world.run(&["up"]).ok();
    let user = |number| format!("({}, 'u', '{number}@x', 'h')", id(ums, number));
    world.client(
        "ums",
        &insert(
            "users (id, name, email, password_hash)",
            (0..USERS).map(user),
        ),
    );
    // The first hundred users have many messages; every sixtieth author is missing.
    let authors = (0..3_000_u32).map(|number| match number % 60 {
        0 => USERS + number / 60 % 20,
        _ => number * number % USERS,
    });
    let message = |(at, author): (usize, u32)| {
        let (message, author) = (id(twitter, 50_000 + at as u32), id(twitter, author));
        format!("({message}, {author}, 'm')")
    };
    let messages = insert(
        "messages (id, author_id, content)",
        authors.enumerate().map(message),
    );
    let pair = |number: u32| {
        let producer = if number % 100 == 7 {
            USERS + 30 + number
        } else {
            number * 7 % USERS
        };
        format!(
            "({}, {})",
            id(twitter, number % USERS),
            id(twitter, producer)
        )
    };
    let pairs = insert(
        "subscriptions (subscriber_id, producer_id)",
        (0..USERS).map(pair),
    );
    world.client("twitter", &format!("{messages}{pairs}"));
    world
}

/// Runs an audit that finds something, and reads its document.
fn audited(world: &World, flags: &[&str]) -> Value {
    let mut all = vec!["audit", "--format", "json"];
    all.extend(flags);
    world.run(&all).exits(1).json()
}

/// What the references hold, counted by hand.
fn truth() -> Vec<[u64; 4]> {
    let authors: BTreeSet<u32> = (0..3_000_u32)
        .filter(|number| number % 60 != 0)
        .map(|number| number * number % USERS)
        .collect();
    let n = u64::from(USERS);
    let producers: BTreeSet<u32> = (0..USERS)
        .filter(|number| number % 100 != 7)
        .map(|number| number * 7 % USERS)
        .collect();
    vec![
        [3_000, authors.len() as u64 + 20, 20, 50],
        [n, n, 0, 0],
        [n, producers.len() as u64 + 12, 12, 12],
    ]
}

fn every_strategy_finds_the_same(engine: Engine) {
    let pairs = match engine {
        Engine::Sqlite => vec![(engine, engine)],
        _ => vec![
            (engine, engine),
            (Engine::Sqlite, engine),
            (engine, Engine::Sqlite),
        ],
    };
    for (ums, twitter) in pairs {
        let world = planted(ums, twitter);
        let together = ums == twitter && ums != Engine::Postgres;
        for strategy in ["", "merge", "probe", "hash", "sql"] {
            let mut flags = vec!["--orphans", "orphans.jsonl"];
            match strategy {
                "" => {}
                "sql" if !together => continue,
                strategy => flags.extend(["--strategy", strategy]),
            }
            for apart in [false, true] {
                if apart && (!together || strategy == "sql") {
                    continue;
                }
                let mut flags = flags.clone();
                flags.extend(apart.then_some("--apart"));
                let document = audited(&world, &flags);
                assert_eq!(
                    counted(&document),
                    truth(),
                    "{ums:?} {twitter:?} {flags:?} {document}"
                );
                assert_eq!(document["complete"], true);
                let read = ["merge", "hash"].contains(&strategy);
                for one in document["references"].as_array().expect("references") {
                    assert!(!read || one["parents"] == USERS, "{flags:?} {document}");
                }
                let first = &document["references"][0];
                let snapshot = together && !apart && ums != Engine::Sqlite;
                let guarantee = if snapshot { "snapshot" } else { "confirmed" };
                assert_eq!(first["guarantee"], guarantee, "{flags:?}");
                if !strategy.is_empty() {
                    assert_eq!(first["strategy"], strategy);
                }
                assert_eq!(
                    first["coverage"],
                    serde_json::json!([{ "after": null, "upto": null }])
                );
                orphans(&world, twitter);
            }
        }
        assert!(
            !world
                .path(".bird/audit")
                .read_dir()
                .expect("a folder")
                .any(|one| {
                    let name = one.expect("a file").file_name();
                    name.to_string_lossy().starts_with("running")
                })
        );
    }
}

/// The file has every orphan once, as the engine's own client tells it.
fn orphans(world: &World, twitter: Engine) {
    let text = world.read("orphans.jsonl");
    let mut rows = BTreeSet::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let key = line["key"].as_str().expect("a key");
        let number = u32::from_str_radix(&key[24..], 16).expect("a number");
        assert!(number >= USERS && key == output(number), "{line}");
        assert!(rows.insert(line["row"].to_string() + line["reference"].as_str().expect("a name")));
        if line["reference"] == "twitter.messages.author_id" {
            let row = line["row"]["id"].as_str().expect("an id").to_owned();
            let literal = twitter.pick(
                format!("x'{}'", row.replace('-', "")),
                format!("'{row}'"),
                format!("x'{}'", row.replace('-', "")),
            );
            if rows.len() < 3 {
                let author = twitter.pick("HEX(author_id)", "author_id", "hex(author_id)");
                let sql = format!("SELECT {author} FROM messages WHERE id = {literal}");
                let there = world
                    .client("twitter", &sql)
                    .trim()
                    .to_lowercase()
                    .replace('-', "");
                assert_eq!(there, key.replace('-', ""));
            }
        }
    }
    assert_eq!(rows.len(), 62);
}

/// Keys of two columns, conditions on both sides, NULL as an orphan, tolerated orphans.
fn what_a_reference_says_is_heeded(engine: Engine) {
    let config = "[databases.ums]\n[databases.twitter]\n\
        [[references]]\nfrom = [\"twitter.notes.tenant\", \"twitter.notes.person\"]\n\
        to = [\"ums.people.tenant\", \"ums.people.id\"]\nwhere = \"gone = 0\"\n\
        to_where = \"left_on IS NULL\"\nnull = \"orphan\"\n\
        [[references]]\nfrom = \"twitter.notes.code\"\nto = \"ums.people.code\"\ncompare = \"uuid\"\n\
        max_orphans = 1\n\
        [[references]]\nfrom = \"twitter.notes.big\"\nto = \"ums.people.big\"\nseverity = \"note\"\n";
    let uuid = |engine: Engine| engine.pick("CHAR(36)", "uuid", "TEXT");
    let big = |engine: Engine| engine.pick("BIGINT UNSIGNED", "numeric(20,0)", "INTEGER");
    let people = format!(
        "CREATE TABLE people (tenant INT, id INT, left_on VARCHAR(20), code {}, big {}, \
         PRIMARY KEY (tenant, id));\nCREATE UNIQUE INDEX c ON people (code);\n\
         CREATE UNIQUE INDEX b ON people (big);\n\
         INSERT INTO people VALUES (1, 1, NULL, '6fd80a60-c3c5-4e87-99f4-1fa3e0676d09', 7), \
         (1, 2, 'May', NULL, 9223372036854775807), (2, 1, NULL, NULL, NULL);\n",
        uuid(engine),
        big(engine)
    );
    let bytes = engine.pick("BINARY(16)", "bytea", "BLOB");
    let code = |digits: &str| {
        engine.pick(
            format!("x'{digits}'"),
            format!("'\\x{digits}'"),
            format!("x'{digits}'"),
        )
    };
    let (known, unknown) = (
        code("6fd80a60c3c54e8799f41fa3e0676d09"),
        code("6fd80a60c3c54e8799f41fa3e0676d0a"),
    );
    let notes = format!(
        "CREATE TABLE notes (id INT PRIMARY KEY, tenant INT, person INT, gone INT, code {bytes}, \
         big INT);\nCREATE INDEX p ON notes (tenant, person);\nCREATE INDEX c ON notes (code);\n\
         CREATE INDEX b ON notes (big);\n\
         INSERT INTO notes VALUES (1, 1, 1, 0, {known}, 7), (2, 1, 2, 0, {unknown}, -7), \
         (3, 2, 2, 0, NULL, NULL), (4, 2, 2, 1, NULL, 7), (5, 2, NULL, 0, NULL, NULL), \
         (6, 1, 3, 0, NULL, NULL), (7, NULL, NULL, 1, NULL, NULL);\n"
    );
    let world = World::empty()
        .file("bird.toml", config)
        .migration("ums/V1__people.sql", &people)
        .migration("twitter/V1__notes.sql", &notes)
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    for strategy in ["", "hash", "probe"] {
        let mut flags = vec!["--orphans", "orphans.jsonl"];
        if !strategy.is_empty() {
            flags.extend(["--strategy", strategy]);
        }
        let document = audited(&world, &flags);
        let one = &document["references"][0];
        assert_eq!(
            counted(&document)[0],
            [4, 4, 3, 4],
            "{strategy}: {document}"
        );
        assert_eq!(one["hidden_rows"], 1, "{document}");
        assert_eq!(one["null_rows"], 1, "{document}");
        assert_eq!(counted(&document)[1], [2, 2, 1, 1], "{document}");
        assert_eq!(counted(&document)[2], [3, 2, 1, 1], "{document}");
        let codes: Vec<&Value> = document["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .collect();
        let orphans = codes.iter().filter(|one| one["code"] == "orphans");
        let severities: Vec<&Value> = orphans.map(|one| &one["severity"]).collect();
        // One orphan is tolerated in the second, and the third is only noted.
        assert_eq!(severities, ["error", "note"], "{document}");
        let mut lines: Vec<String> = world
            .read("orphans.jsonl")
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        let wanted = [
            r#"{"reference":"twitter.notes.(tenant, person)","key":["1","2"],"row":{"id":"2"},"hidden":true}"#,
            r#"{"reference":"twitter.notes.(tenant, person)","key":["1","3"],"row":{"id":"6"}}"#,
            r#"{"reference":"twitter.notes.(tenant, person)","key":["2","2"],"row":{"id":"3"}}"#,
            r#"{"reference":"twitter.notes.(tenant, person)","key":["2",null],"row":{"id":"5"}}"#,
            r#"{"reference":"twitter.notes.big","key":"-7","row":{"id":"2"}}"#,
            r#"{"reference":"twitter.notes.code","key":"6fd80a60-c3c5-4e87-99f4-1fa3e0676d0a","row":{"id":"2"}}"#,
        ];
        assert_eq!(lines, wanted, "{strategy}");
    }
}

fn an_audit_that_was_killed_goes_on(engine: Engine) {
    let world = planted(engine, engine);
    // Several ranges, and a kill behind the second.
    let flags = [
        "audit",
        "--format",
        "json",
        "--apart",
        "--strategy",
        "merge",
        "--max-rate",
        "2000",
    ];
    let mut killed = world.command(&flags);
    killed.env("BIRD_FAILPOINT", "audit-done:2");
    let ended = killed.output().expect("it runs");
    assert_eq!(
        ended.status.code(),
        None,
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let again = [
        "--apart",
        "--strategy",
        "merge",
        "--resume",
        "--orphans",
        "orphans.jsonl",
    ];
    let resumed = now();
    let document = audited(&world, &again);
    assert_eq!(counted(&document), truth(), "{document}");
    orphans(&world, engine);
    // It went on behind what was done: it began before this run did.
    let began = document["window"]["from"].as_str().expect("a time");
    assert!(began < resumed.as_str(), "{began} {resumed}");
    // What came to its end is no beginning of anything.
    let anew = audited(&world, &["--apart", "--strategy", "merge", "--resume"]);
    assert!(anew["window"]["from"].as_str().expect("a time") > resumed.as_str());
}

fn writers_who_keep_the_order_make_no_orphan(engine: Engine) {
    let world = planted(engine, engine);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // An assertion that fails ends the writer, too.
        let _ends = Ends(&over);
        scope.spawn(|| {
            // A reader may hold the file for a moment.
            let patient = engine.pick("", "", "PRAGMA busy_timeout = 20000; ");
            let write = |database: &str, sql: &str| {
                world.client(database, &format!("{patient}{sql}"));
            };
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let author = id(engine, 900_000 + number % 7);
                write(
                    "ums",
                    &format!(
                        "INSERT INTO users (id, name, email, password_hash) \
                         VALUES ({author}, 'u', 'w{number}@x', 'h');"
                    ),
                );
                let message =
                    format!("INSERT INTO messages (author_id, content) VALUES ({author}, 'w');");
                write("twitter", &message.repeat(3));
                write(
                    "twitter",
                    &format!("DELETE FROM messages WHERE author_id = {author};"),
                );
                write("ums", &format!("DELETE FROM users WHERE id = {author};"));
            }
        });
        for strategy in ["", "merge", "hash", "probe", "merge"] {
            let mut flags = vec!["--apart"];
            if !strategy.is_empty() {
                flags.extend(["--strategy", strategy]);
            }
            let document = audited(&world, &flags);
            for (found, wanted) in counted(&document).iter().zip(truth()) {
                assert_eq!(found[2..], wanted[2..], "{strategy}: {document}");
            }
        }
    });
}

/// Says that it is over when it is dropped.
struct Ends<'e>(&'e AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn a_table_may_change_meanwhile(engine: Engine) {
    let world = planted(engine, engine);
    let flags = ["audit", "--format", "json", "--max-rate", "6000"];
    let running = world.start(&flags);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let patient = engine.pick("", "", "PRAGMA busy_timeout = 20000; ");
    let change = |table: &str| format!("{patient}ALTER TABLE {table} ADD COLUMN extra INT");
    world.client("twitter", &change("subscriptions"));
    world.client("ums", &change("users"));
    let document = running.finish().exits(1).json();
    assert_eq!(counted(&document), truth(), "{document}");
}
