//! Tables of bird's own that somebody else made: whoever may create objects in a schema must not get
//! bird's rights, nor forge what bird believes.

use crate::connect::Account;
use crate::world::{Engine, Output, Running, World};

engines!(a_view_in_the_place_of_an_own_table_is_not_read);

/// The tables that bird knows by their whole names.
const OWN: &[&str] = &[
    "refinery_schema_history",
    "bird_journal",
    "bird_applied",
    "bird_schema",
    "bird_repair",
];

/// Commands that open the database.
const COMMANDS: &[&[&str]] = &[
    &["status"],
    &["verify"],
    &["migrate"],
    &["up"],
    &["undo"],
    &["reset", "--allow", "drop-database"],
    &["seed"],
    &["adopt"],
    &["inspect", "ums"],
    &["diff", "ums", "ums@migrations"],
    &["new", "x", "--database", "ums", "--from-drift"],
];

const CONFIG: &str = "[databases.ums]\n[[seeds]]\ntable = \"ums.a\"\nkey = [\"id\"]\n\
                      rows = [{ id = 7 }]\n";

fn world(engine: Engine) -> World {
    let world = World::one(engine)
        .file("bird.toml", CONFIG)
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT PRIMARY KEY);\n");
    world.provision("ums");
    world
}

/// Checks that a command neither used the table nor ran what stands behind it.
fn refused(output: Output, table: &str) {
    let output = output.exits(3);
    let transcript = output.transcript();
    assert!(transcript.contains("untrusted"), "{transcript}");
    assert!(transcript.contains(&format!("`{table}`")), "{transcript}");
    assert!(!transcript.contains("code ran"), "{transcript}");
}

/// On PostgreSQL the view calls a function that fails if it runs; the test's account is a superuser.
fn a_view_in_the_place_of_an_own_table_is_not_read(engine: Engine) {
    let world = world(engine);
    if engine == Engine::Postgres {
        world.client(
            "ums",
            "CREATE FUNCTION evil() RETURNS INT LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''code ran''; END'",
        );
    }
    for table in OWN {
        let value = engine.pick("1", "evil()", "1");
        world.client(
            "ums",
            &format!("CREATE VIEW {table} AS SELECT {value} AS version"),
        );
        for command in COMMANDS {
            refused(world.run(command), table);
        }
        // doctor shows it among its checks.
        let doctor = world.run(&["doctor"]).exits(1).transcript();
        assert!(doctor.contains(&format!("`{table}` is a view")), "{doctor}");
        assert!(!doctor.contains("code ran"), "{doctor}");
        world.client("ums", &format!("DROP VIEW {table}"));
    }
    if engine == Engine::Postgres {
        world.client("ums", "DROP FUNCTION evil()");
    }
    world.run(&["up"]).ok();
    world.run(&["verify"]).ok();
}

/// A trigger that another account added would run its function, or forge what is written.
#[test]
fn a_table_with_a_trigger_of_another_account_is_not_written() {
    for engine in [Engine::MySql, Engine::MariaDb, Engine::Postgres] {
        engine.run(|engine| {
            let world = world(engine);
            world.run(&["migrate"]).ok();
            let account = Account::fresh(&world);
            let name = &account.name;
            let trigger = engine.pick(
                format!(
                    "CREATE DEFINER = '{name}'@'%' TRIGGER g BEFORE INSERT ON bird_journal \
                     FOR EACH ROW SET NEW.state = 'done'"
                ),
                format!(
                    "GRANT CREATE ON SCHEMA public TO {name}; \
                     GRANT TRIGGER ON bird_journal TO {name}; SET ROLE {name}; \
                     CREATE FUNCTION evil() RETURNS TRIGGER LANGUAGE plpgsql AS \
                     'BEGIN RAISE EXCEPTION ''code ran''; END'; CREATE TRIGGER g BEFORE INSERT ON \
                     bird_journal FOR EACH ROW EXECUTE FUNCTION evil()"
                ),
                String::new(),
            );
            world.client("ums", &trigger);
            world.write("migrations/ums/V2__b.sql", "CREATE TABLE b (id INT);\n");
            for command in [&["migrate"][..], &["undo"], &["up"]] {
                refused(world.run(command), "bird_journal");
            }
            // Nothing runs when it is read.
            world.run(&["status"]).ok();
            let drop = engine.pick("DROP TRIGGER g", "DROP TRIGGER g ON bird_journal", "");
            world.client("ums", drop);
            world.run(&["migrate"]).ok();
        });
    }
}

