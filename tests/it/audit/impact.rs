//! What a deletion would do, on every engine and beyond what is held at once.

use serde_json::Value;

use crate::world::{Engine, World};

engines!(a_deletion_is_counted_on_both_ends);

fn asked(world: &World, arguments: &[&str]) -> Value {
    let mut all = vec!["audit", "--format", "json", "--impact", "ums.users"];
    all.extend(arguments);
    let output = world.run(&all).ok();
    serde_json::from_str(&output.stdout).expect("JSON")
}

/// Bird's own schema, once with the parents on the engine and once with the children.
fn a_deletion_is_counted_on_both_ends(engine: Engine) {
    for (ums, twitter) in [(engine, Engine::Sqlite), (Engine::Sqlite, engine)] {
        let world = World::bird().engine("ums", ums).engine("twitter", twitter);
        world.run(&["up"]).ok();
        let id = |engine: Engine, number: u32| match engine {
            Engine::Postgres => format!("'00000000-0000-4000-8000-{number:012}'"),
            _ => format!("x'00000000000040008000000{number:09}'"),
        };
        let user = |number| {
            let id = id(ums, number);
            format!(
                "INSERT INTO users (id, name, email, password_hash) \
                 VALUES ({id}, 'u', '{number}@x', 'h');"
            )
        };
        let users: String = (1..=3).map(user).collect();
        world.client("ums", &users);
        let message = |author| {
            let author = id(twitter, author);
            format!("INSERT INTO messages (author_id, content) VALUES ({author}, 'm');")
        };
        let messages: String = [1, 2, 2, 9].into_iter().map(message).collect();
        world.client("twitter", &messages);
        let output = asked(&world, &["--where", "email <> '1@x'"]);
        let impact = &output["impact"];
        assert_eq!(impact["parents"], 2, "{output}");
        let references = output["references"].as_array().expect("references").iter();
        let counts = references.map(|one| (one["keys"].as_u64(), one["rows"].as_u64()));
        let none = (Some(0), Some(0));
        let wanted = [(Some(1), Some(2)), none, none];
        assert_eq!(counts.collect::<Vec<_>>(), wanted, "{output}");
        let key = &output["references"][0]["sample"][0]["key"];
        assert_eq!(key, "00000000-0000-4000-8000-000000000002");
        assert_eq!(world.client("ums", "SELECT count(*) FROM users"), "3\n");
    }
}

/// More parents than are held at once, and more than an index is asked for; a key of which
/// another parent stays; a child without an index.
#[test]
fn many_parents_are_counted_in_parts() {
    Engine::Sqlite.run(|engine| {
        let world = World::one(engine)
            .file(
                "bird.toml",
                "[databases.ums]\n\
                 [[references]]\nfrom = \"ums.indexed.user\"\nto = \"ums.users.id\"\n\
                 [[references]]\nfrom = \"ums.plain.number\"\nto = \"ums.users.number\"\n",
            )
            .migration(
                "ums/V1__many.sql",
                "CREATE TABLE users (id INTEGER PRIMARY KEY, number INTEGER);\n\
                 CREATE TABLE indexed (id INTEGER PRIMARY KEY, user INTEGER);\n\
                 CREATE INDEX indexed_user ON indexed (user);\n\
                 CREATE TABLE plain (id INTEGER PRIMARY KEY, number INTEGER);\n\
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 202000)\n\
                 INSERT INTO users SELECT i, i / 2 FROM n;\n\
                 INSERT INTO indexed SELECT id, id * 40 FROM users WHERE id <= 6000;\n\
                 INSERT INTO plain SELECT id, id * 20 FROM users WHERE id <= 6000;\n",
            );
        world.run(&["up"]).ok();
        let output = asked(&world, &[]);
        let counts = |output: &Value, at: usize| {
            let one = &output["references"][at];
            (one["keys"].as_u64(), one["rows"].as_u64())
        };
        let same = |count| (Some(count), Some(count));
        assert_eq!(output["impact"]["parents"], 202_000);
        // Every fortieth of 202,000 ids, every twentieth of 101,000 numbers.
        assert_eq!(counts(&output, 0), same(5_050));
        assert_eq!(counts(&output, 1), same(5_050));
        // Of a number's two users only one goes, but for the last one, which has but one.
        let output = asked(&world, &["--where", "id % 2 = 0 AND id > 80000"]);
        assert_eq!(counts(&output, 0), same(5_050 - 2_000));
        assert_eq!(counts(&output, 1), same(1));
    });
}
