//! Files that are too large, that are no files, and that change while bird is at work.

use std::fs;
use std::process::Command;

use crate::until::until;
use crate::world::{Engine, World};

engines!(
    what_runs_is_what_was_read,
    a_large_statement_is_applied_or_refused_by_its_server,
);

/// What is edited while bird runs is another file, and the next run says so.
fn what_runs_is_what_was_read(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // It has no statement that takes a while.
    }
    let sleep = engine.pick("DO SLEEP(2)", "SELECT pg_sleep(2)", "");
    let world = World::one(engine)
        .migration("ums/V1__slow.sql", &format!("{sleep};\n"))
        .migration("ums/V2__two.sql", "CREATE TABLE a (id INT);\n");
    world.run(&["provision"]).ok();
    let running = world.start(&["migrate"]);
    let history = engine.pick("SHOW TABLES", "SELECT tablename FROM pg_tables", "");
    until("its tables", || {
        world.client("ums", history).contains("bird_applied")
    });
    world.write("migrations/ums/V2__two.sql", "CREATE TABLE b (id INT);\n");
    running.finish().ok();
    assert_eq!(world.client("ums", "SELECT count(*) FROM a"), "0\n");
    world
        .run(&["migrate"])
        .exits(3)
        .warns("error[migration-changed]");
}

/// Larger than a packet that MariaDB takes.
fn a_large_statement_is_applied_or_refused_by_its_server(engine: Engine) {
    let large = "x".repeat(17 * 1024 * 1024);
    let text = format!(
        "CREATE TABLE a (t {});\nINSERT INTO a VALUES ('{large}');\n",
        engine.pick("LONGTEXT", "TEXT", "TEXT")
    );
    let world = World::one(engine).migration("ums/V1__large.sql", &text);
    world.run(&["provision"]).ok();
    let run = world.run(&["migrate"]);
    let rows = world.client("ums", "SELECT count(*) FROM a");
    match engine {
        Engine::MariaDb => {
            let run = run.exits(4);
            // It may hang up before its words are read.
            let words = ["max_allowed_packet", "error[connection-lost]"];
            let said = words.iter().any(|words| run.stderr.contains(words));
            assert!(said, "{}", run.transcript());
            assert_eq!(rows, "0\n");
        }
        _ => {
            run.ok();
            assert_eq!(rows, "1\n");
        }
    }
}

#[test]
fn what_is_too_large_or_no_file_is_refused_at_once() {
    Engine::Sqlite.run(|engine| {
        let world = World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
        world.run(&["provision"]).ok();
        let file = fs::File::create(world.path("migrations/ums/V2__huge.sql")).expect("a file");
        file.set_len(3 << 30).expect("a sparse file");
        world.run(&["migrate"]).exits(2).warns("larger than 64 MiB");
        drop(file);
        fs::remove_file(world.path("migrations/ums/V2__huge.sql")).expect("the file");
        // Opening it would wait for a writer for ever.
        let status = Command::new("mkfifo")
            .arg(world.path("migrations/ums/V2__pipe.sql"))
            .status();
        assert!(status.is_ok_and(|status| status.success()));
        world.run(&["migrate"]).exits(2).warns("not a regular file");
        assert_eq!(
            world.client("ums", "SELECT count(*) FROM sqlite_schema"),
            "0\n"
        );
    });
}

/// On a file system that does not tell them apart, the one would be the other.
#[test]
fn names_that_differ_by_case_alone_have_one_version() {
    Engine::Sqlite.run(|engine| {
        let world = World::one(engine)
            .migration("ums/V1__name.sql", "CREATE TABLE a (id INT);\n")
            .migration("ums/V1__Name.sql", "CREATE TABLE b (id INT);\n");
        world.run(&["migrate"]).exits(2).warns("duplicate-version");
    });
}
