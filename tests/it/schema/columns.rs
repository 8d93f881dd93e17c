//! Columns: their types, how long a text may be, what must not be NULL.

use super::{id, up};
use crate::world::{Engine, World};

engines!(
    the_columns_are_those_of_the_model,
    a_message_has_280_characters,
    a_text_has_its_length_and_no_more,
    not_null_is_refused,
    emails_and_roles_are_unique,
    an_email_is_compared_as_the_collation_says,
    tables_are_utf8mb4_and_innodb,
);

/// Database, table, column, the model's type, whether it may be NULL.
const MODEL: &[(&str, &str, &str, &str, bool)] = &[
    ("ums", "users", "id", "binary(16)", false),
    ("ums", "users", "name", "varchar(100)", false),
    ("ums", "users", "email", "varchar(255)", false),
    ("ums", "users", "password_hash", "varchar(255)", false),
    ("ums", "users", "created_at", "datetime", false),
    ("ums", "users", "updated_at", "datetime", false),
    ("ums", "roles", "id", "binary(16)", false),
    ("ums", "roles", "name", "varchar(50)", false),
    ("ums", "roles", "description", "varchar(255)", true),
    ("ums", "users_roles", "user_id", "binary(16)", false),
    ("ums", "users_roles", "role_id", "binary(16)", false),
    ("ums", "sessions", "id", "binary(16)", false),
    ("ums", "sessions", "user_id", "binary(16)", false),
    ("ums", "sessions", "logged_in_at", "datetime", false),
    ("ums", "sessions", "logged_out_at", "datetime", true),
    ("twitter", "messages", "id", "binary(16)", false),
    ("twitter", "messages", "author_id", "binary(16)", false),
    ("twitter", "messages", "content", "varchar(280)", false),
    ("twitter", "messages", "created_at", "datetime", false),
    (
        "twitter",
        "subscriptions",
        "subscriber_id",
        "binary(16)",
        false,
    ),
    (
        "twitter",
        "subscriptions",
        "producer_id",
        "binary(16)",
        false,
    ),
    ("twitter", "subscriptions", "created_at", "datetime", false),
];

/// All columns but those of bird's own tables: table, column, type, whether it may be NULL.
const COLUMNS_MYSQL: &str = "
    SELECT table_name, column_name, column_type, is_nullable = 'YES'
    FROM information_schema.columns
    WHERE table_schema = DATABASE()
      AND table_name NOT IN ('refinery_schema_history', 'bird_journal', 'bird_applied', 'bird_schema')";
const COLUMNS_POSTGRES: &str = "
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), (NOT a.attnotnull)::int
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relname NOT IN ('refinery_schema_history', 'bird_journal', 'bird_applied', 'bird_schema')";
const COLUMNS_SQLITE: &str = "
    SELECT t.name, c.name, c.type, NOT c.\"notnull\"
    FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
    WHERE t.type = 'table' AND t.name NOT IN ('refinery_schema_history', 'bird_journal', 'bird_applied', 'bird_schema')";

fn the_columns_are_those_of_the_model(engine: Engine) {
    let world = up(engine);
    for database in ["ums", "twitter"] {
        let columns = world.client(
            database,
            engine.pick(COLUMNS_MYSQL, COLUMNS_POSTGRES, COLUMNS_SQLITE),
        );
        let mut found: Vec<&str> = columns.lines().collect();
        found.sort_unstable();
        let mut expected: Vec<String> = MODEL
            .iter()
            .filter(|column| column.0 == database)
            .map(|(_, table, column, sql_type, nullable)| {
                let sql_type = nearest(engine, sql_type);
                format!("{table}\t{column}\t{sql_type}\t{}", u8::from(*nullable))
            })
            .collect();
        expected.sort();
        assert_eq!(found, expected);
    }
}

/// The engine's nearest type to one of MySQL.
fn nearest(engine: Engine, model: &str) -> String {
    let postgres = match model {
        "binary(16)" => "uuid".to_owned(),
        "datetime" => "timestamp with time zone".to_owned(),
        text => text.replace("varchar", "character varying"),
    };
    let sqlite = if model == "binary(16)" {
        "BLOB"
    } else {
        "TEXT"
    };
    engine.pick(model.to_owned(), postgres, sqlite.to_owned())
}

fn post(engine: Engine, content: &str) -> String {
    let author = id(engine, 1);
    format!("INSERT INTO messages (author_id, content) VALUES ({author}, '{content}')")
}

fn a_message_has_280_characters(engine: Engine) {
    let world = up(engine);
    let measure = engine.pick(
        "SELECT CHAR_LENGTH(content), LENGTH(content) FROM messages",
        "SELECT char_length(content), octet_length(content) FROM messages",
        "SELECT length(content), length(CAST(content AS BLOB)) FROM messages",
    );
    let face = "😀";
    world.client("twitter", &post(engine, &face.repeat(280)));
    assert_eq!(world.client("twitter", measure), "280\t1120\n");
    for long in [
        "x".repeat(281),
        face.repeat(281),
        format!("{}x", face.repeat(280)),
    ] {
        world.refused("twitter", &post(engine, &long));
    }
    world.refused(
        "twitter",
        &format!("UPDATE messages SET content = '{}'", "é".repeat(281)),
    );
    let content = world.client("twitter", "SELECT content FROM messages");
    assert_eq!(content, format!("{}\n", face.repeat(280)));
}

