//! A shadow never stays behind, and where none may be made one is lent.

use std::process::Stdio;
use std::time::{Duration, Instant};

use bird::db::shadow::{Shadow, ShadowBase};

use super::{base, canaries, runtime};
use crate::connect::Account;
use crate::world::{CANARY, Engine, Output, World, database};

engines!(
    a_shadow_that_is_left_behind_is_offered_for_removal,
    a_shadow_is_dropped_on_every_path,
    an_account_that_may_make_no_shadow_is_told_what_it_lacks,
    a_database_can_be_lent_as_a_shadow,
);

/// A database of an unusual kind, which its shadows inherit, so that they can be told from those of
/// other tests.
struct Unusual {
    world: World,
    kind: &'static str,
}

impl Unusual {
    fn new(engine: Engine, collation: &'static str, encoding: &'static str) -> Unusual {
        let kind = engine.pick(collation, encoding, "");
        let options = engine.pick(
            format!("CHARACTER SET utf8mb4 COLLATE {kind}"),
            format!("TEMPLATE template0 ENCODING '{kind}' LC_COLLATE 'C' LC_CTYPE 'C'"),
            String::new(),
        );
        let world = World::one(engine);
        world.server("ums", &format!("CREATE DATABASE {{name}} {options}"));
        Unusual { world, kind }
    }

    fn shadows(&self) -> Vec<String> {
        let kind = self.kind;
        let sql = self.world.engine_of("ums").pick(
            format!(
                "SELECT schema_name FROM information_schema.schemata \
                 WHERE schema_name LIKE 'bird_shadow_%' AND default_collation_name = '{kind}'"
            ),
            format!(
                "SELECT datname FROM pg_database WHERE datname LIKE 'bird_shadow_%' \
                 AND pg_encoding_to_char(encoding) = '{kind}'"
            ),
            String::new(),
        );
        let names = self.world.server("ums", &sql);
        names.lines().map(str::to_owned).collect()
    }
}

/// A run that was killed is the only one whose shadow stays.
fn a_shadow_that_is_left_behind_is_offered_for_removal(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let unusual = Unusual::new(engine, "utf8mb4_latvian_ci", "LATIN1");
    let world = &unusual.world;
    world.write("migrations/ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    let mut command = world.command(&["diff", "ums", "ums@migrations"]);
    command.env("BIRD_FAILPOINT", "shadow-made");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    assert_eq!(command.status().expect("bird starts").code(), None);
    let left = unusual.shadows();
    assert_eq!(left.len(), 1, "{left:?}");
    let to_do = || {
        let report = world.run(&["doctor", "--format", "json"]).json();
        let checks = database(&report, "ums")["checks"].as_array().cloned();
        let mut checks = checks.expect("checks").into_iter();
        let check = checks.find(|check| check["name"] == "left-over");
        let check = check.expect("a check of shadows");
        assert!(["ok", "note"].contains(&check["verdict"].as_str().expect("a verdict")));
        check["to_do"].as_str().unwrap_or_default().to_owned()
    };
    // A run that works with a shadow is for moments without a session in it.
    let deadline = Instant::now() + Duration::from_secs(30);
    let output = loop {
        let output = to_do();
        if output.contains(&left[0]) {
            break output;
        }
        assert!(Instant::now() < deadline, "{output}");
        std::thread::sleep(Duration::from_millis(500));
    };
    let (_, drops) = output.split_once(": ").expect("statements");
    let drop = drops.split(';').find(|sql| sql.contains(&left[0]));
    world.server("ums", drop.expect("a statement that drops it"));
    assert!(unusual.shadows().is_empty());
    assert!(!to_do().contains(&left[0]));
}

/// Interrupted, failing or forgotten: the shadow is gone.
fn a_shadow_is_dropped_on_every_path(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let unusual = Unusual::new(engine, "utf8mb4_lithuanian_ci", "LATIN2");
    let world = &unusual.world;
    let (target, dialect) = base(world);
    let on = ShadowBase {
        target: &target,
        dialect,
        schema: dialect.facts().schema,
        collation: None,
        own_extensions: &[],
    };
    let runtime = runtime();
    // Forgotten.
    runtime.block_on(async {
        let shadow = Shadow::create(on).await.expect("a shadow");
        assert_eq!(unusual.shadows(), std::slice::from_ref(&shadow.database));
    });
    assert!(unusual.shadows().is_empty());
    // Interrupted while it is made, at many moments.
    for wait in 0..12 {
        let wait = Duration::from_millis(wait * wait);
        runtime.block_on(async {
            let making = tokio::time::timeout(wait, Shadow::create(on));
            drop(making.await);
        });
        assert!(unusual.shadows().is_empty(), "{wait:?}");
    }
    // Interrupted while a long statement runs in it.
    let long = engine.pick("DO SLEEP(60);", "SELECT pg_sleep(60);", "");
    world.write("migrations/ums/V1__long.sql", long);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = world.start(&["diff", "ums", "ums@migrations"]);
        let deadline = Instant::now() + Duration::from_secs(20);
        while unusual.shadows().is_empty() {
            assert!(Instant::now() < deadline, "no shadow is made");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        running.signal(signal);
        let done = running.finish();
        assert_eq!(done.code, code, "{}", done.transcript());
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{:?}",
            start.elapsed()
        );
        assert!(unusual.shadows().is_empty());
    }
    // Failing.
    world.write(
        "migrations/ums/V1__long.sql",
        "CREATE TABLE a (id NONSENSE);\n",
    );
    world.run(&["diff", "ums", "ums@migrations"]).exits(2);
    assert!(unusual.shadows().is_empty());
}

