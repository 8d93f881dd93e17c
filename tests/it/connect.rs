//! The way to a server: logins, certificates, waiting, and accounts that may not do enough.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::world::{CANARY, Engine, World};

engines!(
    a_wrong_password_is_told_without_it,
    a_server_that_is_not_up_is_named,
    a_server_that_comes_up_later_is_waited_for,
    an_account_that_may_not_create_is_told_before_anything_ran,
);

/// An account that goes with the test.
pub struct Account<'w> {
    world: &'w World,
    pub name: String,
}

impl<'w> Account<'w> {
    /// It may log in.
    pub fn without_rights(world: &'w World) -> Account<'w> {
        let account = Account::fresh(world);
        let name = &account.name;
        let revoke = world.engine_of("ums").pick(
            format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{name}'@'%'"),
            String::new(),
            String::new(),
        );
        if !revoke.is_empty() {
            world.server("ums", &revoke);
        }
        account
    }

    /// It may do everything in the database, and nothing has logged in with it yet.
    pub fn fresh(world: &'w World) -> Account<'w> {
        let random = uuid::Uuid::now_v7().simple().to_string();
        let name = format!("u{}", &random[20..]);
        let sql = world.engine_of("ums").pick(
            format!(
                "CREATE USER '{name}'@'%' IDENTIFIED BY '{CANARY}'; \
                 GRANT ALL ON {{name}}.* TO '{name}'@'%'"
            ),
            format!("CREATE ROLE {name} LOGIN PASSWORD '{CANARY}'"),
            String::new(),
        );
        world.server("ums", &sql);
        Account { world, name }
    }

    /// The URL of the database with this account and these parameters.
    pub fn url(&self, parameters: &str) -> String {
        let url = self.world.url("ums");
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (_, place) = rest.rsplit_once('@').expect("an account");
        format!("{scheme}://{}:{CANARY}@{place}{parameters}", self.name)
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let sql = self.world.engine_of("ums").pick(
            format!("DROP USER '{}'@'%'", self.name),
            format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name),
            String::new(),
        );
        // On PostgreSQL what it owns stands in the database.
        let _: Result<String, String> = self.world.try_client("ums", &sql);
    }
}

fn world(engine: Engine) -> World {
    let world = World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    world.run(&["provision"]).ok();
    world
}

/// The server wants to see the password itself at an account's first login, and after its cache
/// of accounts was flushed; it may only be sent inside TLS.
#[test]
fn the_first_login_of_an_account_works_over_tcp_and_over_the_socket() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let name = if engine == Engine::MySql {
                "MYSQL"
            } else {
                "MARIADB"
            };
            let socket = std::env::var(format!("BIRD_TEST_{name}_SOCKET")).expect("a socket");
            for parameters in [String::new(), format!("?socket={socket}")] {
                let world = world(engine);
                let account = Account::fresh(&world);
                let url = account.url(&parameters);
                let run = |arguments: &[&str]| {
                    let mut command = world.command(arguments);
                    command.env("BIRD_UMS_URL", &url);
                    crate::world::Running::start(command).finish()
                };
                run(&["up"]).ok().says("applied 1 migration");
                run(&["status", "--exit-code"]).ok();
                world.server("ums", "FLUSH PRIVILEGES");
                run(&["status", "--exit-code"]).ok();
            }
        });
    }
}

fn a_wrong_password_is_told_without_it(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = world(engine);
    let url = world.url("ums").replace(CANARY, "wr0ng-secret");
    let world = world.env("BIRD_UMS_URL", &url);
    for command in ["status", "migrate", "provision", "up"] {
        let denied = world.run(&[command]).exits(2).warns("error[denied]");
        assert!(
            !denied.transcript().contains("wr0ng"),
            "{}",
            denied.transcript()
        );
    }
}

/// The servers of the tests have certificates that nobody signed, or none.
#[test]
fn a_certificate_that_cannot_be_verified_is_an_error() {
    for engine in [Engine::MySql, Engine::MariaDb, Engine::Postgres] {
        engine.run(|engine| {
            let world = world(engine);
            let parameter = engine.pick("ssl-mode=verify_identity", "sslmode=verify-full", "");
            let url = format!("{}?{parameter}", world.url("ums"));
            let world = world.env("BIRD_UMS_URL", &url);
            let failed = world.run(&["migrate"]).exits(2);
            assert!(failed.stderr.contains("TLS"), "{}", failed.transcript());
            if engine == Engine::MySql {
                let failed = failed.warns("error[tls]").warns("ssl-ca");
                assert!(
                    failed.stderr.contains("certificate"),
                    "{}",
                    failed.transcript()
                );
            }
        });
    }
}

#[test]
fn a_connection_that_is_not_verified_is_told_to_who_asks() {
    Engine::MySql.run(|engine| {
        let world = world(engine);
        let url = format!("{}?ssl-mode=required", world.url("ums"));
        let world = world.env("BIRD_UMS_URL", &url);
        world.run(&["status", "-v"]).ok().warns("not verified");
        assert_eq!(world.run(&["status"]).ok().stderr, "");
        world.run(&["migrate"]).ok();
    });
}

/// A port that nobody listens on; nobody gets it before it is asked for again.
fn free_port() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    (listener, port)
}

