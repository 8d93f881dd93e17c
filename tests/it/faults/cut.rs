//! A connection that breaks, or lies, at a chosen request: a proxy stands before the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::exactly::state;
use crate::world::{Engine, Output, Running, World};

engines!(a_connection_that_breaks_at_a_commit_is_looked_behind);

/// What the proxy does to a request that contains some bytes.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// Hangs up instead of passing on the n-th such request.
    Before(&'static str, usize),
    /// Passes it on, waits for the answer, and hangs up instead of passing that on.
    After(&'static str, usize),
    /// Passes the n-th such request on, and nothing after it in either direction, and keeps the
    /// connection.
    Silence(&'static str, usize),
    /// Replaces the bytes by others of the same length.
    Instead(&'static str, &'static str),
}

/// A proxy before the server of `ums`, and whether its rule was ever used.
pub struct Proxy {
    pub url: String,
    used: Arc<AtomicBool>,
}

impl Proxy {
    pub fn before(world: &World, rule: Rule) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (account, place) = world.url("ums").rsplit_once('@').expect("an account");
        let (address, name) = place.split_once('/').expect("a database");
        let url = format!("{account}@127.0.0.1:{port}/{name}");
        let (address, used) = (address.to_owned(), Arc::new(AtomicBool::new(false)));
        let (output, seen) = (used.clone(), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(&address).expect("the server");
                between(client, server, rule, &output, &seen);
            }
        });
        Proxy { url, used }
    }

    /// Runs bird through the proxy.
    pub fn run(&self, world: &World, arguments: &[&str]) -> Output {
        let mut command = world.command(arguments);
        command.env("BIRD_UMS_URL", &self.url);
        Running::start(command).finish()
    }

    /// Waits until the rule was used.
    pub fn wait_until_used(&self) {
        let start = std::time::Instant::now();
        while !self.was_used() {
            assert!(start.elapsed().as_secs() < 20, "the rule was never used");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    pub fn was_used(&self) -> bool {
        self.used.load(Ordering::SeqCst)
    }
}

/// Passes on what both sides say, by the rule.
fn between(
    client: TcpStream,
    server: TcpStream,
    rule: Rule,
    used: &Arc<AtomicBool>,
    seen: &Arc<AtomicUsize>,
) {
    let hang_up = |client: &TcpStream, server: &TcpStream| {
        // Either may be gone already.
        let _: std::io::Result<()> = client.shutdown(Shutdown::Both);
        let _: std::io::Result<()> = server.shutdown(Shutdown::Both);
    };
    let cut = Arc::new(AtomicBool::new(false));
    let silent = Arc::new(AtomicBool::new(false));
    let both = || {
        let pair = (client.try_clone(), server.try_clone());
        (pair.0.expect("a stream"), pair.1.expect("a stream"))
    };
    let ((mut from, mut to), (used, seen, cutting, silencing)) = (
        both(),
        (used.clone(), seen.clone(), cut.clone(), silent.clone()),
    );
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let (wanted, nth) = match rule {
                Rule::Before(wanted, nth)
                | Rule::After(wanted, nth)
                | Rule::Silence(wanted, nth) => (wanted, nth),
                Rule::Instead(wanted, _) => (wanted, 0),
            };
            let at = find(&buffer[..count], wanted.as_bytes());
            let times = match at {
                Some(_) => seen.fetch_add(1, Ordering::SeqCst) + 1,
                None => 0,
            };
            match (rule, at) {
                (Rule::Before(..), Some(_)) if times == nth => {
                    used.store(true, Ordering::SeqCst);
                    break;
                }
                (Rule::After(..), Some(_)) if times == nth => {
                    used.store(true, Ordering::SeqCst);
                    cutting.store(true, Ordering::SeqCst);
                }
                (Rule::Silence(..), Some(_)) if times == nth => {
                    used.store(true, Ordering::SeqCst);
                    // Before the server can answer.
                    silencing.store(true, Ordering::SeqCst);
                    let _: std::io::Result<()> = to.write_all(&buffer[..count]);
                }
                (Rule::Instead(wanted, other), Some(at)) => {
                    assert_eq!(wanted.len(), other.len());
                    used.store(true, Ordering::SeqCst);
                    buffer[at..at + other.len()].copy_from_slice(other.as_bytes());
                }
                _ => {}
            }
            if silencing.load(Ordering::SeqCst) {
                continue;
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        hang_up(&from, &to);
    });
    let (mut to, mut from) = both();
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if silent.load(Ordering::SeqCst) {
                continue;
            }
            let over = cut.load(Ordering::SeqCst);
            if over || to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        hang_up(&to, &from);
    });
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// Schema and rows in turn, so that every kind of commit is passed.
const FILE: &str = "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\n\
                    INSERT INTO a SELECT id + 1 FROM a;\nALTER TABLE a ADD COLUMN n INT;\n\
                    UPDATE a SET n = id * 10;\n";

