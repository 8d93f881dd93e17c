//! A network or a proxy that swallows what it should pass on, and keeps the connection.

use super::cut::{Proxy, Rule};
use crate::world::{Engine, Running, World};

const SERVERS: [Engine; 3] = [Engine::MySql, Engine::MariaDb, Engine::Postgres];

fn world(engine: Engine, second: &str) -> World {
    let world = World::one(engine)
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT PRIMARY KEY);\n")
        .migration("ums/V2__b.sql", second);
    world.provision("ums");
    world
}

fn start(world: &World, proxy: &Proxy, arguments: &[&str]) -> Running {
    let mut command = world.command(arguments);
    command.env("BIRD_UMS_URL", &proxy.url);
    command.env("BIRD_WATCH_MS", "300");
    Running::start(command)
}

/// The server has run the statement, and another session tells.
#[test]
fn an_answer_that_never_comes_ends_the_run() {
    for engine in SERVERS {
        engine.run(|engine| {
            let world = world(engine, "CREATE TABLE b (id INT PRIMARY KEY);\n");
            let proxy = Proxy::before(&world, Rule::Silence("CREATE TABLE b", 1));
            let run = start(&world, &proxy, &["migrate"]).finish().exits(4);
            assert!(proxy.was_used());
            let transcript = run.transcript();
            assert!(transcript.contains("its answer got lost"), "{transcript}");
            world.run(&["migrate"]).ok();
            world.run(&["verify"]).ok();
        });
    }
}

/// The statement is cancelled on the server, and what the server says of it never arrives.
#[test]
fn a_statement_that_was_cancelled_is_not_waited_for_without_end() {
    for engine in SERVERS {
        engine.run(|engine| {
            let sleep = engine.pick("DO SLEEP(600);\n", "SELECT pg_sleep(600);\n", "");
            let world = world(engine, &format!("-- bird: idempotent\n{sleep}"));
            world.write("bird.toml", "[databases.ums]\nstatement_timeout = \"1s\"\n");
            let proxy = Proxy::before(&world, Rule::Silence("(600)", 1));
            let run = start(&world, &proxy, &["migrate"]).finish().exits(4);
            assert!(proxy.was_used());
            let transcript = run.transcript();
            assert!(
                transcript.contains("cancelling it on the server"),
                "{transcript}"
            );
        });
    }
}

/// What only reads can be dropped at any moment.
#[test]
fn the_first_signal_ends_what_only_reads() {
    for engine in SERVERS {
        engine.run(|engine| {
            let world = world(engine, "CREATE TABLE b (id INT PRIMARY KEY);\n");
            world.run(&["migrate"]).ok();
            for command in [
                &["status"][..],
                &["doctor"],
                &["verify"],
                &["inspect", "ums"],
            ] {
                for (signal, exit) in [("INT", 130), ("TERM", 143)] {
                    let first = match command[0] {
                        "inspect" | "doctor" => "SELECT",
                        _ => "FROM",
                    };
                    let proxy = Proxy::before(&world, Rule::Silence(first, 2));
                    let running = start(&world, &proxy, command);
                    proxy.wait_until_used();
                    running.signal(signal);
                    running.finish().exits(exit);
                }
            }
        });
    }
}

/// A peer that is gone without a word is noticed by the kernel.
#[cfg(target_os = "linux")]
#[test]
fn every_connection_is_kept_alive() {
    for engine in SERVERS {
        engine.run(|engine| {
            let world = world(engine, "CREATE TABLE b (id INT PRIMARY KEY);\n");
            let proxy = Proxy::before(&world, Rule::Silence("CREATE TABLE b", 1));
            let mut command = world.command(&["migrate"]);
            command.env("BIRD_UMS_URL", &proxy.url);
            let running = Running::start(command);
            proxy.wait_until_used();
            let process = running.id();
            // What was just sent is confirmed first.
            let start = std::time::Instant::now();
            let mut timers = timers(process);
            while timers.iter().any(|timer| timer.starts_with("01:"))
                && start.elapsed().as_secs() < 5
            {
                std::thread::sleep(std::time::Duration::from_millis(50));
                timers = self::timers(process);
            }
            running.signal("KILL");
            running.finish();
            assert!(!timers.is_empty());
            assert!(
                timers.iter().all(|timer| timer.starts_with("02:")),
                "{timers:?}"
            );
        });
    }
}

/// The timers of a process's connections as `/proc/net/tcp` shows them: 01 is a repetition, 02 keep-alive.
#[cfg(target_os = "linux")]
fn timers(process: u32) -> Vec<String> {
    let links = std::fs::read_dir(format!("/proc/{process}/fd")).expect("its files");
    let targets = links
        .flatten()
        .filter_map(|link| std::fs::read_link(link.path()).ok());
    let sockets: Vec<String> = targets
        .filter_map(|target| {
            let name = target.to_str()?.strip_prefix("socket:[")?;
            Some(name.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = std::fs::read_to_string(format!("/proc/{process}/net/tcp"));
    let table = table.expect("its connections");
    // The sixth column is the timer, the tenth the number of the socket.
    let lines = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = lines.filter(|line| {
        line.get(9)
            .is_some_and(|number| sockets.iter().any(|one| one == number))
    });
    own.filter_map(|line| line.get(5).map(|timer| (*timer).to_owned()))
        .collect()
}
