//! SQLite's foreign keys: a rebuilt table must not take the rows of others with it, and a plain
//! delete must.

use crate::world::{Engine, Running, World};

const FAMILY: &str = "\
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id) ON DELETE CASCADE);
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO posts VALUES (10, 1), (20, 2);
";

const REBUILD: &str = "\
CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT);
INSERT INTO users_new SELECT id, name, NULL FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
";

/// A database with parents and children; the project then gets a second migration.
fn family(second: &str) -> Option<World> {
    Engine::Sqlite.is_there().then(|| {
        let world = World::one(Engine::Sqlite).migration("ums/V1__family.sql", FAMILY);
        world.run(&["up"]).ok();
        world.write("migrations/ums/V2__second.sql", second);
        world
    })
}

fn count(world: &World, table: &str) -> String {
    let rows = world.client("ums", &format!("SELECT count(*) FROM {table}"));
    rows.trim().to_owned()
}

#[test]
fn a_rebuilt_parent_keeps_its_children() {
    for drop in [
        "DROP TABLE users;",
        "drop table if exists \"users\";",
        "DROP /* the old one */ TABLE main.users;",
        "DROP TABLE [USERS];",
        "DROP TABLE IF EXISTS main . `users`;",
    ] {
        let Some(world) = family(&REBUILD.replace("DROP TABLE users;", drop)) else {
            return;
        };
        world.run(&["migrate"]).ok();
        assert_eq!(
            (count(&world, "users"), count(&world, "posts")),
            ("2".into(), "2".into()),
            "{drop}"
        );
        // The children still point at the new table, and the rule is still in force.
        world.refused("ums", "INSERT INTO posts VALUES (30, 3)");
        world.client("ums", "DELETE FROM users WHERE id = 1");
        assert_eq!(count(&world, "posts"), "1", "{drop}");
    }
}

/// Without a transaction nothing could be rolled back, which makes a cascade worse, not better.
#[test]
fn a_parent_rebuilt_without_a_transaction_keeps_its_children() {
    let Some(world) = family(&format!("-- bird: no-transaction\n{REBUILD}")) else {
        return;
    };
    let ended = world.run(&["migrate"]);
    assert_eq!(count(&world, "posts"), "2", "{}", ended.transcript());
}

#[test]
fn a_rebuild_that_loses_parents_is_rolled_back_with_the_reason() {
    let lossy = REBUILD.replace("FROM users;", "FROM users WHERE id = 1;");
    let Some(world) = family(&lossy) else { return };
    world
        .run(&["migrate"])
        .exits(4)
        .warns("foreign-keys")
        .warns("posts")
        .warns("rolled back");
    assert_eq!(
        (count(&world, "users"), count(&world, "posts")),
        ("2".into(), "2".into())
    );
    world.write("migrations/ums/V2__second.sql", REBUILD);
    world.run(&["migrate"]).ok();
}

/// What was wrong before is not this migration's fault.
#[test]
fn rows_that_had_no_parent_before_do_not_stop_a_rebuild() {
    let Some(world) = family(REBUILD) else { return };
    world.client(
        "ums",
        "PRAGMA foreign_keys = OFF; INSERT INTO posts VALUES (90, 9)",
    );
    world.run(&["migrate"]).ok();
    assert_eq!(count(&world, "posts"), "3");
}

/// As many rows without a parent as before, but others: one was mended, one was lost.
#[test]
fn a_lost_parent_is_noticed_beside_a_mended_one() {
    let swapped = REBUILD.replace(
        "FROM users;",
        "FROM users WHERE id = 1 UNION ALL SELECT 9, 'i', NULL;",
    );
    let Some(world) = family(&swapped) else {
        return;
    };
    world.client(
        "ums",
        "PRAGMA foreign_keys = OFF; INSERT INTO posts VALUES (90, 9)",
    );
    world.run(&["migrate"]).exits(4).warns("foreign-keys");
}

#[test]
fn a_plain_delete_in_a_migration_cascades() {
    let Some(world) = family("DELETE FROM users WHERE id = 1;\n") else {
        return;
    };
    world.run(&["migrate"]).ok();
    assert_eq!(count(&world, "posts"), "1");
}

