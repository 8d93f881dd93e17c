//! The journal: a row per statement, so that the state after an interrupted run is known. The row of
//! a statement that commits implicitly is written before the statement is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::clock::now;
use super::session::{DbError, Row, Session};
use crate::dialect::ErrorKind;
use crate::dialect::recovery::Definitions;
use crate::model::hex;
use crate::model::history::{
    APPLIED_TABLE, Direction, Entry, HISTORY_TABLE, History, JOURNAL_TABLE, LostJournal, Progress,
};

/// Asks for the statements of migrations that are not in the history, and for those of undo
/// files, in [`COLUMNS`] columns.
pub fn query(session: &Session, has_history: bool) -> String {
    let table = session.table(JOURNAL_TABLE);
    let columns =
        "version, direction, statement, statements, digest, state, before_objects, server";
    let unfinished = if has_history {
        format!(
            " WHERE version NOT IN (SELECT version FROM {history}) UNION ALL \
         SELECT {columns} FROM {table} WHERE direction = 'undo' \
         AND version IN (SELECT version FROM {history})",
            history = session.table(HISTORY_TABLE)
        )
    } else {
        String::new()
    };
    format!("SELECT {columns} FROM {table}{unfinished}")
}

/// How many columns a row of [`query`] has.
pub const COLUMNS: usize = 8;

/// Asks for the newest version that bird applied, statement by statement, if the journal does not
/// have it.
pub fn lacks_query(session: &Session) -> String {
    format!(
        "SELECT newest.version FROM (SELECT version FROM {applied} WHERE reason IS NULL \
         AND version IN (SELECT version FROM {history}) ORDER BY version DESC LIMIT 1) newest \
         WHERE NOT EXISTS (SELECT 1 FROM {journal} j WHERE j.version = newest.version)",
        applied = session.table(APPLIED_TABLE),
        history = session.table(HISTORY_TABLE),
        journal = session.table(JOURNAL_TABLE),
    )
}

