//! Objects of MySQL and MariaDB that were created in another session than bird's: in another SQL mode,
//! or with another character set and collation. They are read, compared, and given back by an undo.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::world::{Engine, World};

/// Runs a check on both products.
macro_rules! products {
    ($($check:ident),+ $(,)?) => { $(
        tests_on!($check: mariadb MariaDb, mysql MySql);
    )+ };
}

products!(
    what_is_inspected_makes_the_same_programs,
    undo_gives_programs_their_collation_back,
    names_in_double_quotes_are_replayed_and_undone,
    what_is_missing_in_the_sql_is_an_exit_code,
    names_are_recorded_whatever_the_character_set_is,
    a_table_that_is_not_there_needs_no_consent,
    a_baseline_gives_later_tables_the_same_collation,
);

/// Through a client of which the session has yet another collation.
fn what_is_inspected_makes_the_same_programs(engine: Engine) {
    let world = World::two(engine);
    let created = |database: &str, settings: &str, sql: &str| {
        let usual = "SET sql_mode = @@GLOBAL.sql_mode, NAMES utf8mb4";
        world.client(database, &format!("{usual} {settings}; {sql}"));
    };
    let create = "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 'a' = 'A'";
    let bin = "COLLATE utf8mb4_bin";
    created("one", bin, create);
    created("one", bin, "CREATE VIEW w AS SELECT 'a' = 'A' AS same");
    let unicode = "COLLATE utf8mb4_unicode_ci";
    created("one", unicode, "CREATE PROCEDURE p() SELECT COLLATION('x')");
    created(
        "one",
        "",
        "CREATE FUNCTION usual() RETURNS INT DETERMINISTIC RETURN 'a' = 'A'",
    );
    let printed = world.run(&["inspect", "one"]).ok().stdout;
    let client = std::env::var(format!(
        "BIRD_TEST_{}_CLIENT",
        engine.word().expect("a word")
    ));
    let mut client = Command::new(client.expect("a client"))
        .args(["--default-character-set=utf8mb4", world.name("two")])
        .stdin(Stdio::piped())
        .spawn()
        .expect("a client that starts");
    let text = format!("SET NAMES utf8mb4 COLLATE utf8mb4_czech_ci;\n{printed}");
    let mut stdin = client.stdin.take().expect("a pipe");
    stdin
        .write_all(text.as_bytes())
        .expect("a client that reads");
    drop(stdin);
    assert!(client.wait().expect("an end").success());
    world.run(&["diff", "one", "two"]).ok();
    let values = "SELECT f(), usual(), same FROM w; CALL p()";
    assert_eq!(world.client("one", values), world.client("two", values));
    world.client("two", "DROP FUNCTION f");
    created("two", "", create);
    world
        .run(&["diff", "one", "two"])
        .exits(1)
        .says("[collation_connection utf8mb4_bin] CREATE");
}

fn undo_gives_programs_their_collation_back(engine: Engine) {
    let world = World::one(engine)
        .migration(
            "ums/V1__a.sql",
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin;\n\
             CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 'a' = 'A';\n",
        )
        .migration("ums/V2__b.sql", "DROP FUNCTION f;\n");
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world.run(&["undo"]).ok();
    assert_eq!(world.client("ums", "SELECT f()"), "0\n");
    world.run(&["verify"]).ok();
}

fn names_in_double_quotes_are_replayed_and_undone(engine: Engine) {
    let world = World::one(engine)
        .migration(
            "ums/V1__a.sql",
            "SET sql_mode = 'ANSI_QUOTES';\nCREATE TABLE \"fees\" (\"a\" INT);\n\
             CREATE PROCEDURE \"p\"() SELECT \"a\" FROM \"fees\";\n\
             CREATE EVENT \"e\" ON SCHEDULE EVERY 1 DAY DO DELETE FROM \"fees\";\n",
        )
        .migration("ums/V2__b.sql", "DROP PROCEDURE p;\nDROP EVENT e;\n");
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world.run(&["diff", "ums@migrations", "ums"]).ok();
    world.run(&["undo"]).ok();
    world.run(&["verify"]).ok();
    let body = "SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES \
                WHERE ROUTINE_SCHEMA = DATABASE()";
    assert_eq!(world.client("ums", body), "SELECT \"a\" FROM \"fees\"\n");
}