/// The URL at another port, and the address that it named.
fn at_port(url: &str, port: u16) -> (String, String) {
    let (account, place) = url.rsplit_once('@').expect("an account");
    let (address, name) = place.split_once('/').expect("a database");
    (
        format!("{account}@127.0.0.1:{port}/{name}"),
        address.to_owned(),
    )
}

fn a_server_that_is_not_up_is_named(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = World::one(engine);
    let (listener, port) = free_port();
    drop(listener);
    let (url, _) = at_port(world.url("ums"), port);
    let world = world.env("BIRD_UMS_URL", &url);
    let place = format!("127.0.0.1:{port}");
    let start = Instant::now();
    world
        .run(&["migrate"])
        .exits(2)
        .warns(&place)
        .warns("--wait");
    assert!(start.elapsed() < Duration::from_secs(5));
    let start = Instant::now();
    world
        .run(&["status", "--wait", "1s"])
        .exits(2)
        .says("unreachable")
        .warns(&place);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(8),
        "{took:?}"
    );
}

/// A driver breaks over the first bytes of another engine's server; nobody reads its panic. A
/// PostgreSQL server says nothing before its client does, and is recognised all the same.
#[test]
fn the_server_of_another_engine_is_named() {
    let (mysql, postgres) = ("mysql", "postgres");
    for (engine, is, asked) in [
        (Engine::MySql, mysql, postgres),
        (Engine::MariaDb, mysql, postgres),
        (Engine::Postgres, postgres, mysql),
    ] {
        engine.run(|engine| {
            let world = World::one(engine);
            let url = world.url("ums");
            let url = url.replacen(&format!("{is}://"), &format!("{asked}://"), 1);
            let world = world.env("BIRD_UMS_URL", &url);
            let start = Instant::now();
            let run = world.run(&["status"]).exits(2).says("unreachable");
            assert!(start.elapsed() < Duration::from_secs(15));
            run.warns(&format!(
                "the server at this address does not speak the {asked} protocol"
            ))
            .warns("check its URL (BIRD_UMS_URL)");
        });
    }
}

/// A server that greets late is waited for, whatever else is asked on another connection meanwhile.
#[test]
fn a_slow_server_keeps_the_time_to_answer() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let world = world(engine);
            let (listener, port) = free_port();
            let (url, address) = at_port(world.url("ums"), port);
            std::thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    let address = address.clone();
                    std::thread::spawn(move || {
                        std::thread::sleep(Duration::from_secs(4));
                        let server = TcpStream::connect(&address).expect("the server");
                        pass(&client, &server);
                        pass(&server, &client);
                    });
                }
            });
            let world = world.env("BIRD_UMS_URL", &url);
            world.run(&["status"]).ok().says("pending: V1 a");
        });
    }
}

/// A server that starts takes connections before it can serve them: the first two are hung up on.
fn a_server_that_comes_up_later_is_waited_for(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = world(engine);
    let (listener, port) = free_port();
    let (url, address) = at_port(world.url("ums"), port);
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if counted.fetch_add(1, Ordering::SeqCst) < 2 {
                drop(client);
                continue;
            }
            let server = TcpStream::connect(&address).expect("the server");
            pass(&client, &server);
            pass(&server, &client);
        }
    });
    let world = world.env("BIRD_UMS_URL", &url);
    world
        .run(&["up", "--wait", "30s"])
        .ok()
        .says("applied 1 migration");
    assert!(seen.load(Ordering::SeqCst) > 2);
}

/// Passes on what one side says, until it hangs up.
fn pass(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (
        from.try_clone().expect("a stream"),
        to.try_clone().expect("a stream"),
    );
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // It may be closed already.
        let _: std::io::Result<()> = to.shutdown(Shutdown::Both);
    });
}

fn an_account_that_may_not_create_is_told_before_anything_ran(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = World::empty()
        .file("bird.toml", "[databases.free]\n[databases.ums]\n")
        .migration("free/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .engine("free", Engine::Sqlite)
        .engine("ums", engine);
    world.run(&["provision"]).ok();
    let account = Account::fresh(&world);
    if !engine.is_transactional() {
        let sql = format!("REVOKE CREATE ON {{name}}.* FROM '{}'@'%'", account.name);
        world.server("ums", &sql);
    }
    let mut command = world.command(&["migrate"]);
    command.env("BIRD_UMS_URL", account.url(""));
    let denied = crate::world::Running::start(command).finish().exits(2);
    assert!(
        denied.stderr.contains("error[denied]"),
        "{}",
        denied.transcript()
    );
    assert_eq!(
        world.client(
            "free",
            "SELECT count(*) FROM sqlite_schema WHERE name = 'a'"
        ),
        "0\n"
    );
    if engine == Engine::Postgres {
        // What it says is what helps.
        let line = denied
            .stderr
            .lines()
            .find_map(|line| line.split_once("GRANT "));
        let (_, grant) = line.unwrap_or_else(|| panic!("{}", denied.transcript()));
        world.client("ums", &format!("GRANT {grant}"));
        let mut command = world.command(&["migrate"]);
        command.env("BIRD_UMS_URL", account.url(""));
        crate::world::Running::start(command).finish().ok();
    }
}
