//! The history: one row per applied migration, in refinery's table, columns and formats.
//! The only user of refinery, so that people may go from it to bird and back.

use refinery_core::Migration as Theirs;

use super::clock::now;
use super::journal;
use super::session::{DbError, Row, Session};
use crate::dialect::{Dialect, ErrorKind};
use crate::model::history::{Applied, HISTORY_TABLE, History, Width};
use crate::model::migration::Migration;

/// Reads what a database remembers; a missing table is an empty history, any other trouble is
/// an error.
pub async fn read(session: &mut Session) -> Result<History, DbError> {
    let mut history = read_once(session).await?;
    if !history.applied.is_empty() {
        return Ok(history);
    }
    let sql = session.dialect.objects_query(session.schema.as_deref());
    let rows = session.rows(&sql).await?;
    let objects: Vec<String> = rows
        .into_iter()
        .flat_map(|row| row.into_iter().flatten())
        .collect();
    history.is_empty = objects.is_empty();
    if history.is_empty || history.exists || history.has_journal {
        return Ok(history);
    }
    // Another runner may have begun between the two questions. It makes its history before
    // anything else: if there is still none, the objects are somebody else's.
    let mut again = read_once(session).await?;
    if !again.exists {
        again.objects = objects;
    }
    Ok(again)
}