fn what_is_missing_in_the_sql_is_an_exit_code(engine: Engine) {
    let world = World::two(engine);
    world.client(
        "one",
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; CREATE PROCEDURE p() SELECT '\\';",
    );
    world
        .run(&["inspect", "one"])
        .exits(1)
        .warns("procedure p cannot be recreated: a file would not be read as its text is")
        .says("-- CREATE PROCEDURE `p`()");
    if engine != Engine::MariaDb {
        return;
    }
    world.client(
        "two",
        "SET sql_mode = 'ORACLE'; CREATE PROCEDURE p(a INT) AS BEGIN SELECT a; END",
    );
    world
        .run(&["inspect", "two"])
        .exits(1)
        .warns("it is written in the SQL mode ORACLE, in which bird writes nothing");
    let world = world.migration(
        "two/V1__a.sql",
        "SET sql_mode = 'ORACLE';\nCREATE TABLE fees (a INT);\n\
         DELIMITER //\nCREATE PROCEDURE q(a INT) AS BEGIN SELECT a; END//\nDELIMITER ;\n",
    );
    world.run(&["migrate", "--database", "two"]).ok();
    world
        .run(&["diff", "two@migrations", "two"])
        .exits(1)
        .warns("statement 3 is not replayable: it needs the mode ORACLE, which is not replayed");
}

/// Of the database, or of the session that a migration leaves.
fn names_are_recorded_whatever_the_character_set_is(engine: Engine) {
    let world = World::one(engine)
        .migration(
            "ums/V1__добавить.sql",
            "CREATE TABLE fees (a INT COMMENT 'добавить');\nALTER TABLE fees ADD b INT;\n",
        )
        .migration(
            "ums/V2__изменить.sql",
            "SET NAMES latin1;\nALTER TABLE fees ADD c INT;\n",
        );
    world.provision("ums");
    world.client("ums", "ALTER DATABASE CHARACTER SET latin1");
    world.run(&["migrate"]).ok();
    world.run(&["status", "--exit-code"]).ok();
    world.run(&["verify"]).ok();
}

fn a_table_that_is_not_there_needs_no_consent(engine: Engine) {
    let world = World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE fees (a INT);\n");
    world.provision("ums");
    world.run(&["migrate"]).ok();
    let world = world.migration(
        "ums/V2__b.sql",
        "DROP TABLE IF EXISTS rates, dues;\nCREATE TABLE rates (a INT);\n\
         CREATE TABLE Tmp (a INT);\nDROP TABLE IF EXISTS TMP;\n",
    );
    world.run(&["migrate", "--dry-run"]).ok();
    world.run(&["migrate"]).ok();
    let world = world.migration("ums/V3__c.sql", "DROP TABLE IF EXISTS dues, rates;\n");
    world
        .run(&["migrate"])
        .exits(3)
        .warns("statement 1 of V3 c drops the table `rates`");
}

fn a_baseline_gives_later_tables_the_same_collation(engine: Engine) {
    let world = World::two(engine);
    world.client(
        "one",
        "ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german2_ci; \
         CREATE TABLE fees (a VARCHAR(9))",
    );
    let printed = world.run(&["inspect", "one"]).ok().stdout;
    let first = "ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german2_ci;\n";
    assert!(printed.starts_with(first), "{printed}");
    let world = world.migration("two/V1__baseline.sql", &printed);
    world.run(&["migrate", "--database", "two"]).ok();
    world.client("one", "CREATE TABLE later (a VARCHAR(9))");
    world.client("two", "CREATE TABLE later (a VARCHAR(9))");
    world.run(&["diff", "one", "two"]).ok();
}
