//! Manners on a live database.

use serde_json::json;

use crate::world::{Engine, World, database};

/// The way that disturbs least is tried first, and the report says which one it was.
#[test]
fn a_table_is_changed_in_the_way_that_disturbs_least() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        engine.run(|engine| {
            let alter = "ALTER TABLE a ADD COLUMN n INT;\n\
                         ALTER TABLE a ADD INDEX by_n (n);\n\
                         ALTER TABLE a MODIFY n BIGINT;\n\
                         ALTER TABLE a ADD COLUMN m INT, ALGORITHM=COPY;\n\
                         ALTER TABLE a ADD COLUMN `o p` INT DEFAULT 5;\n";
            let world = World::one(engine)
                .migration(
                    "ums/V1__a.sql",
                    "CREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (1);\n",
                )
                .migration("ums/V2__n.sql", alter);
            world.run(&["provision"]).ok();
            let ran = world.run(&["migrate", "--format", "json"]).ok().json();
            let inplace = "INPLACE, without a lock";
            let ways = json!([
                { "statement": 1, "algorithm": "instant" },
                { "statement": 2, "algorithm": inplace },
                { "statement": 5, "algorithm": "instant" },
            ]);
            assert_eq!(database(&ran, "ums")["ran"][1]["algorithms"], ways);
            let row = world.client("ums", "SELECT id, n, m, `o p` FROM a");
            assert_eq!(row, "1\tNULL\tNULL\t5\n");
        });
    }
}

/// What the engine has against a statement is told of the statement as it is written.
#[test]
fn a_gentler_way_hides_no_error() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        engine.run(|engine| {
            let world = World::one(engine)
                .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
                .migration("ums/V2__n.sql", "ALTER TABLE a ADD COLUMN id INT;\n");
            world.run(&["provision"]).ok();
            world
                .run(&["migrate"])
                .exits(4)
                .warns("Duplicate column name 'id'")
                .warns("nothing of V2 n is applied");
            let journal = "SELECT count(*) FROM bird_journal WHERE version = 2";
            assert_eq!(world.client("ums", journal), "0\n");
        });
    }
}

/// The statement is cancelled on its server when its time is over.
#[test]
fn a_statement_has_its_time() {
    for engine in [Engine::MariaDb, Engine::MySql, Engine::Postgres] {
        engine.run(|engine| {
            let slow = engine.pick(
                "CREATE TABLE b AS SELECT SLEEP(60) AS n FROM (SELECT 1 UNION SELECT 2) x",
                "CREATE TABLE b AS SELECT 1 AS n FROM pg_sleep(60)",
                "",
            );
            let world = World::one(engine)
                .file("bird.toml", "[databases.ums]\nstatement_timeout = \"1s\"\n")
                .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
                .migration("ums/V2__b.sql", &format!("{slow};\n"));
            world.run(&["provision"]).ok();
            world
                .run(&["migrate"])
                .exits(4)
                .warns("was cancelled")
                .warns(engine.pick("nothing of V2 b is applied", "nothing of it is applied", ""))
                .warns("statement_timeout");
            world.refused("ums", "SELECT * FROM b");
            world.write("migrations/ums/V2__b.sql", "CREATE TABLE b (id INT);\n");
            world.run(&["migrate"]).ok();
            world.run(&["status", "--exit-code"]).ok();
        });
    }
}
