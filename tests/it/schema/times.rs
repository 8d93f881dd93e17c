//! Times: UTC, and `updated_at` that tells of every change.

use super::up;
use crate::world::{Engine, World};

engines!(
    a_change_refreshes_updated_at,
    a_given_updated_at_is_kept,
    nothing_changed_is_no_change,
    only_changed_rows_are_refreshed,
    defaults_are_utc,
    birds_own_session_is_utc,
);

const LONG_AGO: &str = "2001-02-03 04:05:06";

/// One user whose times lie far back.
fn with_ann(engine: Engine) -> World {
    let world = up(engine);
    world.client(
        "ums",
        &format!(
            "{}INSERT INTO users (name, email, password_hash, created_at, updated_at) \
             VALUES ('Ann', 'ann@example.com', 'x', '{LONG_AGO}', '{LONG_AGO}')",
            in_utc(engine)
        ),
    );
    world
}

/// Says that this session speaks of UTC. On MySQL a DATETIME is what the session's clock shows;
/// bird's own sessions are UTC, see [`birds_own_session_is_utc`].
fn in_utc(engine: Engine) -> &'static str {
    engine.pick("SET time_zone = '+00:00';", "SET TimeZone TO 'UTC';", "")
}

/// A time as `2001-02-03 04:05:06` in UTC.
fn time(engine: Engine, column: &str) -> String {
    engine.pick(
        format!("DATE_FORMAT({column}, '%Y-%m-%d %H:%i:%s')"),
        format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"),
        column.to_owned(),
    )
}

/// How far a time is from the server's own UTC clock, in seconds.
fn age(engine: Engine, column: &str) -> String {
    engine.pick(
        format!("ABS(TIMESTAMPDIFF(SECOND, {column}, UTC_TIMESTAMP()))"),
        format!("abs(floor(extract(epoch FROM clock_timestamp() - {column})))::int"),
        format!("abs(strftime('%s', 'now') - strftime('%s', {column}))"),
    )
}

/// After an UPDATE: `updated_at` of the only user.
fn updated_at(world: &World, set: &str) -> String {
    let engine = world.engine_of("ums");
    let (utc, time) = (in_utc(engine), time(engine, "updated_at"));
    let sql = format!("{utc}UPDATE users SET {set}; SELECT {time} FROM users");
    world.client("ums", &sql).trim_end().to_owned()
}

#[track_caller]
fn assert_fresh(world: &World, database: &str, table: &str, column: &str) {
    let engine = world.engine_of(database);
    let sql = format!("SELECT {} FROM {table}", age(engine, column));
    for seconds in world.client(database, &sql).lines() {
        let seconds: i64 = seconds.parse().expect("a number");
        assert!(seconds <= 10, "{table}.{column} is {seconds} s from now");
    }
}

fn a_change_refreshes_updated_at(engine: Engine) {
    let world = with_ann(engine);
    let other = super::id(engine, 9);
    let created = format!("created_at = '{}'", LONG_AGO.replace("2001", "2000"));
    for set in [
        &format!("id = {other}"),
        "name = 'Bea'",
        "email = 'bea@example.com'",
        "password_hash = 'y'",
        created.as_str(),
    ] {
        assert_eq!(
            updated_at(&world, &format!("updated_at = '{LONG_AGO}'")),
            LONG_AGO
        );
        assert_ne!(updated_at(&world, set), LONG_AGO, "{set}");
        assert_fresh(&world, "ums", "users", "updated_at");
    }
}

fn a_given_updated_at_is_kept(engine: Engine) {
    let world = with_ann(engine);
    let given = "2002-02-02 02:02:02";
    assert_eq!(
        updated_at(&world, &format!("updated_at = '{given}'")),
        given
    );
    let given = "2003-03-03 03:03:03";
    let set = format!("name = 'Bea', updated_at = '{given}'");
    assert_eq!(updated_at(&world, &set), given);
}

fn nothing_changed_is_no_change(engine: Engine) {
    let world = with_ann(engine);
    for set in ["name = name", "name = 'Ann', email = 'ann@example.com'"] {
        assert_eq!(updated_at(&world, set), LONG_AGO, "{set}");
    }
}

fn only_changed_rows_are_refreshed(engine: Engine) {
    let world = with_ann(engine);
    let utc = in_utc(engine);
    let time = time(engine, "updated_at");
    let rows = world.client(
        "ums",
        &format!(
            "{utc}INSERT INTO users (name, email, password_hash, updated_at) \
             VALUES ('Bea', 'bea@example.com', 'x', '{LONG_AGO}'); \
             UPDATE users SET name = 'Bea'; \
             SELECT name, email, {time} = '{LONG_AGO}' FROM users ORDER BY email"
        ),
    );
    let (no, yes) = engine.pick(("0", "1"), ("f", "t"), ("0", "1"));
    assert_eq!(
        rows,
        format!("Bea\tann@example.com\t{no}\nBea\tbea@example.com\t{yes}\n")
    );
}

fn defaults_are_utc(engine: Engine) {
    let world = up(engine);
    let author = super::id(engine, 1);
    // PostgreSQL stores the instant, whatever the session's zone.
    let zone = engine.pick(in_utc(engine), "SET TimeZone TO 'Asia/Kolkata';", "");
    world.client(
        "ums",
        &format!(
            "{zone}INSERT INTO users (name, email, password_hash) VALUES ('a', 'a', 'x'); \
             INSERT INTO sessions (user_id) SELECT id FROM users"
        ),
    );
    world.client(
        "twitter",
        &format!(
            "{zone}INSERT INTO messages (author_id, content) VALUES ({author}, 'x'); \
             INSERT INTO subscriptions (subscriber_id, producer_id) VALUES ({author}, {author})"
        ),
    );
    for (database, table, column) in [
        ("ums", "users", "created_at"),
        ("ums", "users", "updated_at"),
        ("ums", "sessions", "logged_in_at"),
        ("twitter", "messages", "created_at"),
        ("twitter", "subscriptions", "created_at"),
    ] {
        assert_fresh(&world, database, table, column);
    }
    let open = world.client("ums", "SELECT logged_out_at FROM sessions");
    assert_eq!(open, "NULL\n", "a session begins logged in");
}

/// What a migration's own session says of its zone, and on MySQL of its mode: stored programs
/// keep both. SQLite has neither.
fn birds_own_session_is_utc(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let world = World::one(engine);
    world.run(&["provision"]).ok();
    if engine == Engine::Postgres {
        // The database's own setting is what a session begins with.
        world.server(
            "ums",
            "ALTER DATABASE {name} SET TimeZone TO 'Asia/Kolkata'",
        );
    }
    let (sql, expected) = engine.pick(
        (
            "SELECT @@session.time_zone AS zone, @@session.sql_mode = @@global.sql_mode AS mode",
            "+00:00\t1\n",
        ),
        ("SELECT current_setting('TimeZone') AS zone", "UTC\n"),
        ("", ""),
    );
    let text = format!("CREATE TABLE zones AS {sql};\n");
    let world = world.migration("ums/V1__zone.sql", &text);
    world.run(&["migrate"]).ok();
    assert_eq!(world.client("ums", "SELECT * FROM zones"), expected);
}
