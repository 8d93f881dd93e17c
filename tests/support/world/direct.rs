//! SQL sent to MySQL and MariaDB by this process: starting their own client takes longer than most of
//! what tests ask of it.

use std::fmt::Write as _;

use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use sqlx::{MySqlConnection, Row as _, ValueRef as _};

/// Runs statements in a session of their own. Returns their rows as `mysql -N -B` prints them, or the
/// first error.
pub fn mysql(url: &str, database: Option<&str>, sql: &str) -> Result<String, String> {
    // A client accepts an empty text, the server does not.
    if sql.trim().is_empty() {
        return Ok(String::new());
    }
    // The caller may be in a runtime of its own, which could not wait for another one.
    let rows = std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(run(url, database, sql))
        });
        work.join().expect("the thread does not panic")
    });
    match rows {
        Ok(rows) => Ok(rows.iter().map(line).collect()),
        Err(error) => Err(message(&error)),
    }
}

async fn run(url: &str, database: Option<&str>, sql: &str) -> Result<Vec<MySqlRow>, sqlx::Error> {
    let mut session = connect(url, database).await?;
    let rows = session
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
        .await;
    session.close().await?;
    rows
}

/// A session without the settings that sqlx makes by itself.
async fn connect(url: &str, database: Option<&str>) -> Result<MySqlConnection, sqlx::Error> {
    let options: MySqlConnectOptions = url.parse()?;
    let mut options = options
        .charset("utf8mb4")
        .set_names(false)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None);
    if let Some(database) = database {
        options = options.database(database);
    }
    // MySQL wants an encrypted connection for the first login of an account only.
    let plain = options.clone().ssl_mode(MySqlSslMode::Disabled);
    match plain.connect().await {
        Err(error) if error.as_database_error().is_none() => options.connect().await,
        result => result,
    }
}

fn line(row: &MySqlRow) -> String {
    let mut line = String::new();
    for at in 0..row.len() {
        if at > 0 {
            line.push('\t');
        }
        let value = row.try_get_raw(at).expect("a column");
        if value.is_null() {
            line.push_str("NULL");
            continue;
        }
        // In the answer to plain SQL every value is text.
        let bytes = <&[u8] as sqlx::Decode<MySql>>::decode(value).expect("text");
        for letter in String::from_utf8_lossy(bytes).chars() {
            match letter {
                '\0' => line.push_str("\\0"),
                '\t' => line.push_str("\\t"),
                '\n' => line.push_str("\\n"),
                '\\' => line.push_str("\\\\"),
                letter => line.push(letter),
            }
        }
    }
    line.push('\n');
    line
}

fn message(error: &sqlx::Error) -> String {
    let mut message = String::new();
    let server = error.as_database_error();
    let _ = match server.and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>()) {
        Some(error) => {
            let state = error.code().unwrap_or("HY000");
            writeln!(
                message,
                "ERROR {} ({state}): {}",
                error.number(),
                error.message()
            )
        }
        None => writeln!(message, "{error}"),
    };
    message
}
