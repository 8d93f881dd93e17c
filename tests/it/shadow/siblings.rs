//! Databases of one MySQL or MariaDB server that name each other: each gets a shadow of its own, and
//! the real ones are never touched.

use crate::world::{Engine, Output, World, database};

engines!(
    what_names_another_database_is_replayed,
    a_change_of_what_names_another_database_is_replayed,
    what_nobody_can_map_is_a_note,
    databases_that_name_each_other_are_replayed,
    a_database_outside_of_the_project_is_not_named,
    the_help_names_what_a_file_does_not_require,
);

const USERS: &str = "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(20));\n\
                     CREATE TABLE log (n INT);\nINSERT INTO users VALUES (1, 'Ada');\n";

/// A database `tw` whose migrations name `ums`, on the same server.
fn world(engine: Engine, tw: impl Fn(&str) -> String) -> Option<World> {
    let has_databases = matches!(engine, Engine::MySql | Engine::MariaDb);
    has_databases.then(|| {
        let config = "[databases.ums]\n[databases.tw]\n";
        let world = World::empty().file("bird.toml", config);
        let world = world.engine("ums", engine).engine("tw", engine);
        world.write("migrations/ums/V1__a.sql", USERS);
        world.write("migrations/tw/V1__a.sql", &tw(world.name("ums")));
        world.provision("ums");
        world.provision("tw");
        world.run(&["migrate", "--database", "ums"]).ok();
        world
    })
}

fn messages(ums: &str) -> String {
    format!(
        "CREATE TABLE messages (id INT PRIMARY KEY, author INT NOT NULL, \
         CONSTRAINT f FOREIGN KEY (author) REFERENCES {ums}.users (id));\n\
         CREATE VIEW authors AS SELECT u.name FROM `{ums}`.`users` AS u -- of {ums}.users\n\
         JOIN messages ON author = u.id;\n\
         CREATE TRIGGER t AFTER INSERT ON messages FOR EACH ROW \
         INSERT INTO {ums}.log VALUES (NEW.id);\n\
         CREATE TABLE copied AS SELECT * FROM {ums}.users;\n\
         INSERT INTO messages SELECT id, id FROM {ums}.users;\n"
    )
}

/// What `ums` holds: its tables, its rows, and who refers to it.
fn state(world: &World) -> String {
    let ums = world.name("ums");
    world.client(
        "ums",
        &format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = '{ums}' \
             AND table_name NOT LIKE 'bird%' ORDER BY 1; \
             SELECT * FROM users; SELECT * FROM log; \
             SELECT constraint_schema FROM information_schema.referential_constraints \
             WHERE unique_constraint_schema = '{ums}'"
        ),
    )
}

