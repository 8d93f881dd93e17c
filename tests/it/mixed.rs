//! One system on several engines: each database on another one, in one plan and one report.

use std::net::TcpListener;

use crate::world::{Engine, World, database};

/// Every engine that is there beside the next one.
fn neighbours() -> Vec<(Engine, Engine)> {
    let all = Engine::all();
    let next = all.iter().cycle().skip(1);
    all.iter().copied().zip(next.copied()).collect()
}

#[test]
fn each_database_may_be_on_another_engine() {
    for (ums, twitter) in neighbours() {
        let world = World::bird().engine("ums", ums).engine("twitter", twitter);
        world
            .run(&["up"])
            .ok()
            .says(ums.product())
            .says(twitter.product());
        let output = world
            .run(&["status", "--exit-code", "--format", "json"])
            .ok();
        let document = output.json();
        for (name, engine, count) in [("ums", ums, 4), ("twitter", twitter, 5)] {
            let found = database(&document, name);
            assert_eq!(found["engine"], engine.folder());
            assert_eq!(found["product"], engine.product());
            assert_eq!(found["state"], "current");
            assert_eq!(found["applied"].as_array().map(Vec::len), Some(count));
        }
        assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "3\n");
        assert_eq!(
            world.client("twitter", "SELECT count(*) FROM messages"),
            "0\n"
        );
    }
}

/// What one database requires of another holds across engines, and where the other one fails,
/// nothing that needs it is applied.
#[test]
fn a_requirement_holds_across_engines() {
    for (ums, twitter) in neighbours() {
        let world = World::empty()
            .file("bird.toml", "[databases.twitter]\n[databases.ums]\n")
            .migration("ums/V1__a.sql", "CREATE TABLE a (x INT);\n")
            .migration("ums/V2__b.sql", "CREATE TABLE b (x INT);\nNONSENSE;\n")
            .migration(
                "twitter/V1__c.sql",
                "-- bird: requires ums@2\n\nCREATE TABLE c (x INT);\n",
            )
            .engine("ums", ums)
            .engine("twitter", twitter);
        world.run(&["provision"]).ok();
        world.run(&["migrate"]).exits(4);
        world.client("ums", "SELECT * FROM a");
        world.refused("twitter", "SELECT * FROM c");
        let half = world.try_client("ums", "SELECT * FROM b");
        assert_eq!(half.is_err(), ums.is_transactional(), "{ums:?}");
        let state = world.run(&["status", "--format", "json"]).ok().json();
        let partial = &database(&state, "ums")["partial"];
        assert_eq!(partial.is_null(), ums.is_transactional(), "{state}");

        world.write(
            "migrations/ums/V2__b.sql",
            "CREATE TABLE b (x INT);\nCREATE TABLE d (x INT);\n",
        );
        world.run(&["migrate"]).ok();
        world.run(&["status", "--exit-code"]).ok();
        for table in ["a", "b", "d"] {
            world.client("ums", &format!("SELECT * FROM {table}"));
        }
        world.client("twitter", "SELECT * FROM c");
    }
}

/// A server that accepts and says nothing must not keep anybody from leaving.
#[test]
fn a_signal_ends_the_wait_for_a_silent_server() {
    for scheme in ["mysql", "postgres"] {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let server = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = server.local_addr().expect("an address").port();
            let url = format!("{scheme}://root:S3cr3t-canary@127.0.0.1:{port}/ums");
            let world = World::one(Engine::Sqlite).env("BIRD_UMS_URL", &url);
            let mut running = world.start(&["migrate", "--wait", "60s"]);
            // Whoever has connected has its signals in hand.
            let connection = server.accept().expect("bird connects");
            assert!(!running.has_ended());
            running.signal(signal);
            running.finish().exits(code);
            drop(connection);
        }
    }
}