/// One row per table that has texts.
fn with_rows(engine: Engine) -> World {
    let world = up(engine);
    super::user(&world, 1);
    world.client("ums", "DELETE FROM roles WHERE name <> 'admin'");
    world.client("twitter", &post(engine, "x"));
    world
}

fn a_text_has_its_length_and_no_more(engine: Engine) {
    let world = with_rows(engine);
    for (database, table, column, sql_type, _) in MODEL {
        let Some(length) = sql_type.strip_prefix("varchar(") else {
            continue;
        };
        let length: usize = length.trim_end_matches(')').parse().expect("a number");
        let set = |text: String| format!("UPDATE {table} SET {column} = '{text}'");
        world.client(database, &set("ß".repeat(length)));
        world.refused(database, &set("ß".repeat(length + 1)));
        world.refused(database, &set("x".repeat(length + 1)));
    }
}

fn not_null_is_refused(engine: Engine) {
    let world = with_rows(engine);
    let user = id(engine, 1);
    world.client(
        "ums",
        &format!("INSERT INTO sessions (user_id) VALUES ({user})"),
    );
    world.client(
        "ums",
        "INSERT INTO users_roles (user_id, role_id) SELECT users.id, roles.id FROM users, roles",
    );
    world.client(
        "twitter",
        &format!("INSERT INTO subscriptions (subscriber_id, producer_id) VALUES ({user}, {user})"),
    );
    for (database, table, column, _, nullable) in MODEL {
        let set = format!("UPDATE {table} SET {column} = NULL");
        match nullable {
            true => drop(world.client(database, &set)),
            false => drop(world.refused(database, &set)),
        }
    }
}

fn emails_and_roles_are_unique(engine: Engine) {
    let world = up(engine);
    let add =
        "INSERT INTO users (name, email, password_hash) VALUES ('Ann', 'ann@example.com', 'x')";
    world.client("ums", add);
    world.refused("ums", add);
    // The seeds are there already.
    world.refused("ums", "INSERT INTO roles (name) VALUES ('admin')");
    let (one, two) = (id(engine, 1), id(engine, 2));
    let follow = |who: &str, whom: &str| {
        format!("INSERT INTO subscriptions (subscriber_id, producer_id) VALUES ({who}, {whom})")
    };
    world.client("twitter", &follow(&one, &two));
    world.client("twitter", &follow(&two, &one));
    world.refused("twitter", &follow(&one, &two));
    let give =
        "INSERT INTO users_roles SELECT u.id, r.id FROM users u, roles r WHERE r.name = 'admin'";
    world.client("ums", give);
    world.refused("ums", give);
}

/// Case counts or not as the database's collation says, and a collation of one's own is taken.
fn an_email_is_compared_as_the_collation_says(engine: Engine) {
    let add = |email: &str| {
        format!("INSERT INTO users (name, email, password_hash) VALUES ('Ann', '{email}', 'x')")
    };
    let world = up(engine);
    world.client("ums", &add("ann@example.com"));
    let taken = world.try_client("ums", &add("ANN@example.com")).is_ok();
    assert_eq!(taken, engine.pick(false, true, true));

    if engine.pick(true, false, false) {
        let world = World::bird().engine("ums", engine);
        let config = world.read("config/bird.toml");
        let own = config.replace(
            "[databases.ums]",
            "[databases.ums]\ncollation = \"utf8mb4_bin\"\n#",
        );
        let world = world.file("config/bird.toml", &own);
        world.run(&["up", "--database", "ums"]).ok();
        world.client("ums", &add("ann@example.com"));
        world.client("ums", &add("ANN@example.com"));
    }
}

/// Of all tables, bird's own included; the server's default need not be utf8mb4.
fn tables_are_utf8mb4_and_innodb(engine: Engine) {
    let expected = match engine {
        Engine::MariaDb => "utf8mb4_unicode_520_ci",
        Engine::MySql => "utf8mb4_0900_ai_ci",
        Engine::Sqlite | Engine::Postgres | Engine::Galera => return,
    };
    let world = up(engine);
    // Those of bird itself are utf8mb4 whatever the database's default is.
    for (database, tables) in [("ums", 4), ("twitter", 2)] {
        let rows = world.client(
            database,
            "SELECT engine, table_collation FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name NOT LIKE 'bird%' \
             AND table_name <> 'refinery_schema_history'",
        );
        assert_eq!(rows, format!("InnoDB\t{expected}\n").repeat(tables));
        let others = world.client(
            database,
            "SELECT table_name, column_name, character_set_name FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND character_set_name <> 'utf8mb4'",
        );
        assert_eq!(others, "");
    }
}