fn no_shadow_is_left(world: &World) {
    let left = "SELECT schema_name FROM information_schema.schemata \
                WHERE schema_name LIKE 'bird\\_shadow\\_%'";
    for _ in 0..100 {
        // Other tests have shadows at the same time.
        let names = world.client("ums", left);
        let mut names = names.lines();
        if !names.any(|name| {
            let sql = format!(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{name}' \
                 AND table_name IN ('messages', 'log', 'first')"
            );
            world.client("ums", &sql) != "0\n"
        }) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("a scratch database is left");
}

fn reproducible(verified: &Output) -> String {
    let document = verified.json();
    let checks = database(&document, "tw")["checks"].clone();
    let mut checks = checks.as_array().expect("checks").clone().into_iter();
    let found = checks.find(|one| one["check"] == "reproducible");
    found.map_or_else(|| "absent".to_owned(), |one| one["result"].to_string())
}

fn is_reproduced(world: &World) {
    let before = state(world);
    let verified = world.run(&["verify", "--format", "json"]).ok();
    assert_eq!(
        reproducible(&verified),
        "\"ok\"",
        "{}",
        verified.transcript()
    );
    assert_eq!(verified.json()["findings"], serde_json::json!([]));
    for other in ["tw@migrations", "tw@applied"] {
        let same = world.run(&["diff", "tw", other]).ok();
        same.says("no difference");
    }
    assert_eq!(state(world), before);
    no_shadow_is_left(world);
}

fn what_names_another_database_is_replayed(engine: Engine) {
    let Some(world) = world(engine, messages) else {
        return;
    };
    world.run(&["migrate"]).ok();
    is_reproduced(&world);
    // Statements over another database are tried, too, in a scratch database without its tables.
    world.write("empty.sql", "SELECT 1;\n");
    let made = world.run(&["diff", "empty.sql", "tw", "--format", "sql"]);
    let made = made.exits(1).says("verified in a scratch database");
    assert!(
        !made.stdout.contains("bird_shadow"),
        "{}",
        made.transcript()
    );
    // Without a record the replay tells drift, and it knows all of it.
    world.client("tw", "DROP TABLE bird_schema");
    world.run(&["verify"]).ok();
    world.client("tw", "ALTER TABLE messages ADD COLUMN by_hand INT");
    world.run(&["verify"]).exits(1).warns("by_hand");
    let diff = world.run(&["diff", "tw", "tw@applied", "--format", "sql"]);
    let diff = diff.exits(1).says("verified in a scratch database");
    assert!(!diff.stdout.contains("DROP TABLE"), "{}", diff.transcript());
    assert!(
        !diff.stdout.contains("bird_shadow"),
        "{}",
        diff.transcript()
    );
}

fn a_change_of_what_names_another_database_is_replayed(engine: Engine) {
    let Some(world) = world(engine, messages) else {
        return;
    };
    let ums = world.name("ums").to_owned();
    world.write(
        "migrations/ums/V2__b.sql",
        "ALTER TABLE users ADD COLUMN mail VARCHAR(20);\nALTER TABLE users ADD UNIQUE KEY m (mail);\n",
    );
    world.write(
        "migrations/tw/V2__b.sql",
        &format!(
            "-- bird: requires ums@2\n\
             ALTER TABLE messages ADD COLUMN mail VARCHAR(20), \
             ADD CONSTRAINT g FOREIGN KEY (mail) REFERENCES {ums}.users (mail);\n\
             CREATE VIEW mails AS SELECT mail FROM {ums}.users;\n\
             ALTER TABLE messages DROP FOREIGN KEY f;\n"
        ),
    );
    world.run(&["migrate"]).ok();
    is_reproduced(&world);
    let before = state(&world);
    world
        .run(&["undo", "--database", "tw", "--allow", "data-loss"])
        .ok();
    assert_eq!(state(&world), before);
    let keys = "SELECT constraint_name FROM information_schema.referential_constraints \
                WHERE constraint_schema = DATABASE()";
    assert_eq!(world.client("tw", keys), "f\n");
    world.run(&["verify", "--database", "tw"]).ok();
}

/// Dynamic SQL is a text that nobody can map: it is not sent.
fn what_nobody_can_map_is_a_note(engine: Engine) {
    let Some(world) = world(engine, |ums| {
        format!(
            "CREATE TABLE a (id INT);\nCREATE VIEW v AS SELECT '{ums}.users' AS name;\n\
             SET @text = 'INSERT INTO {ums}.log VALUES (5)';\nPREPARE s FROM @text;\n\
             -- bird: idempotent\nEXECUTE s;\n\
             PREPARE s FROM 'CREATE VIEW w AS SELECT * FROM {ums}.users';\n\
             -- bird: idempotent\nEXECUTE s;\nCREATE VIEW x AS SELECT * FROM {ums}.log;\n"
        )
    }) else {
        return;
    };
    world.run(&["migrate"]).ok();
    let before = state(&world);
    assert!(before.contains("\n5\n"), "{before}");
    let verified = world.run(&["verify", "--format", "json"]).ok();
    assert_ne!(reproducible(&verified), "\"ok\"");
    let named = format!(
        "runs dynamic SQL that names the database `{}`",
        world.name("ums")
    );
    verified.says(&named);
    assert_eq!(state(&world), before);
}

fn databases_that_name_each_other_are_replayed(engine: Engine) {
    let Some(world) = world(engine, |ums| {
        format!(
            "-- bird: requires ums@1\nCREATE TABLE first (id INT PRIMARY KEY, \
             FOREIGN KEY (id) REFERENCES {ums}.users (id));\n"
        )
    }) else {
        return;
    };
    let tw = world.name("tw").to_owned();
    world.write(
        "migrations/ums/V2__b.sql",
        &format!(
            "-- bird: requires tw@1\nCREATE TABLE second (id INT PRIMARY KEY, \
             FOREIGN KEY (id) REFERENCES {tw}.first (id));\n"
        ),
    );
    world.write(
        "migrations/tw/V2__b.sql",
        "-- bird: requires ums@2\nALTER TABLE first ADD COLUMN n INT;\n",
    );
    world.run(&["migrate"]).ok();
    is_reproduced(&world);
    let verified = world.run(&["verify", "--database", "ums", "--format", "json"]);
    let verified = verified.ok().json();
    assert_eq!(verified["findings"], serde_json::json!([]));
}

/// Only databases of the project have migrations to replay.
fn a_database_outside_of_the_project_is_not_named(engine: Engine) {
    if !matches!(engine, Engine::MySql | Engine::MariaDb) {
        return;
    }
    let other = World::one(engine);
    other.provision("ums");
    other.client("ums", "CREATE TABLE users (id INT PRIMARY KEY)");
    let name = other.name("ums").to_owned();
    let sql = move |ums: &str| {
        format!(
            "CREATE TABLE a (id INT, FOREIGN KEY (id) REFERENCES {ums}.users (id));\n\
             CREATE VIEW v AS SELECT id FROM {name}.users;\nINSERT INTO {name}.users VALUES (1);\n"
        )
    };
    let Some(world) = world(engine, sql) else {
        return;
    };
    world.run(&["migrate", "--allow", "other-database"]).ok();
    let verified = world.run(&["verify", "--format", "json"]).ok();
    assert_ne!(reproducible(&verified), "\"ok\"");
    verified.says("names another database");
    assert_eq!(other.client("ums", "SELECT * FROM users"), "1\n");
}

/// Both databases are migrated at once, and the one that names the other comes first.
fn the_help_names_what_a_file_does_not_require(engine: Engine) {
    let world = match engine {
        Engine::MySql | Engine::MariaDb => {
            let config = "[databases.ums]\n[databases.tw]\n";
            let world = World::empty().file("bird.toml", config);
            let world = world.engine("ums", engine).engine("tw", engine);
            world.provision("ums");
            world.provision("tw");
            world
        }
        Engine::Postgres => {
            let config = "[databases.ums]\nschema_name = \"one\"\n\
                          [databases.tw]\nschema_name = \"two\"\n";
            let world = World::empty().file("bird.toml", config);
            let world = world.engine("ums", engine);
            world.provision("ums");
            let url = world.url("ums").to_owned();
            let world = world.env("BIRD_TW_URL", &url);
            world.client("ums", "CREATE SCHEMA one; CREATE SCHEMA two");
            world
        }
        _ => return,
    };
    let name = match engine {
        Engine::Postgres => "one",
        _ => world.name("ums"),
    };
    let key = format!(
        "CREATE TABLE t (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES {name}.users (id));\n"
    );
    world.write(
        "migrations/ums/V1__a.sql",
        "CREATE TABLE users (id INT PRIMARY KEY);\n",
    );
    world.write(
        "migrations/ums/V2__b.sql",
        "CREATE TABLE other (id INT PRIMARY KEY);\n",
    );
    world.write("migrations/tw/V1__a.sql", &key);
    let help = "begin the file with `-- bird: requires ums@2`, then run bird migrate again";
    let stopped = world.run(&["migrate", "--database", "tw"]);
    stopped.exits(4).warns(help);
    let file = format!("-- bird: requires ums@2\n{key}");
    world.write("migrations/tw/V1__a.sql", &file);
    world.run(&["migrate"]).ok();
    world.run(&["verify"]).ok();
}
