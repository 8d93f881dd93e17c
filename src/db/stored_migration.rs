//! The stored text of each applied migration, in a table of bird's own. If a file differs later, the
//! text shows whether it was only reformatted, and what changed. It is read only then, and a history
//! without it is complete.

use std::time::Duration;

use super::clock::now;
use super::compressed::{self, Damage};
use super::history;
use super::lock::{self, NoLock};
use super::session::{DbError, Row, Session};
use super::stop::Stop;
use crate::dialect::ErrorKind;
use crate::model::hex;
use crate::model::history::{
    APPLIED_TABLE, HISTORY_TABLE, History, StoredContent, StoredMigration, Width,
};
use crate::model::migration::Migration;
use crate::plan::{Accepted, stored_migration};

/// A longer text is not kept, and nothing longer is unpacked.
const LONGEST: usize = 4 * 1024 * 1024;
/// So many packed bytes are kept at most: with the history's row they must fit any server's
/// packet, because a migration that is applied must not fail to be recorded.
const LARGEST: usize = 256 * 1024;

/// Makes the table where it is missing, which only a run that is about to write needs to know.
pub async fn ensure(session: &mut Session) -> Result<(), DbError> {
    let sql = session.dialect.applied_table(session.schema.as_deref());
    session.create_own_table(APPLIED_TABLE, &sql).await
}

/// How a migration came into the history. The journal has the statements of those that were applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'r> {
    Applied,
    /// Applied, and it has no statement.
    Empty,
    /// Applied by another tool.
    Adopted,
    /// Its file was changed, and a person gave a reason for accepting it.
    Accepted(&'r str),
}

/// The statement that keeps a migration, whatever was kept of its version before. It stands in
/// one transaction with its history row.
pub fn record(
    session: &Session,
    migration: &Migration,
    width: Width,
    keep_sql: bool,
    origin: Origin<'_>,
) -> Result<String, DbError> {
    let (dialect, table) = (session.dialect, session.table(APPLIED_TABLE));
    let refused = |reason| DbError::new(ErrorKind::Other, reason);
    let checksum = history::checksum(migration, width)?;
    let digest = stored_migration::digest(dialect.syntax(), &migration.text)
        .ok_or_else(|| refused(format!("{} cannot be read", migration.title())))?;
    let keeps = keep_sql && !stored_migration::holds_secret(dialect.syntax(), &migration.text);
    let text = match keeps.then(|| pack(&migration.text)).flatten() {
        Some(packed) => dialect.bytes(&packed),
        None => "NULL".to_owned(),
    };
    let null = || "NULL".to_owned();
    let (reason, accepted_on) = match origin {
        Origin::Applied => (null(), null()),
        Origin::Empty => ("'empty'".to_owned(), null()),
        Origin::Adopted => ("'adopted'".to_owned(), null()),
        Origin::Accepted(reason) => (
            dialect.text(reason).map_err(refused)?,
            format!("'{}'", now()),
        ),
    };
    let version = migration.version;
    let columns = [
        "version",
        "digest",
        "checksum",
        "sql_text",
        "reason",
        "accepted_on",
    ];
    let digest = format!("'{digest}'");
    let checksum = format!("'{checksum}'");
    let values = [
        version.to_string(),
        digest,
        checksum,
        text,
        reason,
        accepted_on,
    ];
    Ok(dialect.replace(&table, &columns, &values))
}

/// A text as it is stored; nothing where it is too large. Migrations are small and many, so the
/// fastest way is good enough.
fn pack(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let packed = compressed::pack(text.as_bytes()).ok()?;
    (packed.len() <= LARGEST).then_some(packed)
}

/// The text of some stored bytes. Never more is unpacked than was ever stored.
fn unpack(digits: &str) -> Result<String, &'static str> {
    let bytes = hex::bytes(digits).ok_or("its text is not stored as bytes")?;
    let text = compressed::unpack(&bytes, LONGEST).map_err(|damage| match damage {
        Damage::Malformed => "its text cannot be unpacked",
        Damage::TooLong => "its text is larger than bird stores",
    })?;
    String::from_utf8(text).map_err(|_| "its text is not UTF-8")
}

