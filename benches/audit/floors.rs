//! What the engines themselves, and their own clients, need to find the same orphans.

use crate::race::engine::{Engine, Family};
use crate::race::measure::Job;

/// A child's table and column.
pub type Child = (&'static str, &'static str);

pub const CHILDREN: [Child; 3] = [
    ("messages", "author_id"),
    ("subscriptions", "subscriber_id"),
    ("subscriptions", "producer_id"),
];

pub const UNINDEXED: Child = ("unindexed", "author_id");

/// What people write by hand: the rows without a parent, both databases on one server. SQLite gets
/// its other file by ATTACH; PostgreSQL has both tables in one database.
pub fn anti_join(engine: &Engine, children: &[Child]) -> Job {
    let users = match engine.family {
        Family::MySql => format!("{}.users", engine.name_of("ums")),
        Family::Postgres => "floor.users".to_owned(),
        Family::Sqlite => "ums.users".to_owned(),
    };
    let each = children.iter().map(|(table, column)| {
        let row = match *table {
            "subscriptions" => "subscriber_id, m.producer_id",
            _ => "id",
        };
        format!(
            "SELECT m.{row}, m.{column} FROM {table} m LEFT JOIN {users} u ON u.id = m.{column} \
             WHERE u.id IS NULL;"
        )
    });
    let sql = each.collect::<String>();
    match engine.family {
        Family::Sqlite => {
            let attach = format!("ATTACH '{}' AS ums;", engine.name_of("ums"));
            engine.asking(Some("twitter"), &format!("{attach}{sql}"))
        }
        _ => engine.asking(Some("twitter"), &sql),
    }
}

/// Two ordered streams of keys, merged by `comm`, each reference by itself.
pub fn merged(engine: &Engine, children: &[Child]) -> Job {
    let each = children.iter().map(|(table, column)| {
        let child = format!("SELECT DISTINCT {column} FROM {table} ORDER BY {column}");
        let child = line(&keys(engine, "twitter", &child, column));
        let parent = line(&keys(
            engine,
            "ums",
            "SELECT id FROM users ORDER BY id",
            "id",
        ));
        format!("comm -23 <({child}) <({parent}) || exit 1\n")
    });
    let script = each.collect::<String>();
    Job::new("bash")
        .args(["-c", &script])
        .variable("LC_ALL", "C")
}

/// A stream of keys as fast as the client gives it, one a line.
fn keys(engine: &Engine, database: &str, sql: &str, column: &str) -> Job {
    match engine.family {
        Family::MySql => engine
            .asking(Some(database), sql)
            .args(["--quick", "--binary-as-hex"]),
        // What it chooses by itself spills a hash and takes minutes.
        Family::Postgres => engine
            .asking(Some(database), &format!("COPY ({sql}) TO STDOUT"))
            .variable("PGOPTIONS", "-c enable_hashagg=off -c jit=off"),
        Family::Sqlite => {
            let hex = sql.replacen(column, &format!("hex({column})"), 1);
            engine.asking(Some(database), &hex)
        }
    }
}

/// All that a reference without an index needs to be read at least.
pub fn distinct(engine: &Engine, (table, column): Child) -> Job {
    // By default PostgreSQL hashes, and where that does not fit it does not end.
    let sort = match engine.family {
        Family::Postgres => "SET enable_hashagg = off; ",
        _ => "",
    };
    let sql = format!("{sort}SELECT DISTINCT {column} FROM {table}");
    match engine.family {
        Family::MySql => engine.asking(Some("twitter"), &sql).args(["--quick"]),
        _ => engine.asking(Some("twitter"), &sql),
    }
}

/// A program and its arguments as a shell writes them.
fn line(job: &Job) -> String {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let mut words = vec!["env".to_owned()];
    if job.alone {
        words.push("-i".to_owned());
    }
    let variables = job.variables.iter();
    words.extend(variables.map(|(name, value)| quoted(&format!("{name}={value}"))));
    words.push(quoted(&job.program.display().to_string()));
    words.extend(job.args.iter().map(|word| quoted(word)));
    words.join(" ")
}
