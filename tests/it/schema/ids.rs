//! Ids: a fresh and valid UUID for every row, whoever inserts it.

use std::collections::BTreeSet;

use super::{id, up};
use crate::world::{Engine, World};

engines!(every_row_gets_an_id_of_its_own, a_given_id_is_kept);

/// The ids of a table in hexadecimal.
fn hex_ids(world: &World, database: &str, table: &str) -> Vec<String> {
    let hex = world.engine_of(database).pick(
        "LOWER(HEX(id))",
        "REPLACE(id::text, '-', '')",
        "lower(hex(id))",
    );
    let rows = world.client(database, &format!("SELECT {hex} FROM {table}"));
    rows.lines().map(str::to_owned).collect()
}

/// Sixteen bytes with a version that exists and the variant of RFC 9562.
#[track_caller]
pub fn assert_uuid(hex: &str) {
    let at = |place: usize| hex.as_bytes().get(place).copied().unwrap_or_default();
    let valid = hex.len() == 32
        && hex.bytes().all(|digit| digit.is_ascii_hexdigit())
        && (b'1'..=b'8').contains(&at(12))
        && b"89ab".contains(&at(16));
    assert!(valid, "{hex} is no UUID");
}

fn every_row_gets_an_id_of_its_own(engine: Engine) {
    let world = up(engine);
    let author = id(engine, 1);
    // The sessions come from one INSERT … SELECT: the default must not be computed only once.
    for (database, table, before, sql) in [
        (
            "ums",
            "users",
            0,
            "INSERT INTO users (name, email, password_hash) VALUES \
             ('a', 'a@example.com', 'x'), ('b', 'b@example.com', 'x'), ('c', 'c@example.com', 'x')"
                .to_owned(),
        ),
        (
            "ums",
            "roles",
            3,
            "INSERT INTO roles (name) VALUES ('a'), ('b'), ('c')".to_owned(),
        ),
        (
            "ums",
            "sessions",
            0,
            "INSERT INTO sessions (user_id) SELECT id FROM users".to_owned(),
        ),
        (
            "twitter",
            "messages",
            0,
            format!(
                "INSERT INTO messages (author_id, content) \
                 VALUES ({author}, 'a'), ({author}, 'b'), ({author}, 'c')"
            ),
        ),
    ] {
        world.client(database, &sql);
        let ids = hex_ids(&world, database, table);
        assert_eq!(ids.len(), before + 3, "{table}");
        ids.iter().for_each(|hex| assert_uuid(hex));
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{table}: {ids:?}");
    }
}

fn a_given_id_is_kept(engine: Engine) {
    let world = up(engine);
    let id = id(engine, 7);
    world.client(
        "twitter",
        &format!("INSERT INTO messages (id, author_id, content) VALUES ({id}, {id}, 'x')"),
    );
    assert_eq!(
        hex_ids(&world, "twitter", "messages"),
        ["00000000000040008000000000000007"]
    );
    world.refused(
        "twitter",
        &format!("INSERT INTO messages (id, author_id, content) VALUES ({id}, {id}, 'again')"),
    );
}
