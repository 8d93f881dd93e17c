//! People edit the history by hand: whatever stands in it is told in words, never a panic.

use super::{MIGRATIONS, add, assert_clean, history};
use crate::world::{Engine, World};

engines!(
    a_hand_edited_history_is_told_in_words,
    a_row_that_somebody_deleted_is_not_made_up,
);

fn a_hand_edited_history_is_told_in_words(engine: Engine) {
    let world = World::one(engine);
    add(&world, &MIGRATIONS[..2]);
    world.run(&["up"]).ok();
    add(&world, &MIGRATIONS[..3]);
    let good = history(&world);
    for (column, value, word) in [
        ("name", "NULL", "name"),
        ("applied_on", "NULL", "time"),
        ("checksum", "NULL", "checksum"),
        ("checksum", "'abc'", "checksum"),
        ("checksum", "''", "checksum"),
        ("checksum", "'-1'", "checksum"),
        ("checksum", "'18446744073709551616'", "checksum"),
    ] {
        let set = |value: &str| {
            format!("UPDATE refinery_schema_history SET {column} = {value} WHERE version = 2")
        };
        world.client("ums", &set(value));
        for command in ["status", "migrate", "up"] {
            let output = world.run(&[command]).exits(2);
            let shown = &output.stderr;
            let all = ["ums", "refinery_schema_history", "version 2", word];
            let lacks = all.iter().find(|part| !shown.contains(**part));
            assert_eq!(lacks, None, "{column} = {value}:\n{}", output.transcript());
        }
        let at = ["version", "name", "applied_on", "checksum"];
        let at = at
            .iter()
            .position(|name| *name == column)
            .expect("a column");
        world.client("ums", &set(&format!("'{}'", good[1][at])));
    }
    world.refused("ums", "SELECT * FROM c");
    world.run(&["migrate"]).ok();
    assert_clean(&world, 3);
}

/// Who deletes a row wants the file to run again, or made a mistake. Either is no crash, though
/// the journal still knows the statements: bird runs the file or refuses, but records nothing
/// that is not so.
fn a_row_that_somebody_deleted_is_not_made_up(engine: Engine) {
    let world = World::one(engine);
    add(&world, &MIGRATIONS[..2]);
    world.run(&["up"]).ok();
    world.client(
        "ums",
        "DROP TABLE b; DELETE FROM refinery_schema_history WHERE version = 2",
    );
    let status = world.run(&["status"]).ok();
    assert!(
        !status.stdout.contains("statement 3 of 2"),
        "{}",
        status.transcript()
    );
    let output = world.run(&["migrate"]);
    if output.code == 0 {
        assert_eq!(world.client("ums", "SELECT count(*) FROM b"), "1\n");
        return assert_clean(&world, 2);
    }
    output.exits(3).warns("V2 Second_One");
    assert_eq!(history(&world).len(), 1);
    world.refused("ums", "SELECT * FROM b");
}

/// SQLite's columns take anything, and any table may be called so.
#[test]
fn whatever_stands_in_a_history_is_told_in_words() {
    Engine::Sqlite.run(|engine| {
        for (table, rows) in [
            (
                "version, name, applied_on, checksum",
                "('one', 'first', 'x', '1')",
            ),
            (
                "version, name, applied_on, checksum",
                "(NULL, 'first', 'x', '1')",
            ),
            (
                "version, name, applied_on, checksum",
                "(1.5, 'first', 'x', '1')",
            ),
            (
                "version, name, applied_on, checksum",
                "(X'01ff', 'first', 'x', '1')",
            ),
            (
                "version, name, applied_on, checksum",
                "(1, X'ff00fe', 'x', '1')",
            ),
            (
                "version, name, applied_on, checksum",
                "(1, 'first', 'x', X'ff')",
            ),
            (
                "version, name, applied_on, checksum",
                "(9223372036854775808, 'first', 'x', '1')",
            ),
            ("version, name", "(1, 'first')"),
            ("installed_rank, script", "(1, 'first')"),
        ] {
            let world = World::one(engine);
            add(&world, &MIGRATIONS[..1]);
            world.run(&["provision"]).ok();
            world.client(
                "ums",
                &format!(
                    "CREATE TABLE refinery_schema_history ({table}); \
                     INSERT INTO refinery_schema_history VALUES {rows}"
                ),
            );
            for command in ["status", "migrate"] {
                let output = world.run(&[command]).exits(2);
                let shown = output.stderr.contains("history");
                assert!(shown, "{table}: {rows}\n{}", output.transcript());
            }
            world.refused("ums", "SELECT * FROM a");
        }
    });
}
