//! SQLite, whose columns take anything unless a CHECK forbids it.

use std::collections::BTreeSet;

use super::{id, ids::assert_uuid, up, user};
use crate::world::{Engine, World};

/// Version 4, the variant of RFC 9562, and every value of the random bits beside them.
#[test]
fn ten_thousand_ids_are_valid_and_distinct() {
    Engine::Sqlite.run(|engine| {
        let world = up(engine);
        let author = id(engine, 1);
        let rows = world.client(
            "twitter",
            &format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                 INSERT INTO messages (author_id, content) SELECT {author}, i FROM n; \
                 SELECT lower(hex(id)) FROM messages"
            ),
        );
        let ids: BTreeSet<&str> = rows.lines().collect();
        assert_eq!(ids.len(), 10_000);
        let (mut nibbles, mut variants) = (BTreeSet::new(), BTreeSet::new());
        for id in ids {
            assert_uuid(id);
            assert_eq!(&id[12..13], "4", "{id}");
            nibbles.insert(id[13..14].to_owned());
            variants.insert(id[16..18].to_owned());
        }
        assert_eq!((nibbles.len(), variants.len()), (16, 64));
    });
}

/// What holds for the ids of messages holds for all: the default is one text.
#[test]
fn every_id_has_the_same_default() {
    Engine::Sqlite.run(|engine| {
        let world = up(engine);
        let query = "SELECT t.name, replace(c.dflt_value, char(10), ' ')
             FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND c.name = 'id' ORDER BY t.name";
        let rows = world.client("ums", query) + &world.client("twitter", query);
        let (mut tables, mut defaults) = (Vec::new(), BTreeSet::new());
        for line in rows.lines() {
            let (table, default) = line.split_once('\t').expect("two cells");
            tables.push(table);
            defaults.insert(default);
        }
        assert_eq!(tables, ["roles", "sessions", "users", "messages"]);
        assert_eq!(defaults.len(), 1, "{defaults:#?}");
    });
}

/// One row in every table, so that an UPDATE reaches every column.
fn with_rows(engine: Engine) -> World {
    let world = up(engine);
    let ann = user(&world, 1);
    world.client(
        "ums",
        &format!(
            "DELETE FROM roles WHERE name <> 'admin';
             INSERT INTO users_roles SELECT users.id, roles.id FROM users, roles;
             INSERT INTO sessions (user_id) VALUES ({ann});"
        ),
    );
    world.client(
        "twitter",
        &format!(
            "INSERT INTO messages (author_id, content) VALUES ({ann}, 'x');
             INSERT INTO subscriptions (subscriber_id, producer_id) VALUES ({ann}, {ann});"
        ),
    );
    world
}

/// Refuses every value in every column, and by the column's own CHECK: the foreign keys, which
/// would refuse most ids as well, are off.
fn refuses(columns: &[(&str, &str, &str)], values: &[&str]) {
    Engine::Sqlite.run(|engine| {
        let world = with_rows(engine);
        for (database, table, column) in columns {
            for value in values {
                let sql =
                    format!("PRAGMA foreign_keys = OFF; UPDATE {table} SET {column} = {value}");
                let output = world.refused(database, &sql);
                assert!(
                    output.contains("CHECK constraint failed"),
                    "{sql}: {output}"
                );
            }
        }
    });
}

#[test]
fn what_is_no_id_is_refused() {
    refuses(
        &[
            ("ums", "users", "id"),
            ("ums", "roles", "id"),
            ("ums", "users_roles", "user_id"),
            ("ums", "users_roles", "role_id"),
            ("ums", "sessions", "id"),
            ("ums", "sessions", "user_id"),
            ("twitter", "messages", "id"),
            ("twitter", "messages", "author_id"),
            ("twitter", "subscriptions", "subscriber_id"),
            ("twitter", "subscriptions", "producer_id"),
        ],
        &[
            "X''",
            "randomblob(15)",
            "randomblob(17)",
            // Sixteen characters are not sixteen bytes.
            "'0123456789abcdef'",
            "'00000000-0000-4000-8000-000000000001'",
            "1234567890123456",
            "123456789012345.6",
        ],
    );
}

#[test]
fn what_is_no_text_is_refused() {
    refuses(
        &[
            ("ums", "users", "name"),
            ("ums", "users", "email"),
            ("ums", "users", "password_hash"),
            ("ums", "roles", "name"),
            ("ums", "roles", "description"),
            ("twitter", "messages", "content"),
        ],
        &[
            "X'41'",
            // Other engines cannot hold a NUL, and SQLite's own functions stop counting at it.
            "'a' || char(0) || 'b'",
            "char(0)",
            "char(0) || hex(zeroblob(500))",
        ],
    );
}

#[test]
fn what_is_no_time_is_refused() {
    refuses(
        &[
            ("ums", "users", "created_at"),
            ("ums", "users", "updated_at"),
            ("ums", "sessions", "logged_in_at"),
            ("ums", "sessions", "logged_out_at"),
            ("twitter", "messages", "created_at"),
            ("twitter", "subscriptions", "created_at"),
        ],
        &[
            "''",
            "'now'",
            "'2024-05-05'",
            "'05:05:05'",
            "'2024-05-05 05:05'",
            "'2024-05-05T05:05:05'",
            "'2024-05-05 05:05:05Z'",
            "'2024-05-05 05:05:05.5'",
            "'2024-05-05 05:05:05 '",
            "' 2024-05-05 05:05:5'",
            "'2024-05-05 05:05:60'",
            "'2024-05-05 24:00:00'",
            "'2024-00-05 05:05:05'",
            "'2024-13-05 05:05:05'",
            "'2023-02-29 05:05:05'",
            "'2024-5-05 05:05:055'",
            "'5.5.2024, 5:05 Uhr!'",
            "'2024-05-05 05:05:05' || char(0)",
            "X'323032342D30352D30352030353A30353A3035'",
            "1714885505",
            "2460435.5",
        ],
    );
}

#[test]
fn a_leap_day_and_the_far_ends_are_times() {
    Engine::Sqlite.run(|engine| {
        let world = with_rows(engine);
        for time in [
            "2024-02-29 23:59:59",
            "0001-01-01 00:00:00",
            "9999-12-31 23:59:59",
        ] {
            world.client(
                "twitter",
                &format!("UPDATE messages SET created_at = '{time}'"),
            );
        }
    });
}

/// The trigger ends its own recursion where somebody turned that on.
#[test]
fn updated_at_is_refreshed_under_recursive_triggers() {
    Engine::Sqlite.run(|engine| {
        let world = with_rows(engine);
        let rows = world.client(
            "ums",
            "PRAGMA recursive_triggers = ON;
             UPDATE users SET updated_at = '2001-01-01 00:00:00';
             UPDATE users SET name = 'Bea';
             SELECT name, updated_at > '2001-01-01 00:00:00' FROM users",
        );
        assert_eq!(rows, "Bea\t1\n");
    });
}
