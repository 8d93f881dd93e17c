//! The recorded schema: what a run left behind, kept in a table of bird's own for the state of the
//! history in which the run left the database. What differs from it later is drift.
//!
//! A record is a hint that can be missing: without one, the migrations are replayed instead.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock::now;
use super::compressed::{self, Damage};
use super::lock::{self, NoLock};
use super::session::{DbError, Row, Session};
use super::stop::Stop;
use crate::dialect::ErrorKind;
use crate::model::hex;
use crate::model::history::SCHEMA_TABLE;
use crate::model::schema::{NotCompared, Options, Schema};
use crate::plan::prior::Prior;

/// The number of the format. It changes whenever bird reads a schema differently than before, because
/// the difference would look like drift.
const FORMAT: u32 = 2;
/// The most bytes in one row: a statement with a row must fit into any server's packet, as digits.
const PART: usize = 256 * 1024;
/// The most bytes of a schema that is recorded, before compression.
const LONGEST: usize = 256 * 1024 * 1024;
/// The number of records that a database keeps.
const KEPT: usize = 20;

/// A recorded schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaRecord {
    format: u32,
    /// The product and version of the server: another version may print the same schema differently.
    pub server: String,
    /// The settings that decide what a statement makes, by name.
    pub environment: Options,
    unstated: Options,
    pub schema: Schema,
    /// What runs found in the database; `None` in records of earlier versions of bird.
    #[serde(default)]
    pub prior: Option<Prior>,
}

impl SchemaRecord {
    /// The record of a schema that this session has read.
    pub async fn new(
        session: &mut Session,
        schema: Schema,
        prior: Prior,
    ) -> Result<SchemaRecord, DbError> {
        Ok(SchemaRecord {
            format: FORMAT,
            server: session.server.to_string(),
            environment: environment(session).await?,
            unstated: schema.unstated.0.clone(),
            schema,
            prior: Some(prior),
        })
    }
}

/// The settings of a session that decide what a statement makes, by name.
pub async fn environment(session: &mut Session) -> Result<Options, DbError> {
    let Some(query) = session.dialect.environment_query() else {
        return Ok(Options::new());
    };
    let rows = session.rows(query).await?.into_iter();
    let pairs = rows.filter_map(|row| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        Some((cells.next()?, cells.next()?))
    });
    Ok(pairs.collect())
}

/// What a database holds for a state of its history.
#[derive(Debug)]
pub enum Recorded {
    Nothing,
    Schema(Box<SchemaRecord>),
    /// The reason why its record cannot be read.
    Unreadable(String),
}

