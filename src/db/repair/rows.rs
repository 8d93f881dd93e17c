//! Statements that move rows between a table and its quarantine table.

use super::super::clock::now;
use super::super::session::{DbError, Session};
use super::{ChunkError, unwritable};
use crate::dialect::keys::identified;
use crate::dialect::repairs::KeptColumn;
use crate::model::schema::{Column, Table};

/// Finds columns by name.
pub fn named<'t>(table: &'t Table, names: &[String]) -> Result<Vec<&'t Column>, DbError> {
    let columns = names.iter().map(|name| {
        let missing = || unwritable(format!("{} has no column {name}", table.name));
        table.column(name).ok_or_else(missing)
    });
    columns.collect()
}

/// The condition for rows by their identity.
pub fn these(
    session: &Session,
    identity: &[&Column],
    rows: &[Vec<String>],
) -> Result<String, DbError> {
    identified(session.dialect, identity, rows).map_err(unwritable)
}

/// The reason why a row cannot be identified in SQL; `None` if it can.
pub fn unnameable(session: &Session, identity: &[&Column], row: &[String]) -> Option<String> {
    identified(session.dialect, identity, &[row.to_vec()]).err()
}

/// The quarantined columns as SQL.
pub fn columns(session: &Session, kept: &[KeptColumn]) -> String {
    let kept = kept.iter().filter(|column| !column.generated);
    let names: Vec<String> = kept
        .map(|column| session.dialect.quote(&column.name))
        .collect();
    names.join(", ")
}

/// The statement that copies rows into a quarantine table.
pub fn copy(
    session: &Session,
    kept: &[KeptColumn],
    (from, to): (&str, &str),
    (plan, chunk, reason): (&str, u64, &str),
    condition: &str,
) -> Result<String, DbError> {
    let text = |text: &str| session.dialect.text(text).map_err(unwritable);
    let (columns, to, from) = (
        columns(session, kept),
        session.table(to),
        session.table(from),
    );
    Ok(format!(
        "INSERT INTO {to} (bird_run, bird_chunk, bird_reason, bird_at, {columns}) \
         SELECT {}, {chunk}, {}, {}, {columns} FROM {from} WHERE {condition}",
        text(plan)?,
        text(reason)?,
        text(&now())?
    ))
}

/// Runs `work` for all rows at once, and for each row alone if the engine refuses one of them.
/// Returns the indexes of refused rows, with its messages.
///
/// Rows may refer to each other, so refused ones are tried again while others succeed: in the
/// opposite order, which takes two passes for a chain in either direction.
///
/// `work` gets indexes of rows, and runs inside a transaction.
pub async fn all_or_each<W>(
    session: &mut Session,
    places: &[usize],
    mut work: W,
) -> Result<Vec<(usize, String)>, ChunkError>
where
    W: AsyncFnMut(&mut Session, &[usize]) -> Result<(), ChunkError>,
{
    let point = ChunkError::doing("setting a savepoint");
    session.run("SAVEPOINT bird_rows").await.map_err(&point)?;
    match work(session, places).await {
        Ok(()) => return Ok(Vec::new()),
        Err(broken) => refusal(session, broken)?,
    };
    let back = "ROLLBACK TO SAVEPOINT bird_rows";
    session.run(back).await.map_err(&point)?;
    let mut places = places.to_vec();
    loop {
        let mut refused = Vec::new();
        for place in &places {
            session.run("SAVEPOINT bird_rows").await.map_err(&point)?;
            if let Err(broken) = work(session, &[*place]).await {
                let said = refusal(session, broken)?;
                session.run(back).await.map_err(&point)?;
                refused.push((*place, said));
            }
            let release = "RELEASE SAVEPOINT bird_rows";
            session.run(release).await.map_err(&point)?;
        }
        if refused.is_empty() || refused.len() == places.len() {
            refused.sort_by_key(|(place, _)| *place);
            return Ok(refused);
        }
        places = refused.iter().rev().map(|(place, _)| *place).collect();
    }
}

/// The message of the engine about refused rows; other errors are passed on.
fn refusal(session: &Session, broken: ChunkError) -> Result<String, ChunkError> {
    match broken {
        ChunkError::Database(_, error)
            if session
                .dialect
                .repairs()
                .is_constraint(error.code.as_deref().unwrap_or_default()) =>
        {
            Ok(error.to_string())
        }
        broken => Err(broken),
    }
}
