//! What needs a person's word: statements that lose data or write to another database, protected
//! environments. And what must not be shown whatever a person says: secrets in SQL. Cases of single
//! statements are in `tests/cases`: `destructive`, `write_targets`, `forbidden`, `secrets`.

use bird::dialect::DIALECTS;
use bird::sql::script::hide;

use crate::world::{CANARY, Engine, World, database};

engines!(
    a_dropped_table_needs_a_consent_before_anything_runs,
    consent_comes_from_the_command_line_the_statement_or_the_file,
    what_the_run_itself_made_needs_no_consent,
    a_half_applied_file_asks_for_what_is_left,
    another_database_needs_a_consent,
    a_protected_environment_is_written_only_with_a_consent,
    a_protected_project_gets_no_table_without_a_consent,
    secrets_of_a_failing_statement_are_not_shown,
    a_secret_is_not_shown_by_a_dry_run,
);

/// Two tables with a row each, applied.
fn applied(engine: Engine) -> World {
    let world = World::one(engine)
        .migration(
            "ums/V1__make.sql",
            "CREATE TABLE users (id INT, nick VARCHAR(9));\nINSERT INTO users VALUES (1, 'a');\n\
             CREATE TABLE old (id INT);\nINSERT INTO old VALUES (1);\n",
        )
        .env("BIRD_TEST", "1");
    world.run(&["up"]).ok();
    world
}

fn a_dropped_table_needs_a_consent_before_anything_runs(engine: Engine) {
    let world = applied(engine).migration(
        "ums/V2__clean.sql",
        "CREATE TABLE b (id INT);\n\nDROP TABLE old;\nALTER TABLE users\n  DROP COLUMN nick;\n\
         DELETE FROM users;\n",
    );
    for arguments in [
        &["migrate"][..],
        &["up"],
        &["migrate", "--allow", "data-loss", "--allow", "protected"],
    ] {
        world
            .run(arguments)
            .exits(3)
            .warns("error[drop-table]: ums: statement 2 of V2 clean drops the table `old`")
            .warns("migrations/ums/V2__clean.sql:3:1")
            .warns("--allow drop-table, or `-- bird: allow drop-table`");
    }
    world
        .run(&["migrate", "--dry-run"])
        .exits(3)
        .says("CREATE TABLE b")
        .says("the run needs 3 consents:")
        .says("--allow drop-table: ums: statement 2 of V2 clean drops the table `old` (migrations/ums/V2__clean.sql:3)");
    let run = ["migrate", "--format", "json"];
    for arguments in [&run[..], &[&run[..], &["--dry-run"]].concat()] {
        let json = world.run(arguments).exits(3).json();
        let findings = json["findings"].as_array().expect("findings");
        let output: Vec<_> = findings
            .iter()
            .map(|one| (&one["code"], &one["line"]))
            .collect();
        let expected = [("drop-table", 3), ("data-loss", 4), ("data-loss", 6)];
        assert_eq!(output.len(), expected.len(), "{json:#}");
        for ((code, line), (expected, place)) in output.into_iter().zip(expected) {
            assert!(*code == expected && *line == place, "{json:#}");
        }
    }
    // Nothing ran, not even the harmless first statement.
    world.refused("ums", "SELECT * FROM b");
    assert_eq!(world.client("ums", "SELECT nick FROM users"), "a\n");
    world
        .run(&["migrate", "--allow", "drop-table", "--allow", "data-loss"])
        .ok();
    world.refused("ums", "SELECT * FROM old");
    assert_eq!(world.client("ums", "SELECT count(*) FROM users"), "0\n");
}

fn consent_comes_from_the_command_line_the_statement_or_the_file(engine: Engine) {
    let world = applied(engine).migration(
        "ums/V2__clean.sql",
        "-- bird: allow drop-table\nDROP TABLE old;\nDELETE FROM users;\n",
    );
    let refused = world
        .run(&["migrate"])
        .exits(3)
        .warns("deletes all rows of `users`");
    assert!(
        !refused.stderr.contains("drop-table"),
        "{}",
        refused.transcript()
    );
    world
        .run(&["migrate", "--allow", "data-loss", "--dry-run"])
        .ok();
    world.write(
        "migrations/ums/V2__clean.sql",
        "-- bird: allow drop-table, data-loss\n\nDROP TABLE old;\nDELETE FROM users;\n",
    );
    world.run(&["migrate"]).ok();
    world.write(
        "migrations/ums/V3__clean.sql",
        "-- bird: allow protected\nDELETE FROM users WHERE id = 1;\n",
    );
    world
        .run(&["migrate"])
        .exits(2)
        .warns("a migration cannot consent to `protected`")
        .warns("--allow protected");
}

