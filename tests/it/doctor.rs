//! `bird doctor`: what it finds on servers that are well and on such that are not, and that it
//! only looks.

use std::fs;

use serde_json::Value;

use crate::connect::Account;
use crate::until::until;
use crate::world::{CANARY, Engine, Output, Running, World, database};

engines!(
    a_healthy_database_gives_no_finding,
    a_database_that_does_not_exist_is_no_finding_and_is_not_made,
    it_writes_nothing,
    an_account_that_may_not_migrate_is_found,
    a_database_that_is_not_for_all_characters_is_found,
    a_lock_that_someone_holds_is_told_with_its_holder,
    a_server_that_does_not_answer_is_exit_2,
);

fn world(engine: Engine) -> World {
    World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
}

fn doctor(world: &World) -> Output {
    world.run(&["doctor", "--format", "json"])
}

/// One check of `ums`.
#[track_caller]
fn check<'d>(document: &'d Value, name: &str) -> &'d Value {
    let checks = database(document, "ums")["checks"]
        .as_array()
        .expect("checks");
    let mut named = checks.iter().filter(|check| check["name"] == name);
    let found = named
        .next()
        .unwrap_or_else(|| panic!("no {name} in {checks:#?}"));
    assert!(named.next().is_none(), "{name} twice");
    found
}

/// The checks of every engine, and those of servers.
const EVERYWHERE: &[&str] = &["connection", "database", "product", "character-set"];
const SERVERS: &[&str] = &[
    "account",
    "privileges",
    "time-zone",
    "read-only",
    "lock-timeouts",
    "sees-blockers",
    "lock",
    "pooler",
    "cluster",
    "cancel",
    "shadow",
    "left-over",
];

fn a_healthy_database_gives_no_finding(engine: Engine) {
    let world = world(engine);
    world.run(&["provision"]).ok();
    let output = doctor(&world).ok();
    assert_eq!(output.stderr, "");
    let document = output.json();
    assert_eq!(document["findings"], Value::Array(Vec::new()));
    let own = engine.pick(
        &[
            "storage-engine",
            "replica",
            "sql-mode",
            "table-names",
            "packet",
        ][..],
        &["schema", "lost-clients", "hidden-rows"],
        &["file", "folder", "file-system", "journal-mode"],
    );
    let servers = engine.pick(SERVERS, SERVERS, &[]);
    for name in EVERYWHERE.iter().chain(servers).chain(own) {
        let check = check(&document, name);
        let verdict = check["verdict"].as_str().expect("a verdict");
        assert!(["ok", "note"].contains(&verdict), "{check}");
    }
    let checks = database(&document, "ums")["checks"].as_array();
    let expected = EVERYWHERE.len() + servers.len() + own.len();
    assert_eq!(checks.map(Vec::len), Some(expected), "{checks:#?}");
    let product = check(&document, "product")["found"].to_string();
    assert!(product.contains(engine.product()), "{product}");
    if engine == Engine::MariaDb || engine == Engine::MySql {
        let packet = check(&document, "packet")["found"].to_string();
        assert!(packet.contains("pending one has 23"), "{packet}");
        world.run(&["migrate"]).ok();
        let packet = check(&doctor(&world).ok().json(), "packet")["found"].to_string();
        assert!(packet.contains("pending one has 0"), "{packet}");
    }
    world.run(&["doctor"]).ok().says("ok: ");
    world.run(&["doctor", "-v"]).ok().says("verdict");
    let markdown = world.run(&["doctor", "--format", "markdown", "-v"]).ok();
    markdown.says("| ums | connection | ok |");
}

fn a_database_that_does_not_exist_is_no_finding_and_is_not_made(engine: Engine) {
    let world = world(engine);
    let output = doctor(&world).ok();
    let document = output.json();
    assert_eq!(database(&document, "ums")["state"], "absent");
    let name = engine.pick("database", "database", "file");
    assert_eq!(check(&document, name)["verdict"], "note");
    if engine == Engine::Sqlite {
        assert!(!world.path("data").exists());
        return;
    }
    // The server is looked at all the same.
    assert_eq!(check(&document, "lock")["verdict"], "ok");
    let status = world.run(&["status", "--format", "json"]).ok().json();
    assert_eq!(database(&status, "ums")["state"], "absent");
}

