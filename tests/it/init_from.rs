//! A project for databases that exist: `bird init --from` reads them, writes nothing to them, and
//! what it suggests works as it stands.

use std::fs;
use std::path::Path;

use crate::adopt::tools::tool;
use crate::world::{CANARY, Engine, World};

engines!(
    databases_that_exist_are_taken_over,
    the_text_of_a_uuid_refers_to_one,
);

/// The users of one database.
const USERS: &str = "CREATE TABLE users (id INT NOT NULL PRIMARY KEY, \
     name VARCHAR(40) DEFAULT 'nobody' NOT NULL, balance DECIMAL(9,2) DEFAULT 0.50, note TEXT, \
     joined DATE, UNIQUE (name));\n\
     INSERT INTO users (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c');\n";

/// Messages in another one, which refer to them by a name alone.
const MESSAGES: &str = "CREATE TABLE messages (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL);\n\
     CREATE INDEX messages_by_user ON messages (user_id);\n\
     INSERT INTO messages VALUES (1, 1), (2, 2), (3, 2), (4, 3);\n";

fn databases_that_exist_are_taken_over(engine: Engine) {
    let mut world = World::empty()
        .file("data/.keep", "")
        .engine("ums", engine)
        .engine("twitter", engine)
        .engine("copy", engine);
    if engine == Engine::Sqlite {
        // The project is another folder than the one that bird runs in.
        for (variable, database) in [("BIRD_UMS_URL", "ums"), ("BIRD_TWITTER_URL", "twitter")] {
            let url = format!("sqlite:{}", world.name(database));
            world = world.env(variable, &url);
        }
    } else {
        let collation = engine.pick(" COLLATE utf8mb4_bin", "", "");
        for database in ["ums", "twitter", "copy"] {
            world.server(database, &format!("CREATE DATABASE {{name}}{collation}"));
        }
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
    assert!(!config.contains("\n[[references]]"), "{config}");
    let value = |key: &str| {
        let mut lines = config.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(name, _)| name.trim() == key);
        found.map(|(_, value)| value.trim().to_owned())
    };
    let quoted = |text: &str| Some(format!("\"{text}\""));
    let collation = engine.pick(quoted("utf8mb4_bin"), None, None);
    assert_eq!(value("collation"), collation, "{config}");
    let schema = engine.pick(None, quoted("public"), None);
    assert_eq!(value("schema_name"), schema, "{config}");
    assert_eq!(state(&world), before);

    // The engine's own client builds the same columns from the baseline.
    let baseline = world.read("sys/migrations/ums/V1__baseline.sql");
    assert!(!baseline.contains("flyway"), "{baseline}");
    world.client("copy", &baseline);
    assert_eq!(columns(&world, "copy"), columns(&world, "ums"));

    // The next steps that it prints, and then the reference that it suggests. No command shows the
    // password, nor leaves it in a file.
    no_password_below(&world.path("sys"));
    let bird = |arguments: &[&str]| {
        let project = ["--config", "sys/bird.toml"];
        let output = world.run(&[&project[..], arguments].concat());
        no_password_below(&world.path("sys"));
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(CANARY), "{}", output.transcript());
        }
        output
    };
    bird(&["migrate"]).exits(3).warns("bird adopt");
    bird(&["adopt", "--from", "baseline"]).ok();
    bird(&["migrate"]).ok().says("nothing to do");
    bird(&["verify"]).ok();
    // The other tool's history is still there, and is no drift.
    world.client("ums", "SELECT * FROM flyway_schema_history");
    for arguments in [&["diff"][..], &["diff", "ums", "ums@migrations"]] {
        let output = bird(arguments).ok();
        assert!(!output.stdout.contains("flyway"), "{}", output.transcript());
    }
    bird(&["status", "--exit-code"]).ok();
    bird(&["audit"]).ok().says("No reference is declared.");
    let active = config
        .replace("# [[references]]", "[[references]]")
        .replace("# from", "from")
        .replace("# to ", "to ");
    world.write("sys/bird.toml", &active);
    bird(&["verify"]).ok();
    bird(&["audit"]).ok();
    bird(&["doctor"]).ok();
    world.client("ums", "DELETE FROM users WHERE id = 2");
    let metrics = ["audit", "--metrics-file", "sys/bird.prom"];
    bird(&metrics).exits(1).says("2 orphan rows");

    // From the baseline on, it is a project like any other.
    bird(&["new", "add_email", "--database", "ums"]).ok();
    let sql = "ALTER TABLE users ADD COLUMN email VARCHAR(80);\n";
    world.write("sys/migrations/ums/V2__add_email.sql", sql);
    bird(&["up"]).ok().says("applied 1 migration");
    bird(&["verify"]).ok();
}