fn what_the_run_itself_made_needs_no_consent(engine: Engine) {
    let world = applied(engine)
        .migration(
            "ums/V2__a.sql",
            "CREATE TABLE a (id INT, x INT);\nCREATE TABLE b (id INT);\nDROP TABLE b;\n",
        )
        .migration(
            "ums/V3__b.sql",
            "ALTER TABLE a RENAME TO c;\nDELETE FROM c;\nDROP TABLE c;\n",
        )
        .migration(
            "ums/V4__rebuild.sql",
            "CREATE TABLE users_new (id INT NOT NULL);\n\
             INSERT INTO users_new SELECT id FROM users;\nDROP TABLE users;\n\
             ALTER TABLE users_new RENAME TO users;\n",
        );
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM users"), "1\n");
}

fn a_half_applied_file_asks_for_what_is_left(engine: Engine) {
    let file = |end: &str| {
        format!("-- bird: no-transaction\n\nCREATE TABLE a (id INT);\nDELETE FROM users;\n{end}\n")
    };
    let world = applied(engine).migration("ums/V2__a.sql", &file("INSERT INTO none VALUES (1);"));
    world.run(&["migrate", "--allow", "data-loss"]).exits(4);
    // The DELETE has run, and the table that the first statement made is no loss.
    let empty = engine.pick("TRUNCATE a;", "TRUNCATE a;", "DELETE FROM a;");
    world.write(
        "migrations/ums/V2__a.sql",
        &file(&format!("{empty}\nDELETE FROM old;")),
    );
    let refused = world
        .run(&["migrate"])
        .exits(3)
        .warns("statement 4 of V2 a");
    assert_eq!(
        refused.stderr.matches("error[").count(),
        1,
        "{}",
        refused.transcript()
    );
    world.run(&["migrate", "--allow", "data-loss"]).ok();
}

fn another_database_needs_a_consent(engine: Engine) {
    let (sql, why) = match engine {
        Engine::Sqlite => ("ATTACH ':memory:' AS other;", "ATTACH"),
        Engine::Postgres => (
            "CREATE TABLE other.public.t (id INT);",
            "writes to another database, `other`",
        ),
        Engine::MariaDb | Engine::MySql | Engine::Galera => (
            "CREATE TABLE other.t (id INT);",
            "writes to another database, `other`",
        ),
    };
    let world = applied(engine).migration("ums/V2__a.sql", sql);
    world
        .run(&["migrate"])
        .exits(3)
        .warns("error[other-database]: ums: statement 1 of V2 a")
        .warns(why)
        .warns("-- bird: allow other-database");
    world
        .run(&["migrate", "--dry-run"])
        .exits(3)
        .says("--allow other-database: ums: statement 1 of V2 a")
        .says(why);
    world.write(
        "migrations/ums/V2__a.sql",
        &format!("-- bird: allow other-database\n{sql}\n"),
    );
    // What the engine says to it is the engine's affair.
    world.run(&["migrate", "--dry-run"]).ok();
    // Its own name is not another's.
    let own = match engine {
        Engine::Sqlite => "main".to_owned(),
        Engine::Postgres => format!("{}.public", world.name("ums")),
        Engine::MariaDb | Engine::MySql | Engine::Galera => world.name("ums").to_owned(),
    };
    world.write(
        "migrations/ums/V2__a.sql",
        &format!("CREATE TABLE {own}.t (id INT);\nINSERT INTO {own}.t VALUES (1);\n"),
    );
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM t"), "1\n");
}

const PROTECTED: &str = r#"
[databases.ums]
[[seeds]]
table = "ums.users"
key = ["id"]
rows = [{ id = 1, nick = "a" }]
[env.production]
protected = true
"#;