/// Reads what is kept of some versions into a history; nothing where nothing is kept.
pub async fn read(
    session: &mut Session,
    versions: &[i64],
    history: &mut History,
) -> Result<(), DbError> {
    if versions.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = versions.iter().map(i64::to_string).collect();
    let hex = session.dialect.hex_of("sql_text");
    let sql = format!(
        "SELECT version, digest, checksum, CASE WHEN sql_text IS NULL THEN NULL \
         WHEN length(sql_text) > {LARGEST} THEN 'too large' ELSE {hex} END, reason, accepted_on \
         FROM {} WHERE version IN ({})",
        session.table(APPLIED_TABLE),
        list.join(", ")
    );
    history.stored = match session.rows(&sql).await {
        Ok(rows) => rows.into_iter().filter_map(row).collect(),
        Err(error) => match error.kind {
            ErrorKind::MissingTable => Vec::new(),
            // The files differ all the same, and that is worth more than why the table is odd.
            ErrorKind::Other => {
                let reason = format!("{APPLIED_TABLE}: {}", error);
                let unreadable = |version: &i64| StoredMigration {
                    version: *version,
                    content: Err(reason.clone()),
                };
                versions.iter().map(unreadable).collect()
            }
            _ => return Err(error),
        },
    };
    Ok(())
}

fn row(cells: Row) -> Option<StoredMigration> {
    let [version, digest, checksum, text, reason, accepted_on] =
        <[Option<String>; 6]>::try_from(cells).ok()?;
    let version = version?.parse().ok()?;
    let content = || {
        let digest = digest.filter(|digest| {
            digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        Ok(StoredContent {
            checksum: checksum
                .and_then(|text| text.parse().ok())
                .ok_or("its checksum is not a number")?,
            digest: digest.ok_or("its digest is not SHA-256")?,
            text: text.as_deref().map(unpack).transpose()?,
            accepted: accepted_on.zip(reason),
        })
    };
    Some(StoredMigration {
        version,
        content: content().map_err(|reason: &str| {
            format!("the row of version {version} in {APPLIED_TABLE} was edited: {reason}")
        }),
    })
}

/// How a wish to accept came out that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamped {
    Done,
    /// The row is not what it was when this was planned.
    Otherwise,
}

/// How to wait for those who are in the way.
pub struct Patience<'p> {
    pub timeout: Duration,
    pub waiting: &'p dyn Fn(Option<&str>),
    pub stop: &'p Stop,
}

/// Makes history and table say what an accepted file says now, in one transaction.
pub async fn accept(
    session: &mut Session,
    accepted: &Accepted,
    width: Width,
    reason: &str,
    patience: &Patience<'_>,
) -> Result<Stamped, NoLock> {
    let Patience {
        timeout,
        waiting,
        stop,
    } = patience;
    let migration = &accepted.migration;
    let restamp = history::restamp(session, migration, width)?;
    let kept = record(
        session,
        migration,
        width,
        accepted.keep_sql,
        Origin::Accepted(reason),
    )?;
    lock::begin(session, *timeout, waiting, stop).await?;
    let work = async {
        let sql = format!(
            "SELECT name, checksum FROM {} WHERE version = {}",
            session.table(HISTORY_TABLE),
            migration.version
        );
        let row = session.rows(&sql).await?.into_iter().next();
        let is_planned = |row: &Row| match row.as_slice() {
            [Some(name), Some(checksum)] => {
                *name == accepted.row.name && checksum.parse() == Ok(accepted.row.checksum)
            }
            _ => false,
        };
        if !row.as_ref().is_some_and(is_planned) {
            return Ok(Stamped::Otherwise);
        }
        session.run(&format!("{restamp}; {kept}")).await?;
        lock::commit(session, *timeout, waiting, stop).await?;
        Ok(Stamped::Done)
    };
    let result = work.await;
    if !matches!(result, Ok(Stamped::Done)) {
        // The error that counts is the first; a connection that is gone has rolled back too.
        let _: Result<(), DbError> = session.run("ROLLBACK").await;
    }
    result
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn packed(text: &[u8]) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("a vector takes everything");
        hex::digits(&encoder.finish().expect("a vector takes everything"))
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for text in [
            "",
            "SELECT 'ß';\r\n",
            &"CREATE TABLE a (id INT);\n".repeat(1000),
        ] {
            let bytes = pack(text).expect("small enough");
            assert_eq!(unpack(&hex::digits(&bytes)).as_deref(), Ok(text));
        }
        assert_eq!(pack(&"x".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn what_was_edited_is_refused() {
        let bomb = packed(&vec![b' '; LONGEST * 16]);
        assert!(bomb.len() < 2 * LARGEST, "it would be stopped before");
        assert_eq!(unpack(&bomb), Err("its text is larger than bird stores"));
        for (hex, reason) in [
            ("too large", "its text is not stored as bytes"),
            ("7", "its text is not stored as bytes"),
            ("", "its text cannot be unpacked"),
            ("00ff00ff", "its text cannot be unpacked"),
            (&packed(b"SELECT 1")[..12], "its text cannot be unpacked"),
            (&packed(b"\xff\xfe"), "its text is not UTF-8"),
        ] {
            assert_eq!(unpack(hex), Err(reason), "{hex}");
        }
    }
}