/// A journal that another role made belongs to that role, which may add a trigger at any time.
#[test]
fn a_journal_of_another_role_is_not_written() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        let account = Account::fresh(&world);
        let name = &account.name;
        world.client(
            "ums",
            &format!(
                "GRANT CREATE ON SCHEMA public TO {name}; SET ROLE {name}; \
                 CREATE TABLE bird_journal (version BIGINT)"
            ),
        );
        refused(world.run(&["migrate"]), "bird_journal");
        world.client("ums", "DROP TABLE bird_journal");
        // A type with a function of its own runs it for readers, too.
        world.client(
            "ums",
            &format!(
                "SET ROLE {name}; CREATE TYPE kind AS ENUM ('a'); \
                 CREATE TABLE refinery_schema_history (version kind)"
            ),
        );
        refused(world.run(&["status"]), "refinery_schema_history");
    });
}

/// Roles that work together: one migrates and owns the tables, one only reads them, and the owner of
/// the database differs from both.
#[test]
fn a_reader_and_an_administrator_use_the_tables_of_the_owner() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        let [deployer, reader] = [Account::fresh(&world), Account::fresh(&world)];
        let (owner, looks) = (&deployer.name, &reader.name);
        let database = world.name("ums").to_owned();
        world.client(
            "ums",
            &format!("ALTER DATABASE \"{database}\" OWNER TO {owner}; GRANT ALL ON SCHEMA public TO {owner}"),
        );
        let run = |account: &Account<'_>, arguments: &[&str]| {
            let mut command = world.command(arguments);
            command.env("BIRD_UMS_URL", account.url(""));
            Running::start(command).finish()
        };
        run(&deployer, &["migrate"]).ok();
        world.client("ums", &format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {looks}"));
        run(&reader, &["status"]).ok();
        // A superuser may write into the tables of the database's owner.
        world.write("migrations/ums/V2__b.sql", "CREATE TABLE b (id INT);\n");
        world.run(&["migrate"]).ok();
        world.client("ums", &format!("ALTER DATABASE \"{database}\" OWNER TO CURRENT_USER"));
    });
}

/// A policy that hides rows of the history would make applied migrations pending.
#[test]
fn a_policy_on_the_history_is_an_error() {
    Engine::Postgres.run(|engine| {
        let world = world(engine);
        world.run(&["migrate"]).ok();
        let account = Account::fresh(&world);
        let name = &account.name;
        world.client(
            "ums",
            &format!(
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}; \
                 ALTER TABLE refinery_schema_history ENABLE ROW LEVEL SECURITY"
            ),
        );
        let mut command = world.command(&["status"]);
        command.env("BIRD_UMS_URL", account.url(""));
        let output = Running::start(command).finish().exits(2);
        assert!(
            output.transcript().contains("row-level security"),
            "{}",
            output.transcript()
        );
    });
}

/// A history on an engine without transactions is not part of the journal's commit.
#[test]
fn a_history_that_cannot_roll_back_is_not_written() {
    for engine in [Engine::MySql, Engine::MariaDb] {
        engine.run(|engine| {
            let world = world(engine);
            world.run(&["migrate"]).ok();
            world.client("ums", "ALTER TABLE refinery_schema_history ENGINE = MyISAM");
            world.write("migrations/ums/V2__b.sql", "CREATE TABLE b (id INT);\n");
            refused(world.run(&["migrate"]), "refinery_schema_history");
            world.run(&["status"]).ok();
            world.client("ums", "ALTER TABLE refinery_schema_history ENGINE = InnoDB");
            world.run(&["migrate"]).ok();
        });
    }
}
