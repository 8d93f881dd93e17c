//! Every statement of a migration whose undo is computed is accounted for. What nothing takes back
//! needs consent, and stays in the report.

use crate::world::{Engine, World, database};

engines!(
    rows_that_were_inserted_need_consent,
    rows_are_gone_with_what_the_migration_created,
    a_directive_lets_a_statement_stay,
    privileges_need_consent,
);

/// The database stays as it is without consent; with it the report lists what stays.
fn rows_that_were_inserted_need_consent(engine: Engine) {
    let world = World::one(engine)
        .migration("ums/V1__a.sql", "CREATE TABLE fees (a VARCHAR(9));\n")
        .migration(
            "ums/V2__b.sql",
            "CREATE TABLE more (b INT);\nINSERT INTO fees VALUES ('once');\n\
             INSERT INTO fees VALUES ('twice');\n",
        );
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world
        .run(&["undo"])
        .exits(3)
        .warns("error[not-undone]")
        .warns("statement 2 (and 1 more like it) of V2 b: it inserts rows into `fees`")
        .warns("migrations/ums/V2__b.sql:2")
        .warns("V2__b.undo.sql, or --allow not-undone");
    world.run(&["undo", "--allow", "data-loss"]).exits(3);
    world.run(&["undo", "--dry-run"]).exits(3);
    let state = world.run(&["status", "--format", "json"]).ok().json();
    assert_eq!(database(&state, "ums")["current"], 2);
    world.client("ums", "SELECT * FROM more");
    let undone = ["undo", "--allow", "not-undone", "--format", "json"];
    let undone = world.run(&undone).ok().json();
    let taken_back = &database(&undone, "ums")["taken_back"][0];
    assert_eq!(taken_back["version"], 2);
    let statements = &taken_back["statements"];
    assert_eq!(statements[0]["by"], "the difference of the schemas");
    assert_eq!(statements[0]["stays"], serde_json::Value::Null);
    assert_eq!(statements[2]["line"], 3);
    assert_eq!(statements[2]["stays"], "inserts rows into `fees`");
    assert_eq!(undone["findings"][0]["code"], "not-undone");
    assert_eq!(undone["findings"][0]["severity"], "warning");
    assert_eq!(world.client("ums", "SELECT count(*) FROM fees"), "2\n");
    world.refused("ums", "SELECT * FROM more");
}

fn rows_are_gone_with_what_the_migration_created(engine: Engine) {
    let world = World::one(engine)
        .migration(
            "ums/V1__a.sql",
            "CREATE TABLE users (id INT PRIMARY KEY, first VARCHAR(9));\n\
             INSERT INTO users VALUES (1, 'Ada');\n",
        )
        .migration(
            "ums/V2__b.sql",
            "CREATE TABLE fees (a INT);\nINSERT INTO fees VALUES (1);\nUPDATE fees SET a = 2;\n",
        )
        .migration(
            "ums/V3__c.sql",
            "INSERT INTO fees VALUES (3);\nALTER TABLE users ADD COLUMN whole VARCHAR(20);\n\
             UPDATE users SET whole = first;\nCREATE TABLE copied AS SELECT * FROM users;\n",
        );
    world.provision("ums");
    world.run(&["migrate"]).ok();
    world
        .run(&["undo"])
        .exits(3)
        .warns("inserts rows into `fees`");
    let both = world.run(&["undo", "--to", "1", "--dry-run"]).exits(3);
    assert!(!both.transcript().contains("not-undone"));
    let allowed = ["drop-table", "data-loss"].map(|name| ["--allow", name]);
    let mut command = vec!["undo", "--to", "1"];
    command.extend(allowed.iter().flatten());
    world.run(&command).ok().says("goes with its column");
    assert_eq!(world.client("ums", "SELECT * FROM users"), "1\tAda\n");
    world.run(&["diff"]).ok().says("no difference");
}

/// Who writes a migration may know that what it does may stay.
fn a_directive_lets_a_statement_stay(engine: Engine) {
    let world = World::one(engine)
        .migration("ums/V1__a.sql", "CREATE TABLE fees (a INT);\n")
        .migration(
            "ums/V2__b.sql",
            "-- bird: allow not-undone\nINSERT INTO fees VALUES (1);\n",
        );
    world.provision("ums");
    world.run(&["migrate"]).ok();
    let undone = world.run(&["undo"]).ok();
    undone.warns("warning[not-undone]");
    assert_eq!(world.client("ums", "SELECT * FROM fees"), "1\n");
}

fn privileges_need_consent(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE t (a INT);\n");
    let name = world.name("ums");
    let grant = engine.pick(
        format!("ALTER DATABASE {name} CHARACTER SET latin1;\nGRANT SELECT ON t TO PUBLIC;\n"),
        format!("ALTER DATABASE {name} SET work_mem = '8MB';\nGRANT SELECT ON t TO PUBLIC;\n"),
        String::new(),
    );
    let grant = match engine {
        // MySQL has no grants to everybody.
        Engine::MySql => grant.replace("TO PUBLIC", "TO CURRENT_USER()"),
        _ => grant,
    };
    world.write("migrations/ums/V2__b.sql", &grant);
    world.provision("ums");
    world.run(&["migrate"]).ok();
    let asked = world.run(&["undo"]).exits(3);
    asked
        .warns("statement 1 of V2 b: it changes a database as a whole")
        .warns("statement 2 of V2 b: it gives privileges");
    let undone = world.run(&["undo", "--allow", "not-undone"]).ok();
    undone.says("nothing: it gives privileges");
}

