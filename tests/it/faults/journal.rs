//! The journal: rows of another server, of several half-applied files, and a journal that cannot
//! be written.

use crate::exactly::killed;
use crate::world::{Engine, World, database};

engines!(
    a_lost_journal_is_not_taken_for_an_empty_one,
    a_statement_of_another_server_is_left_to_a_person,
    a_journal_that_cannot_be_written_stops_the_run,
    several_files_may_be_half_applied,
    what_would_end_bird_s_lock_is_refused,
    a_wrong_clock_changes_nothing,
);

const TWO: &str = "migrations/ums/V2__two.sql";

/// A database at version 1, which made the table `a`, and a second file.
fn world(engine: Engine, text: &str) -> World {
    let world = World::one(engine).migration("ums/V1__one.sql", "CREATE TABLE a (id INT);\n");
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world.write(TWO, text);
    world
}

/// A replica that took over may lack what the old server ran, and the old one may run it still.
fn a_statement_of_another_server_is_left_to_a_person(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // A file is no server.
    }
    let alone = engine.pick(
        "ALTER TABLE a ADD COLUMN n INT;\n",
        "-- bird: no-transaction\n\nCREATE INDEX CONCURRENTLY n ON a (id);\n",
        "",
    );
    for point in ["intended", "sent"] {
        let world = world(engine, alone);
        assert!(killed(&world, point), "{engine:?} {point}");
        let own = "SELECT server FROM bird_journal WHERE state = 'intent'";
        let own = world.client("ums", own);
        assert!(!own.trim().is_empty() && own != "NULL\n", "{engine:?}");
        let place = |server: &str| {
            let sql = format!("UPDATE bird_journal SET server = '{server}' WHERE state = 'intent'");
            world.client("ums", &sql);
        };
        place("another");
        let columns = engine.pick("SHOW COLUMNS FROM a", "SELECT indexdef FROM pg_indexes", "");
        let before = world.client("ums", columns);
        for _ in 0..2 {
            world
                .run(&["migrate"])
                .exits(5)
                .warns("error[undecided]")
                .warns("another server")
                .warns("bird resolve ums@2.1 --applied");
            assert_eq!(world.client("ums", columns), before);
        }
        let status = world.run(&["status", "--format", "json"]).ok().json();
        assert_eq!(database(&status, "ums")["partial"]["in_doubt"], true);
        place(own.trim());
        world.run(&["migrate"]).ok();
        world.run(&["status", "--exit-code"]).ok();
    }
}

