//! Owners and grants of objects that are dropped and created again.

use crate::connect::Account;
use crate::world::{Engine, World};

engines!(
    a_diff_gives_back_what_was_granted,
    an_undo_gives_back_what_was_granted,
    what_files_do_not_know_is_lost_and_said,
    verify_says_that_it_does_not_compare_access,
    an_owner_out_of_reach_is_named,
    what_an_account_cannot_read_is_named,
);

/// A project whose routine is dropped and created again when it changes, and a file in which it is
/// changed.
fn world(engine: Engine) -> World {
    let (before, after) = engine.pick(
        (
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;\n",
            "CREATE FUNCTION f() RETURNS BIGINT DETERMINISTIC RETURN 1;\n",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
            "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';\n",
        ),
        ("CREATE TABLE f (a INT);\n", "CREATE TABLE f (a BIGINT);\n"),
    );
    let world = World::one(engine)
        .migration("ums/V1__f.sql", before)
        .file("after.sql", after);
    world.run(&["up"]).ok();
    world
}

/// Grants the execution of the routine to an account alone.
fn grant(world: &World, account: &str) {
    let sql = world.engine_of("ums").pick(
        format!("GRANT EXECUTE ON FUNCTION f TO '{account}'@'%'"),
        format!(
            "REVOKE ALL ON FUNCTION f() FROM PUBLIC; GRANT EXECUTE ON FUNCTION f() TO {account}"
        ),
        String::new(),
    );
    world.client("ums", &sql);
}

fn granted(world: &World) -> String {
    let sql = world.engine_of("ums").pick(
        "SELECT CONCAT(User, ' ', Proc_priv) FROM mysql.procs_priv WHERE Db = DATABASE()",
        "SELECT proacl FROM pg_proc WHERE proname = 'f'",
        "",
    );
    world.client("ums", sql)
}

fn a_diff_gives_back_what_was_granted(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = world(engine);
    let account = Account::fresh(&world);
    let name = &account.name;
    grant(&world, name);
    let before = granted(&world);
    let output = world
        .run(&["diff", "ums", "after.sql", "--format", "sql"])
        .exits(1);
    let script = output.says("verified in a scratch database").stdout;
    if engine == Engine::MariaDb {
        assert!(!script.contains("GRANT"), "{script}");
    } else {
        assert!(script.contains("GRANT EXECUTE ON FUNCTION"), "{script}");
    }
    assert!(!script.contains("grants-lost"), "{script}");
    world.client("ums", &script);
    assert_eq!(granted(&world), before);
    if engine == Engine::Postgres {
        // Elsewhere the client's session leaves its SQL mode in the routine.
        world.run(&["diff", "ums", "after.sql"]).ok();
    }
}

fn an_undo_gives_back_what_was_granted(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = world(engine);
    let account = Account::fresh(&world);
    let after = world.read("after.sql");
    let drop = engine.pick("DROP FUNCTION f;\n", "DROP FUNCTION f();\n", "");
    world.write("migrations/ums/V2__g.sql", &format!("{drop}{after}"));
    world.run(&["migrate"]).ok();
    grant(&world, &account.name);
    let before = granted(&world);
    assert!(before.contains(&account.name), "{before}");
    world.run(&["undo"]).ok();
    assert_eq!(granted(&world), before);
    world.run(&["verify"]).ok();
}

fn what_files_do_not_know_is_lost_and_said(engine: Engine) {
    let world = world(engine);
    let output = world.run(&["diff", "ums@migrations", "after.sql"]).exits(1);
    let said = output.stdout.contains("grants-lost: function f");
    // MariaDB replaces a routine in place, and SQLite has no accounts.
    assert_eq!(
        said,
        matches!(engine, Engine::Postgres | Engine::MySql),
        "{}",
        output.stdout
    );
}

fn verify_says_that_it_does_not_compare_access(engine: Engine) {
    let world = world(engine);
    let output = world.run(&["verify"]).ok();
    let note = "note: verify does not compare grants and owners";
    let is_server = engine != Engine::Sqlite;
    assert_eq!(output.stdout.matches(note).count(), usize::from(is_server));
    let document = world.run(&["verify", "--format", "json"]).ok().json();
    let named = document["databases"][0]["not_compared"].as_array();
    assert_eq!(named.map(Vec::len), Some(if is_server { 2 } else { 0 }));
    assert_eq!(document["findings"].as_array().map(Vec::len), Some(0));
}

/// Whoever owns a schema may drop what others own in it.
fn an_owner_out_of_reach_is_named(engine: Engine) {
    if engine != Engine::Postgres {
        return;
    }
    let made = world(engine);
    let account = Account::fresh(&made);
    let name = &account.name;
    made.server(
        "ums",
        &format!("ALTER ROLE {name} CREATEDB; ALTER DATABASE {{name}} OWNER TO {name}"),
    );
    made.client(
        "ums",
        &format!("GRANT EXECUTE ON FUNCTION f() TO {name}, pg_monitor"),
    );
    let output = World::empty()
        .file("after.sql", &made.read("after.sql"))
        .run(&["diff", &account.url(""), "after.sql", "--format", "sql"])
        .exits(1);
    let output = output.says("grants-lost: the account may not make postgres its owner again");
    assert!(!output.stdout.contains("OWNER TO"), "{}", output.stdout);
    assert!(
        output.stdout.contains("verified in a scratch database"),
        "{}",
        output.stdout
    );
}

fn what_an_account_cannot_read_is_named(engine: Engine) {
    if engine != Engine::MySql {
        return;
    }
    let made = World::one(engine).file("after.sql", world(engine).read("after.sql").as_str());
    made.provision("ums");
    let account = Account::fresh(&made);
    let url = account.url("");
    let name = &account.name;
    made.server(
        "ums",
        &format!("GRANT ALL ON `bird\\_shadow\\_%`.* TO '{name}'@'%'"),
    );
    made.client(
        "ums",
        &format!("CREATE DEFINER = '{name}'@'%' FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1"),
    );
    World::empty()
        .file("after.sql", &made.read("after.sql"))
        .run(&["diff", &url, "after.sql", "--format", "sql"])
        .exits(1)
        .says("grants-lost: who may run f cannot be read");
}
