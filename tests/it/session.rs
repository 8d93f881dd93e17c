//! The session that migrations run in: what a server sets, what a file sets, and that neither
//! leads the next file or bird's own books astray.

use crate::world::{Engine, World};

engines!(
    times_in_migrations_are_utc,
    what_a_file_sets_is_gone_in_the_next,
);

fn on_mysql(check: fn(Engine)) {
    Engine::MariaDb.run(check);
    Engine::MySql.run(check);
}

fn times_in_migrations_are_utc(engine: Engine) {
    let text = engine.pick(
        "CREATE TABLE t (zone VARCHAR(50), seconds INT);\n\
         INSERT INTO t SELECT @@session.time_zone, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW());\n",
        "CREATE TABLE t (zone VARCHAR(50), seconds INT);\n\
         INSERT INTO t SELECT current_setting('TimeZone'), \
         extract(epoch FROM now()::timestamp - now() AT TIME ZONE 'UTC')::int;\n",
        "CREATE TABLE t (zone TEXT, seconds INT);\n\
         INSERT INTO t SELECT 'UTC', strftime('%s', CURRENT_TIMESTAMP) - strftime('%s', 'now');\n",
    );
    let world = World::one(engine).migration("ums/V1__t.sql", text);
    world.run(&["up"]).ok();
    let zone = engine.pick("+00:00", "UTC", "UTC");
    assert_eq!(
        world.client("ums", "SELECT * FROM t"),
        format!("{zone}\t0\n")
    );
}

fn what_a_file_sets_is_gone_in_the_next(engine: Engine) {
    let (set, ask) = engine.pick(
        (
            "SET SESSION sql_mode = 'ANSI_QUOTES';\n/*!40014 SET foreign_key_checks = 0 */;\n\
             SET time_zone = '+05:00';\nSET NAMES latin1;\n",
            "CREATE TABLE t (mode TEXT, checks INT, zone TEXT, charset TEXT);\n\
             INSERT INTO t SELECT \"a string\", @@foreign_key_checks, @@time_zone, \
             @@character_set_client;\n",
        ),
        (
            "CREATE SCHEMA other;\nSELECT pg_catalog.set_config('search_path', '', false);\n\
             SET TimeZone TO 'Asia/Tokyo';\nSET search_path TO other;\nCREATE TABLE there (id INT);\n",
            "CREATE TABLE t (zone TEXT);\nINSERT INTO t SELECT current_setting('TimeZone');\n",
        ),
        (
            "PRAGMA recursive_triggers = ON;\nPRAGMA defer_foreign_keys = ON;\n",
            "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE t (foreign_keys INT);\n\
             INSERT INTO t SELECT foreign_keys FROM pragma_foreign_keys;\n",
        ),
    );
    let world = World::one(engine)
        .migration("ums/V1__set.sql", set)
        .migration("ums/V2__ask.sql", ask);
    world.run(&["up"]).ok();
    let output = engine.pick("a string\t1\t+00:00\tutf8mb4\n", "UTC\n", "1\n");
    let table = engine.pick("t", "public.t", "t");
    assert_eq!(
        world.client("ums", &format!("SELECT * FROM {table}")),
        output
    );
    world.run(&["status", "--exit-code"]).ok();
    if engine == Engine::Postgres {
        let sql = "SELECT schemaname, tablename FROM pg_tables \
                   WHERE schemaname IN ('public', 'other') ORDER BY 1, 2";
        let tables = "other\tthere\npublic\tbird_applied\npublic\tbird_journal\n\
                      public\tbird_schema\npublic\trefinery_schema_history\npublic\tt\n";
        assert_eq!(world.client("ums", sql), tables);
    }
}

/// The setting hides in a block.
#[test]
fn what_a_block_sets_is_gone_in_the_next_file() {
    Engine::Postgres.run(|engine| {
        let hidden = "CREATE SCHEMA other;\nDO $$ BEGIN \
                      PERFORM set_config('search_path', 'other', false); END $$;\n";
        let world = World::one(engine)
            .migration("ums/V1__set.sql", hidden)
            .migration("ums/V2__t.sql", "CREATE TABLE t (id INT);\n");
        world.run(&["up"]).ok();
        let sql = "SELECT schemaname FROM pg_tables WHERE tablename = 't'";
        assert_eq!(world.client("ums", sql), "public\n");
    });
}

/// The setting hides in a procedure.
#[test]
fn what_a_procedure_sets_is_gone_in_the_next_file() {
    on_mysql(|engine| {
        let hidden = "CREATE PROCEDURE p() SET SESSION foreign_key_checks = 0;\n\
                      -- bird: idempotent\nCALL p();\n";
        let ask = "CREATE TABLE t (checks INT);\nINSERT INTO t SELECT @@foreign_key_checks;\n";
        let world = World::one(engine)
            .migration("ums/V1__set.sql", hidden)
            .migration("ums/V2__ask.sql", ask);
        world.run(&["up"]).ok();
        assert_eq!(world.client("ums", "SELECT checks FROM t"), "1\n");
    });
}

