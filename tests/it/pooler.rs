//! What stands between bird and a server: poolers that hand sessions around, and clusters whose
//! locks hold on one node only.

use crate::world::{Engine, Output, Running, World, skip};

const MIGRATION: &str = "CREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (1);\n";
const CONFIG: &str = "[databases.ums]\n[[seeds]]\ntable = \"ums.a\"\nkey = [\"id\"]\n\
                      rows = [{ id = 7 }]\n";

/// A project with one pending migration and a seed.
fn world(engine: Engine) -> World {
    World::one(engine)
        .file("bird.toml", CONFIG)
        .migration("ums/V1__a.sql", MIGRATION)
}

/// The URL of a world's database behind a pooler, where there is one.
pub fn behind(world: &World, variable: &str) -> Option<String> {
    let pooler = std::env::var(variable).ok();
    if pooler.is_none() {
        skip("PGBOUNCER TESTS", variable);
    }
    Some(format!("{}/{}", pooler?, world.name("ums")))
}

/// A run on the database behind a pooler; the world's own URL leads to the server itself.
fn run(world: &World, url: &str, arguments: &[&str]) -> Output {
    let mut command = world.command(arguments);
    command.env("BIRD_UMS_URL", url);
    Running::start(command).finish()
}

/// What would be there if bird had written anything, and the locks that it might have left with
/// the pooler.
fn traces(world: &World) -> String {
    world.client(
        "ums",
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'public'; \
         SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
         (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
}

#[test]
fn a_pooler_that_shares_sessions_is_refused() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        let Some(url) = behind(&world, "BIRD_TEST_PGBOUNCER") else {
            return;
        };
        world.run(&["provision"]).ok();
        // Once would be luck.
        for _ in 0..5 {
            for command in ["migrate", "up"] {
                let refused = run(&world, &url, &[command, "--format", "json"]).exits(3);
                let error = &refused.json()["error"];
                assert_eq!(error["code"], "pooler", "{}", refused.transcript());
                let hint = error["hint"].to_string();
                assert!(hint.contains("5432"), "{hint}");
                assert_eq!(traces(&world), "0\n0\n", "{}", refused.transcript());
            }
        }
        // The server itself is free: nobody was left with the lock.
        world.run(&["migrate", "--lock-timeout", "1ms"]).ok();
        run(&world, &url, &["seed"]).exits(3).warns("error[pooler]");
        assert_eq!(world.client("ums", "SELECT id FROM a"), "1\n");
        // Looking needs no lock.
        run(&world, &url, &["status", "--exit-code"]).ok();
        run(&world, &url, &["migrate"]).ok().says("nothing to do");
    });
}

/// Its sessions come back last in, first out, and while others come and go, each gets another's.
#[test]
fn a_pooler_is_recognized_while_others_use_it() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        let Some(url) = behind(&world, "BIRD_TEST_PGBOUNCER") else {
            return;
        };
        world.run(&["provision"]).ok();
        let all: Vec<Running> = (0..6)
            .map(|_| {
                let mut command = world.command(&["migrate"]);
                command.env("BIRD_UMS_URL", &url);
                Running::start(command)
            })
            .collect();
        for running in all {
            let refused = running.finish().exits(3);
            // Whoever came while another held the lock for a moment may have waited for it.
            assert!(
                refused.stderr.contains("pooler"),
                "{}",
                refused.transcript()
            );
        }
        assert_eq!(traces(&world), "0\n0\n");
    });
}

#[test]
fn a_pooler_leaves_no_database_behind_that_it_could_not_migrate() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        let Some(url) = behind(&world, "BIRD_TEST_PGBOUNCER") else {
            return;
        };
        run(&world, &url, &["up"]).exits(3).warns("error[pooler]");
        let sql = "SELECT count(*) FROM pg_database WHERE datname = '{name}'";
        assert_eq!(world.server("ums", sql), "0\n");
    });
}

/// Applications behind the same pooler get a session that bird has looked with.
#[test]
fn looking_through_a_pooler_leaves_nothing_in_its_sessions() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        let Some(url) = behind(&world, "BIRD_TEST_PGBOUNCER") else {
            return;
        };
        world.run(&["up"]).ok();
        run(&world, &url, &["status"]).ok();
        let left = "SELECT string_agg(name, ',') FROM pg_settings WHERE source = 'session' \
                    AND name IN ('default_transaction_read_only', 'search_path')";
        let output = std::process::Command::new("psql")
            .args(["--no-psqlrc", "-At", "-P", "null=none", &url, "-c", left])
            .output();
        let output = output.expect("psql, which came with the server");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "none\n");
    });
}