fn it_writes_nothing(engine: Engine) {
    let world = world(engine);
    world.run(&["provision"]).ok();
    let files = |world: &World| {
        let entries = fs::read_dir(world.path("data")).into_iter().flatten();
        let mut files: Vec<_> = entries
            .flatten()
            .map(|entry| (entry.file_name(), fs::read(entry.path()).ok()))
            .collect();
        files.sort();
        files
    };
    let sql = engine.pick(
        "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE nspname = 'public'",
        "SELECT count(*) FROM sqlite_schema",
    );
    let before = files(&world);
    doctor(&world).ok();
    assert_eq!(files(&world), before);
    assert_eq!(world.client("ums", sql), "0\n");
    // Nor does its lock stay.
    world.run(&["migrate", "--lock-timeout", "1ms"]).ok();
}

fn an_account_that_may_not_migrate_is_found(engine: Engine) {
    let mut world = world(engine);
    world.run(&["provision"]).ok();
    let (name, output) = if engine == Engine::Sqlite {
        let url = format!("{}?mode=ro", world.url("ums"));
        world = world.env("BIRD_UMS_URL", &url);
        ("file", doctor(&world))
    } else {
        let account = Account::fresh(&world);
        if !engine.is_transactional() {
            let sql = format!(
                "REVOKE CREATE, ALTER ON {{name}}.* FROM '{}'@'%'",
                account.name
            );
            world.server("ums", &sql);
        }
        let mut command = world.command(&["doctor", "--format", "json"]);
        command.env("BIRD_UMS_URL", account.url(""));
        ("privileges", Running::start(command).finish())
    };
    let output = output.exits(1);
    let document = output.json();
    let check = check(&document, name);
    assert_eq!(check["verdict"], "error", "{}", output.transcript());
    let to_do = check["to_do"].as_str().expect("what to do");
    let expected = engine.pick(
        "GRANT CREATE, ALTER ON",
        "GRANT USAGE, CREATE ON SCHEMA",
        "mode=ro",
    );
    assert!(to_do.contains(expected), "{to_do}");
    assert_eq!(document["findings"][0]["code"], name);
    assert_eq!(document["findings"][0]["severity"], "error");
    assert_eq!(document["findings"].as_array().map(Vec::len), Some(1));
    assert!(
        output.stderr.contains(&format!("error[{name}]")),
        "{}",
        output.transcript()
    );
}

/// It may be wrong on purpose, so it is no error.
fn a_database_that_is_not_for_all_characters_is_found(engine: Engine) {
    let create = engine.pick(
        "CREATE DATABASE {name} CHARACTER SET latin1",
        "CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0",
        "",
    );
    if create.is_empty() {
        return;
    }
    let world = world(engine);
    world.server("ums", create);
    let output = doctor(&world).exits(1);
    let found = check(&output.json(), "character-set").clone();
    assert_eq!(found["verdict"], "warning");
    let latin = found["found"].to_string().to_ascii_lowercase();
    assert!(latin.contains("latin1"), "{latin}");
    output.warns("warning[character-set]");
}

fn a_lock_that_someone_holds_is_told_with_its_holder(engine: Engine) {
    let sleep = engine.pick("DO SLEEP(4)", "SELECT pg_sleep(4)", "");
    if sleep.is_empty() {
        return;
    }
    let world = World::one(engine).migration("ums/V1__slow.sql", &format!("{sleep};\n"));
    world.run(&["provision"]).ok();
    let running = world.start(&["migrate"]);
    let mut last = None;
    until("the lock", || {
        let output = doctor(&world);
        let is_held = check(&output.json(), "lock")["verdict"] == "warning";
        last = Some(output);
        is_held
    });
    let output = last.expect("a report").exits(1);
    let found = check(&output.json(), "lock")["found"].to_string();
    let user = engine.pick("root", "postgres", "");
    assert!(found.contains(user), "{found}");
    // Whose session it would end is not known then.
    assert_eq!(check(&output.json(), "cancel")["verdict"], "note");
    running.finish().ok();
    doctor(&world).ok();
}

