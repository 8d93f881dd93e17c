//! Bird's own tables, as its migrations make them, filled as fast as each engine takes rows.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::people::{Rows, Size};
use crate::race::engine::{Engine, Family};
use crate::race::measure::{Job, say};

/// The databases, and one that says that the others are complete.
const DATABASES: [&str; 3] = ["ums", "twitter", "mark"];

/// Whether an earlier run has left the data.
fn is_loaded(engine: &Engine, unindexed: bool) -> bool {
    let mark = if unindexed { "unindexed" } else { "complete" };
    let asked = engine.asking(Some("mark"), &format!("SELECT COUNT(*) FROM {mark}"));
    asked.output().is_ok_and(|count| count == "0")
}

pub fn drop(engine: &Engine) -> Result<()> {
    DATABASES.iter().try_for_each(|name| engine.drop(name))
}

/// Makes the data, and on request all messages once more, in a table whose references no index
/// serves.
pub fn load(engine: &Engine, size: Size, unindexed: bool) -> Result<()> {
    if is_loaded(engine, unindexed) {
        return say(&format!("{}: the data is there", engine.title));
    }
    let start = Instant::now();
    say(&format!("{}: loading {size}", engine.title))?;
    DATABASES.iter().try_for_each(|name| engine.fresh(name))?;
    run(engine, None, tuning(engine))?;

    migrate(engine, "ums", "V1__create_users")?;
    fill(engine, "ums", "users", |rows| size.users(rows))?;
    migrate(engine, "twitter", "V1__create_messages")?;
    fill(engine, "twitter", "messages", |rows| size.messages(rows))?;
    if unindexed {
        copy_unindexed(engine)?;
    }
    migrate(engine, "twitter", "V2__index_messages_timeline")?;
    migrate(engine, "twitter", "V3__index_messages_by_author")?;
    migrate(engine, "twitter", "V4__create_subscriptions")?;
    fill(engine, "twitter", "subscriptions", |rows| {
        size.subscriptions(rows)
    })?;
    migrate(engine, "twitter", "V5__index_subscriptions_by_producer")?;
    if engine.family == Family::Postgres {
        copy_for_the_floor(engine)?;
    }
    settle(engine, unindexed)?;
    let marks = if unindexed {
        "CREATE TABLE complete (loaded INT); CREATE TABLE unindexed (loaded INT)"
    } else {
        "CREATE TABLE complete (loaded INT)"
    };
    run(engine, Some("mark"), marks)?;
    let seconds = start.elapsed().as_secs();
    say(&format!("{}: loaded in {seconds} s", engine.title))
}

/// What makes a server quick at loading and costs nobody else anything.
fn tuning(engine: &Engine) -> &'static str {
    match engine.name {
        "mariadb" => "SET GLOBAL innodb_log_file_size = 1073741824",
        "mysql" => "SET GLOBAL local_infile = 1, GLOBAL innodb_redo_log_capacity = 1073741824",
        _ => "SELECT 1",
    }
}

fn migrate(engine: &Engine, database: &str, name: &str) -> Result<()> {
    let folder = match engine.family {
        Family::MySql => "mysql",
        Family::Postgres => "postgres",
        Family::Sqlite => "sqlite",
    };
    let file: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "migrations",
        database,
        folder,
        &format!("{name}.sql"),
    ]
    .iter()
    .collect();
    let mut client = engine.client(Some(database));
    if engine.family == Family::Postgres {
        client = client.variable("PGOPTIONS", "-c maintenance_work_mem=512MB");
    }
    timed(engine, name, || piped(&client, &file))
}

fn piped(client: &Job, file: &Path) -> Result<()> {
    client.clone().input(file).output().map(std::mem::drop)
}

fn run(engine: &Engine, database: Option<&str>, sql: &str) -> Result<()> {
    engine.asking(database, sql).output().map(std::mem::drop)
}

fn timed(engine: &Engine, what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    work().with_context(|| what.to_owned())?;
    let seconds = start.elapsed().as_secs_f64();
    say(&format!("{}: {what} {seconds:.1} s", engine.title))
}

