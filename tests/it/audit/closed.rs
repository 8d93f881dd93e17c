//! A replica in the place of a primary: it is looked at, and not written to.

use super::replicas::BOTH;
use crate::repair::WHOLE;
use crate::world::{Engine, Pair, World};

/// No command writes to a replica, whatever the account may do, and whether it is closed or not.
pub fn nobody_writes_to_it(pair: &Pair, world: World) {
    let plan = ["audit", "--plan", "orphans.plan"];
    world.run(&plan).exits(1);
    let repaired = world.run(WHOLE).ok().json();
    let run = repaired["plan_run"].as_str().expect("a run");
    pair.primary("twitter", "INSERT INTO messages VALUES (900, 900)");
    pair.catch_up("twitter");
    world.write(
        "migrations/twitter/V2__b.sql",
        "CREATE TABLE more (id INT);\n",
    );
    let world = world
        .env("BIRD_UMS_URL", &pair.replica_url("ums"))
        .env("BIRD_TWITTER_URL", &pair.replica_url("twitter"))
        .env("BIRD_FRESH_URL", &pair.replica_url("fresh"));
    let all = "SELECT count(*) FROM information_schema.tables";
    let (tables, databases) = (pair.replica("twitter", all), databases(pair));
    world.run(&plan).exits(1).says("indicative");
    let repair = ["repair", "--plan", "orphans.plan", "--execute"];
    for command in [
        &["migrate"][..],
        &["up"],
        &["migrate", "--dry-run"],
        &repair,
    ] {
        world.run(command).exits(3).warns("error[read-only]");
    }
    // What was quarantined can be looked at where it cannot be touched.
    let undo = ["repair", "--undo", run];
    let purge = ["repair", "--purge", run, "--allow", "data-loss"];
    for (command, shown) in [
        (&undo[..], "would go back"),
        (&purge, "would be gone for good"),
    ] {
        let dry = world.run(&[command, &["--dry-run"]].concat()).ok();
        dry.says(shown).says("nothing was written");
        world.run(command).exits(3).warns("error[read-only]");
    }
    world.run(&["doctor"]).exits(1).warns("error[read-only]");
    // Drift is told against the record, which needs no shadow.
    let verified = world.run(&["verify"]).ok();
    verified.warns("creating a scratch database: the server does not accept writes");
    world.write("bird.toml", &format!("[databases.fresh]\n{BOTH}"));
    world.write("migrations/fresh/.keep", "");
    world.run(&["provision"]).exits(3).warns("error[read-only]");
    let seeds = "[[seeds]]\ntable = \"ums.users\"\nkey = [\"id\"]\nrows = [{ id = 900 }]\n";
    world.write("bird.toml", &format!("{BOTH}{seeds}"));
    world.run(&["seed"]).exits(3).warns("error[read-only]");
    if pair.engine != Engine::Postgres {
        pair.replica("", "SET GLOBAL read_only = OFF");
        for command in [&["migrate"][..], &["seed"], &repair] {
            world.run(command).exits(3).warns("error[replica]");
        }
        let dry = ["migrate", "--dry-run", "--allow", "replica"];
        world.run(&dry).ok().says("CREATE TABLE more");
        let close = match pair.engine {
            Engine::MySql => "SET GLOBAL super_read_only = ON",
            _ => "SET GLOBAL read_only = ON",
        };
        pair.replica("", close);
    }
    let users = pair.replica("ums", "SELECT count(*) FROM users WHERE id = 900");
    assert_eq!(users, "0\n");
    assert_eq!(pair.replica("twitter", all), tables);
    assert_eq!(self::databases(pair), databases);
}

fn databases(pair: &Pair) -> String {
    let sql = pair.engine.pick(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1",
        "SELECT datname FROM pg_database ORDER BY 1",
        "",
    );
    pair.replica("", sql)
}