/// A full disk, and a server that became read-only, refuse bird's own rows as they refuse
/// everything else; here a trigger does, with the code that the server would give.
fn a_journal_that_cannot_be_written_stops_the_run(engine: Engine) {
    let refusing = engine.pick(
        "CREATE TRIGGER full_disk BEFORE INSERT ON refinery_schema_history FOR EACH ROW \
         SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'",
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON refinery_schema_history \
         FOR EACH ROW EXECUTE FUNCTION full_disk()",
        "CREATE TRIGGER full_disk BEFORE INSERT ON refinery_schema_history \
         BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
    );
    let mended = engine.pick(
        "DROP TRIGGER full_disk",
        "DROP TRIGGER full_disk ON refinery_schema_history",
        "DROP TRIGGER full_disk",
    );
    let text = "INSERT INTO a VALUES (1);\nCREATE TABLE b (id INT);\n";
    let world = world(engine, text);
    world.client("ums", refusing);
    let stopped = world.run(&["migrate"]).exits(4).transcript();
    let left = engine.pick("statement 1 of 2", "is rolled back", "is rolled back");
    let output = engine.pick("full", "no space left on device", "full");
    assert!(stopped.contains(output), "{stopped}");
    assert!(stopped.contains(left), "{stopped}");
    // Whoever tries again comes no further, and does no harm.
    let again = world.run(&["migrate"]);
    assert!([2, 4].contains(&again.code), "{}", again.transcript());
    world.client("ums", mended);
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM a"), "1\n");
    assert_eq!(world.client("ums", "SELECT count(*) FROM b"), "0\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// A file that came late may stop as well before the first is mended.
fn several_files_may_be_half_applied(engine: Engine) {
    let bare = |text: &str| format!("-- bird: no-transaction\n\n{text}");
    let world = world(engine, "");
    std::fs::remove_file(world.path(TWO)).expect("the file");
    let late = "migrations/ums/V5__late.sql";
    let half = |table: &str, rest: &str| {
        bare(&format!(
            "CREATE TABLE {table} (id INT);\nINSERT INTO {table} VALUES (1);\n{rest};\n"
        ))
    };
    world.write(late, &half("five", "NONSENSE"));
    world.run(&["migrate"]).exits(4);
    world.write(TWO, &half("two", "NONSENSE"));
    world.run(&["migrate"]).exits(4);
    let journal = "SELECT version, statement FROM bird_journal WHERE version > 1 ORDER BY 1, 2";
    assert_eq!(world.client("ums", journal), "2\t1\n2\t2\n5\t1\n5\t2\n");
    world.write(TWO, &half("two", "CREATE TABLE two_more (id INT)"));
    world
        .run(&["migrate"])
        .exits(4)
        .warns("statement 3 of 3 of V5 late");
    world.write(late, &half("five", "CREATE TABLE five_more (id INT)"));
    world.run(&["migrate"]).ok();
    for table in ["two", "five"] {
        let rows = world.client("ums", &format!("SELECT * FROM {table}"));
        assert_eq!(rows, "1\n");
    }
    world.run(&["status", "--exit-code"]).ok();
}

/// The lock is the session's, and a file's statements run in that session.
fn what_would_end_bird_s_lock_is_refused(engine: Engine) {
    let ending: &[&str] = engine.pick(
        &["DO RELEASE_ALL_LOCKS()", "SELECT release_all_locks ()"],
        &[
            "DISCARD ALL",
            "SELECT pg_advisory_unlock_all()",
            "SELECT pg_catalog.pg_advisory_unlock_all ()",
        ],
        &[],
    );
    for sql in ending {
        let world = world(engine, &format!("-- bird: no-transaction\n\n{sql};\n"));
        world
            .run(&["migrate"])
            .exits(3)
            .warns("error[statement-refused]");
    }
}

/// Times are told and never compared: the order is that of the versions.
fn a_wrong_clock_changes_nothing(engine: Engine) {
    let mut world = world(engine, "CREATE TABLE b (id INT);\n");
    world.run(&["migrate"]).ok();
    for (version, time) in [(1, "2199-01-01T00:00:00Z"), (2, "1970-01-01T00:00:00Z")] {
        let sql = format!(
            "UPDATE refinery_schema_history SET applied_on = '{time}' WHERE version = {version}; \
             UPDATE bird_journal SET applied_on = '{time}' WHERE version = {version}"
        );
        world.client("ums", &sql);
    }
    world.run(&["status", "--exit-code"]).ok();
    world.write("migrations/ums/V3__three.sql", "CREATE TABLE c (id INT);\n");
    // And where the clock's zone is another.
    world = world.env("TZ", "Pacific/Kiritimati");
    let before = time::OffsetDateTime::now_utc();
    world.run(&["migrate"]).ok();
    let sql = "SELECT applied_on FROM refinery_schema_history WHERE version = 3";
    let text = world.client("ums", sql);
    let format = time::format_description::well_known::Rfc3339;
    let applied = time::OffsetDateTime::parse(text.trim(), &format).expect("a time");
    assert!((applied - before).abs() < time::Duration::minutes(5));
    world.run(&["status", "--exit-code"]).ok();
}

/// A replica that was promoted without the table, or somebody who cleaned up: nobody knows what was
/// half applied.
fn a_lost_journal_is_not_taken_for_an_empty_one(engine: Engine) {
    let world =
        World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE a (id INT PRIMARY KEY);\n");
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world.client("ums", "DROP TABLE bird_journal");
    world.run(&["migrate"]).ok();
    world.write("migrations/ums/V2__b.sql", "INSERT INTO a VALUES (1);\n");
    for command in ["migrate", "undo"] {
        world.run(&[command]).exits(3).warns("error[lost-journal]");
    }
    world.run(&["verify"]).exits(1).warns("error[lost-journal]");
    world.run(&["status"]).ok().warns("error[lost-journal]");
    world.run(&["migrate", "--allow", "lost-journal"]).ok();
    world.run(&["verify"]).ok();
    an_old_copy_of_the_journal_is_not_trusted(&world);
}

/// A replica that does not replicate the table has a copy, or an empty one.
fn an_old_copy_of_the_journal_is_not_trusted(world: &World) {
    world.write("migrations/ums/V3__empty.sql", "-- bird: empty\n");
    world.run(&["migrate"]).ok();
    world.client("ums", "DELETE FROM bird_journal WHERE version = 2");
    world.run(&["migrate"]).ok();
    world.write("migrations/ums/V4__c.sql", "INSERT INTO a VALUES (2);\n");
    for command in ["migrate", "undo"] {
        let refused = world.run(&[command]).exits(3);
        refused.warns("error[lost-journal]").warns("lacks V2");
    }
    world.run(&["migrate", "--allow", "lost-journal"]).ok();
    world.run(&["verify"]).ok();
    world.run(&["status"]).ok();
}