fn a_protected_environment_is_written_only_with_a_consent(engine: Engine) {
    let world = World::one(engine)
        .file("bird.toml", PROTECTED)
        .migration(
            "ums/V1__make.sql",
            "CREATE TABLE users (id INT, nick VARCHAR(9));\n",
        )
        .env("BIRD_ENV", "production");
    let allowed = ["--allow", "protected"];
    let refused = |arguments: &[&str]| {
        world
            .run(arguments)
            .exits(3)
            .warns("error[protected]: the environment `production` is protected")
            .warns("--allow protected");
    };
    let listed = |arguments: &[&str]| {
        world
            .run(arguments)
            .ok()
            .says("--allow protected: the environment `production` is protected");
    };
    let done = |arguments: &[&str]| {
        world.run(&[arguments, &allowed[..]].concat()).ok();
        world.run(arguments).ok();
    };
    refused(&["up"]);
    refused(&["provision"]);
    listed(&["provision", "--dry-run"]);
    let status = world.run(&["status", "--format", "json"]).ok().json();
    assert_eq!(database(&status, "ums")["state"], "absent");
    done(&["provision"]);
    refused(&["migrate"]);
    listed(&["migrate", "--dry-run"]);
    refused(&["up"]);
    let status = world.run(&["status", "--format", "json"]).ok().json();
    assert_eq!(database(&status, "ums")["state"], "pending");
    done(&["migrate"]);
    refused(&["seed"]);
    listed(&["seed", "--dry-run"]);
    refused(&["up"]);
    assert_eq!(world.client("ums", "SELECT count(*) FROM users"), "0\n");
    done(&["seed"]);
    world.run(&["up"]).ok();
    world.run(&["migrate", "--dry-run"]).ok();
    // Elsewhere nobody asks.
    let mut elsewhere = world.command(&["up"]);
    elsewhere.env_remove("BIRD_ENV");
    crate::world::Running::start(elsewhere).finish().ok();
}

/// The refusal comes before the lock, and so before the tables of the history are made.
fn a_protected_project_gets_no_table_without_a_consent(engine: Engine) {
    let world = World::one(engine)
        .file("bird.toml", "protected = true\n[databases.ums]\n")
        .migration("ums/V1__make.sql", "CREATE TABLE users (id INT);\n");
    world.run(&["provision", "--allow", "protected"]).ok();
    world
        .run(&["migrate"])
        .exits(3)
        .warns("error[protected]: this project is protected");
    world.refused("ums", "SELECT * FROM refinery_schema_history");
    world.refused("ums", "SELECT * FROM bird_journal");
}

/// Statements about an account, each of which fails in its own way.
fn failing(engine: Engine, account: &str) -> Vec<String> {
    let created = format!("CREATE USER {account} IDENTIFIED BY '{CANARY}'");
    // 80 bytes are quoted, from the account on, and five of the password are among them.
    let around = account.len() + " COMMENT '' IDENTIFIED BY '".len() + 5;
    let long = "x".repeat(80 - around);
    match engine {
        // It has no accounts, and says so.
        Engine::Sqlite => vec![format!("{created};")],
        Engine::Postgres => vec![
            format!("CREATE ROLE {account} LOGIN PASWORD '{CANARY}';"),
            format!("CREATE ROLE {account} PASSWORD '{CANARY}' PASSWORD '{CANARY}';"),
            format!("CREATE ROLE {account} PASSWORD \"{CANARY}\";"),
            format!("CREATE ROLE {account} PASSWORD {CANARY};"),
            format!("CREATE ROLE postgres PASSWORD '{CANARY}';"),
            format!("ALTER ROLE {account} PASSWORD '{CANARY}';"),
            format!("DO $$ BEGIN CREATE ROLE {account} PASWORD '{CANARY}'; END $$;"),
            format!("DO $$ BEGIN EXECUTE 'ALTER ROLE {account} PASSWORD ''{CANARY}'''; END $$;"),
            format!("CREATE USER MAPPING FOR {account} SERVER s OPTIONS (password '{CANARY}');"),
            format!("CREATE SUBSCRIPTION s CONNECTION 'password={CANARY}' PUBLICATION p WITH (x);"),
            format!("SELECT 1;CREATE ROLE {account} PASSWORD '{CANARY};"),
        ],
        Engine::MariaDb | Engine::MySql | Engine::Galera => vec![
            format!("{created} NONSENSE;"),
            format!("CREATE USER {account} IDENTFIED BY '{CANARY}';"),
            // The server cuts what it quotes in the middle of the password.
            format!("CREATE USER NONSENSE {account} COMMENT '{long}' IDENTIFIED BY '{CANARY}';"),
            format!("CREATE USER {account} IDENTIFIED BY {CANARY};"),
            format!("CREATE USER {account} IDENTIFIED BY \"{CANARY}\" NONSENSE;"),
            format!("CREATE USER root@localhost IDENTIFIED BY '{CANARY}';"),
            format!("ALTER USER {account} IDENTIFIED BY '{CANARY}';"),
            format!("SET PASSWORD FOR {account} = '{CANARY}';"),
            format!("SET PASSWORD FOR {account} == '{CANARY}';"),
            format!("GRANT NONSENSE ON *.* TO {account} IDENTIFIED BY '{CANARY}';"),
            format!("SELECT 1;CREATE USER {account} IDENTIFIED BY '{CANARY};"),
        ],
    }
}

