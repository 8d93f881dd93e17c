//! The journal: one row per applied statement, so that a failure half way is known exactly.

use uuid::Uuid;

use super::history::now;
use super::session::{DbError, Row, Session};
use crate::dialect::Trouble;
use crate::model::history::{Entry, HISTORY_TABLE, History, JOURNAL_TABLE};

/// Asks for the statements of migrations that are not in the history, in [`COLUMNS`] columns.
pub fn query(session: &Session, has_history: bool) -> String {
    let unfinished = match has_history {
        true => format!(
            " WHERE version NOT IN (SELECT version FROM {})",
            session.table(HISTORY_TABLE)
        ),
        false => String::new(),
    };
    format!(
        "SELECT version, statement, statements, digest, run FROM {}{unfinished} \
         ORDER BY version, statement",
        session.table(JOURNAL_TABLE)
    )
}

/// How many columns a row of [`query`] has.
pub const COLUMNS: usize = 5;

/// Reads the statements of migrations that are not in the history.
pub async fn read(session: &mut Session, history: &mut History) -> Result<(), DbError> {
    let sql = query(session, history.exists);
    match session.rows(&sql).await {
        Ok(rows) => take_in(history, rows),
        Err(error) if error.trouble == Trouble::MissingTable => Ok(()),
        Err(error) => Err(error),
    }
}

/// Puts the rows of [`query`] into a history.
pub fn take_in(history: &mut History, rows: Vec<Row>) -> Result<(), DbError> {
    history.has_journal = true;
    history.journal = rows.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(())
}

fn row(cells: Row) -> Result<Entry, DbError> {
    let number = |at: usize| {
        cells
            .get(at)
            .and_then(Option::as_deref)?
            .parse::<i64>()
            .ok()
    };
    let small = |at: usize| u32::try_from(number(at)?).ok();
    let read = || {
        Some(Entry {
            version: number(0)?,
            statement: small(1)?,
            of: small(2)?,
            digest: cells.get(3)?.clone()?,
        })
    };
    read().ok_or_else(|| {
        let message = format!("a row of {JOURNAL_TABLE} was edited and cannot be read");
        DbError::new(Trouble::Other, message)
    })
}

/// Makes the journal's table where it is missing.
pub async fn ensure(session: &mut Session, exists: bool) -> Result<(), DbError> {
    if exists {
        return Ok(());
    }
    let sql = session.dialect.journal_table(session.schema.as_deref());
    session.run(&sql).await
}

/// The statement that records statements as applied.
pub fn record(session: &Session, entries: &[Entry], run: Uuid) -> String {
    let now = now();
    let rows: Vec<String> = entries
        .iter()
        .map(|entry| {
            let Entry {
                version,
                statement,
                of,
                digest,
            } = entry;
            format!("({version}, {statement}, {of}, '{digest}', '{run}', '{now}')")
        })
        .collect();
    format!(
        "INSERT INTO {} (version, statement, statements, digest, run, applied_on) VALUES {}",
        session.table(JOURNAL_TABLE),
        rows.join(", ")
    )
}
