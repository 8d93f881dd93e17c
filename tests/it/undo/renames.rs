//! Renames are taken back as renames, from the statements that made them: rows stay where they are.

use crate::world::{Engine, World};

engines!(
    renames_are_taken_back_as_renames,
    a_new_object_under_an_old_name_is_told_apart,
);

/// A table with two rows before a migration, and the statements of that migration. `{t}` is the
/// table's name; each case has its own.
struct Case {
    before: &'static str,
    statements: &'static str,
}

const TABLE: &str = "CREATE TABLE {t} (id INT PRIMARY KEY, v VARCHAR(20), w VARCHAR(20));\n\
                     INSERT INTO {t} VALUES (1, 'a', 'b'), (2, 'c', 'd');\n";
const TWO: &str = "CREATE TABLE {t} (id INT PRIMARY KEY, v VARCHAR(20), w VARCHAR(20));\n\
                   INSERT INTO {t} VALUES (1, 'a', 'b'), (2, 'c', 'd');\n\
                   CREATE TABLE {t}_b (id INT PRIMARY KEY, v VARCHAR(20));\n\
                   INSERT INTO {t}_b VALUES (7, 'x');\n";

const fn case(before: &'static str, statements: &'static str) -> Case {
    Case { before, statements }
}

const ALL: &[Case] = &[
    case(TABLE, "ALTER TABLE {t} RENAME COLUMN v TO x;\n"),
    case(TABLE, "ALTER TABLE {t} RENAME TO {t}_new;\n"),
    case(
        TABLE,
        "ALTER TABLE {t} RENAME TO {t}_new;\nALTER TABLE {t}_new RENAME COLUMN v TO x;\n\
         CREATE INDEX {t}_i ON {t}_new (w);\n",
    ),
    case(
        TWO,
        "ALTER TABLE {t} RENAME TO {t}_x;\nALTER TABLE {t}_b RENAME TO {t};\n\
         ALTER TABLE {t}_x RENAME TO {t}_b;\n",
    ),
    case(
        TABLE,
        "ALTER TABLE {t} RENAME COLUMN v TO x;\nALTER TABLE {t} RENAME COLUMN w TO v;\n\
         ALTER TABLE {t} RENAME COLUMN x TO w;\n",
    ),
    case(
        TABLE,
        "ALTER TABLE {t} RENAME COLUMN v TO x;\nALTER TABLE {t} RENAME COLUMN x TO y;\n",
    ),
];

const MYSQL: &[Case] = &[
    case(TABLE, "RENAME TABLE {t} TO {t}_new;\n"),
    case(
        TWO,
        "RENAME TABLE {t} TO {t}_x, {t}_b TO {t}, {t}_x TO {t}_b;\n",
    ),
    case(TABLE, "ALTER TABLE {t} CHANGE v x VARCHAR(20);\n"),
    case(TABLE, "ALTER TABLE {t} CHANGE v x VARCHAR(10);\n"),
    case(TABLE, "ALTER TABLE {t} CHANGE v x VARCHAR(20) FIRST;\n"),
    case(
        TABLE,
        "ALTER TABLE {t} CHANGE v x VARCHAR(20), CHANGE COLUMN w y VARCHAR(20) NOT NULL;\n",
    ),
    case(
        TABLE,
        "ALTER TABLE {t} RENAME TO {t}_new, ADD INDEX by_v (v);\n",
    ),
    case(
        TABLE,
        "ALTER TABLE {t} RENAME COLUMN v TO x, MODIFY w VARCHAR(10);\n",
    ),
    case(
        TABLE,
        "ALTER TABLE {t} RENAME COLUMN v TO w, RENAME COLUMN w TO v;\n",
    ),
    case(
        TWO,
        "CREATE VIEW {t}_view AS SELECT 1 AS one;\nRENAME TABLE {t}_view TO {t}_seen, {t} TO {t}_new;\n",
    ),
    case(
        TABLE,
        "CREATE INDEX by_v ON {t} (v);\nALTER TABLE {t} RENAME INDEX by_v TO by_w;\n",
    ),
];

