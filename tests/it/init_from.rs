//! A project for databases that exist: `bird init --from` reads them, writes nothing to them, and
//! what it suggests works as it stands.

use crate::adopt::tools::tool;
use crate::world::{CANARY, Engine, World};

engines!(
    databases_that_exist_are_taken_over,
    the_text_of_a_uuid_refers_to_one,
);

/// The users of one database.
const USERS: &str = "CREATE TABLE users (id INT NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL);\n\
     INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c');\n";

/// Messages in another one, which refer to them by a name alone.
const MESSAGES: &str = "CREATE TABLE messages (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL);\n\
     CREATE INDEX messages_by_user ON messages (user_id);\n\
     INSERT INTO messages VALUES (1, 1), (2, 2), (3, 2), (4, 3);\n";

fn databases_that_exist_are_taken_over(engine: Engine) {
    let mut world = World::empty()
        .file("data/.keep", "")
        .engine("ums", engine)
        .engine("twitter", engine);
    if engine == Engine::Sqlite {
        // The project is another folder than the one that bird runs in.
        for (variable, database) in [("BIRD_UMS_URL", "ums"), ("BIRD_TWITTER_URL", "twitter")] {
            let url = format!("sqlite:{}", world.name(database));
            world = world.env(variable, &url);
        }
    } else {
        world.server("ums", "CREATE DATABASE {name}");
        world.server("twitter", "CREATE DATABASE {name}");
    }
    let flyway = tool("flyway");
    world.client("ums", &format!("{USERS}{}", (flyway.ddl)(engine)));
    world.client("twitter", MESSAGES);
    let before = state(&world);
    let from = ["ums=${BIRD_UMS_URL}", "twitter=${BIRD_TWITTER_URL}"];
    let init = ["init", "sys", "--from", from[0], "--from", from[1]];
    world
        .run(&init)
        .ok()
        .says("1 table, without the history of flyway")
        .says("recreates it exactly")
        .says("twitter.messages.user_id -> ums.users.id  name and type; 3 of 3 values found");
    let config = world.read("sys/bird.toml");
    assert!(!config.contains(CANARY), "{config}");
    assert!(!config.contains("\n[[references]]"), "{config}");
    assert_eq!(state(&world), before);

    // The next steps that it prints, and then the reference that it suggests.
    let bird = |arguments: &[&str]| {
        let project = ["--config", "sys/bird.toml"];
        world.run(&[&project[..], arguments].concat())
    };
    bird(&["migrate"]).exits(3).warns("bird adopt");
    bird(&["adopt", "--from", "baseline"]).ok();
    bird(&["verify"]).ok();
    bird(&["status", "--exit-code"]).ok();
    bird(&["audit"]).ok().says("No reference is declared.");
    let active = config
        .replace("# [[references]]", "[[references]]")
        .replace("# from", "from")
        .replace("# to ", "to ");
    world.write("sys/bird.toml", &active);
    bird(&["verify"]).ok();
    bird(&["audit"]).ok();
    world.client("ums", "DELETE FROM users WHERE id = 2");
    bird(&["audit"]).exits(1).says("2 orphan rows");

    // From the baseline on, it is a project like any other.
    bird(&["new", "add_email", "--database", "ums"]).ok();
    let sql = "ALTER TABLE users ADD COLUMN email VARCHAR(80);\n";
    world.write("sys/migrations/ums/V2__add_email.sql", sql);
    bird(&["up"]).ok().says("applied 1 migration");
    bird(&["verify"]).ok();
}

