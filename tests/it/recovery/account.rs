//! An account that may do everything in its database and nothing beside it: what it may not look
//! at is asked about, and nothing is concluded from it.

use crate::connect::Account;
use crate::failpoint::{MIGRATE, killed, outcome};
use crate::world::{Engine, World};

/// What is there, the statement, and whether the next run can decide.
const STATEMENTS: &[(&str, &str, bool)] = &[
    ("", "CREATE TABLE t (id INT)", true),
    (
        "CREATE TABLE t (id INT)",
        "ALTER TABLE t ADD COLUMN n INT",
        true,
    ),
    ("CREATE TABLE t (id INT)", "RENAME TABLE t TO u", true),
    ("CREATE TABLE t (id INT)", "DROP TABLE t", true),
    (
        "CREATE TABLE t (id INT)",
        "CREATE VIEW v AS SELECT id FROM t",
        true,
    ),
    ("", "CREATE PROCEDURE p() SELECT 1", true),
    // Where rows are stored only PROCESS shows.
    ("CREATE TABLE t (id INT)", "TRUNCATE TABLE t", false),
    (
        "CREATE TABLE a (id INT); CREATE TABLE b (id INT)",
        "RENAME TABLE a TO t, b TO a, t TO b",
        false,
    ),
    // And of a procedure only who made it sees the body.
    (
        "CREATE DEFINER = nobody@localhost PROCEDURE p() SELECT 1",
        "DROP PROCEDURE p",
        false,
    ),
];

#[test]
fn what_an_account_may_not_see_is_asked_about() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        engine.run(|engine| {
            for (setup, statement, decides) in STATEMENTS {
                for point in ["intended", "sent"] {
                    check(engine, setup, statement, point, *decides);
                }
            }
        });
    }
}

fn check(engine: Engine, setup: &str, statement: &str, point: &str, decides: bool) {
    let made = World::one(engine);
    made.server("ums", "CREATE DATABASE {name}");
    made.client("ums", setup);
    let account = Account::fresh(&made);
    let world = World::one(Engine::Sqlite)
        .migration("ums/V1__f.sql", &format!("{statement};\n"))
        .env("BIRD_UMS_URL", &account.url(""));
    assert_eq!(killed(&world, point), None, "{statement}");
    let wanted = match (decides, point) {
        (false, _) => "undecided",
        (true, "sent") => "found applied",
        (true, _) => "run",
    };
    assert_eq!(
        outcome(&world.run(MIGRATE)),
        wanted,
        "{engine:?} {statement} {point}"
    );
}
