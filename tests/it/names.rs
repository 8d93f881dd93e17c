//! Names that mean something to SQL, to a URL or to a terminal are names all the same.

use crate::world::{Engine, Running, World};

engines!(
    objects_with_control_characters_in_their_names_are_shown_escaped,
    a_database_may_be_called_anything,
);

fn objects_with_control_characters_in_their_names_are_shown_escaped(engine: Engine) {
    let world = World::one(engine).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    world.run(&["provision"]).ok();
    let quote = engine.pick('`', '"', '"');
    let name = "x\u{1b}[2Jy\u{202e}z\n::add-mask::x\n ##[add-mask]y\u{9b}\u{61c}\u{2060}\u{ad}";
    world.client(
        "ums",
        &format!("CREATE TABLE {quote}{name}{quote} (id INT)"),
    );
    for format in ["table", "json", "markdown", "github", "junit"] {
        let refused = world.run(&["migrate", "--format", format]).exits(3);
        let all = format!("{}{}", refused.stdout, refused.stderr);
        assert!(all.contains("non-empty"), "{}", refused.transcript());
        for stream in [&refused.stdout, &refused.stderr] {
            for hostile in [
                '\u{1b}', '\u{202e}', '\u{9b}', '\u{61c}', '\u{2060}', '\u{ad}',
            ] {
                assert!(!stream.contains(hostile), "{}", refused.transcript());
            }
            let mut lines = stream.lines();
            let is_obeyed = |line: &str| {
                let obeyed_before = line.starts_with("::error ");
                !obeyed_before
                    && (line.trim_start().starts_with("::add-mask") || line.contains("##["))
            };
            assert!(!lines.any(is_obeyed), "{}", refused.transcript());
        }
        let all = format!("{}{}", refused.stdout, refused.stderr);
        assert!(all.contains("2Jy"), "{}", refused.transcript());
    }
}

/// A database that goes with the test.
struct Named<'w> {
    world: &'w World,
    quoted: String,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {}", self.quoted);
        let _: Result<String, String> = self.world.engine_of("ums").client(None, &sql);
    }
}

fn a_database_may_be_called_anything(engine: Engine) {
    let world = World::one(engine).migration(
        "ums/V1__a.sql",
        "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\n",
    );
    let random = uuid::Uuid::now_v7().simple().to_string();
    let name = format!("q\"u'o`te d-ash %41 ü {}", &random[20..]);
    let (url, place, _named) = match engine {
        Engine::Sqlite => {
            let path = format!("data/{name}.db");
            let place = world.path(&path).display().to_string();
            (format!("sqlite:{}", encoded(&path)), place, None)
        }
        _ => {
            let (server, _) = world.url("ums").rsplit_once('/').expect("a database");
            let quoted = engine.pick(
                format!("`{}`", name.replace('`', "``")),
                format!("\"{}\"", name.replace('"', "\"\"")),
                String::new(),
            );
            let url = format!("{server}/{}", encoded(&name));
            let world = &world;
            (url, name, Some(Named { world, quoted }))
        }
    };
    let run = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("BIRD_UMS_URL", &url);
        Running::start(command).finish()
    };
    run(&["status"]).ok().says("absent");
    run(&["provision"]).ok().says("created");
    run(&["provision"]).ok().says("was there");
    run(&["migrate"]).ok();
    run(&["up"]).ok().says("nothing to do");
    run(&["status", "--exit-code"]).ok();
    let rows = engine.client(Some(&place), "SELECT id FROM a");
    assert_eq!(rows.as_deref(), Ok("1\n"));
}

/// Every byte that is not a letter, a digit or a slash as `%XX`.
fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'/' => "/".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    bytes.collect()
}
