//! Extensions that an administrator gave a database: they are nobody's schema, and a shadow starts
//! with them.

use crate::connect::Account;
use crate::world::{Engine, World};

engines!(
    a_shadow_starts_with_the_extensions_of_its_database,
    an_extension_that_no_shadow_can_have_ends_no_replay,
    a_lent_shadow_may_hold_extensions,
    names_of_another_schema_are_not_on_the_path,
);

/// A project whose database an administrator made, and its account: no superuser, but the owner.
fn given<'w>(made: &'w World, sql: &str) -> (World, Account<'w>) {
    made.server("ums", "CREATE DATABASE {name}");
    let account = Account::fresh(made);
    let name = &account.name;
    made.server(
        "ums",
        &format!("ALTER ROLE {name} CREATEDB; ALTER DATABASE {{name}} OWNER TO {name}"),
    );
    made.client("ums", sql);
    let world = World::one(Engine::Sqlite).env("BIRD_UMS_URL", &account.url(""));
    (world, account)
}

fn is_reproduced(world: &World) {
    world.run(&["migrate"]).ok();
    world
        .run(&["diff", "ums", "ums@migrations"])
        .ok()
        .says("no difference");
    world.run(&["verify"]).ok();
    world
        .run(&["new", "x", "--database", "ums", "--from-drift"])
        .exits(3);
    // An extension that the migration found is not its account's to drop.
    world.run(&["undo", "--allow", "data-loss"]).ok();
    world.run(&["migrate"]).ok();
}

fn a_shadow_starts_with_the_extensions_of_its_database(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let citext = "CREATE TABLE t (e citext PRIMARY KEY);\n";
    let schema = "CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions; \
                  GRANT USAGE ON SCHEMA extensions TO PUBLIC";
    for (sql, migration) in [
        ("CREATE EXTENSION citext", citext),
        (
            schema,
            "CREATE TABLE t (e extensions.citext PRIMARY KEY);\n",
        ),
        (schema, citext),
        (
            "CREATE EXTENSION citext",
            "CREATE EXTENSION IF NOT EXISTS citext;\nCREATE TABLE t (e citext);\n",
        ),
        (
            "CREATE EXTENSION cube; CREATE EXTENSION earthdistance",
            "CREATE TABLE t (e cube);\n",
        ),
        (
            "CREATE EXTENSION pg_stat_statements",
            "CREATE TABLE t (e int);\n",
        ),
        (
            "CREATE EXTENSION hstore VERSION '1.4'",
            "CREATE TABLE t (e hstore);\n",
        ),
    ] {
        let made = World::one(engine);
        let (world, _account) = given(&made, sql);
        world.write("migrations/ums/V1__a.sql", migration);
        is_reproduced(&world);
        let inspected = world.run(&["inspect", "ums", "--format", "sql"]);
        assert!(
            !inspected.stdout.contains("VERSION"),
            "{}",
            inspected.transcript()
        );
    }
}

fn an_extension_that_no_shadow_can_have_ends_no_replay(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let made = World::one(engine);
    let (world, _account) = given(&made, "CREATE EXTENSION pg_stat_statements");
    world.write(
        "migrations/ums/V1__a.sql",
        "CREATE TABLE before_it (a int);\nCREATE EXTENSION IF NOT EXISTS pg_stat_statements;\n\
         CREATE TABLE after_it (a int);\n",
    );
    world.run(&["migrate"]).ok();
    world
        .run(&["diff", "ums", "ums@migrations"])
        .ok()
        .says("no difference")
        .warns("note[not-replayable]: migrations/ums/V1__a.sql: statement 2 is not replayable: it creates an extension that no shadow can have: ");
    world.run(&["verify"]).ok();
}

fn a_lent_shadow_may_hold_extensions(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let made = World::one(engine).engine("lent", engine);
    made.server("lent", "CREATE DATABASE {name}");
    let (world, account) = given(
        &made,
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION citext",
    );
    let (lent, name) = (made.name("lent"), &account.name);
    made.server(
        "ums",
        &format!("ALTER ROLE {name} NOCREATEDB; ALTER DATABASE {lent} OWNER TO {name}"),
    );
    made.client(
        "lent",
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION citext",
    );
    let url = account.url("").replace(made.name("ums"), lent);
    let world = world.file("bird.toml", "[databases.ums]\nshadow_url = \"${LENT}\"\n");
    let world = world.env("LENT", &url);
    world.write(
        "migrations/ums/V1__a.sql",
        "CREATE TYPE mood AS ENUM ('ok');\nCREATE TABLE t (e citext PRIMARY KEY, m mood);\n\
         CREATE VIEW v AS SELECT e FROM t;\nCREATE SEQUENCE s;\n\
         CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
    );
    is_reproduced(&world);
    let left = made.client(
        "lent",
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relname NOT LIKE 'pg_stat_statements%'; SELECT extname FROM pg_extension ORDER BY 1",
    );
    assert_eq!(left, "citext\npg_stat_statements\nplpgsql\n");
    made.client("lent", &format!("DROP OWNED BY {name}"));
}

fn names_of_another_schema_are_not_on_the_path(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let world = World::one(engine).file("bird.toml", "[databases.ums]\nschema_name = \"own\"\n");
    world.server("ums", "CREATE DATABASE {name}");
    world.client(
        "ums",
        "CREATE EXTENSION citext; CREATE TABLE others (a int)",
    );
    world.write("migrations/ums/V1__a.sql", "DROP TABLE others;\n");
    world.run(&["up", "--allow", "data-loss"]).exits(4);
    assert_eq!(world.client("ums", "SELECT count(*) FROM others"), "0\n");
}