#[test]
fn a_pooler_that_gives_whole_sessions_is_as_good_as_none() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        let Some(url) = behind(&world, "BIRD_TEST_PGBOUNCER_SESSION") else {
            return;
        };
        let up = run(&world, &url, &["up"]).ok();
        let up = up.says("created database").says("applied 1 migration");
        assert_eq!(up.stderr, "");
        assert_eq!(
            world.client("ums", "SELECT id FROM a ORDER BY id"),
            "1\n7\n"
        );
        run(&world, &url, &["status", "--exit-code"]).ok();
        world.write("migrations/ums/V2__b.sql", "CREATE TABLE b (id INT);\n");
        run(&world, &url, &["migrate"])
            .ok()
            .says("applied 1 migration");
    });
}

/// The second connection waits in vain for a session, which proves that the first one keeps its
/// own.
#[test]
fn a_pool_of_one_whole_session_will_do() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        for (variable, code) in [
            ("BIRD_TEST_PGBOUNCER_SESSION", 0),
            ("BIRD_TEST_PGBOUNCER", 3),
        ] {
            let Some(url) = behind(&world, variable) else {
                return;
            };
            world.run(&["provision"]).ok();
            world.write("migrations/ums/V1__a.sql", MIGRATION);
            let password = crate::world::CANARY;
            world.server(
                "ums",
                &format!("CREATE ROLE solo LOGIN SUPERUSER PASSWORD '{password}'"),
            );
            let output = run(&world, &url.replace("postgres:S3", "solo:S3"), &["migrate"]);
            world.client(
                "ums",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'solo'; \
                 DROP OWNED BY solo CASCADE; DROP ROLE solo; \
                 DROP TABLE IF EXISTS refinery_schema_history, bird_journal, a",
            );
            let output = output.exits(code);
            assert_eq!(
                output.stderr.contains("error[pooler]"),
                code == 3,
                "{}",
                output.transcript()
            );
        }
    });
}

/// One connection is all that this account may have, so that nothing can be proven; and nothing
/// speaks against it.
#[test]
fn an_account_with_a_single_connection_may_migrate() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        world.run(&["provision"]).ok();
        let account = world.name("ums").to_owned();
        let password = crate::world::CANARY;
        world.server(
            "ums",
            &format!("CREATE ROLE {account} LOGIN PASSWORD '{password}' CONNECTION LIMIT 1"),
        );
        world.client(
            "ums",
            &format!("GRANT CREATE ON SCHEMA public TO {account}"),
        );
        let (scheme, rest) = world.url("ums").split_once("://").expect("a URL");
        let (_, place) = rest.rsplit_once('@').expect("an account");
        let url = format!("{scheme}://{account}:{password}@{place}");
        let output = run(&world, &url, &["migrate"]);
        world.client(
            "ums",
            &format!("DROP OWNED BY {account}; DROP ROLE {account}"),
        );
        let output = output.ok().says("applied 1 migration");
        output.warns("could not find out whether a pooler shares this session");
    });
}

#[test]
fn a_cluster_whose_locks_hold_on_one_node_needs_consent() {
    Engine::Galera.run(|engine| {
        let world = world(engine);
        // Neither a database nor, once it is there, a table.
        for command in ["up", "migrate"] {
            let refused = world.run(&[command, "--format", "json"]).exits(3);
            let error = &refused.json()["error"];
            assert_eq!(error["code"], "cluster", "{}", refused.transcript());
            let output = error.to_string();
            assert!(output.contains("wsrep_on"), "{output}");
            assert!(output.contains("--allow single-writer"), "{output}");
            let sql = "SELECT count(*) FROM information_schema.SCHEMATA \
                       WHERE SCHEMA_NAME = '{name}'; \
                       SELECT count(*) FROM information_schema.TABLES \
                       WHERE TABLE_SCHEMA = '{name}'";
            let there = if command == "up" { 0 } else { 1 };
            assert_eq!(world.server("ums", sql), format!("{there}\n0\n"));
            world.run(&["provision"]).ok();
        }
        let consent = ["--allow", "single-writer"];
        world.run(&["migrate", consent[0], consent[1]]).ok();
        world.run(&["seed"]).exits(3).warns("error[cluster]");
        assert_eq!(world.client("ums", "SELECT id FROM a"), "1\n");
        world.run(&["up", consent[0], consent[1]]).ok();
        assert_eq!(
            world.client("ums", "SELECT id FROM a ORDER BY id"),
            "1\n7\n"
        );
        // Looking, and having nothing to do, needs no consent.
        world.run(&["status", "--exit-code"]).ok();
        world.run(&["migrate"]).ok().says("nothing to do");
    });
}