/// Statements that lead to another database, which no shadow runs: they are taken back where that
/// follows from their text, else they need consent.
#[test]
fn statements_about_another_database_are_accounted_for() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        engine.run(|engine| {
            let world = World::empty()
                .file("bird.toml", "[databases.ums]\n")
                .engine("ums", engine)
                .engine("other", engine);
            world.provision("ums");
            world.provision("other");
            world.client("other", "CREATE TABLE p (a INT PRIMARY KEY)");
            world.client("other", "INSERT INTO p VALUES (1)");
            let other = world.name("other").to_owned();
            let write = |file: &str, sql: &str| {
                let path = format!("migrations/ums/{file}.sql");
                world.write(&path, &sql.replace("{other}", &other));
            };
            write(
                "V1__a",
                "CREATE TABLE c (x INT PRIMARY KEY, y INT, CONSTRAINT f FOREIGN KEY (y) \
                 REFERENCES {other}.p (a));\nCREATE TABLE t (a INT);\n",
            );
            write("V2__note", "ALTER TABLE c ADD COLUMN note VARCHAR(20);\n");
            write(
                "V3__mixed",
                "CREATE VIEW v AS SELECT * FROM {other}.p;\n\
                 CREATE TRIGGER r AFTER DELETE ON c FOR EACH ROW DELETE FROM {other}.p;\n\
                 CREATE TABLE z (a INT, FOREIGN KEY (a) REFERENCES {other}.p (a));\n\
                 CREATE TABLE copied SELECT * FROM {other}.p;\n\
                 CREATE TABLE plain (a INT);\n",
            );
            write("V4__rows", "INSERT INTO t SELECT a FROM {other}.p;\n");
            world.run(&["migrate"]).ok();
            world.run(&["undo"]).exits(3).warns("inserts rows into `t`");
            world.run(&["undo", "--allow", "not-undone"]).ok();
            world
                .run(&["undo"])
                .exits(3)
                .warns("drops the table `copied`");
            world.run(&["undo", "--allow", "drop-table"]).ok();
            let tables = "SELECT GROUP_CONCAT(table_name ORDER BY table_name) \
                          FROM information_schema.tables WHERE table_schema = DATABASE() \
                          AND table_name NOT LIKE 'bird%' AND table_name NOT LIKE 'refinery%'";
            assert_eq!(world.client("ums", tables), "c,t\n");
            let triggers = "SELECT count(*) FROM information_schema.triggers \
                            WHERE trigger_schema = DATABASE()";
            assert_eq!(world.client("ums", triggers), "0\n");
            world.run(&["undo"]).ok();
            let columns = "SELECT GROUP_CONCAT(column_name ORDER BY 1) \
                           FROM information_schema.columns \
                           WHERE table_schema = DATABASE() AND table_name = 'c'";
            assert_eq!(world.client("ums", columns), "x,y\n");
            world.run(&["migrate"]).ok();
        });
    }
}

/// What a type could not hold is lost, whatever type the column gets back.
#[test]
fn values_that_lost_something_need_consent() {
    for engine in [Engine::MariaDb, Engine::MySql, Engine::Postgres] {
        engine.run(|engine| {
            let world = World::one(engine)
                .migration(
                    "ums/V1__a.sql",
                    "CREATE TABLE t (id INT PRIMARY KEY, a NUMERIC(10, 4), b NUMERIC(10, 2));\n\
                     INSERT INTO t VALUES (1, 1.2345, 1.25);\n",
                )
                .migration(
                    "ums/V2__wider.sql",
                    engine.pick(
                        "ALTER TABLE t MODIFY b NUMERIC(12, 4);\n",
                        "ALTER TABLE t ALTER b TYPE NUMERIC(12, 4);\n",
                        "",
                    ),
                )
                .migration(
                    "ums/V3__less.sql",
                    engine.pick(
                        "ALTER TABLE t CHANGE a c INT;\n",
                        "ALTER TABLE t ALTER a TYPE INT;\nALTER TABLE t RENAME a TO c;\n",
                        "",
                    ),
                );
            world.provision("ums");
            world.run(&["migrate"]).ok();
            world
                .run(&["undo"])
                .exits(3)
                .warns("it converts the values of `a` of `t`, which lose precision");
            assert_eq!(world.client("ums", "SELECT c FROM t"), "1\n");
            let allowed = ["undo", "--allow", "not-undone", "--allow", "data-loss"];
            world.run(&allowed).ok();
            assert_eq!(world.client("ums", "SELECT a FROM t"), "1.0000\n");
            // Nothing was lost on the way to a wider type; the way back may lose something.
            let back = world.run(&["undo", "--allow", "data-loss"]).ok();
            back.says("the difference of the schemas");
            assert_eq!(world.client("ums", "SELECT b FROM t"), "1.25\n");
        });
    }
}