/// Each schema of a database becomes a database of the project, whose baseline requires those of the
/// schemas that it refers to. What is printed next works as it stands.
#[test]
fn the_schemas_of_a_database_are_taken_over() {
    Engine::Postgres.run(|engine| {
        let world = World::empty().engine("shop", engine);
        world.server("shop", "CREATE DATABASE {name}");
        world.client(
            "shop",
            "CREATE TABLE users (id INT PRIMARY KEY); CREATE SCHEMA spare; \
             CREATE SCHEMA log; CREATE TYPE log.kind AS ENUM ('a', 'b'); \
             CREATE TABLE log.events (id INT PRIMARY KEY, kind log.kind, \
             user_id INT REFERENCES public.users (id)); \
             CREATE SCHEMA \"A report\"; CREATE VIEW \"A report\".lines AS \
             SELECT e.id, u.id AS user_id FROM log.events e JOIN public.users u ON u.id = e.user_id;",
        );
        let from = ["init", "sys", "--from", "shop=${BIRD_SHOP_URL}"];
        let output = world.run(&from).ok();
        for name in ["shop", "shop_log", "shop_A_report"] {
            let line = output.stdout.lines().find(|line| {
                line.starts_with(&format!(" {name} ")) && line.ends_with("recreates it exactly")
            });
            assert!(line.is_some(), "{name}: {}", output.transcript());
        }
        let requires = world.read("sys/migrations/shop_A_report/V1__baseline.sql");
        assert!(requires.contains("-- bird: requires shop_log@1\n"), "{requires}");
        next_steps_work(&world, &output);

        // The project finds drift in each schema, and builds them all again elsewhere.
        let bird = |arguments: &[&str]| {
            world.run(&[&["--config", "sys/bird.toml"][..], arguments].concat())
        };
        world.client("shop", "CREATE TABLE log.by_hand (id INT)");
        let found = bird(&["verify"]).exits(1).warns("by_hand");
        assert_eq!(found.stderr.matches("error[drift]").count(), 1, "{}", found.transcript());
        world.client("shop", "DROP TABLE log.by_hand");
        world.client(
            "shop",
            "DROP SCHEMA public, log, \"A report\", spare CASCADE; CREATE SCHEMA public",
        );
        bird(&["up"]).ok();
        bird(&["verify"]).ok();
    });
}

/// Schemas that refer to each other cannot be built one after the other: the warning says how they can.
#[test]
fn schemas_that_refer_to_each_other_need_a_second_migration() {
    Engine::Postgres.run(|engine| {
        let world = World::empty().engine("shop", engine);
        world.server("shop", "CREATE DATABASE {name}");
        world.client(
            "shop",
            "CREATE TABLE a (id INT PRIMARY KEY, b INT); CREATE SCHEMA other; \
             CREATE TABLE other.b (id INT PRIMARY KEY, a INT REFERENCES public.a (id)); \
             ALTER TABLE a ADD CONSTRAINT to_b FOREIGN KEY (b) REFERENCES other.b (id);",
        );
        let from = ["init", "sys", "--from", "shop=${BIRD_SHOP_URL}"];
        let output = world.run(&from).exits(1);
        let output = output
            .warns("into a file V2__keys.sql that begins with `-- bird: requires shop_other@1`")
            .warns("with `-- bird: requires shop@1`");

        let (first, second) = (
            "sys/migrations/shop/V1__baseline.sql",
            "sys/migrations/shop_other/V1__baseline.sql",
        );
        let text = world.read(first);
        let (tables, key) = text.split_at(text.find("ALTER TABLE").unwrap());
        world.write(first, tables);
        let key = format!("-- bird: requires shop_other@1\n\n{key}");
        world.write("sys/migrations/shop/V2__keys.sql", &key);
        let text = format!("-- bird: requires shop@1\n{}", world.read(second));
        world.write(second, &text);
        next_steps_work(&world, &output);
    });
}

/// Runs the commands that `init` prints, in the folder that it names; each exits with 0.
fn next_steps_work(world: &World, output: &crate::world::Output) {
    let (_, next) = output.stdout.split_once("next:\n").unwrap();
    let commands = next.lines().filter_map(|line| {
        let command = line.trim().split("   #").next()?.trim();
        command.strip_prefix("bird ")
    });
    let commands: Vec<&str> = commands.collect();
    assert!(commands.len() >= 3, "{next}");
    for command in commands {
        let words = command.split(' ');
        let words: Vec<&str> = ["--config", "sys/bird.toml"]
            .into_iter()
            .chain(words)
            .collect();
        world.run(&words).ok();
    }
}

/// UUIDs as text in one database and as the engine's own type in another.
fn the_text_of_a_uuid_refers_to_one(engine: Engine) {
    let other = engine.pick(Engine::Sqlite, Engine::MariaDb, Engine::Sqlite);
    let mut neighbours = vec![engine, other];
    neighbours.dedup();
    neighbours.retain(|neighbour| neighbour.is_there());
    for neighbour in neighbours {
        let mut world = World::empty()
            .file("data/.keep", "")
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
             CREATE INDEX posts_by_user ON posts (user_id);\n\
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

/// The columns of the table of users, as the engine describes them.
fn columns(world: &World, database: &str) -> String {
    let sql = world.engine_of(database).pick(
        "SHOW FULL COLUMNS FROM users",
        "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, \
         is_nullable, column_default, collation_name FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name = 'users' ORDER BY ordinal_position",
        "PRAGMA table_xinfo(users)",
    );
    let columns = world.client(database, sql);
    assert_eq!(columns.lines().count(), 5, "{columns}");
    columns
}

/// An error if a file holds the password.
fn no_password_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_password_below(&path);
        } else {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(CANARY), "{}", path.display());
        }
    }
}