/// It could be compared.
fn differs(run: Output) {
    assert!([0, 1].contains(&run.code), "{}", run.transcript());
}

/// What the account lacks is named, with the two ways on.
fn an_account_that_may_make_no_shadow_is_told_what_it_lacks(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let made = canaries(engine);
    let account = Account::fresh(&made);
    let world = World::one(Engine::Sqlite)
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n")
        .env("BIRD_UMS_URL", &account.url(""));
    let grant = engine.pick(
        format!(
            "GRANT ALL ON `bird\\_shadow\\_%`.* TO '{}'@'%'",
            account.name
        ),
        format!("ALTER ROLE {} CREATEDB", account.name),
        String::new(),
    );
    world
        .run(&["diff", "ums", "ums@migrations"])
        .exits(2)
        .warns("error[denied]")
        .warns("this account may not create a scratch database")
        .warns(&format!("let an administrator run: {grant}"))
        .warns("`shadow_url`");
    world.run(&["doctor"]).says(&grant);
    made.server("ums", &grant);
    differs(world.run(&["diff", "ums", "ums@migrations"]));
}

/// Without the right to make databases one is lent, which is bird's alone to empty.
fn a_database_can_be_lent_as_a_shadow(engine: Engine) {
    if engine == Engine::Sqlite {
        let world = World::one(engine).file(
            "bird.toml",
            "[databases.ums]\nshadow_url = \"sqlite:other.db\"\n",
        );
        world
            .run(&["status"])
            .exits(2)
            .warns("bird replays files of this engine in memory and needs no shadow");
        return;
    }
    let made = canaries(engine).engine("lent", engine);
    made.server("lent", "CREATE DATABASE {name}");
    let account = Account::fresh(&made);
    let lent = made.name("lent");
    let grant = engine.pick(
        format!("GRANT ALL ON {lent}.* TO '{}'@'%'", account.name),
        format!("ALTER DATABASE {lent} OWNER TO {}", account.name),
        String::new(),
    );
    let config =
        |shadow: &str| format!("[databases.ums]\nshadow_url = \"{shadow}\"\n[databases.twitter]\n");
    let url = account.url("");
    let place = url.replace(made.name("ums"), lent);
    let world = World::empty()
        .file("bird.toml", &config(&place.replace(CANARY, "${WORD}")))
        .file("migrations/twitter/.keep", "")
        .migration(
            "ums/V1__a.sql",
            "CREATE TABLE a (id INT);\nCREATE VIEW v AS SELECT id FROM a;\n",
        )
        .file("wanted.sql", "CREATE TABLE b (id INT);\n")
        .env("WORD", CANARY)
        .env("BIRD_UMS_URL", &url)
        .env(
            "BIRD_TWITTER_URL",
            &url.replace(made.name("ums"), made.name("twitter")),
        );
    let refused = world
        .run(&["diff", "ums@migrations", "wanted.sql"])
        .exits(2);
    let refused = refused.warns("error[denied]");
    if engine == Engine::Postgres {
        refused.warns("may not empty the shadow").warns(&grant);
    }
    made.server("lent", &grant);
    let names = |name: &str| {
        made.client(
            name,
            engine.pick(
                "SHOW TABLES",
                "SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace \
                 WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
                "",
            ),
        )
    };
    let mark = engine.pick("bird_shadow\n", "", "");
    // Two shadows, one after the other, in one database.
    for _ in 0..2 {
        differs(world.run(&["diff", "ums@migrations", "wanted.sql", "--database", "ums"]));
        assert_eq!(names("lent"), mark);
    }
    world
        .run(&["doctor", "-v"])
        .says("`shadow_url` names a database");
    // What stands there is somebody's, unless bird has marked it.
    made.client("lent", "CREATE TABLE theirs (id INT)");
    differs(world.run(&["diff", "ums@migrations", "wanted.sql"]));
    assert_eq!(names("lent"), mark, "it is bird's to empty");
    made.client(
        "lent",
        engine.pick("DROP TABLE bird_shadow", "DROP SCHEMA bird_shadow", ""),
    );
    made.client("lent", "CREATE TABLE theirs (id INT)");
    world
        .run(&["diff", "ums@migrations", "wanted.sql"])
        .exits(2)
        .warns("it contains theirs");
    assert!(names("lent").contains("theirs"));
    made.client("lent", "DROP TABLE theirs");
    // A database that was migrated since is no shadow any more.
    differs(world.run(&["diff", "ums@migrations", "wanted.sql"]));
    made.client("lent", "CREATE TABLE refinery_schema_history (version INT)");
    world
        .run(&["diff", "ums@migrations", "wanted.sql"])
        .exits(2)
        .warns("it contains refinery_schema_history");
    made.client("lent", "DROP TABLE refinery_schema_history");
    // Several runs take turns.
    let running: Vec<_> = (0..3)
        .map(|_| world.start(&["diff", "ums@migrations", "wanted.sql"]))
        .collect();
    for running in running {
        differs(running.finish());
    }
    // None of the project's own databases is emptied.
    for own in ["ums", "twitter"] {
        let own = place.replace(lent, made.name(own));
        world.write("bird.toml", &config(&own.replace(CANARY, "${WORD}")));
        world
            .run(&["diff", "ums@migrations", "wanted.sql"])
            .exits(2)
            .warns("error[same-target]")
            .warns("but bird empties a shadow");
        world.run(&["status"]).exits(2);
    }
    assert_eq!(made.client("ums", "SELECT * FROM canary"), "1\n");
}
