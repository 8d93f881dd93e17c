//! Rows that converge, or are refused with row and reason: two declarations of one row, triggers,
//! counters, generated columns, values that do not fit.

use serde_json::{Value, json};

use crate::world::{Engine, World, database};

engines!(
    two_declarations_of_one_row_are_refused,
    two_entries_for_one_row_are_refused,
    what_a_trigger_changes_settles,
    a_key_that_a_trigger_changes_is_refused,
    values_that_do_not_fit_are_refused_with_row_and_column,
    a_generated_column_is_refused,
    keys_of_several_columns_are_found,
    zero_is_a_number_like_any_other,
);

/// A project with a table and its seeds, not migrated.
fn world(engine: Engine, table: &str, key: &str, rows: &str) -> World {
    let world = World::one(engine).migration("ums/V1__table.sql", table);
    declare(&world, key, rows);
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world
}

fn declare(world: &World, key: &str, rows: &str) {
    let seeds = format!("[[seeds]]\ntable = \"ums.t\"\nkey = [{key}]\nrows = [\n{rows}]\n");
    world.write("bird.toml", &format!("[databases.ums]\n{seeds}"));
}

/// Seeds, and expects that nothing is left to do afterwards.
fn settles(world: &World, rows: usize) {
    world.run(&["seed"]).ok();
    for arguments in [&["seed"][..], &["seed", "--dry-run"]] {
        let again = world.run(arguments).ok();
        let unchanged = again.stdout.matches("unchanged").count();
        assert_eq!(unchanged, rows, "{}", again.transcript());
        assert!(!again.stdout.contains("behind"), "{}", again.transcript());
    }
    world.run(&["verify"]).ok();
}

/// Pairs of keys, by type: whether they are one row.
fn pairs(engine: Engine) -> Vec<(&'static str, &'static str, &'static str, bool)> {
    match engine {
        Engine::Sqlite => vec![
            ("TEXT COLLATE NOCASE", "'a'", "'A'", true),
            ("TEXT", "'a'", "'A'", false),
            ("TEXT COLLATE RTRIM", "'a'", "'a '", true),
            ("TEXT", "'a'", "'a '", false),
            ("TEXT", "1", "'1'", true),
            ("INTEGER", "1", "'1'", true),
            ("INTEGER", "1", "'1.0'", true),
            ("INTEGER", "1", "true", true),
            ("REAL", "1.5", "'1.50'", true),
            ("REAL", "9007199254740992", "9007199254740993", true),
            ("NUMERIC", "1.5", "1.50", true),
            ("BLOB", "1", "'1'", false),
            ("ANY", "1", "'1'", false),
            ("ANY", "1", "1.0", true),
        ],
        Engine::Postgres => vec![
            ("text", "'a'", "'A'", false),
            ("text", "1", "'1'", true),
            ("citext", "'a'", "'A'", true),
            ("text COLLATE caseless", "'a'", "'A'", true),
            ("char(3)", "'a'", "'a '", true),
            ("varchar(3)", "'a'", "'a '", false),
            ("varchar(2)", "'a   '", "'a '", true),
            ("integer", "1", "'1'", true),
            ("numeric(4,1)", "1.5", "1.50", true),
            ("numeric(4,1)", "1.51", "1.52", true),
            ("real", "16777216", "16777217", true),
            (
                "timestamp(0)",
                "'2024-01-01 00:00:00'",
                "'2024-01-01 00:00:00.1'",
                true,
            ),
            (
                "timestamp with time zone",
                "2024-01-01T00:00:00Z",
                "2024-01-01T01:00:00+01:00",
                true,
            ),
            (
                "uuid",
                "'AAAAAAAA-0000-4000-8000-000000000001'",
                "'aaaaaaaa-0000-4000-8000-000000000001'",
                true,
            ),
            ("jsonb", "'{\"a\": 1}'", "'{\"a\":1}'", true),
            ("json", "'{\"a\": 1}'", "'{\"a\":1}'", false),
            ("point", "'1,2'", "'(1, 2)'", true),
            ("integer[]", "'{1,2}'", "'{1, 2}'", true),
            ("int4range", "'[1,2]'", "'[1,3)'", true),
            ("box", "'(0,0),(1,4)'", "'(0,0),(2,2)'", false),
        ],
        Engine::MariaDb | Engine::MySql | Engine::Galera => vec![
            ("VARCHAR(9) COLLATE utf8mb4_general_ci", "'a'", "'A'", true),
            ("VARCHAR(9) COLLATE utf8mb4_general_ci", "'a'", "'a '", true),
            ("VARCHAR(9) COLLATE utf8mb4_general_ci", "'a'", "'ä'", true),
            ("VARCHAR(9) COLLATE utf8mb4_bin", "'a'", "'A'", false),
            ("VARCHAR(9) CHARACTER SET latin1", "'ä'", "'Ä'", true),
            ("VARCHAR(9)", "1", "'1'", true),
            ("CHAR(9) COLLATE utf8mb4_bin", "'a'", "'a '", true),
            ("INT", "1", "'1'", true),
            ("INT", "1", "1.2", true),
            ("INT", "1", "true", true),
            ("DECIMAL(6,3)", "1.5", "1.50", true),
            ("DECIMAL(6,3)", "1.5004", "1.5005", false),
            ("DECIMAL(6,3)", "1.50001", "1.50002", true),
            ("FLOAT", "16777216", "16777217", true),
            ("BINARY(4)", "'ab'", "'ab\\u0000'", true),
            ("VARBINARY(4)", "'ab'", "'AB'", false),
            ("ENUM('a','b')", "'a'", "'A'", true),
            ("SET('x','y')", "'x,y'", "'y,x'", true),
            (
                "DATETIME",
                "2024-01-01T00:00:00Z",
                "2024-01-01T01:00:00+01:00",
                true,
            ),
            ("DATE", "'2024-1-2'", "2024-01-02", true),
        ],
    }
}