/// Reads the record for a state of the history.
pub async fn read(session: &mut Session, state: &str) -> Result<Recorded, DbError> {
    let hex = session.dialect.hex_of("content");
    let sql = format!(
        "SELECT part, parts, {hex} FROM {} WHERE state = '{state}' ORDER BY part",
        session.table(SCHEMA_TABLE)
    );
    let rows = match session.rows(&sql).await {
        Ok(rows) => rows,
        Err(error) if error.kind == ErrorKind::MissingTable => return Ok(Recorded::Nothing),
        // Somebody made another table of this name.
        Err(error) if matches!(error.kind, ErrorKind::Other | ErrorKind::MissingObject) => {
            return Ok(Recorded::Unreadable(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    if rows.is_empty() {
        return Ok(Recorded::Nothing);
    }
    let read = unpack(rows).and_then(|text| {
        serde_json::from_slice::<SchemaRecord>(&text).map_err(|reason| reason.to_string())
    });
    Ok(match read {
        Ok(record) if record.format != FORMAT => Recorded::Nothing,
        Ok(mut record) => {
            record.schema.unstated = NotCompared(std::mem::take(&mut record.unstated));
            Recorded::Schema(Box::new(record))
        }
        Err(reason) => Recorded::Unreadable(reason),
    })
}

/// Makes the table where it is missing, which only a run that is about to write needs to know.
pub async fn ensure(session: &mut Session) -> Result<(), DbError> {
    let sql = session.dialect.schema_table(session.schema.as_deref());
    session.create_own_table(SCHEMA_TABLE, &sql).await
}

/// How long to wait where another session writes to the database.
pub struct Wait<'w> {
    pub timeout: Duration,
    /// Hears once that there is someone to wait for.
    pub waiting: &'w dyn Fn(Option<&str>),
    pub stop: &'w Stop,
}

/// Records a schema for a state of the history in the table that [`ensure`] makes, and removes the
/// records of the oldest states.
/// `version` is the newest applied version, for people who read the table.
pub async fn write(
    session: &mut Session,
    state: &str,
    version: i64,
    run: Uuid,
    record: &SchemaRecord,
    wait: Wait<'_>,
) -> Result<(), NoLock> {
    let refused = |reason: String| DbError::new(ErrorKind::Other, reason);
    let content = pack(record).map_err(refused)?;
    lock::begin(session, wait.timeout, wait.waiting, wait.stop).await?;
    let written = replace(session, state, version, run, &content).await;
    if let Err(error) = written {
        // The error that counts is the first; a connection that is gone has rolled back too.
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
        return Err(error.into());
    }
    lock::commit(session, wait.timeout, wait.waiting, wait.stop).await
}

/// Replaces the record of a state within a transaction.
async fn replace(
    session: &mut Session,
    state: &str,
    version: i64,
    run: Uuid,
    content: &[u8],
) -> Result<(), DbError> {
    let (dialect, table) = (session.dialect, session.table(SCHEMA_TABLE));
    let kept = format!("SELECT DISTINCT state, recorded_on FROM {table} ORDER BY recorded_on DESC");
    let kept = session.rows(&kept).await?.into_iter();
    let kept = kept.filter_map(|row| row.into_iter().next().flatten());
    let (kept, now) = (kept.filter(|one| one != state), now());
    let mut statements = vec![format!("DELETE FROM {table} WHERE state = '{state}'")];
    statements.extend(kept.skip(KEPT - 1).filter_map(|old| {
        let old = dialect.text(&old).ok()?;
        Some(format!("DELETE FROM {table} WHERE state = {old}"))
    }));
    let parts = content.chunks(PART);
    let count = parts.len();
    statements.extend(parts.enumerate().map(|(part, bytes)| {
        format!(
            "INSERT INTO {table} (state, part, parts, version, run, recorded_on, content) \
             VALUES ('{state}', {part}, {count}, {version}, '{run}', '{now}', {})",
            dialect.bytes(bytes)
        )
    }));
    for statement in &statements {
        session.run(statement).await?;
    }
    Ok(())
}

fn pack(record: &SchemaRecord) -> Result<Vec<u8>, String> {
    let text = serde_json::to_vec(record).map_err(|reason| reason.to_string())?;
    if text.len() > LONGEST {
        return Err("the schema is larger than any that is recorded".to_owned());
    }
    compressed::pack(&text).map_err(|reason| reason.to_string())
}

/// The content of the parts of a record. Never more is unpacked than is ever recorded.
fn unpack(rows: Vec<Row>) -> Result<Vec<u8>, String> {
    let count = rows.len();
    let mut packed = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        let [part, parts, content] =
            <[Option<String>; 3]>::try_from(row).map_err(|_| "it has other columns".to_owned())?;
        let is_next = part == Some(at.to_string()) && parts == Some(count.to_string());
        let bytes = content.as_deref().and_then(hex::bytes);
        packed.extend(
            bytes
                .filter(|_| is_next)
                .ok_or("a part of it is missing or was edited")?,
        );
    }
    compressed::unpack(&packed, LONGEST).map_err(|damage| match damage {
        Damage::Malformed => "it cannot be unpacked".to_owned(),
        Damage::TooLong => "it is larger than any that is recorded".to_owned(),
    })
}
