//! PostgreSQL: one bird database is one schema, and nothing is written beside it.

use crate::world::{Engine, World};

/// Everything that a migration can make, by schema; what extensions brought is not asked for.
const OBJECTS: &str = "
    SELECT 'relation', relname FROM pg_class WHERE relnamespace = to_regnamespace('{}')
    UNION ALL SELECT 'routine', proname FROM pg_proc WHERE pronamespace = to_regnamespace('{}')
    UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = to_regnamespace('{}')";

fn objects(world: &World, database: &str, schema: &str) -> String {
    world.client(database, &OBJECTS.replace("{}", schema))
}

/// The project with a `schema_name` for each database.
fn in_schemas(ums: &str, twitter: &str) -> World {
    let world = World::bird()
        .engine("ums", Engine::Postgres)
        .engine("twitter", Engine::Postgres);
    let config = world.read("config/bird.toml");
    let config = config
        .replace(
            "[databases.ums]",
            &format!("[databases.ums]\nschema_name = \"{ums}\"\n#"),
        )
        .replace(
            "[databases.twitter]",
            &format!("[databases.twitter]\nschema_name = \"{twitter}\"\n#"),
        );
    world.file("config/bird.toml", &config)
}

#[test]
fn another_schema_leaves_public_alone() {
    Engine::Postgres.run(|_| {
        let world = in_schemas("own", "own");
        world.run(&["up"]).ok();
        for database in ["ums", "twitter"] {
            assert_eq!(objects(&world, database, "public"), "");
        }
        assert!(objects(&world, "ums", "own").contains("routine\tusers_touch"));
        // The trigger finds its function for a client that knows nothing of the schema.
        let rows = world.client(
            "ums",
            "INSERT INTO own.users (name, email, password_hash, updated_at) \
             VALUES ('Ann', 'ann@example.com', 'x', '2001-01-01'); \
             UPDATE own.users SET name = 'Bea'; \
             SELECT updated_at > now() - interval '1 minute' FROM own.users; \
             SELECT count(*) FROM own.roles",
        );
        assert_eq!(rows, "t\n3\n");
        world.run(&["status", "--exit-code"]).ok();
    });
}

/// A name that needs its quotes, everywhere.
#[test]
fn a_schema_may_have_any_name() {
    Engine::Postgres.run(|_| {
        let world = in_schemas("Own Schema-1", "Own Schema-1");
        world.run(&["up"]).ok();
        world.run(&["status", "--exit-code"]).ok();
        let count = world.client("ums", "SELECT count(*) FROM \"Own Schema-1\".roles");
        assert_eq!(count, "3\n");
        assert_eq!(objects(&world, "ums", "public"), "");
    });
}

#[test]
fn two_databases_share_one_database_by_schema() {
    Engine::Postgres.run(|_| {
        let world = in_schemas("ums", "twitter");
        let url = world.url("ums").to_owned();
        let world = world.env("BIRD_TWITTER_URL", &url);
        world.run(&["up"]).ok();
        world.run(&["status", "--exit-code"]).ok();
        let histories = world.client(
            "ums",
            "SELECT count(*) FROM ums.refinery_schema_history; \
             SELECT count(*) FROM twitter.refinery_schema_history",
        );
        assert_eq!(histories, "4\n5\n");
        assert_eq!(objects(&world, "ums", "public"), "");
    });
}