async fn read_once(session: &mut Session) -> Result<History, DbError> {
    let sql = format!(
        "SELECT version, name, applied_on, checksum FROM {} ORDER BY version",
        session.table(HISTORY_TABLE)
    );
    let mut history = History::default();
    if !session.dialect.facts().is_embedded() {
        // Mostly all tables are there, and one trip tells everything.
        let journal = journal::query(session, true);
        let all = format!("{sql}; {journal}; {}", journal::lacks_query(session));
        match session.rows(&all).await {
            Ok(rows) => {
                let of_journal = |row: &Row| row.len() == journal::COLUMNS;
                let (journal, rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(of_journal);
                let (lacks, rows) = rows.into_iter().partition(|row| row.len() == 1);
                take_in(&mut history, rows)?;
                journal::take_in(&mut history, journal)?;
                journal::take_in_lack(&mut history, &lacks)?;
                return Ok(history);
            }
            // A table is missing, odd, or not for this account: asked one by one, they show which.
            Err(error) if error.kind == ErrorKind::Connection => return Err(error),
            Err(_) => {}
        }
    }
    match session.many_rows(&sql, 4).await {
        Ok(rows) => take_in(&mut history, rows)?,
        Err(error) if error.kind == ErrorKind::MissingTable => {}
        Err(error) => return Err(error),
    }
    journal::read(session, &mut history).await?;
    Ok(history)
}

fn take_in(history: &mut History, rows: Vec<Row>) -> Result<(), DbError> {
    history.exists = true;
    history.applied = rows.into_iter().map(row).collect::<Result<_, _>>()?;
    history.applied.sort_by_key(|row| row.version);
    Ok(())
}

/// People edit this table by hand: whatever stands there is an error with words, never a panic.
fn row(cells: Row) -> Result<Applied, DbError> {
    let [version, name, applied_on, checksum] = <[Option<String>; 4]>::try_from(cells)
        .map_err(|_| wrong("?", "it does not have four columns"))?;
    let shown = version.clone().unwrap_or_else(|| "NULL".into());
    let version = version.and_then(|text| text.parse().ok());
    let checksum = checksum.and_then(|text| text.parse().ok());
    Ok(Applied {
        version: version.ok_or_else(|| wrong(&shown, "its version is not a number"))?,
        name: name.ok_or_else(|| wrong(&shown, "its name is NULL"))?,
        applied_on: applied_on.ok_or_else(|| wrong(&shown, "its time is NULL"))?,
        checksum: checksum.ok_or_else(|| wrong(&shown, "its checksum is not a number"))?,
    })
}

fn wrong(version: &str, reason: &str) -> DbError {
    let message = format!("the row of version {version} in {HISTORY_TABLE} was edited: {reason}");
    DbError::new(ErrorKind::Other, message)
}

/// Asks how wide the versions of an existing history are.
pub async fn width(session: &mut Session) -> Result<Width, DbError> {
    let query = session.dialect.width_query(session.schema.as_deref());
    let sql_type = session
        .value(&query)
        .await?
        .unwrap_or_default()
        .to_ascii_lowercase();
    // MariaDB and MySQL say `int` and `bigint`, PostgreSQL `integer` and `bigint`, SQLite what
    // was written: `int4`, `int8`.
    let wide = sql_type.contains("bigint") || sql_type.contains("int8");
    Ok(if wide { Width::Eight } else { Width::Four })
}

/// Makes the history's table where it is missing. `largest` is the largest version that is to be
/// stored: `int4` serves while every version fits, because that is what stock refinery's command
/// line makes.
pub async fn ensure(
    session: &mut Session,
    history: &History,
    largest: i64,
) -> Result<Width, DbError> {
    if history.exists {
        return match history.width {
            Some(width) => Ok(width),
            None => width(session).await,
        };
    }
    let width = Width::for_version(largest);
    let sql = create_table(session.dialect, session.schema.as_deref(), width);
    let sql = session.dialect.transactional(&sql);
    session.create_own_table(HISTORY_TABLE, &sql).await?;
    Ok(width)
}

/// refinery's statement, word by word, for either width.
fn create_table(dialect: &dyn Dialect, schema: Option<&str>, width: Width) -> String {
    let version = match width {
        Width::Four => "int4",
        Width::Eight => "int8",
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {}( version {version} PRIMARY KEY, name VARCHAR(255), \
         applied_on VARCHAR(255), checksum VARCHAR(255));",
        dialect.table(schema, HISTORY_TABLE)
    )
}

/// The statement that records a migration as applied, or why refinery could not read the row.
pub fn record(session: &Session, migration: &Migration, width: Width) -> Result<String, DbError> {
    record_on(session, migration, width, &now())
}

/// As [`record`], for what was applied at another time: RFC 3339, UTC.
pub fn record_on(
    session: &Session,
    migration: &Migration,
    width: Width,
    applied_on: &str,
) -> Result<String, DbError> {
    Ok(format!(
        "INSERT INTO {} (version, name, applied_on, checksum) VALUES ({}, {}, '{applied_on}', '{}')",
        session.table(HISTORY_TABLE),
        migration.version,
        session.dialect.own_text(&migration.name),
        checksum(migration, width)?,
    ))
}

/// The statement that makes the row of an applied migration say what its file says now.
pub fn restamp(session: &Session, migration: &Migration, width: Width) -> Result<String, DbError> {
    Ok(format!(
        "UPDATE {} SET name = {}, checksum = '{}' WHERE version = {}",
        session.table(HISTORY_TABLE),
        session.dialect.own_text(&migration.name),
        checksum(migration, width)?,
        migration.version,
    ))
}

/// The checksum that refinery would write, or why it would not take the file.
pub fn checksum(migration: &Migration, width: Width) -> Result<u64, DbError> {
    let stem = format!("V{}__{}", migration.version, migration.name);
    let refused = |reason: String| DbError::new(ErrorKind::Other, reason);
    let theirs = Theirs::unapplied(&stem, &migration.text)
        .map_err(|error| refused(format!("refinery would not take the name {stem}: {error}")))?;
    let checksum = match width {
        Width::Eight => Some(theirs.checksum()),
        Width::Four => migration.checksum(Width::Four),
    };
    checksum
        .filter(|_| theirs.name() == migration.name)
        .ok_or_else(|| {
            refused(format!(
                "the version {} does not fit the history of this database, whose versions are int4",
                migration.version
            ))
        })
}

/// The statement that takes a version out of the history.
pub fn forget(session: &Session, version: i64) -> String {
    let table = session.table(HISTORY_TABLE);
    format!("DELETE FROM {table} WHERE version = {version}")
}

#[cfg(test)]
mod tests {
    use refinery_core::traits::r#async;

    use super::*;
    use crate::dialect;

    #[test]
    fn checksums_are_refinerys() {
        for (version, name, text) in [
            (1, "initial", "CREATE TABLE a (id INT);\n"),
            (20260101120000, "größe", "\u{feff}SELECT 'ß';\r\n"),
            (2, "empty", ""),
        ] {
            let ours = Migration::new(version, name.into(), String::new(), text.into());
            let theirs = Theirs::unapplied(&format!("V{version}__{name}"), text).expect("a name");
            assert_eq!(ours.checksum(Width::Eight), Some(theirs.checksum()));
        }
    }

    /// Has refinery's statements to compare with; it is never run.
    struct Statements;

    impl r#async::AsyncTransaction for Statements {
        type Error = std::convert::Infallible;

        async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
            &'a mut self,
            _queries: T,
        ) -> Result<usize, Self::Error> {
            unreachable!("only its statements are asked for")
        }
    }

    impl r#async::AsyncQuery<Vec<Theirs>> for Statements {
        async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Theirs>, Self::Error> {
            unreachable!("only its statements are asked for")
        }
    }

    impl r#async::AsyncMigrate for Statements {}

    #[test]
    fn the_table_is_refinerys() {
        let words = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        for dialect in dialect::DIALECTS {
            let table = dialect.table(None, HISTORY_TABLE);
            let theirs =
                <Statements as r#async::AsyncMigrate>::assert_migrations_table_query(&table);
            let ours = create_table(*dialect, None, Width::Eight);
            assert_eq!(words(&ours), words(&theirs));
            let narrow = create_table(*dialect, None, Width::Four);
            assert_eq!(words(&narrow), words(&theirs).replace("int8", "int4"));
        }
    }
}