/// Pipes rows into the client.
fn fill(
    engine: &Engine,
    database: &str,
    table: &'static str,
    rows: impl FnOnce(&mut Rows<'_>) -> std::io::Result<()>,
) -> Result<()> {
    let client = match engine.family {
        Family::Sqlite => engine.client(Some(database)),
        Family::Postgres => engine.asking(Some(database), &format!("COPY {table} FROM STDIN")),
        Family::MySql => {
            let columns = match table {
                "users" => {
                    "(@id, name, email, password_hash, created_at, updated_at) SET id = UNHEX(@id)"
                }
                "messages" => {
                    "(@id, @author, content, created_at) \
                     SET id = UNHEX(@id), author_id = UNHEX(@author)"
                }
                _ => {
                    "(@subscriber, @producer, created_at) \
                     SET subscriber_id = UNHEX(@subscriber), producer_id = UNHEX(@producer)"
                }
            };
            let sql = format!("LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE {table} {columns}");
            engine
                .client(Some(database))
                .args(["--local-infile=1", "-e", &sql])
        }
    };
    timed(engine, table, || {
        let mut command = client.command()?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let pipe = child.stdin.take().context("no pipe")?;
        let mut out = BufWriter::with_capacity(1 << 18, pipe);
        if engine.family == Family::Sqlite {
            out.write_all(b"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;\n")?;
        }
        let mut writer = Rows::new(engine.family, table, &mut out);
        rows(&mut writer)?;
        writer.finish()?;
        std::mem::drop(out);
        let status = child.wait()?;
        ensure!(status.success(), "the client ended with {status}");
        Ok(())
    })
}

fn copy_unindexed(engine: &Engine) -> Result<()> {
    let copy = "INSERT INTO unindexed SELECT * FROM messages";
    let sql = match engine.family {
        Family::MySql => format!("CREATE TABLE unindexed LIKE messages; {copy}"),
        Family::Postgres => format!("CREATE TABLE unindexed (LIKE messages INCLUDING ALL); {copy}"),
        Family::Sqlite => format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE unindexed \
             (id BLOB NOT NULL PRIMARY KEY, author_id BLOB NOT NULL, content TEXT, created_at TEXT); {copy}"
        ),
    };
    timed(engine, "unindexed", || run(engine, Some("twitter"), &sql))
}

/// PostgreSQL joins within one database alone, which is what its floor is measured in.
fn copy_for_the_floor(engine: &Engine) -> Result<()> {
    run(
        engine,
        Some("twitter"),
        "CREATE SCHEMA floor; CREATE TABLE floor.users (id uuid, name varchar(100), \
         email varchar(255), password_hash varchar(255), created_at timestamptz, updated_at timestamptz)",
    )?;
    timed(engine, "users for the floor", || {
        let mut from = engine
            .asking(Some("ums"), "COPY users TO STDOUT")
            .command()?
            .stdout(Stdio::piped())
            .spawn()?;
        let pipe = from.stdout.take().context("no pipe")?;
        let mut into = engine
            .asking(Some("twitter"), "COPY floor.users FROM STDIN")
            .command()?;
        let status = into.stdin(pipe).stdout(Stdio::null()).status()?;
        ensure!(status.success() && from.wait()?.success(), "no copy");
        run(
            engine,
            Some("twitter"),
            "ALTER TABLE floor.users ADD PRIMARY KEY (id)",
        )
    })
}

/// Statistics as a server has them that has run for a day.
fn settle(engine: &Engine, unindexed: bool) -> Result<()> {
    let tables = "ANALYZE TABLE messages, subscriptions";
    let tables = if unindexed {
        format!("{tables}, unindexed")
    } else {
        tables.to_owned()
    };
    let each: &[(&str, &str)] = match engine.family {
        Family::MySql => &[("ums", "ANALYZE TABLE users"), ("twitter", &tables)],
        Family::Postgres => &[
            ("ums", "VACUUM (ANALYZE)"),
            ("twitter", "VACUUM (ANALYZE)"),
            ("ums", "CHECKPOINT"),
        ],
        Family::Sqlite => &[],
    };
    timed(engine, "statistics", || {
        each.iter()
            .try_for_each(|(database, sql)| run(engine, Some(database), sql))
    })
}
