//! Rows that a shadow does not have: a statement about rows may fail there, a definition may not.

use crate::world::{Engine, World};

engines!(
    statements_about_rows_may_fail_in_a_shadow,
    a_definition_that_counts_on_rows_may_not,
);

/// Tables in which a migration finds rows that no migration wrote.
fn with_rows(engine: Engine) -> World {
    let world = World::one(engine);
    let integer = engine.pick("INT", "INT", "INTEGER");
    let more = engine.pick(
        "CREATE PROCEDURE grant_all() INSERT INTO perms \
         VALUES ((SELECT id FROM roles WHERE name = 'admin'), 'call');\n",
        "CREATE FUNCTION grant_all() RETURNS void LANGUAGE sql AS \
         $$ INSERT INTO perms VALUES ((SELECT id FROM roles WHERE name = 'admin'), 'call') $$;\n\
         CREATE PROCEDURE grant_more() LANGUAGE sql AS \
         $$ INSERT INTO perms VALUES ((SELECT id FROM roles WHERE name = 'admin'), 'more') $$;\n",
        "",
    );
    world.write(
        "migrations/ums/V1__a.sql",
        &format!(
            "CREATE TABLE roles (id {integer} PRIMARY KEY, name VARCHAR(20) UNIQUE);\n\
             CREATE TABLE perms (role_id {integer} NOT NULL, p VARCHAR(9) NOT NULL, \
             FOREIGN KEY (role_id) REFERENCES roles (id));\n\
             CREATE TABLE counted (n {integer} NOT NULL);\n\
             INSERT INTO counted VALUES (1);\n{more}"
        ),
    );
    world.run(&["up"]).ok();
    world.client("ums", "INSERT INTO roles VALUES (1, 'admin')");
    world
}

fn statements_about_rows_may_fail_in_a_shadow(engine: Engine) {
    let world = with_rows(engine);
    let shared = "\
        CREATE TABLE before_them (id INT);\n\
        INSERT INTO perms VALUES ((SELECT id FROM roles WHERE name = 'admin'), 'all');\n\
        INSERT INTO perms VALUES (1, 'x');\n\
        INSERT INTO counted SELECT MAX(id) FROM roles;\n\
        UPDATE counted SET n = (SELECT id FROM roles WHERE name = 'admin');\n";
    let own = engine.pick(
        "REPLACE INTO counted VALUES ((SELECT id FROM roles WHERE name = 'admin'));\n\
         -- bird: idempotent\n\
         SET @role = (SELECT id FROM roles WHERE name = 'admin');\n\
         INSERT INTO perms VALUES (@role, 'var');\n\
         -- bird: idempotent\n\
         CALL grant_all();\n",
        "WITH r AS (SELECT id FROM roles) INSERT INTO counted SELECT max(id) FROM r;\n\
         SET LOCAL work_mem = '4MB';\n\
         DO $$ BEGIN IF NOT EXISTS (SELECT FROM roles) THEN RAISE EXCEPTION 'no roles'; END IF; \
         END $$;\n\
         DO $body$ BEGIN INSERT INTO perms SELECT max(id), 'do' FROM roles; END $body$;\n\
         SELECT 1 / count(*) FROM roles;\n\
         SELECT grant_all();\nCALL grant_more();\n",
        "REPLACE INTO counted VALUES ((SELECT id FROM roles WHERE name = 'admin'));\n\
         INSERT OR ROLLBACK INTO perms VALUES (1, 'y');\n",
    );
    let text = format!("{shared}{own}CREATE TABLE after_them (id INT);\n");
    world.write("migrations/ums/V2__b.sql", &text);
    world.run(&["migrate"]).ok();
    let failing = shared.lines().count() - 1 + engine.pick(3, 6, 2);
    let run = world.run(&["diff", "ums", "ums@migrations"]).ok();
    let notes = run.stderr.matches("note[not-replayable]").count();
    assert_eq!(notes, failing, "{}", run.transcript());
    let run = run.warns("migrations/ums/V2__b.sql:2:1");
    run.warns("statement 2 is not replayable: it fails without the rows of the live database: ")
        .says("no difference");
    world.run(&["verify"]).ok();
    world
        .run(&["new", "x", "--database", "ums", "--from-drift"])
        .exits(3)
        .warns("there is no difference, so no migration was written");
    world
        .run(&["undo", "--allow", "data-loss", "--allow", "not-undone"])
        .ok();
}

fn a_definition_that_counts_on_rows_may_not(engine: Engine) {
    let world = with_rows(engine);
    let sql = engine.pick(
        "INSERT INTO counted SELECT MAX(id) FROM roles;\n\
         -- bird: idempotent\n\
         SET @s = (SELECT CONCAT('CREATE TABLE t', id, ' (a INT)') FROM roles);\n\
         PREPARE s FROM @s;\n-- bird: idempotent\nEXECUTE s;\n",
        "INSERT INTO counted SELECT max(id) FROM roles;\n\
         DO $$ BEGIN IF NOT EXISTS (SELECT FROM roles) THEN RAISE EXCEPTION 'no roles'; END IF; \
         CREATE TABLE t1 (a int); END $$;\n",
        "",
    );
    if sql.is_empty() {
        return;
    }
    world.write("migrations/ums/V2__b.sql", sql);
    world.run(&["migrate"]).ok();
    world
        .run(&["diff", "ums", "ums@migrations"])
        .exits(2)
        .warns("V2__b.sql cannot be replayed: ")
        .warns("statement 1 is not replayable: it fails without the rows of the live database: ");
}