fn world(engine: Engine) -> World {
    let world = World::one(engine)
        .migration("ums/V1__first.sql", "CREATE TABLE z (id INT);\n")
        .migration("ums/V2__second.sql", FILE);
    world.run(&["provision"]).ok();
    world.run(&["migrate", "--to", "1"]).ok();
    world
}

/// Before the server has heard of a commit, and after it has done it: the client sees the same,
/// and what is so differs. bird says that it does not know, shows what the database says, and the
/// next run goes on from there.
fn a_connection_that_breaks_at_a_commit_is_looked_behind(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // It has no connection.
    }
    let undisturbed = world(engine);
    undisturbed.run(&["migrate"]).ok();
    let wanted = state(&undisturbed);
    let mut cuts = 0;
    for rule in [Rule::Before, Rule::After] {
        for nth in 1.. {
            let world = world(engine);
            let rule = rule("COMMIT", nth);
            let proxy = Proxy::before(&world, rule);
            let run = proxy.run(&world, &["migrate"]);
            if !proxy.was_used() {
                run.ok();
                break;
            }
            cuts += 1;
            if run.code == 0 {
                // The last commit is that of the recorded schema: what was to be done is done.
                run.warns("the schema cannot be recorded");
                assert_eq!(state(&world), wanted, "{engine:?} {rule:?}");
                world.run(&["verify"]).ok();
                continue;
            }
            assert!([2, 4].contains(&run.code), "{}", run.transcript());
            let run = run.warns("error[connection-lost]");
            let applied = world.client(
                "ums",
                "SELECT count(*) FROM refinery_schema_history WHERE version = 2",
            );
            // It must not say what it cannot know.
            let output = run.transcript();
            match applied.as_str() {
                "1\n" => assert!(!run.stderr.contains("rolled back"), "{rule:?}: {output}"),
                _ => assert!(!run.stdout.contains("current"), "{rule:?}: {output}"),
            }
            world.run(&["migrate"]).ok();
            assert_eq!(state(&world), wanted, "{engine:?} {rule:?}");
            world.run(&["status", "--exit-code"]).ok();
        }
    }
    assert!(cuts >= 2, "{cuts}");
}

/// A replica, which an account with many rights could write to. No test makes the shared servers
/// read-only; the question is turned so that they seem to be.
#[test]
fn a_replica_is_not_written_to() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let world = world(engine);
            let rule = Rule::Instead("Value IN ('ON', '1')", "Value <> 'never_has'");
            let proxy = Proxy::before(&world, rule);
            for arguments in [&["migrate", "--dry-run"][..], &["migrate"], &["up"]] {
                let refused = proxy.run(&world, arguments);
                assert!(proxy.was_used());
                refused
                    .exits(3)
                    .warns("error[read-only]")
                    .warns("read_only` says so");
            }
            let journal = "SELECT count(*) FROM bird_journal WHERE version = 2";
            assert_eq!(world.client("ums", journal), "0\n");
        });
    }
}

/// Another database of the run is not written to either.
#[test]
fn a_database_that_is_closed_is_not_written_to() {
    Engine::Postgres.run(|engine| {
        let world = World::empty()
            .file("bird.toml", "[databases.free]\n[databases.ums]\n")
            .migration("free/V1__a.sql", "CREATE TABLE a (id INT);\n")
            .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
            .engine("free", Engine::Sqlite)
            .engine("ums", engine);
        world.run(&["provision"]).ok();
        let close = "ALTER DATABASE {name} SET default_transaction_read_only = on";
        world.server("ums", close);
        world
            .run(&["migrate"])
            .exits(3)
            .warns("error[read-only]")
            .warns("default_transaction_read_only");
        let tables = "SELECT count(*) FROM sqlite_schema";
        assert_eq!(world.client("free", tables), "0\n");
        world.server("ums", &close.replace("= on", "= off"));
        world.run(&["migrate"]).ok();
    });
}

/// A server that cannot give a lock says so with NULL, and a warning that nobody reads.
#[test]
fn a_lock_that_is_null_is_no_lock() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let world = world(engine);
            let rule = Rule::Instead("SELECT GET_LOCK(", "SELECT   NULLIF(");
            let proxy = Proxy::before(&world, rule);
            let refused = proxy.run(&world, &["migrate"]);
            assert!(proxy.was_used());
            refused.exits(3).warns("error[lock-broken]");
            let journal = "SELECT count(*) FROM bird_journal WHERE version = 2";
            assert_eq!(world.client("ums", journal), "0\n");
        });
    }
}
