//! Foreign keys, each with an explicit ON DELETE that acts so, and the CHECK of the sessions.

use std::fs;
use std::path::Path;

use super::{id, up, user};
use crate::world::{Engine, World};

engines!(
    every_foreign_key_says_on_delete,
    deleting_a_user_takes_assignments_and_sessions_along,
    a_role_that_somebody_has_stays,
    a_child_needs_its_parent,
    nobody_logs_out_before_logging_in,
);

/// Table, column, parent, name, what happens to the child, sorted.
const FOREIGN_KEYS: &[[&str; 5]] = &[
    [
        "sessions",
        "user_id",
        "users",
        "sessions_user_id_fkey",
        "CASCADE",
    ],
    [
        "users_roles",
        "role_id",
        "roles",
        "users_roles_role_id_fkey",
        "RESTRICT",
    ],
    [
        "users_roles",
        "user_id",
        "users",
        "users_roles_user_id_fkey",
        "CASCADE",
    ],
];

const KEYS_MYSQL: &str = "
    SELECT k.table_name, k.column_name, k.referenced_table_name, k.constraint_name, r.delete_rule
    FROM information_schema.key_column_usage k
    JOIN information_schema.referential_constraints r
      ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
    WHERE k.table_schema = DATABASE() AND k.referenced_column_name = 'id'";
const KEYS_POSTGRES: &str = "
    SELECT conrelid::regclass, a.attname, confrelid::regclass, conname,
      CASE confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'r' THEN 'RESTRICT' ELSE confdeltype::text END
    FROM pg_constraint JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
    WHERE contype = 'f' AND cardinality(conkey) = 1";
/// SQLite keeps the names in the text of the table alone.
const KEYS_SQLITE: &str = "
    SELECT t.name, k.\"from\", k.\"table\",
      CASE WHEN instr(t.sql, 'CONSTRAINT ' || t.name || '_' || k.\"from\" || '_fkey FOREIGN KEY')
        THEN t.name || '_' || k.\"from\" || '_fkey' ELSE 'no name' END,
      k.on_delete
    FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k
    WHERE t.type = 'table' AND k.\"to\" = 'id'";

fn every_foreign_key_says_on_delete(engine: Engine) {
    let world = up(engine);
    let query = engine.pick(KEYS_MYSQL, KEYS_POSTGRES, KEYS_SQLITE);
    let rows = world.client("ums", query);
    let mut found: Vec<&str> = rows.lines().collect();
    found.sort_unstable();
    let expected: Vec<String> = FOREIGN_KEYS.iter().map(|key| key.join("\t")).collect();
    assert_eq!(found, expected);
    // A key to another database cannot be; and MariaDB shows RESTRICT where nothing was said.
    assert_eq!(world.client("twitter", query), "");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/ums");
    let mut keys = 0;
    for file in fs::read_dir(folder.join(engine.folder())).expect("migrations") {
        let text = fs::read_to_string(file.expect("an entry").path()).expect("a text");
        for reference in text.split(" REFERENCES ").skip(1) {
            keys += 1;
            let line = reference.lines().next().unwrap_or_default();
            assert!(line.contains(") ON DELETE "), "{line}");
        }
    }
    assert_eq!(keys, FOREIGN_KEYS.len());
}

/// Two users, each with a role and a session.
fn with_two_users(engine: Engine) -> World {
    let world = up(engine);
    user(&world, 1);
    user(&world, 2);
    world.client(
        "ums",
        "INSERT INTO users_roles (user_id, role_id) \
         SELECT u.id, r.id FROM users u, roles r WHERE r.name = 'member'; \
         INSERT INTO sessions (user_id) SELECT id FROM users",
    );
    world
}

fn deleting_a_user_takes_assignments_and_sessions_along(engine: Engine) {
    let world = with_two_users(engine);
    let (one, two) = (id(engine, 1), id(engine, 2));
    world.client("ums", &format!("DELETE FROM users WHERE id = {one}"));
    for table in ["users_roles", "sessions"] {
        let all = world.client(
            "ums",
            &format!(
                "SELECT count(*) FROM {table}; SELECT count(*) FROM {table} WHERE user_id = {two}"
            ),
        );
        assert_eq!(all, "1\n1\n", "{table}");
    }
    assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "3\n");
}

fn a_role_that_somebody_has_stays(engine: Engine) {
    let world = with_two_users(engine);
    world.refused("ums", "DELETE FROM roles WHERE name = 'member'");
    world.client(
        "ums",
        "DELETE FROM users_roles; DELETE FROM roles WHERE name = 'member'",
    );
    assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "2\n");
}

fn a_child_needs_its_parent(engine: Engine) {
    let world = up(engine);
    let (known, unknown) = (user(&world, 1), id(engine, 2));
    world.refused(
        "ums",
        &format!("INSERT INTO sessions (user_id) VALUES ({unknown})"),
    );
    world.refused(
        "ums",
        &format!("INSERT INTO users_roles (user_id, role_id) VALUES ({known}, {unknown})"),
    );
    world.refused(
        "ums",
        &format!("INSERT INTO users_roles (user_id, role_id) SELECT {unknown}, id FROM roles"),
    );
}

fn nobody_logs_out_before_logging_in(engine: Engine) {
    let world = up(engine);
    let ann = user(&world, 1);
    let session = |after: &str, before: &str| {
        format!(
            "INSERT INTO sessions (user_id, logged_in_at, logged_out_at) \
             VALUES ({ann}, '2024-05-05 05:05:{after}', '2024-05-05 05:05:{before}')"
        )
    };
    world.client("ums", &session("05", "05"));
    world.client("ums", &session("05", "06"));
    let output = world.refused("ums", &session("05", "04"));
    assert!(output.contains("sessions_logged_out_after_in"), "{output}");
    world.refused(
        "ums",
        "UPDATE sessions SET logged_out_at = '2024-05-05 05:05:04'",
    );
    world.refused(
        "ums",
        "UPDATE sessions SET logged_in_at = '2024-05-05 05:05:07'",
    );
    world.client(
        "ums",
        "UPDATE sessions SET logged_out_at = NULL, logged_in_at = '2024-05-05 05:05:07'",
    );
}