fn two_declarations_of_one_row_are_refused(engine: Engine) {
    let pairs = pairs(engine);
    let mut migration = String::new();
    if engine == Engine::Postgres {
        migration.push_str(
            "CREATE EXTENSION citext; CREATE COLLATION caseless (provider = icu, \
             locale = 'und-u-ks-level2', deterministic = false);\n",
        );
    }
    for (at, (sql, ..)) in pairs.iter().enumerate() {
        let strict = if *sql == "ANY" { " STRICT" } else { "" };
        migration.push_str(&format!(
            "CREATE TABLE t{at} (k {sql}, v INTEGER){strict};\n"
        ));
    }
    let world = world(engine, &migration, "\"k\"", "");
    for (at, (sql, one, other, same)) in pairs.iter().enumerate() {
        let text = |value: &str| value.replace('\'', if value.contains('\\') { "\"" } else { "'" });
        world.write(
            "bird.toml",
            &format!(
                "[databases.ums]\n[[seeds]]\ntable = \"ums.t{at}\"\nkey = [\"k\"]\nrows = [\n\
                 {{ k = {}, v = 1 }},\n{{ k = {}, v = 2 }},\n]\n",
                text(one),
                text(other)
            ),
        );
        let case = format!("{sql}: {one} and {other}");
        if *same {
            for arguments in [&["seed", "--dry-run"][..], &["seed"]] {
                let refused = world.run(arguments);
                assert_eq!(refused.code, 2, "{case}\n{}", refused.transcript());
                let says = |text: &str| {
                    assert!(
                        refused.stderr.contains(text),
                        "{case}\n{}",
                        refused.transcript()
                    );
                };
                says("are the same row");
                says("bird.toml:6");
                says("bird.toml:7");
            }
            world.run(&["verify"]).exits(1).warns("are the same row");
            assert_eq!(
                world.client("ums", &format!("SELECT count(*) FROM t{at}")),
                "0\n",
                "{case}"
            );
        } else {
            let seeded = world.run(&["seed"]);
            assert_eq!(seeded.code, 0, "{case}\n{}", seeded.transcript());
            let again = world.run(&["seed"]).ok();
            assert_eq!(
                again.stdout.matches("unchanged").count(),
                2,
                "{case}\n{}",
                again.transcript()
            );
        }
    }
}

