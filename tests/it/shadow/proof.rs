//! The proof of a diff where a shadow cannot have everything: what is left out is named, and the rest
//! is tried.

use crate::world::{Engine, Output, World};

engines!(
    a_statement_that_may_not_be_tried_is_not_wrong,
    a_view_whose_table_is_gone_is_not_wrong,
    what_bird_does_not_write_is_left_out_of_the_proof,
    what_bird_does_not_write_and_a_change_touches_ends_the_proof,
);

/// Two databases to compare, and a third one beside them.
fn three(engine: Engine) -> World {
    let world = World::empty()
        .engine("ums", engine)
        .engine("twitter", engine)
        .engine("other", engine);
    for name in ["ums", "twitter", "other"] {
        world.server(name, "CREATE DATABASE {name}");
    }
    world
}

fn diff(world: &World, from: &str, to: &str, more: &[&str]) -> Output {
    let urls = [world.url(from), world.url(to)];
    world.run(&[&["diff"], &urls[..], &["--format", "sql"], more].concat())
}

fn a_statement_that_may_not_be_tried_is_not_wrong(engine: Engine) {
    if engine.is_transactional() {
        return;
    }
    for (index, make) in [
        "CREATE VIEW v AS SELECT t.x, p.a FROM t JOIN {other}.p p",
        "CREATE TABLE k (a INT, FOREIGN KEY (a) REFERENCES {other}.p (a))",
        "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO {other}.p VALUES (NEW.x)",
        "CREATE VIEW w AS SELECT a FROM {other}.p; CREATE VIEW v AS SELECT a FROM w",
        "ALTER TABLE u ADD FOREIGN KEY (a) REFERENCES {other}.p (a)",
        "CREATE PROCEDURE q() DELETE FROM {other}.p",
    ]
    .iter()
    .enumerate()
    {
        let world = three(engine);
        world.client("other", "CREATE TABLE p (a INT PRIMARY KEY)");
        let both = "CREATE TABLE t (x INT PRIMARY KEY); CREATE TABLE u (a INT)";
        world.client("ums", both);
        world.client("twitter", both);
        world.client("twitter", "ALTER TABLE t ADD n INT");
        world.client("twitter", &make.replace("{other}", world.name("other")));
        for (from, to) in [("ums", "twitter"), ("twitter", "ums")] {
            let run = diff(&world, from, to, &[]).exits(1);
            let far = format!("names another database, `{}`", world.name("other"));
            let run = run.says(": not verified: ").says(&far);
            assert!(
                !run.stderr.contains("error["),
                "{index} {}",
                run.transcript()
            );
            let change = [
                "\nALTER TABLE `t` ADD COLUMN `n` int",
                "\nALTER TABLE `t` DROP COLUMN `n`",
            ];
            run.says(change[usize::from(from == "twitter")]);
            diff(&world, from, to, &["--verify"])
                .exits(2)
                .warns("cannot be verified: ")
                .warns(&far);
        }
    }
}

fn a_view_whose_table_is_gone_is_not_wrong(engine: Engine) {
    if engine.is_transactional() {
        return;
    }
    for gone in ["DROP TABLE b", "ALTER TABLE b DROP COLUMN y"] {
        let world = three(engine);
        world.client("ums", "CREATE TABLE t (x INT PRIMARY KEY)");
        world.client(
            "twitter",
            "CREATE TABLE t (x INT PRIMARY KEY, n INT); CREATE TABLE b (x INT, y INT); \
             CREATE VIEW v AS SELECT y FROM b",
        );
        world.client("twitter", gone);
        let run = diff(&world, "ums", "twitter", &[]).exits(1);
        let run = run.says(": not verified: view v needs what is not there: ");
        assert!(!run.stderr.contains("error["), "{}", run.transcript());
        run.says("\nALTER TABLE `t` ADD COLUMN `n` int");
    }
}

/// What bird names and does not write.
const STRANGE: &[(&str, &str)] = &[
    ("CREATE SCHEMA audit", "schema audit"),
    (
        "CREATE SCHEMA audit; CREATE TABLE audit.log (id int); CREATE VIEW audit.v AS SELECT id FROM audit.log",
        "schema audit",
    ),
    ("CREATE PUBLICATION p FOR TABLE u", "publication p"),
    ("CREATE PUBLICATION p FOR ALL TABLES", "publication p"),
    (
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
        "event trigger e",
    ),
    (
        "CREATE TYPE pair AS (a int, b int); CREATE CAST (pair AS text) WITH INOUT",
        "cast pair as text",
    ),
    (
        "CREATE TEXT SEARCH CONFIGURATION s (COPY = simple)",
        "text search configuration s",
    ),
    (
        "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple)",
        "text search dictionary d",
    ),
    (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
         CREATE FOREIGN TABLE ft (id int) SERVER s",
        "foreign server s",
    ),
    (
        "CREATE OPERATOR CLASS o FOR TYPE int USING hash AS OPERATOR 1 =",
        "operator class o (hash)",
    ),
];

