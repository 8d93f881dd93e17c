//! Row-level security: a session that would see only some rows takes them for no answer at all.

use crate::connect::Account;
use crate::world::{Engine, Output, Running, World};

const CONFIG: &str = "[databases.ums]\n[databases.twitter]\n\
                      [[references]]\nfrom = \"twitter.msg.uid\"\nto = \"ums.users.id\"\n\
                      [[seeds]]\ntable = \"ums.users\"\nkey = [\"id\"]\n\
                      rows = [{ id = 1, tenant = 1 }]\n";
const PLAN: &[&str] = &["audit", "--plan", "orphans.plan"];
const REPAIR: &[&str] = &[
    "repair",
    "--plan",
    "orphans.plan",
    "--execute",
    "--allow",
    "mostly-orphans",
    "--allow",
    "data-loss",
];
const SEEN: &str = "row-level security (policy p) hides rows of";

/// Users 1 and 2, and messages of 1, 2 and 9.
fn world() -> World {
    let world = World::empty()
        .file("bird.toml", CONFIG)
        .migration(
            "ums/V1__users.sql",
            "CREATE TABLE users (id INT PRIMARY KEY, tenant INT);\n\
             INSERT INTO users VALUES (1, 1), (2, 2);\n",
        )
        .migration(
            "twitter/V1__msg.sql",
            "CREATE TABLE msg (id INT PRIMARY KEY, uid INT);\n\
             CREATE INDEX by_uid ON msg (uid);\nINSERT INTO msg VALUES (1, 1), (2, 2), (3, 9);\n",
        )
        .engine("ums", Engine::Postgres)
        .engine("twitter", Engine::Postgres);
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world
}

/// Lets an account use everything, and sets a policy on a table.
fn restrict(world: &World, account: &Account<'_>, database: &str, policy: &str) {
    for database in ["ums", "twitter"] {
        let grants = format!(
            "GRANT ALL ON SCHEMA public TO {0}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {0}",
            account.name
        );
        world.client(database, &grants);
    }
    world.client(database, policy);
}

fn run(world: &World, account: &Account<'_>, arguments: &[&str]) -> Output {
    let mut command = world.command(arguments);
    let url = account.url("");
    let twitter = url.replace(world.name("ums"), world.name("twitter"));
    command.env("BIRD_UMS_URL", url);
    command.env("BIRD_TWITTER_URL", twitter);
    Running::start(command).finish()
}

const ON_USERS: &str = "ALTER TABLE users ENABLE ROW LEVEL SECURITY; \
                        CREATE POLICY p ON users USING (tenant = 1)";
const ON_MSG: &str = "ALTER TABLE msg ENABLE ROW LEVEL SECURITY; \
                      CREATE POLICY p ON msg USING (uid = 1)";

/// Every command that reads rows, with a policy on the parent.
#[test]
fn hidden_parents_are_no_orphans() {
    Engine::Postgres.run(|_| {
        let world = world();
        world.run(PLAN).exits(1);
        let account = Account::fresh(&world);
        restrict(&world, &account, "ums", ON_USERS);
        // Settings of the role change nothing.
        let role = format!("ALTER ROLE {} SET row_security = on", account.name);
        world.client("ums", &role);
        for command in [
            &["audit"][..],
            &["audit", "--strategy", "hash"],
            &["audit", "--impact", "ums.users"],
            &["seed"],
            &["seed", "--dry-run"],
            &["verify"],
        ] {
            let output = run(&world, &account, command).exits(2);
            let transcript = output.transcript();
            assert!(transcript.contains("hidden-rows"), "{transcript}");
            assert!(transcript.contains("hides rows of `users`"), "{transcript}");
            assert!(transcript.contains("BYPASSRLS"), "{transcript}");
        }
        run(&world, &account, &["audit"]).exits(2).warns(SEEN);
        run(&world, &account, &["doctor"]).warns(SEEN);
        // The account that may see all rows made the plan; this one must not carry it out.
        let repaired = run(&world, &account, REPAIR);
        let transcript = repaired.transcript();
        assert!(!matches!(repaired.code, 0 | 1), "{transcript}");
        assert!(transcript.contains("hides rows of `users`"), "{transcript}");
        assert_eq!(world.client("twitter", "SELECT count(*) FROM msg"), "3\n");
        let bypass = format!("ALTER ROLE {} BYPASSRLS", account.name);
        world.client("ums", &bypass);
        run(&world, &account, &["audit"])
            .exits(1)
            .says("1 orphan row");
    });
}

/// A hidden child is no clean reference, and is neither repaired, put back nor purged.
#[test]
fn hidden_children_are_found_by_nobody() {
    Engine::Postgres.run(|_| {
        let world = world();
        world.run(PLAN).exits(1);
        let account = Account::fresh(&world);
        restrict(&world, &account, "twitter", ON_MSG);
        for command in [&["audit"][..], PLAN] {
            run(&world, &account, command).exits(2).warns(SEEN);
        }
        for action in ["quarantine", "delete", "set-null"] {
            world.run(&[PLAN, &["--action", action]].concat()).exits(1);
            let repaired = run(&world, &account, REPAIR);
            let transcript = repaired.transcript();
            assert!(!matches!(repaired.code, 0 | 1), "{transcript}");
            assert!(transcript.contains("hides rows of `msg`"), "{transcript}");
        }
        assert_eq!(world.client("twitter", "SELECT count(*) FROM msg"), "3\n");
    });
}

/// A policy may apply to the owner of the table as well.
#[test]
fn an_owner_may_be_kept_from_rows_too() {
    Engine::Postgres.run(|_| {
        let world = world();
        let account = Account::fresh(&world);
        let owned = format!("{ON_USERS}; ALTER TABLE users OWNER TO {}", account.name);
        restrict(&world, &account, "ums", &owned);
        run(&world, &account, &["audit"]).exits(1);
        world.client("ums", "ALTER TABLE users FORCE ROW LEVEL SECURITY");
        let output = run(&world, &account, &["audit"]).exits(2).warns(SEEN);
        assert!(
            !output.stderr.contains("owner of the table"),
            "{}",
            output.transcript()
        );
    });
}