fn a_server_that_does_not_answer_is_exit_2(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = World::empty()
        .file("bird.toml", "[databases.free]\n[databases.ums]\n")
        .file("migrations/free/.keep", "")
        .file("migrations/ums/.keep", "")
        .engine("free", Engine::Sqlite)
        .engine("ums", engine);
    let url = world.url("ums").replace(CANARY, "wr0ng-secret");
    let world = world.env("BIRD_UMS_URL", &url);
    world.run(&["provision", "--database", "free"]).ok();
    let output = doctor(&world).exits(2).warns("error[denied]");
    let document = output.json();
    assert_eq!(database(&document, "ums")["state"], "unreachable");
    assert_eq!(check(&document, "connection")["verdict"], "error");
    // The other one is looked at all the same.
    assert_eq!(database(&document, "free")["state"], "checked");
    assert_eq!(document["findings"].as_array().map(Vec::len), Some(1));
    assert!(
        !output.transcript().contains("wr0ng"),
        "{}",
        output.transcript()
    );
}

#[test]
fn a_password_that_others_may_read_is_found() {
    use std::os::unix::fs::PermissionsExt as _;
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        world.run(&["provision"]).ok();
        let url = world.url("ums").to_owned();
        world.write("bird.toml", &format!("[databases.ums]\nurl = \"{url}\"\n"));
        world.write("secret.toml", "[databases.ums]\nurl_file = \"url\"\n");
        world.write("url", &url);
        world.write("variable.toml", "[databases.ums]\nurl = \"${URL}\"\n");
        let run = |config: &str| {
            let mut command = world.command(&["doctor", "--config", config, "--format", "json"]);
            command.env_remove("BIRD_UMS_URL").env("URL", &url);
            Running::start(command).finish()
        };
        for (config, file) in [("bird.toml", "bird.toml"), ("secret.toml", "url")] {
            for (mode, verdict, code) in [(0o640, "warning", 1), (0o600, "ok", 0)] {
                let permissions = fs::Permissions::from_mode(mode);
                fs::set_permissions(world.path(file), permissions).expect("its mode");
                let output = run(config).exits(code);
                let found = check(&output.json(), "secret").clone();
                assert_eq!(found["verdict"], verdict, "{found}");
                assert!(found["found"].to_string().contains(file), "{found}");
            }
        }
        let output = run("variable.toml").ok();
        assert!(
            !output.stdout.contains("\"secret\""),
            "{}",
            output.transcript()
        );
    });
}

/// Somebody wants this account not to write.
#[test]
fn a_database_that_is_meant_to_be_read_only_is_found() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        world.run(&["provision"]).ok();
        world.server(
            "ums",
            "ALTER DATABASE {name} SET default_transaction_read_only = on; \
             ALTER DATABASE {name} SET lock_timeout = '7s'",
        );
        let output = doctor(&world).exits(1).warns("warning[read-only]");
        let document = output.json();
        // Not what bird has set for its own session.
        let timeouts = check(&document, "lock-timeouts");
        assert!(timeouts["found"].to_string().contains("7000"), "{timeouts}");
        assert_eq!(timeouts["verdict"], "ok");
    });
}

#[test]
fn what_stands_between_is_found() {
    Engine::Galera.run(|engine| {
        let world = world(engine);
        world.run(&["provision"]).ok();
        let output = doctor(&world).exits(1).warns("warning[cluster]");
        let found = check(&output.json(), "cluster").clone();
        assert!(found["found"].to_string().contains("wsrep_on"), "{found}");
    });
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        world.run(&["provision"]).ok();
        for (variable, verdict, code) in [
            ("BIRD_TEST_PGBOUNCER", "error", 1),
            ("BIRD_TEST_PGBOUNCER_SESSION", "ok", 0),
        ] {
            let Some(url) = crate::pooler::behind(&world, variable) else {
                return;
            };
            let mut command = world.command(&["doctor", "--format", "json"]);
            command.env("BIRD_UMS_URL", url);
            let output = Running::start(command).finish().exits(code);
            let document = output.json();
            assert_eq!(
                check(&document, "pooler")["verdict"],
                verdict,
                "{}",
                output.transcript()
            );
            // Behind a pooler it might end somebody else's statement.
            let cancel = if code == 0 { "ok" } else { "note" };
            assert_eq!(check(&document, "cancel")["verdict"], cancel);
        }
    });
}