fn what_bird_does_not_write_is_left_out_of_the_proof(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    for (make, what) in STRANGE {
        let world = three(engine);
        for name in ["ums", "twitter"] {
            world.client(name, "CREATE TABLE kept (a int); CREATE TABLE u (a int)");
            world.client(name, make);
        }
        world.client("twitter", "ALTER TABLE kept ADD b int");
        let run = diff(&world, "ums", "twitter", &["--verify"]).exits(1);
        let run = run
            .says(": verified in a scratch database, without ")
            .says(what);
        run.says("\nALTER TABLE \"kept\" ADD COLUMN \"b\" integer;");
    }
}

fn what_bird_does_not_write_and_a_change_touches_ends_the_proof(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let world = three(engine);
    for name in ["ums", "twitter"] {
        world.client(
            name,
            "CREATE SCHEMA audit; CREATE TABLE kept (a int); CREATE VIEW audit.v AS SELECT a FROM kept",
        );
    }
    world.client("twitter", "ALTER TABLE kept ADD b int");
    diff(&world, "ums", "twitter", &[])
        .exits(1)
        .says(": not verified: schema audit, which bird does not write, names table kept");
}

/// An object that bird names, made in two ways that differ in one thing.
const ALTERED: &[(&str, &str, &str)] = &[
    (
        "publication p",
        "CREATE PUBLICATION p FOR TABLE kept",
        "CREATE PUBLICATION p FOR TABLE kept WITH (publish_via_partition_root = true)",
    ),
    (
        "publication p",
        "CREATE PUBLICATION p FOR TABLE kept WHERE (a > 1)",
        "CREATE PUBLICATION p FOR TABLE kept WHERE (a > 2)",
    ),
    (
        "publication p",
        "CREATE PUBLICATION p FOR TABLE kept",
        "CREATE PUBLICATION p FOR TABLE kept (a)",
    ),
    (
        "publication p",
        "CREATE PUBLICATION p",
        "CREATE PUBLICATION p FOR TABLES IN SCHEMA public",
    ),
    (
        "subscription {name}",
        "CREATE SUBSCRIPTION {name} CONNECTION '' PUBLICATION p \
         WITH (connect = false, slot_name = NONE)",
        "CREATE SUBSCRIPTION {name} CONNECTION '' PUBLICATION q \
         WITH (connect = false, slot_name = NONE)",
    ),
    (
        "text search template t",
        "CREATE TEXT SEARCH TEMPLATE t (LEXIZE = dsimple_lexize)",
        "CREATE TEXT SEARCH TEMPLATE t (LEXIZE = dsimple_lexize, INIT = dsimple_init)",
    ),
    (
        "operator class o (hash)",
        "CREATE OPERATOR CLASS o FOR TYPE int USING hash AS OPERATOR 1 =",
        "CREATE OPERATOR FAMILY g USING hash; \
         CREATE OPERATOR CLASS o FOR TYPE int USING hash FAMILY g AS OPERATOR 1 =",
    ),
];

#[test]
fn every_part_of_what_bird_names_is_compared() {
    Engine::Postgres.run(|engine| {
        for (what, before, after) in ALTERED {
            let world = three(engine);
            // Names of subscriptions are those of the whole server.
            let filled = |text: &str| text.replace("{name}", world.name("ums"));
            for (name, make) in [("ums", before), ("twitter", after)] {
                world.client(name, "CREATE TABLE kept (a int)");
                world.client(name, &filled(make));
            }
            let run = diff(&world, "ums", "twitter", &[]);
            if what.starts_with("subscription") {
                for name in ["ums", "twitter"] {
                    world.client(name, &filled("DROP SUBSCRIPTION {name}"));
                }
            }
            run.exits(1).says(&filled(what));
        }
    });
}

#[test]
fn a_library_of_javascript_is_named() {
    Engine::MySql.run(|engine| {
        let world = three(engine);
        let tables = "SELECT count(*) FROM information_schema.TABLES \
                      WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'LIBRARIES'";
        if world.client("ums", tables) == "0\n" {
            return; // MySQL has them since 9.2.
        }
        let library =
            "CREATE LIBRARY lib LANGUAGE JAVASCRIPT AS 'export function f(a) { return a }'";
        world.client("twitter", library);
        let run = diff(&world, "ums", "twitter", &[]).exits(1);
        run.says("library lib");
    });
}
