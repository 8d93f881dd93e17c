//! Settings of a server that cut what a session reads, or how long it may read: bird's sessions set
//! their own.

use super::replicas::run;
use crate::world::{Engine, Pair, World};

/// Sets limits on both servers of a pair, compares what is read, and takes the limits back.
pub fn limits_of_a_server_cut_no_read(pair: &Pair, world: &World) {
    let database = format!("ALTER DATABASE {}", pair.name("twitter"));
    let (set, back): (Vec<String>, Vec<String>) = match pair.engine {
        Engine::MySql | Engine::MariaDb => {
            let (longest, shortest) = match pair.engine {
                Engine::MySql => ("max_execution_time", "1"),
                _ => ("max_statement_time", "0.0001"),
            };
            [
                ("sql_select_limit", "2"),
                ("max_join_size", "2"),
                ("completion_type", "'RELEASE'"),
                ("sql_safe_updates", "1"),
                ("sql_auto_is_null", "1"),
                ("group_concat_max_len", "4"),
                ("init_connect", "'SET sql_select_limit = 2'"),
                (longest, shortest),
            ]
            .map(|(name, value)| {
                let set = format!("SET GLOBAL {name} = {value}");
                (set, format!("SET GLOBAL {name} = DEFAULT"))
            })
            .into_iter()
            .unzip()
        }
        _ => [
            ("statement_timeout", "200"),
            ("lock_timeout", "200"),
            ("idle_in_transaction_session_timeout", "200"),
            ("default_transaction_isolation", "serializable"),
            ("transform_null_equals", "on"),
            ("row_security", "on"),
        ]
        .map(|(name, value)| {
            let set = format!("{database} SET {name} = '{value}'");
            (set, format!("{database} RESET {name}"))
        })
        .into_iter()
        .unzip(),
    };
    let read = |flags: &[&str]| {
        let mut document = run(world, &[flags]).json();
        let one = document["references"][0].take();
        (
            one["rows"].clone(),
            one["orphan_rows"].clone(),
            one["sample"].clone(),
        )
    };
    let ways: [&[&str]; 3] = [&[], &["--apart"], &["--strategy", "hash"]];
    let before = ways.map(read);
    assert!(before[0].0.as_u64() > Some(10), "{before:?}");
    let status = world.run(&["status", "--format", "json"]).json()["databases"].clone();
    let both = |sql: &str| {
        pair.primary("", sql);
        // A standby of PostgreSQL has the settings of its primary's databases.
        if pair.engine != Engine::Postgres {
            pair.replica("", sql);
        }
    };
    set.iter().for_each(|sql| both(sql));
    let after = ways.map(read);
    let status_after = world.run(&["status", "--format", "json"]).json()["databases"].clone();
    back.iter().for_each(|sql| both(sql));
    assert_eq!(before, after);
    assert_eq!(status, status_after);
}

/// A timeout that the database sets for everybody does not end what bird waits for.
#[test]
fn a_timeout_of_the_database_ends_no_read() {
    Engine::Postgres.run(|engine| {
        let slow = "[databases.ums]\n[[assertions]]\nname = \"slow\"\ndatabase = \"ums\"\n\
                    sql = \"SELECT 1 AS n FROM pg_sleep(0.6) WHERE 1 = 0\"\n";
        let world = World::one(engine).file("bird.toml", slow);
        world.provision("ums");
        world.run(&["audit"]).ok();
        let name = world.name("ums");
        let limited = format!("ALTER DATABASE \"{name}\" SET statement_timeout = '200ms'");
        world.client("ums", &limited);
        world.run(&["audit"]).ok();
    });
}