/// The driver would add modes of its own, and a stored program keeps the mode it was made in.
#[test]
fn stored_programs_keep_the_servers_own_mode() {
    on_mysql(|engine| {
        let world = World::one(engine).migration(
            "ums/V1__p.sql",
            "CREATE PROCEDURE p() SELECT 1;\nCREATE TABLE t (id INT);\n\
             CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1;\n",
        );
        world.run(&["up"]).ok();
        let sql = "SELECT SQL_MODE = @@GLOBAL.sql_mode FROM information_schema.ROUTINES \
                   WHERE ROUTINE_SCHEMA = DATABASE() UNION ALL \
                   SELECT SQL_MODE = @@GLOBAL.sql_mode FROM information_schema.TRIGGERS \
                   WHERE TRIGGER_SCHEMA = DATABASE()";
        assert_eq!(world.client("ums", sql), "1\n1\n");
    });
}

/// bird would tell statements as applied and recorded that the end of its session undoes.
#[test]
fn autocommit_cannot_be_switched_off_in_any_spelling() {
    on_mysql(|engine| {
        for spelling in [
            "SET autocommit = 0",
            "SET SESSION autocommit = 0",
            "SET @@autocommit = 0",
            "SET @@session.autocommit = OFF",
            "SET LOCAL autocommit = 0",
            "SET time_zone = '+01:00', autocommit = 0",
            "/*!40101 SET autocommit = 0 */",
        ] {
            let text = format!(
                "CREATE TABLE a (id INT);\n{spelling};\nINSERT INTO a VALUES (1);\nBROKEN;\n"
            );
            let world = World::one(engine).migration("ums/V1__a.sql", &text);
            world.run(&["provision"]).ok();
            let refused = world.run(&["migrate"]);
            assert!(refused.code == 3, "{spelling}: {}", refused.transcript());
        }
    });
}

/// What it set before it failed is part of what its author wrote.
#[test]
fn a_file_that_goes_on_has_the_settings_that_it_made() {
    on_mysql(|engine| {
        let text = "CREATE TABLE p (id INT PRIMARY KEY);\n\
                    CREATE TABLE c (id INT, FOREIGN KEY (id) REFERENCES p (id));\n\
                    SET foreign_key_checks = 0;\nINSERT INTO c VALUEZ (1);\n";
        let world = World::one(engine).migration("ums/V1__a.sql", text);
        world.run(&["provision"]).ok();
        world.run(&["migrate"]).exits(4);
        world.write(
            "migrations/ums/V1__a.sql",
            &text.replace("VALUEZ", "VALUES"),
        );
        world.run(&["migrate"]).ok();
        assert_eq!(world.client("ums", "SELECT * FROM c"), "1\n");
    });
}

/// One bird database is one schema: tables and history go there, and nowhere else.
#[test]
fn a_schema_of_its_own_holds_everything() {
    Engine::Postgres.run(|engine| {
        let world = World::one(engine)
            .file(
                "bird.toml",
                "[databases.ums]\nschema_name = \"own Schema\"\n",
            )
            .migration("ums/V1__t.sql", "CREATE TABLE t (id INT);\n");
        world.run(&["status"]).ok().says("absent");
        world.run(&["up"]).ok().says("schema own Schema");
        world.run(&["up"]).ok().says("nothing to do");
        world.run(&["status", "--exit-code"]).ok();
        let sql = "SELECT DISTINCT schemaname, count(*) FROM pg_tables \
                   WHERE schemaname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1";
        assert_eq!(world.client("ums", sql), "own Schema\t5\n");
    });
}

/// Two databases of the project in two schemas of one server's database do not see each other.
#[test]
fn two_schemas_of_one_database_are_two_databases() {
    Engine::Postgres.run(|engine| {
        let world = World::empty()
            .file(
                "bird.toml",
                "[databases.ums]\nschema_name = \"one\"\n[databases.twitter]\nschema_name = \"two\"\n",
            )
            .migration("ums/V1__t.sql", "CREATE TABLE t (id INT);\n")
            .migration("twitter/V1__t.sql", "CREATE TABLE t (id BIGINT);\n")
            .engine("ums", engine);
        let url = world.url("ums").to_owned();
        let world = world.env("BIRD_TWITTER_URL", &url);
        world.run(&["up"]).ok().says("applied 2 migrations");
        let sql = "SELECT schemaname FROM pg_tables WHERE tablename = 't' ORDER BY 1";
        assert_eq!(world.client("ums", sql), "one\ntwo\n");
    });
}