const POSTGRES: &[Case] = &[
    case(
        "CREATE TYPE {t}_m AS ENUM ('a', 'b');\nCREATE TABLE {t} (id INT PRIMARY KEY, v {t}_m);\n\
         INSERT INTO {t} VALUES (1, 'a');\n",
        "ALTER TYPE {t}_m RENAME VALUE 'a' TO 'z';\n",
    ),
    case(
        "CREATE TYPE {t}_m AS ENUM ('a', 'b');\nCREATE TABLE {t} (id INT PRIMARY KEY, v {t}_m);\n\
         INSERT INTO {t} VALUES (1, 'a');\n",
        "ALTER TYPE {t}_m RENAME TO {t}_n;\nALTER TYPE {t}_n RENAME VALUE 'b' TO 'y';\n",
    ),
    case(
        "CREATE TYPE {t}_c AS (x INT, y INT);\nCREATE TABLE {t} (id INT PRIMARY KEY, v {t}_c);\n\
         INSERT INTO {t} VALUES (1, (2, 3));\n",
        "ALTER TYPE {t}_c RENAME ATTRIBUTE x TO z;\n",
    ),
    case(
        "CREATE TABLE {t} (id INT PRIMARY KEY);\nINSERT INTO {t} VALUES (1);\n\
         CREATE SEQUENCE {t}_s;\nCREATE VIEW {t}_v AS SELECT id FROM {t};\n\
         CREATE DOMAIN {t}_d AS INT;\nCREATE MATERIALIZED VIEW {t}_m AS SELECT id FROM {t};\n",
        "ALTER SEQUENCE {t}_s RENAME TO {t}_s2;\nALTER VIEW {t}_v RENAME TO {t}_v2;\n\
         ALTER VIEW {t}_v2 RENAME COLUMN id TO ident;\nALTER DOMAIN {t}_d RENAME TO {t}_d2;\n\
         ALTER MATERIALIZED VIEW {t}_m RENAME TO {t}_m2;\n",
    ),
    case(
        "CREATE TABLE {t} (id INT CONSTRAINT {t}_p PRIMARY KEY, v INT CONSTRAINT {t}_c CHECK (v > 0));\n\
         CREATE INDEX {t}_i ON {t} (v);\nINSERT INTO {t} VALUES (1, 2);\n",
        "ALTER INDEX {t}_i RENAME TO {t}_j;\nALTER TABLE {t} RENAME CONSTRAINT {t}_c TO {t}_k;\n\
         ALTER TABLE {t} RENAME v TO w;\n",
    ),
    case(
        "CREATE TABLE {t} (\"Id\" INT PRIMARY KEY, \"id\" INT);\nINSERT INTO {t} VALUES (1, 2);\n",
        "ALTER TABLE {t} RENAME COLUMN \"Id\" TO \"ID\";\n",
    ),
];

/// All cases in one database, each as a migration, taken back in one run.
fn renames_are_taken_back_as_renames(engine: Engine) {
    let own = engine.pick(MYSQL, POSTGRES, &[]);
    let cases: Vec<&Case> = ALL.iter().chain(own).collect();
    let world = World::one(engine);
    let mut first = String::new();
    for (at, case) in cases.iter().enumerate() {
        first.push_str(&case.before.replace("{t}", &format!("t{at}")));
        let path = format!("migrations/ums/V{}__case{at}.sql", at + 2);
        world.write(&path, &case.statements.replace("{t}", &format!("t{at}")));
    }
    world.write("migrations/ums/V1__before.sql", &first);
    world.provision("ums");
    world.run(&["migrate", "--to", "1"]).ok();
    let rows = |at: usize| world.client("ums", &format!("SELECT * FROM t{at} ORDER BY 1"));
    let before: Vec<String> = (0..cases.len()).map(rows).collect();
    if engine == Engine::Postgres {
        world.client("ums", "SELECT setval('t9_s', 41)");
    }
    world.run(&["migrate"]).ok();
    let undone = world.run(&["undo", "--to", "1", "-v"]).ok();
    undone.says("renaming back");
    for (at, before) in before.iter().enumerate() {
        assert_eq!(rows(at), *before, "{}", cases[at].statements);
    }
    if engine == Engine::Postgres {
        assert_eq!(world.client("ums", "SELECT nextval('t9_s')"), "42\n");
    }
    world.run(&["diff"]).ok().says("no difference");
    world.run(&["migrate"]).ok();
    world.run(&["undo", "--to", "1"]).ok();
    for (at, before) in before.iter().enumerate() {
        assert_eq!(rows(at), *before, "{}", cases[at].statements);
    }
}

/// The log is rotated: what took the old name is dropped, and the old table gets its name back.
fn a_new_object_under_an_old_name_is_told_apart(engine: Engine) {
    let world = World::one(engine)
        .migration(
            "ums/V1__a.sql",
            "CREATE TABLE logs (id INT PRIMARY KEY, v INT);\nINSERT INTO logs VALUES (1, 2);\n",
        )
        .migration(
            "ums/V2__rotate.sql",
            "ALTER TABLE logs RENAME TO logs_old;\nCREATE TABLE logs (id INT PRIMARY KEY);\n",
        )
        .migration(
            "ums/V3__column.sql",
            "ALTER TABLE logs_old RENAME COLUMN v TO w;\nALTER TABLE logs_old ADD COLUMN v INT;\n",
        );
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world.run(&["undo"]).exits(3).warns("drops the column `v`");
    world.run(&["undo", "--allow", "data-loss"]).ok();
    assert_eq!(world.client("ums", "SELECT id, v FROM logs_old"), "1\t2\n");
    world.client("ums", "INSERT INTO logs VALUES (9)");
    world
        .run(&["undo"])
        .exits(3)
        .warns("drops the table `logs`");
    world.run(&["undo", "--allow", "drop-table"]).ok();
    assert_eq!(world.client("ums", "SELECT id, v FROM logs"), "1\t2\n");
    world.refused("ums", "SELECT * FROM logs_old");
    world.run(&["diff"]).ok().says("no difference");
    world.run(&["migrate"]).ok();
}
