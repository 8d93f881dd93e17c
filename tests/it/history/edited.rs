//! People edit bird's tables by hand: whatever stands there is told in words, never a panic, and
//! never taken for an agreement.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::{FILE, TEXT, applied};
use crate::world::{Engine, World};

engines!(
    what_was_kept_and_edited_is_told,
    a_bomb_is_not_unpacked,
    a_digest_alone_does_not_overrule_the_text,
);

/// Some bytes as the engine's literal.
fn literal(engine: Engine, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (x, pg) = (format!("X'{hex}'"), format!("'\\x{hex}'"));
    engine.pick(x.clone(), pg, x)
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

/// The file differs in nothing but a comment, which what was kept would excuse.
fn refuses(world: &World, shown: &str) {
    world.write(FILE, &format!("{TEXT}-- the end\n"));
    for (command, code) in [("status", 0), ("migrate", 3)] {
        let output = world.run(&[command]).exits(code);
        output.warns("migration-changed").warns(shown);
    }
}

fn what_was_kept_and_edited_is_told(engine: Engine) {
    let world = applied(engine);
    let bytes = |bytes: &[u8]| literal(engine, bytes);
    for (column, value, shown) in [
        ("digest", "''".to_owned(), "digest is not SHA-256"),
        ("digest", "'none'".into(), "digest is not SHA-256"),
        ("checksum", "'abc'".into(), "checksum is not a number"),
        ("checksum", "'-1'".into(), "checksum is not a number"),
        ("sql_text", bytes(b"SELECT 1"), "text cannot be unpacked"),
        ("sql_text", bytes(b""), "text cannot be unpacked"),
        (
            "sql_text",
            bytes(&packed(TEXT.as_bytes())[..20]),
            "text cannot be unpacked",
        ),
        ("sql_text", bytes(&packed(b"\xff\xfe")), "text is not UTF-8"),
        (
            "sql_text",
            bytes(&packed(b"SELECT 1")),
            "differs from the one that was applied",
        ),
        // More than is read from a server at all.
        (
            "sql_text",
            bytes(&vec![b'x'; 300_000]),
            "not stored as bytes",
        ),
    ] {
        world.client(
            "ums",
            &format!("UPDATE bird_applied SET {column} = {value}"),
        );
        refuses(&world, shown);
        // A person can still say what is right, and that mends the row.
        let accept = ["migrate", "--accept-checksum", "V1", "--reason", "mended"];
        world.run(&accept).ok();
        assert_eq!(world.run(&["status", "--exit-code"]).ok().stderr, "");
        world.write(FILE, TEXT);
        world
            .run(&["status", "--exit-code"])
            .ok()
            .warns("reformatted");
        world.run(&accept).ok();
    }
}

fn a_bomb_is_not_unpacked(engine: Engine) {
    let world = applied(engine);
    let bomb = literal(engine, &packed(&vec![b' '; 128 * 1024 * 1024]));
    world.client("ums", &format!("UPDATE bird_applied SET sql_text = {bomb}"));
    refuses(&world, "larger than bird stores");
}

/// Who wants a changed file to pass edits the digest.
fn a_digest_alone_does_not_overrule_the_text(engine: Engine) {
    let world = applied(engine);
    let other = World::one(engine).file(FILE, &TEXT.replace("two", "three"));
    other.run(&["up"]).ok();
    let digest = other.client("ums", "SELECT digest FROM bird_applied");
    let digest = digest.trim_end();
    world.client(
        "ums",
        &format!("UPDATE bird_applied SET digest = '{digest}'"),
    );
    world.write(FILE, &TEXT.replace("two", "three"));
    world.run(&["migrate"]).exits(3).warns("migration-changed");
}

/// SQLite's columns take anything, and any table may be called so.
#[test]
fn whatever_stands_in_bird_s_tables_is_told_in_words() {
    Engine::Sqlite.run(|engine| {
        let columns = "version, digest, checksum, sql_text, reason, accepted_on";
        for (columns, row) in [
            (columns, "1, NULL, NULL, NULL, NULL, NULL"),
            (columns, "1, X'ff00', '1', NULL, NULL, NULL"),
            (columns, "1, 1.5, 'one', 'a text', 1, 2"),
            ("version, sql_text", "1, NULL"),
            ("id", "1"),
        ] {
            let world = applied(engine);
            let sql = format!(
                "DROP TABLE bird_applied; CREATE TABLE bird_applied ({columns}); \
                 INSERT INTO bird_applied VALUES ({row})"
            );
            world.client("ums", &sql);
            refuses(&world, "its stored text cannot be read");
        }
        // A view could run anything.
        let world = applied(engine);
        world.client(
            "ums",
            "DROP TABLE bird_applied; CREATE VIEW bird_applied AS SELECT 1",
        );
        world
            .run(&["status", "--exit-code"])
            .exits(3)
            .warns("`bird_applied` is a view");
    });
}

#[test]
fn an_edited_journal_is_told_in_words() {
    Engine::Sqlite.run(|engine| {
        let broken =
            "-- bird: no-transaction\nCREATE TABLE a (id INT);\nCREATE TABEL b (id INT);\n";
        for set in [
            "statement = 'one'",
            "statement = -1",
            "statements = 'all'",
            "statements = 99999999999",
            "digest = X'ff'",
            "version = 'first'",
        ] {
            let world = World::one(engine).file(FILE, broken);
            world.run(&["provision"]).ok();
            world.run(&["migrate"]).exits(4);
            world.client("ums", &format!("UPDATE bird_journal SET {set}"));
            for command in ["status", "migrate"] {
                let output = world.run(&[command]).exits(2);
                assert!(
                    output.stderr.contains("history"),
                    "{set}: {}",
                    output.transcript()
                );
            }
        }
        // One that could be read but is not the file's is another matter.
        for set in ["digest = 'none'", "statement = 2"] {
            let world = World::one(engine).file(FILE, broken);
            world.run(&["provision"]).ok();
            world.run(&["migrate"]).exits(4);
            world.client("ums", &format!("UPDATE bird_journal SET {set}"));
            world
                .run(&["migrate"])
                .exits(3)
                .warns("applied-part-changed");
        }
    });
}