fn two_entries_for_one_row_are_refused(engine: Engine) {
    let world = world(
        engine,
        "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER);\n",
        "\"k\"",
        "{ k = 1, v = 1 },\n",
    );
    let config = world.read("bird.toml");
    let other = "[[seeds]]\ntable = \"ums.t\"\nkey = [\"k\"]\nrows = [{ k = 1, v = 2 }]\n";
    world.write("bird.toml", &format!("{config}{other}"));
    world.run(&["seed"]).exits(2).warns("are the same row");
}

fn trigger(engine: Engine, column: &str) -> String {
    match engine {
        Engine::Sqlite => format!(
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET {column} = upper(NEW.{column}) \
             WHERE rowid = NEW.rowid; END;\n\
             CREATE TRIGGER h AFTER UPDATE OF {column} ON t BEGIN UPDATE t SET {column} = \
             upper(NEW.{column}) WHERE rowid = NEW.rowid AND {column} <> upper({column}); END;\n"
        ),
        Engine::Postgres => format!(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             NEW.{column} := upper(NEW.{column}); RETURN NEW; END $$;\n\
             CREATE TRIGGER g BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();\n"
        ),
        Engine::MariaDb | Engine::MySql | Engine::Galera => format!(
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.{column} = upper(NEW.{column});\n\
             CREATE TRIGGER h BEFORE UPDATE ON t FOR EACH ROW SET NEW.{column} = upper(NEW.{column});\n"
        ),
    }
}

/// Text that differs in case is another text.
fn with_text(engine: Engine, column: &str) -> String {
    let binary = engine.pick(" COLLATE utf8mb4_bin", "", "");
    let name = |own: &str| {
        if own == column {
            format!("{own} VARCHAR(20){binary}")
        } else {
            format!("{own} VARCHAR(20)")
        }
    };
    let table = format!("CREATE TABLE t ({}, {});\n", name("k"), name("v"));
    table + &trigger(engine, column)
}

fn what_a_trigger_changes_settles(engine: Engine) {
    let table = with_text(engine, "v");
    let world = world(
        engine,
        &table,
        "\"k\"",
        "{ k = 'a', v = 'new' },\n{ k = 'b', v = 'OLD' },\n",
    );
    settles(&world, 2);
    assert_eq!(
        world.client("ums", "SELECT v FROM t ORDER BY k"),
        "NEW\nOLD\n"
    );
    // What the trigger left counts, and nothing else.
    world.client("ums", "UPDATE t SET v = 'MINE' WHERE k = 'a'");
    world.run(&["verify"]).exits(1).warns("k=a");
    world
        .run(&["seed", "--dry-run"])
        .ok()
        .says("would be updated: v");
    settles(&world, 2);
    assert_eq!(
        world.client("ums", "SELECT v FROM t ORDER BY k"),
        "NEW\nOLD\n"
    );
    // A new declaration is written, even where the old one was changed.
    declare(&world, "\"k\"", "{ k = 'a', v = 'newer' },\n");
    world.run(&["seed"]).ok().says("updated: v");
    settles(&world, 1);
    assert_eq!(
        world.client("ums", "SELECT v FROM t WHERE k = 'a'"),
        "NEWER\n"
    );
}

fn a_key_that_a_trigger_changes_is_refused(engine: Engine) {
    let world = world(
        engine,
        &with_text(engine, "k"),
        "\"k\"",
        "{ k = 'a', v = 'x' },\n",
    );
    let refused = world.run(&["seed"]).exits(4);
    refused
        .warns("ums.t")
        .warns("k=a")
        .warns("is not found by `k`");
    assert_eq!(world.client("ums", "SELECT count(*) FROM t"), "0\n");
}

