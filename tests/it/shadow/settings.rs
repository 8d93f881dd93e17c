//! Settings of a database or an account: those that change how the server prints are nobody's
//! schema, those that change how it reads hold in a shadow too.

use crate::world::{Engine, World};

engines!(
    settings_of_printing_are_no_difference,
    settings_of_reading_hold_in_a_shadow,
);

const PRINTING: &[&str] = &[
    "bytea_output = 'escape'",
    "intervalstyle = 'iso_8601'",
    "intervalstyle = 'sql_standard'",
    "extra_float_digits = 0",
    "quote_all_identifiers = on",
    "datestyle = 'German, DMY'",
    "datestyle = 'SQL, DMY'",
    "timezone = 'Asia/Tokyo'",
    "xmloption = 'document'",
    "search_path = pg_catalog",
    "row_security = off",
    "lc_monetary = 'C'",
    "standard_conforming_strings = off",
    "default_transaction_isolation = 'serializable'",
];

fn settings_of_printing_are_no_difference(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let world = World::one(engine);
    world.write(
        "migrations/ums/V1__a.sql",
        "CREATE TYPE mood AS ENUM ('ok', 'sad');\n\
         CREATE TABLE t (e bytea DEFAULT '\\x00ff', g interval DEFAULT '1 day 2 hours', f float8, \
         d date DEFAULT '2024-03-04', z timestamptz DEFAULT '2024-03-04 05:06:07+00', \
         m mood DEFAULT 'ok', r float8 DEFAULT 0.30000000000000004, q text CHECK (q <> 'x'));\n\
         CREATE VIEW v AS SELECT f FROM t WHERE f > '0.30000000000000004'::float8;\n\
         CREATE INDEX i ON t (lower(q)) WHERE d > '2024-05-06';\n\
         CREATE FUNCTION p(a interval DEFAULT '3 days') RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
    );
    world.run(&["up"]).ok();
    let plain = world
        .run(&["inspect", "ums", "--format", "sql"])
        .ok()
        .stdout;
    for whose in ["DATABASE {name}", "ROLE postgres IN DATABASE {name}"] {
        for setting in PRINTING {
            world.server("ums", &format!("ALTER {whose} SET {setting}"));
            world
                .run(&["diff", "ums", "ums@applied"])
                .ok()
                .says("no difference");
            world.run(&["verify"]).ok();
            let now = world
                .run(&["inspect", "ums", "--format", "sql"])
                .ok()
                .stdout;
            assert_eq!(now, plain, "{setting}");
            world.server("ums", &format!("ALTER {whose} RESET ALL"));
        }
    }
}

fn settings_of_reading_hold_in_a_shadow(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let all = [
        (
            "transform_null_equals = on",
            "CREATE VIEW v AS SELECT a = NULL AS b FROM t",
        ),
        (
            "array_nulls = off",
            "ALTER TABLE t ADD n text[] DEFAULT '{NULL}'",
        ),
        (
            "datestyle = 'ISO, DMY'",
            "ALTER TABLE t ADD d date DEFAULT '03/04/2024'",
        ),
        (
            "intervalstyle = 'sql_standard'",
            "ALTER TABLE t ADD i interval DEFAULT '-1 2:00:00'",
        ),
        (
            "app.tenants = 'north'",
            "DO $$ BEGIN EXECUTE format('CREATE TABLE %I (a int)', \
             'x_' || current_setting('app.tenants')); END $$",
        ),
        (
            "default_text_search_config = 'pg_catalog.german'",
            "CREATE VIEW v AS SELECT current_setting('default_text_search_config') AS c",
        ),
    ];
    for whose in ["DATABASE {name}", "ROLE postgres IN DATABASE {name}"] {
        for (setting, sql) in all {
            let world = World::one(engine);
            world.write(
                "migrations/ums/V1__a.sql",
                &format!("CREATE TABLE t (a int);\n{sql};\n"),
            );
            world.run(&["provision"]).ok();
            world.server("ums", &format!("ALTER {whose} SET {setting}"));
            world.run(&["up"]).ok();
            world
                .run(&["diff", "ums", "ums@applied"])
                .ok()
                .says("no difference");
        }
    }
}