/// UUIDs as text in one database and as the engine's own type in another.
fn the_text_of_a_uuid_refers_to_one(engine: Engine) {
    for (index, neighbour) in [engine, Engine::Sqlite].into_iter().enumerate() {
        if index == 1 && neighbour == engine {
            continue;
        }
        let mut world = World::empty()
            .engine("ums", engine)
            .engine("blog", neighbour);
        for database in ["ums", "blog"] {
            if world.engine_of(database) == Engine::Sqlite {
                let variable = format!("BIRD_{}_URL", database.to_ascii_uppercase());
                let url = format!("sqlite:{}", world.name(database));
                world = world.env(&variable, &url);
            } else {
                world.server(database, "CREATE DATABASE {name}");
            }
        }
        let own = match engine {
            Engine::MariaDb | Engine::Galera | Engine::Postgres => "UUID",
            Engine::MySql => "BINARY(16)",
            Engine::Sqlite => "BLOB",
        };
        let id = |number: usize| format!("0a1b2c3d-0000-4000-8000-00000000000{number}");
        let literal = |number| match engine {
            Engine::MySql | Engine::Sqlite => format!("X'{}'", id(number).replace('-', "")),
            _ => format!("'{}'", id(number)),
        };
        let users = format!(
            "CREATE TABLE users (id {own} NOT NULL PRIMARY KEY);\n\
             INSERT INTO users VALUES ({}), ({});\n",
            literal(1),
            literal(2)
        );
        world.client("ums", &users);
        // Capital letters are the same UUID; the last column holds texts that are none.
        let posts = format!(
            "CREATE TABLE posts (number INT NOT NULL PRIMARY KEY, user_id CHAR(36), \
             reply_user_id VARCHAR(36), other_user_id VARCHAR(40));\n\
             INSERT INTO posts VALUES (1, '{}', NULL, 'nobody'), (2, '{}', NULL, '{}'), \
             (3, NULL, NULL, 'somebody');\n",
            id(1).to_uppercase(),
            id(2),
            id(1)
        );
        world.client("blog", &posts);
        let from = [
            "--from",
            "ums=${BIRD_UMS_URL}",
            "--from",
            "blog=${BIRD_BLOG_URL}",
        ];
        let output = world.run(&[&["init", "sys"], &from[..]].concat()).ok();
        for (column, evidence) in [
            ("user_id", "name and type; 2 of 2 values found as UUIDs"),
            ("reply_user_id", "end of the name and type; no values yet"),
            (
                "other_user_id",
                "end of the name and type; 1 of 3 values found as UUIDs",
            ),
        ] {
            let line = output.stdout.lines().find(|line| {
                line.contains(&format!("blog.posts.{column} -> ums.users.id "))
                    && line.contains(evidence)
            });
            assert!(line.is_some(), "{column}: {}", output.transcript());
        }
        let config = world.read("sys/bird.toml");
        assert_eq!(config.matches("# [[references]]").count(), 1, "{config}");
        assert!(config.contains("# compare = \"uuid\"\n"), "{config}");
        let active = config
            .replace("# [[references]]", "[[references]]")
            .replace("# from", "from")
            .replace("# to ", "to ")
            .replace("# compare", "compare");
        world.write("sys/bird.toml", &active);
        let bird = |arguments: &[&str]| {
            let project = ["--config", "sys/bird.toml"];
            world.run(&[&project[..], arguments].concat())
        };
        bird(&["adopt", "--from", "baseline"]).ok();
        bird(&["verify"]).ok();
        bird(&["audit"]).ok();
        world.client(
            "ums",
            &format!("DELETE FROM users WHERE id = {}", literal(2)),
        );
        bird(&["audit"]).exits(1).says("1 orphan row");
    }
}

/// The tables of both databases, and the rows of those that a test made.
fn state(world: &World) -> String {
    let tables = |database: &str| {
        let name = world.name(database);
        let sql = world.engine_of(database).pick(
            format!("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}' ORDER BY 1"),
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1".into(),
            "SELECT name FROM sqlite_schema ORDER BY 1".into(),
        );
        world.client(database, &sql)
    };
    let rows =
        |database, table| world.client(database, &format!("SELECT * FROM {table} ORDER BY 1"));
    [
        tables("ums"),
        tables("twitter"),
        rows("ums", "users"),
        rows("twitter", "messages"),
    ]
    .concat()
}