fn values_that_do_not_fit_are_refused_with_row_and_column(engine: Engine) {
    let values: &[(&str, &str)] = engine.pick(
        &[
            ("INT", "'abc'"),
            ("INT", "3000000000"),
            ("TINYINT UNSIGNED", "-1"),
            ("DECIMAL(4,1)", "1234.5"),
            ("VARCHAR(3)", "'abcd'"),
            ("BINARY(2)", "'abc'"),
            ("DATE", "'tomorrow'"),
            ("DATETIME", "'2024-13-01'"),
            ("ENUM('a','b')", "'c'"),
            ("SET('x','y')", "'x,z'"),
            ("BIT(3)", "'x'"),
            ("BIT(3)", "8"),
            ("YEAR", "3000"),
            ("BIGINT UNSIGNED", "18446744073709551616"),
            ("TIME", "'soon'"),
            ("POINT", "5"),
            ("POINT", "'POINT(1)'"),
        ],
        &[
            ("integer", "'abc'"),
            ("smallint", "70000"),
            ("varchar(3)", "'abcd'"),
            ("bit(3)", "5"),
            ("bit(3)", "'10'"),
            ("bit varying(3)", "'1010'"),
            ("positive", "-1"),
            ("timestamp", "'now'"),
            ("date", "'Today'"),
            ("numeric(3,1)", "1000"),
            ("varchar(3)[]", "'{ab,abcdef}'"),
            ("bytea", "5"),
            ("json", "'{'"),
            ("uuid", "'admin'"),
            ("date", "'someday'"),
            ("inet", "1"),
            ("xml", "'<a>'"),
            ("integer[]", "'1'"),
        ],
        &[("INTEGER", "'a\\u0000b'")],
    );
    let mut migration = String::new();
    if engine == Engine::Postgres {
        migration.push_str("CREATE DOMAIN positive AS integer CHECK (VALUE > 0);\n");
    }
    for (at, (sql, _)) in values.iter().enumerate() {
        migration.push_str(&format!(
            "CREATE TABLE t{at} (k INTEGER PRIMARY KEY, val {sql});\n"
        ));
    }
    let world = world(engine, &migration, "\"k\"", "");
    for (at, (sql, value)) in values.iter().enumerate() {
        let value = if value.contains('\\') {
            value.replace('\'', "\"")
        } else {
            (*value).to_owned()
        };
        world.write(
            "bird.toml",
            &format!(
                "[databases.ums]\n[[seeds]]\ntable = \"ums.t{at}\"\nkey = [\"k\"]\n\
                 rows = [{{ k = 1, val = {value} }}]\n"
            ),
        );
        for arguments in [&["seed", "--dry-run"][..], &["seed"]] {
            let refused = world.run(arguments);
            let case = format!("{sql}: {value}\n{}", refused.transcript());
            assert_eq!(refused.code, 2, "{case}");
            for text in [&format!("`val` of `ums.t{at}`"), "k=1", "bird.toml:5"] {
                assert!(refused.stderr.contains(text), "{text}\n{case}");
            }
        }
        world.run(&["verify"]).exits(1).warns("`val`");
        assert_eq!(
            world.client("ums", &format!("SELECT count(*) FROM t{at}")),
            "0\n",
            "{sql}: {value}"
        );
    }
}

fn a_generated_column_is_refused(engine: Engine) {
    let table = "CREATE TABLE t (k INTEGER PRIMARY KEY, twice INTEGER GENERATED ALWAYS AS (k * 2) STORED);\n";
    let world = world(engine, table, "\"k\"", "{ k = 1, twice = 2 },\n");
    for arguments in [&["seed", "--dry-run"][..], &["seed"]] {
        let refused = world.run(arguments).exits(2);
        refused
            .warns("`twice` of `ums.t` with k=1")
            .warns("leave it out");
    }
    declare(&world, "\"k\"", "{ k = 1 },\n");
    settles(&world, 1);
}

fn keys_of_several_columns_are_found(engine: Engine) {
    let float = engine.pick("FLOAT", "real", "REAL");
    let table =
        format!("CREATE TABLE t (a VARCHAR(9), b DECIMAL(4,1), c {float}, v VARCHAR(9));\n");
    let rows = "{ a = 'x', b = 1.5, c = 0.1, v = '1' },\n{ a = 'x', b = 1.5, c = 0.2, v = '2' },\n\
                { a = 'y', b = 1.5, c = 0.1, v = '3' },\n";
    let world = world(engine, &table, "\"c\", \"a\", \"b\"", rows);
    settles(&world, 3);
    declare(
        &world,
        "\"c\", \"a\", \"b\"",
        "{ a = 'x', b = { null = true }, c = 0.1, v = '1' },\n",
    );
    world
        .run(&["seed"])
        .exits(2)
        .warns("no value for the key `b`");
}