/// A file with a rebuild must not leave the rule off for the next.
#[test]
fn the_file_after_a_rebuild_is_held_to_its_foreign_keys() {
    let Some(world) = family(REBUILD) else { return };
    world.write(
        "migrations/ums/V3__third.sql",
        "INSERT INTO posts VALUES (30, 3);\n",
    );
    world
        .run(&["migrate"])
        .exits(4)
        .warns("FOREIGN KEY constraint failed");
    assert_eq!(count(&world, "posts"), "2");
}

/// A table without children may go; one with children would leave rows without parents.
#[test]
fn a_dropped_table_takes_nothing_with_it_but_needs_no_children() {
    let Some(world) = family("-- bird: allow drop-table\nDROP TABLE posts;\n") else {
        return;
    };
    world.run(&["migrate"]).ok();
    assert_eq!(count(&world, "users"), "2");
    let Some(world) = family("-- bird: allow drop-table\nDROP TABLE users;\n") else {
        return;
    };
    world.run(&["migrate"]).exits(4);
    assert_eq!(count(&world, "posts"), "2");
}

/// The journal mode that bird sets for its own speed is not left in the file, nor any other file.
#[test]
fn nothing_is_left_beside_the_database() {
    let Some(world) = family("CREATE TABLE later (id INT);\n") else {
        return;
    };
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "PRAGMA journal_mode"), "delete\n");
    let entries = std::fs::read_dir(world.path("data")).expect("the folder");
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["ums.db"]);
}

/// A journal mode is somebody's choice.
#[test]
fn the_journal_mode_wal_stays() {
    let Some(world) = family("CREATE TABLE later (id INT);\n") else {
        return;
    };
    world.client("ums", "PRAGMA journal_mode = WAL");
    world.run(&["migrate"]).ok();
    world.run(&["status", "--exit-code"]).ok();
    assert_eq!(world.client("ums", "PRAGMA journal_mode"), "wal\n");
}

/// A run that was killed in a large transaction leaves a journal that the next reader rolls back.
#[test]
fn a_killed_transaction_does_not_keep_readers_out() {
    let rows = "CREATE TABLE big (id INTEGER PRIMARY KEY, t TEXT);\n\
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) \
                INSERT INTO big SELECT i, hex(zeroblob(100)) FROM n;\n";
    for mode in ["DELETE", "WAL"] {
        let Some(world) = family(rows) else { return };
        world.client("ums", &format!("PRAGMA journal_mode = {mode}"));
        let mut command = world.command(&["migrate"]);
        command.env("BIRD_FAILPOINT", "in-transaction");
        assert_eq!(Running::start(command).finish().signal, Some(9));
        let journal = world.path("data/ums.db-journal");
        assert!(mode == "WAL" || journal.metadata().expect("a hot journal").len() > 0);
        world.run(&["status"]).ok();
        world.run(&["verify"]).ok();
        world.run(&["migrate"]).ok();
        assert_eq!(count(&world, "big"), "60000", "{mode}");
    }
}

/// Two names of one file are one database with one lock.
#[cfg(unix)]
#[test]
fn a_link_to_the_file_has_the_same_lock() {
    let Some(world) = family("-- bird: no-transaction\nCREATE TABLE b (id INT);\n") else {
        return;
    };
    let link = world.path("data/link.db");
    std::os::unix::fs::symlink(world.path("data/ums.db"), &link).expect("a link");
    let barrier = world.path("barrier");
    std::fs::create_dir(&barrier).expect("a folder");
    let mut command = world.command(&["migrate"]);
    command.env("BIRD_BARRIER", format!("locked:2:{}", barrier.display()));
    let running = Running::start(command);
    while std::fs::read_dir(&barrier).expect("it").count() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut command = world.command(&["migrate", "--lock-timeout", "1s"]);
    command.env("BIRD_UMS_URL", format!("sqlite://{}", link.display()));
    Running::start(command).finish().exits(3);
    std::fs::write(barrier.join("second"), "").expect("a file");
    running.finish().ok();
}