fn secrets_of_a_failing_statement_are_not_shown(engine: Engine) {
    let world = applied(engine);
    let account = world
        .name("ums")
        .rsplit(['_', '/'])
        .next()
        .unwrap_or_default();
    let account = format!("nobody_{}", account.trim_end_matches(".db"));
    for sql in failing(engine, &account) {
        world.write("migrations/ums/V2__account.sql", &format!("{sql}\n"));
        for format in ["table", "json", "markdown"] {
            // Every run is searched for the whole password, and here for its beginning too.
            let failed = world.run(&["migrate", "--format", format]);
            assert!(
                [2, 4].contains(&failed.code),
                "{sql}\n{}",
                failed.transcript()
            );
            for text in [&failed.stdout, &failed.stderr] {
                assert!(
                    !text.contains(&CANARY[..4]),
                    "{sql}\n{}",
                    failed.transcript()
                );
            }
            // What is no secret is told.
            let output = failed.stderr.contains("V2__account.sql:1:");
            assert!(output, "{sql}\n{}", failed.transcript());
        }
    }
}

fn a_secret_is_not_shown_by_a_dry_run(engine: Engine) {
    let account = engine.pick(
        format!("CREATE USER nobody IDENTIFIED BY '{CANARY}' COMMENT 'kept'"),
        format!("CREATE ROLE nobody PASSWORD '{CANARY}' VALID UNTIL 'kept'"),
        format!("CREATE USER nobody IDENTIFIED BY '{CANARY}' COMMENT 'kept'"),
    );
    let world = applied(engine).migration("ums/V2__account.sql", &format!("{account};\n"));
    let stars = "*".repeat(CANARY.len());
    for format in ["table", "json", "markdown", "sql"] {
        world
            .run(&["migrate", "--dry-run", "--format", format])
            .ok()
            .says(&stars)
            .says("kept");
    }
}

/// Engines quote a statement from where it went wrong, whole or cut, and values without quotes.
#[test]
fn a_message_tells_no_secret() {
    for dialect in DIALECTS {
        let sql = "CREATE USER a IDENTIFIED BY 'pass''word' NONSENSE";
        for (message, expected) in [
            (
                "near '\\'pass''word' NONSENSE' at line 1",
                "near '\\'***' NONSENSE' at line 1",
            ),
            ("near 'BY 'pass''wo' at line 1", "near 'BY '***' at line 1"),
            ("Duplicate entry pass'word", "Duplicate entry ***"),
            ("for the right syntax to use", "for the right syntax to use"),
            ("'past'", "'***t'"),
        ] {
            assert_eq!(hide(dialect.syntax(), sql, message), expected);
        }
        let short = "CREATE USER a IDENTIFIED BY 'a'";
        let output = hide(dialect.syntax(), short, "syntax near a, 'a' at a line");
        assert_eq!(output, "syntax near ***, '***' at *** line");
        let none = "CREATE USER a IDENTIFIED BY ''";
        assert_eq!(hide(dialect.syntax(), none, "syntax"), "syntax");
    }
}
