//! The shadow: nothing that is replayed in it reaches past it, and it never stays behind.
//! Cases of single statements are in `tests/cases/containment`.

mod extensions;
mod once;
mod proof;
mod removed;
mod rows;
mod settings;
mod siblings;

use std::path::Path;

use bird::db::replay;
use bird::db::shadow::{Shadow, ShadowBase};
use bird::dialect::Dialect;
use bird::model::code::Code;
use bird::model::target::Target;

use crate::case_file::CaseFile;
use crate::world::{Engine, World};

engines!(
    nothing_reaches_past_a_shadow,
    the_own_name_means_the_shadow,
    migrate_tells_what_no_shadow_will_run,
    what_names_its_own_database_is_no_difference,
    what_was_not_replayed_is_told_from_memory_too,
);

/// What a shadow of `ums` stands beside.
fn base(world: &World) -> (Target, &'static dyn Dialect) {
    let (dialect, target) =
        bird::project::parse_url(world.url("ums"), &world.path("")).expect("a URL");
    (target, dialect)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Does something with a shadow of `ums`, and removes it.
fn in_shadow<T>(world: &World, work: impl AsyncFnOnce(&mut Shadow) -> T) -> T {
    let (target, dialect) = base(world);
    runtime().block_on(async {
        let made = Shadow::create(ShadowBase {
            target: &target,
            dialect,
            schema: dialect.facts().schema,
            collation: None,
            own_extensions: &[],
        });
        let mut shadow = made.await.expect("a shadow");
        let done = work(&mut shadow).await;
        shadow.remove().await.expect("a shadow can be dropped");
        done
    })
}

/// Two databases with a canary in each.
fn canaries(engine: Engine) -> World {
    let world = World::empty()
        .file("bird.toml", "[databases.ums]\n[databases.twitter]\n")
        .file("data/.keep", "")
        .engine("ums", engine)
        .engine("twitter", engine);
    for name in ["ums", "twitter"] {
        if engine != Engine::Sqlite {
            world.server(name, "CREATE DATABASE {name}");
        }
        world.client(
            name,
            "CREATE TABLE canary (id INT PRIMARY KEY); INSERT INTO canary VALUES (1)",
        );
    }
    world
}

/// Everything that the statements are after.
fn alive(engine: Engine, world: &World, account: &str) -> String {
    let names = engine.pick(
        format!(
            "SELECT table_name, create_time FROM information_schema.tables \
             WHERE table_schema = DATABASE(); \
             SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE(); \
             SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE(); \
             SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE(); \
             SELECT @@character_set_database, @@GLOBAL.max_prepared_stmt_count; \
             SELECT user FROM mysql.user WHERE user = '{account}'; \
             SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{account}'"
        ),
        format!(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace; \
             SELECT rolname FROM pg_roles WHERE rolname = '{account}'; \
             SELECT datname, datconnlimit, datacl FROM pg_database \
             WHERE datname IN ('{account}', current_database()); \
             SELECT shobj_description(oid, 'pg_database') FROM pg_database \
             WHERE datname = current_database(); \
             SELECT * FROM pg_db_role_setting WHERE '4711kB' = ANY (SELECT \
             split_part(unnest(setconfig), '=', 2)); \
             SELECT rolname FROM pg_auth_members JOIN pg_roles r ON r.oid = member \
             WHERE rolname = 'postgres'; \
             SELECT setting FROM pg_file_settings WHERE setting = '4711kB'; \
             SELECT subname FROM pg_subscription"
        ),
        "SELECT * FROM sqlite_schema".to_owned(),
    );
    let each = ["ums", "twitter"].map(|name| {
        let rows = world.client(name, "SELECT * FROM canary");
        format!("{rows}{}", world.client(name, &names))
    });
    let mut files: Vec<_> = std::fs::read_dir(world.path("data"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    files.sort();
    let written = Path::new("/tmp").join(account).exists();
    format!("{each:#?}\n{files:?}\n{written}")
}

fn nothing_reaches_past_a_shadow(engine: Engine) {
    let world = canaries(engine);
    let random = uuid::Uuid::now_v7().simple().to_string();
    let account = format!("bird_canary_{}", &random[20..]);
    let before = alive(engine, &world, &account);
    let path = format!("tests/it/shadow/canary/{}.case", engine.folder());
    let file = CaseFile::read(Path::new(&path)).unwrap_or_else(|fault| panic!("{fault}"));
    let statements = &file.sections[0].body;
    let wrong = in_shadow(&world, async |shadow| {
        let mut wrong = Vec::new();
        shadow
            .session
            .run("CREATE TABLE canary (id INT PRIMARY KEY)")
            .await
            .expect("a table");
        for statement in statements.lines() {
            let sql = statement
                .replace("{ums}", world.name("ums"))
                .replace("{twitter}", world.name("twitter"))
                .replace("{account}", &account);
            match replay::file(shadow, "V1__nasty.sql", &sql).await {
                Ok(output)
                    if output
                        .iter()
                        .any(|output| output.code == Code::NotReplayable) => {}
                Ok(_) => wrong.push(format!("{sql}\n  was replayed")),
                Err(failure) => wrong.push(format!("{sql}\n  {failure}")),
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(alive(engine, &world, &account), before);
}

/// What names its own database, or asks for it, means the shadow there.
fn the_own_name_means_the_shadow(engine: Engine) {
    let world = canaries(engine);
    let sql = engine.pick(
        "CREATE TABLE {ums}.a (id INT PRIMARY KEY);\n\
         INSERT INTO {ums}.a SELECT a.id + 1 FROM `{ums}`.canary a;\n\
         CREATE TRIGGER {ums}.t AFTER INSERT ON {ums}.a FOR EACH ROW DELETE FROM {ums}.canary;\n\
         INSERT INTO a VALUES (7);\n\
         SET @s = IF((SELECT COUNT(*) FROM information_schema.columns \
         WHERE table_schema = '{ums}' AND table_name = 'a' AND column_name = 'x') = 0, \
         'ALTER TABLE a ADD x INT', 'SELECT 1');\n\
         PREPARE s FROM @s;\nEXECUTE s;\nDEALLOCATE PREPARE s;\n\
         CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;\nDROP FUNCTION f;\n\
         USE {ums};\nALTER DATABASE {ums} COLLATE utf8mb4_bin;\n\
         CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO a VALUES (99, 99);\n\
         ALTER EVENT e RENAME TO f;\nALTER EVENT f ENABLE;\n",
        "CREATE TABLE {ums}.public.a (id INT PRIMARY KEY);\n\
         INSERT INTO {ums}.public.a SELECT id + 1 FROM public.canary;\n\
         INSERT INTO a VALUES (7);\n\
         DO $$ BEGIN DELETE FROM {ums}.public.canary; \
         EXECUTE format('ALTER TABLE %I ADD x INT', 'a'); END $$;\n\
         ALTER DATABASE {ums} SET work_mem = '4711kB';\nGRANT SELECT ON a TO PUBLIC;\n\
         GRANT SELECT ON a TO CURRENT_USER;\n",
        "CREATE TABLE main.a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (2);\n\
         INSERT INTO a VALUES (7);\nDELETE FROM main.canary;\nALTER TABLE a ADD x INT;\n",
    );
    let sql = sql.replace("{ums}", world.name("ums"));
    let rows = in_shadow(&world, async |shadow| {
        let make = "CREATE TABLE canary (id INT PRIMARY KEY); INSERT INTO canary VALUES (1)";
        shadow.session.run(make).await.expect("a table");
        let output = replay::file(shadow, "V1__own.sql", &sql).await;
        assert_eq!(output.expect("it is replayed"), []);
        // An event would have run by now.
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
        let query = "SELECT id || '', x || '' FROM a UNION ALL SELECT 'canary', id || '' FROM canary \
                     ORDER BY 1";
        let query = match engine {
            Engine::Postgres | Engine::Sqlite => query.to_owned(),
            _ => query
                .replace("id || ''", "CAST(id AS CHAR)")
                .replace("x || ''", "CAST(x AS CHAR)"),
        };
        shadow.session.rows(&query).await.expect("rows")
    });
    let row = |id: &str| vec![Some(id.to_owned()), None];
    assert_eq!(rows, [row("2"), row("7")]);
    for name in ["ums", "twitter"] {
        assert_eq!(world.client(name, "SELECT * FROM canary"), "1\n");
        world.refused(name, "SELECT * FROM a");
    }
}

/// What the schema that follows from the files will lack is said when it is applied; a privilege
/// belongs to no schema.
fn migrate_tells_what_no_shadow_will_run(engine: Engine) {
    let world = canaries(engine).file("migrations/twitter/.keep", "");
    let output = engine.pick(
        "CREATE VIEW v AS SELECT * FROM {twitter}.canary;\nGRANT SELECT ON v TO root@localhost;\n",
        "DO $$ DECLARE q text := 'CREATE TABLE x ()'; BEGIN EXECUTE q; END $$;\n\
         GRANT pg_monitor TO postgres;\n",
        "",
    );
    if output.is_empty() {
        return;
    }
    world.write(
        "migrations/ums/V1__far.sql",
        &output.replace("{twitter}", world.name("twitter")),
    );
    for arguments in [&["migrate", "--dry-run"][..], &["migrate"]] {
        let run = world
            .run(&[arguments, &["--allow", "non-empty"]].concat())
            .ok()
            .warns("note[not-replayable]: ums: statement 1 of V1 far is not replayable")
            .warns("migrations/ums/V1__far.sql:1:1");
        assert_eq!(
            run.stderr.matches("note[").count(),
            1,
            "{}",
            run.transcript()
        );
    }
    let run = world.run(&["migrate"]).ok();
    assert!(
        !run.stderr.contains("not-replayable"),
        "{}",
        run.transcript()
    );
}

/// A migration that names its database gives the same schema in a shadow, whose name is another;
/// and an event that sleeps there is awake in what is told of it.
fn what_names_its_own_database_is_no_difference(engine: Engine) {
    let world = World::one(engine);
    let sql = engine.pick(
        "CREATE TABLE {ums}.a (id INT PRIMARY KEY);\n\
         CREATE TABLE {ums}.b (id INT, FOREIGN KEY (id) REFERENCES {ums}.a (id));\n\
         CREATE VIEW {ums}.v AS SELECT {ums}.a.id FROM {ums}.a JOIN `{ums}`.b ON b.id = a.id;\n\
         CREATE TRIGGER {ums}.t AFTER INSERT ON {ums}.a FOR EACH ROW \
         INSERT INTO {ums}.b VALUES (NEW.id);\n\
         CREATE PROCEDURE {ums}.p() BEGIN DELETE FROM {ums}.b; SELECT * FROM `{ums}`.a; END;\n\
         CREATE FUNCTION f() RETURNS INT READS SQL DATA RETURN (SELECT MAX(id) FROM {ums}.a);\n\
         CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO DELETE FROM {ums}.b;\n\
         CREATE EVENT plain ON SCHEDULE EVERY 1 DAY DO SELECT 1;\n\
         CREATE EVENT ends ON SCHEDULE EVERY 2 HOUR ENDS '2031-01-01' COMMENT 'x' \
         DO BEGIN SELECT 1; SELECT 2; END;\n\
         CREATE EVENT quiet ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DISABLE DO SELECT 1;\n",
        "CREATE TABLE {ums}.public.a (id INT PRIMARY KEY);\n\
         CREATE VIEW v AS SELECT id FROM {ums}.public.a;\n\
         CREATE FUNCTION p() RETURNS void LANGUAGE plpgsql AS $$ BEGIN \
         DELETE FROM {ums}.public.a; END $$;\n",
        "CREATE TABLE main.a (id INT PRIMARY KEY);\nCREATE VIEW main.v AS SELECT id FROM a;\n",
    );
    world.write(
        "migrations/ums/V1__own.sql",
        &sql.replace("{ums}", world.name("ums")),
    );
    world.run(&["up"]).ok();
    world.run(&["diff"]).ok().says("no difference");
}

/// A long history is replayed once, and what could not be is told every time.
fn what_was_not_replayed_is_told_from_memory_too(engine: Engine) {
    let world = canaries(engine).file("migrations/twitter/.keep", "");
    let nasty = engine.pick(
        "CREATE VIEW v AS SELECT * FROM {twitter}.canary;",
        "CREATE ROLE app;",
        "ATTACH ':memory:' AS other;",
    );
    for version in 1..=25 {
        let sql = match version {
            13 => nasty.replace("{twitter}", world.name("twitter")),
            _ => format!("CREATE TABLE t{version} (id INT);"),
        };
        world.write(&format!("migrations/ums/V{version}__t.sql"), &sql);
    }
    let diff = || {
        let run = world.run(&["diff", "ums", "ums@migrations", "--database", "ums"]);
        run.exits(1)
            .warns("[not-replayable]: migrations/ums/V13__t.sql: statement 1 is not replayable")
            .warns("migrations/ums/V13__t.sql:1:1")
            .stdout
    };
    let (first, second) = (diff(), diff());
    assert_eq!(first, second);
    let kept = std::fs::read_dir(world.path(".bird/replay")).expect("what was replayed");
    let kept: Vec<_> = kept.map(|entry| entry.expect("an entry").path()).collect();
    let [entry] = kept.as_slice() else {
        panic!("{kept:?}");
    };
    // An entry that somebody else has changed hides nothing.
    let text = std::fs::read_to_string(entry).expect("the entry");
    let edited = text.replace("\"t1\"", "\"edited\"");
    assert_ne!(edited, text);
    std::fs::write(entry, edited).expect("an edited entry");
    assert_eq!(diff(), first);
}