fn zero_is_a_number_like_any_other(engine: Engine) {
    let id = engine.pick("INT AUTO_INCREMENT", "serial", "INTEGER");
    let table = format!("CREATE TABLE t (id {id} PRIMARY KEY, v VARCHAR(9));\n");
    let world = world(engine, &table, "\"id\"", "{ id = 0, v = 'zero' },\n");
    settles(&world, 1);
    assert_eq!(world.client("ums", "SELECT id FROM t"), "0\n");
}

engines!(
    the_next_row_gets_a_number_behind_the_seeds,
    a_counter_that_was_left_behind_moves_on,
);

fn numbered(engine: Engine) -> Vec<&'static str> {
    match engine {
        Engine::Sqlite => vec!["INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"],
        Engine::Postgres => vec![
            "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            "integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "bigint GENERATED BY DEFAULT AS IDENTITY (INCREMENT BY 5) PRIMARY KEY",
            "bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 20) PRIMARY KEY",
            "smallserial PRIMARY KEY",
            "serial PRIMARY KEY",
            "bigserial PRIMARY KEY",
            "integer DEFAULT nextval('shared') PRIMARY KEY",
        ],
        Engine::MariaDb => vec![
            "INT AUTO_INCREMENT PRIMARY KEY",
            "BIGINT DEFAULT NEXTVAL(shared) PRIMARY KEY",
        ],
        Engine::MySql | Engine::Galera => vec!["INT AUTO_INCREMENT PRIMARY KEY"],
    }
}

fn the_next_row_gets_a_number_behind_the_seeds(engine: Engine) {
    let ids = numbered(engine);
    let far = ids.first().map(|id| (*id, "{ id = 20000, v = 'a' },\n"));
    let near = ids
        .iter()
        .map(|id| (*id, "{ id = 1, v = 'a' },\n{ id = 3, v = 'b' },\n"));
    for (id, rows) in near.chain(far) {
        let shared = engine.pick("CREATE SEQUENCE shared;\n", "CREATE SEQUENCE shared;\n", "");
        let shared = if engine == Engine::MySql { "" } else { shared };
        let table = format!("{shared}CREATE TABLE t (id {id}, v VARCHAR(9));\n");
        let world = world(engine, &table, "\"id\"", rows);
        settles(&world, rows.lines().count());
        let largest = world.client("ums", "SELECT max(id) FROM t");
        world.client("ums", "INSERT INTO t (v) VALUES ('own')");
        let own = world.client("ums", "SELECT id FROM t WHERE v = 'own'");
        let (largest, own): (i64, i64) = (
            largest.trim().parse().expect("a number"),
            own.trim().parse().expect("a number"),
        );
        assert!(
            own > largest && own <= largest + 25,
            "{id}: {own} after {largest}"
        );
        settles(&world, rows.lines().count());
        world.client("ums", "INSERT INTO t (v) VALUES ('mine')");
    }
}

/// Whoever wrote the rows: an import, or an earlier version of bird.
fn a_counter_that_was_left_behind_moves_on(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let table =
        "CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text);\n";
    let world = world(engine, table, "\"id\"", "{ id = 1, v = 'a' },\n");
    world.client("ums", "INSERT INTO t VALUES (1, 'a'), (7, 'b')");
    world
        .run(&["verify"])
        .exits(1)
        .warns("the next number of `id`");
    world
        .run(&["seed", "--dry-run"])
        .ok()
        .says("would go on behind 7")
        .says("nextval");
    let report = world.run(&["seed", "--format", "json"]).ok().json();
    let counters = &database(&report, "ums")["counters"];
    assert_eq!(counters.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&counters[0]["column"], &counters[0]["behind"]),
        (&json!("id"), &json!(7))
    );
    settles(&world, 1);
    // A counter that is ahead stays.
    world.client("ums", "SELECT setval('t_id_seq', 100)");
    settles(&world, 1);
    assert_eq!(
        world.client("ums", "SELECT last_value FROM t_id_seq"),
        "100\n"
    );
    let report: Value = world.run(&["seed", "--format", "json"]).ok().json();
    assert_eq!(database(&report, "ums")["counters"], json!([]));
}