/// Reads the statements that are not finished with.
pub async fn read(session: &mut Session, history: &mut History) -> Result<(), DbError> {
    let sql = query(session, history.exists);
    let is_missing = |answer: &Result<Vec<Row>, DbError>| matches!(answer, Err(error) if error.kind == ErrorKind::MissingTable);
    let mut rows = session.rows(&sql).await;
    if is_missing(&rows) {
        if !is_lost(session).await? {
            return Ok(());
        }
        // Another run may have created both tables since.
        rows = session.rows(&sql).await;
        if is_missing(&rows) {
            history.lost_journal = Some(LostJournal::Missing);
            return Ok(());
        }
    }
    take_in(history, rows?)?;
    if history.exists {
        match session.rows(&lacks_query(session)).await {
            Ok(rows) => take_in_lack(history, &rows)?,
            // An account that only reads can do without: nothing is written on what it sees.
            Err(error) if error.kind == ErrorKind::Denied && session.only_reads() => {}
            // Somebody has changed the table; where a file needs its content, that is shown.
            Err(error) if matches!(error.kind, ErrorKind::MissingTable | ErrorKind::Other) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Puts the rows of [`lacks_query`] into a history.
pub fn take_in_lack(history: &mut History, rows: &[Row]) -> Result<(), DbError> {
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let version = row.first().and_then(Option::as_deref);
    let version = version.and_then(|text| text.parse().ok());
    let version = version.ok_or_else(|| {
        let message = format!("a row of {APPLIED_TABLE} was edited and cannot be read");
        DbError::new(ErrorKind::Other, message)
    })?;
    history.lost_journal = Some(LostJournal::Lacks(version));
    Ok(())
}

/// Whether the table that is made after the journal is there.
async fn is_lost(session: &mut Session) -> Result<bool, DbError> {
    let sql = format!("SELECT 1 FROM {} WHERE 1 = 0", session.table(APPLIED_TABLE));
    match session.rows(&sql).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == ErrorKind::MissingTable => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts the rows of [`query`] into a history.
pub fn take_in(history: &mut History, rows: Vec<Row>) -> Result<(), DbError> {
    history.has_journal = true;
    history.journal = rows.into_iter().map(row).collect::<Result<_, _>>()?;
    let order = |entry: &Entry| (entry.version, entry.direction, entry.statement);
    history.journal.sort_by_key(order);
    Ok(())
}

fn row(cells: Row) -> Result<Entry, DbError> {
    let cell = |at: usize| cells.get(at).and_then(Option::as_deref);
    let number = |at: usize| cell(at)?.parse::<i64>().ok();
    let small = |at: usize| u32::try_from(number(at)?).ok();
    let before = match cell(6).map(serde_json::from_str::<Definitions>) {
        None => Some(None),
        Some(read) => read.ok().map(Some),
    };
    let read = || {
        Some(Entry {
            version: number(0)?,
            direction: Direction::from_word(cell(1)?.trim_end())?,
            statement: small(2)?,
            of: small(3)?,
            digest: cell(4)?.to_owned(),
            progress: Progress::from_word(cell(5)?)?,
            before: before?,
            server: cell(7).map(str::to_owned),
        })
    };
    read().ok_or_else(|| {
        let message = format!("a row of {JOURNAL_TABLE} was edited and cannot be read");
        DbError::new(ErrorKind::Other, message)
    })
}

/// How long each applied migration took, by version, as far as the journal tells: not for files
/// that shared a transaction with others, nor for those that took several runs.
pub async fn durations(session: &mut Session) -> Result<BTreeMap<i64, Duration>, DbError> {
    let sql = format!(
        "SELECT version, max(CASE WHEN statement = 1 THEN started_on END), max(applied_on), \
         count(DISTINCT run) FROM {} WHERE direction = 'up' GROUP BY version",
        session.table(JOURNAL_TABLE)
    );
    match session.rows(&sql).await {
        Ok(rows) => Ok(rows.iter().filter_map(|row| duration(row)).collect()),
        Err(error) if error.kind == ErrorKind::MissingTable => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

fn duration(row: &[Option<String>]) -> Option<(i64, Duration)> {
    let [Some(version), Some(started), Some(ended), Some(runs)] = row else {
        return None;
    };
    let moment = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let took = moment(ended)? - moment(started)?;
    let took = took.try_into().ok().filter(|_| runs == "1")?;
    Some((version.parse().ok()?, took))
}

/// Makes the journal's table where it is missing.
pub async fn ensure(session: &mut Session, exists: bool) -> Result<(), DbError> {
    if exists {
        return Ok(());
    }
    let sql = session.dialect.journal_table(session.schema.as_deref());
    session.create_own_table(JOURNAL_TABLE, &sql).await
}

/// Definitions as JSON that any character set can hold.
fn json(seen: &Definitions) -> String {
    let text = serde_json::to_string(seen).unwrap_or_default();
    let mut ascii = String::with_capacity(text.len());
    let mut units = [0; 2];
    for sign in text.chars() {
        if sign.is_ascii() {
            ascii.push(sign)
        } else {
            let units = sign.encode_utf16(&mut units);
            ascii.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    ascii
}

/// The hash of what was seen of a statement's objects.
pub fn fingerprint(seen: &Definitions) -> String {
    let text = json(seen);
    hex::digits(&Sha256::digest(text.as_bytes()))
}

/// The statement that records statements as applied. `started` is when the first of them was sent;
/// `None` if they share that with other files.
pub fn record(session: &Session, entries: &[Entry], run: Uuid, started: Option<&str>) -> String {
    let now = now();
    let started = started.map_or("NULL".to_owned(), |started| format!("'{started}'"));
    let rows: Vec<String> = entries
        .iter()
        .map(|entry| {
            let Entry {
                version,
                direction,
                statement,
                of,
                digest,
                ..
            } = entry;
            let direction = direction.word();
            format!(
                "({version}, '{direction}', {statement}, {of}, '{digest}', 'done', '{run}', \
                 {started}, '{now}')"
            )
        })
        .collect();
    format!(
        "INSERT INTO {} (version, direction, statement, statements, digest, state, run, \
         started_on, applied_on) VALUES {}",
        session.table(JOURNAL_TABLE),
        rows.join(", ")
    )
}

/// The statement that records what is about to be sent.
pub fn intend(session: &Session, entry: &Entry, run: Uuid) -> Result<String, DbError> {
    let refused = |reason: String| DbError::new(ErrorKind::Other, reason);
    let text = |text: &str| session.dialect.text(text).map_err(refused);
    let null = || "NULL".to_owned();
    let (before, fingerprint) = match &entry.before {
        None => (null(), null()),
        Some(seen) => (text(&json(seen))?, text(&fingerprint(seen))?),
    };
    let server = entry.server.as_deref().map_or(Ok(null()), text)?;
    let Entry {
        version,
        direction,
        statement,
        of,
        digest,
        ..
    } = entry;
    Ok(format!(
        "INSERT INTO {} (version, direction, statement, statements, digest, state, \
         before_objects, before_print, server, run, started_on) VALUES ({version}, '{}', \
         {statement}, {of}, '{digest}', 'intent', {before}, {fingerprint}, {server}, '{run}', '{}')",
        session.table(JOURNAL_TABLE),
        direction.word(),
        now(),
    ))
}

/// The statement that records an intent as done.
pub fn finish(session: &Session, entry: &Entry, after: Option<&Definitions>) -> String {
    let after = after.map_or("NULL".into(), |seen| format!("'{}'", fingerprint(seen)));
    format!(
        "UPDATE {} SET state = 'done', before_objects = NULL, after_print = {after}, \
         statements = {}, applied_on = '{}' WHERE {}",
        session.table(JOURNAL_TABLE),
        entry.of,
        now(),
        key(entry)
    )
}

/// The statement that takes an intent back.
pub fn withdraw(session: &Session, entry: &Entry) -> String {
    format!(
        "DELETE FROM {} WHERE {} AND state = 'intent'",
        session.table(JOURNAL_TABLE),
        key(entry)
    )
}

/// The statement that records a person's answer.
pub fn resolve(session: &Session, entry: &Entry, reason: &str) -> Result<String, DbError> {
    let reason = session.dialect.text(reason);
    let reason = reason.map_err(|reason| DbError::new(ErrorKind::Other, reason))?;
    Ok(format!(
        "UPDATE {} SET state = 'resolved', before_objects = NULL, reason = {reason}, \
         applied_on = '{}' WHERE {} AND state = 'intent'",
        session.table(JOURNAL_TABLE),
        now(),
        key(entry)
    ))
}

/// The statement that forgets a version, when it was undone.
pub fn forget(session: &Session, version: i64) -> String {
    let table = session.table(JOURNAL_TABLE);
    format!("DELETE FROM {table} WHERE version = {version}")
}

fn key(entry: &Entry) -> String {
    format!(
        "version = {} AND direction = '{}' AND statement = {}",
        entry.version,
        entry.direction.word(),
        entry.statement
    )
}
