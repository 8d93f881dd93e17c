//! Whatever goes wrong, no secret is shown, and none is kept in bird's own tables.

use crate::connect::Account;
use crate::exactly::{Blocker, killed};
use crate::until::until;
use crate::world::{CANARY, Engine, Output, World};

engines!(no_failure_shows_or_keeps_a_secret);

const TWO: &str = "migrations/ums/V2__account.sql";

/// A database at version 1. Its URL has the password on every server.
fn world(engine: Engine) -> World {
    let world = World::one(engine).migration("ums/V1__one.sql", "CREATE TABLE a (id INT);\n");
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    if engine != Engine::Sqlite {
        assert!(world.url("ums").contains(CANARY));
    }
    world
}

/// Neither in what was told, which every run is searched for, nor in a row.
fn searched(world: &World, output: Output) -> Output {
    let shown = output.transcript();
    assert!(!shown.contains(&CANARY[..6]), "{shown}");
    for table in ["bird_journal", "bird_applied", "refinery_schema_history"] {
        let rows = world.client("ums", &format!("SELECT * FROM {table}"));
        assert!(!rows.contains(CANARY), "{table}: {rows}");
    }
    // What is packed cannot be searched.
    let packed = "SELECT count(sql_text) FROM bird_applied WHERE version > 1";
    assert_eq!(world.client("ums", packed), "0\n");
    output
}

/// A statement with a secret that fails, or goes well, by the account that it is about.
fn secret(engine: Engine, account: &str) -> String {
    engine.pick(
        format!("ALTER USER '{account}'@'%' IDENTIFIED BY '{CANARY}'"),
        format!("ALTER ROLE {account} PASSWORD '{CANARY}'"),
        format!("CREATE USER {account} IDENTIFIED BY '{CANARY}'"),
    )
}

fn no_failure_shows_or_keeps_a_secret(engine: Engine) {
    let server = engine != Engine::Sqlite;
    let fails = secret(engine, "nobody_at_all");
    let bare = |text: &str| format!("-- bird: no-transaction\n\n{text};\n");
    // Crashes: with a secret in the file, at every point that it passes.
    let points = ["begin", "intended", "sent", "data-sent", "in-transaction"];
    for point in points {
        let world = world(engine);
        let more = engine.pick(
            format!(
                "CREATE TABLE b (t VARCHAR(20) COMMENT 'a');\nALTER TABLE b ADD n INT;\n{fails}"
            ),
            format!("CREATE TABLE b (id INT);\nCREATE INDEX CONCURRENTLY i ON b (id);\n{fails}"),
            format!("CREATE TABLE b (id INT);\n{fails}"),
        );
        world.write(TWO, &bare(&more));
        killed(&world, point);
        searched(&world, world.run(&["status", "--format", "json"]));
        searched(&world, world.run(&["migrate", "--format", "json"]).exits(4));
        searched(&world, world.run(&["migrate"]));
    }
    // Others in the way.
    if server {
        let world = world(engine);
        let blocker = Blocker::of(&world, "a");
        let alter = format!("ALTER TABLE a ADD n INT;\n{fails};\n");
        world.write(TWO, &alter);
        searched(
            &world,
            world.run(&["migrate", "--lock-timeout", "1s"]).exits(4),
        );
        let holder = world.start(&["migrate", "--lock-timeout", "20s"]);
        until("the lock is held", || {
            let shown = world.run(&["migrate", "--lock-timeout", "1ms"]);
            searched(&world, shown).code == 3
        });
        blocker.release();
        searched(&world, holder.finish().exits(4));
    }
    // Files and statements: what stops, what is refused, what was edited.
    for text in [
        fails.clone(),
        format!("{fails} NONSENSE"),
        fails.trim_end_matches('\'').to_owned(),
        bare(&fails),
        format!("{fails};\nCOMMIT"),
        format!("DROP TABLE a; {fails}"),
    ] {
        let world = world(engine);
        world.write(TWO, &format!("{text};\n"));
        for arguments in [
            &["migrate"][..],
            &["migrate", "--dry-run"],
            &["migrate", "--format", "json"],
            &["status", "--format", "markdown"],
        ] {
            searched(&world, world.run(arguments));
        }
    }
    if server {
        let world = world(engine);
        let account = Account::fresh(&world);
        world.write(TWO, &format!("{};\n", secret(engine, &account.name)));
        searched(&world, world.run(&["migrate"]).ok());
        let edited = secret(engine, &account.name).replace("ALTER", "ALTER  ");
        world.write(TWO, &format!("{edited};\nSELECT 1;\n"));
        searched(&world, world.run(&["migrate"]).exits(3));
        searched(&world, world.run(&["status", "--format", "json"]));
    }
    // What comes over the command line and the network.
    let world = world(engine);
    for url in [
        format!("mysql://root:{CANARY}@127.0.0.1:1/ums"),
        format!("postgres://root:{CANARY}@127.0.0.1:1/ums"),
        format!("mysql://root:{CANARY}@127.0.0.1:port/ums"),
        format!("mysql://root:{CANARY}@127.0.0.1/ums?ssl_mode=verify_identity"),
        format!("nothing://root:{CANARY}@127.0.0.1/ums"),
        CANARY.to_owned(),
    ] {
        let mut command = world.command(&["migrate", "--format", "json"]);
        command.env("BIRD_UMS_URL", url);
        searched(
            &world,
            crate::world::Running::start(command).finish().exits(2),
        );
    }
}
