//! The statements that move rows between a table and the one that keeps them.

use super::super::clock::now;
use super::super::session::{DbError, Session};
use super::{Broken, unwritable};
use crate::dialect::keys::identified;
use crate::dialect::repairs::Kept;
use crate::model::schema::{Column, Table};

/// The columns of a table by their names.
pub fn named<'t>(table: &'t Table, names: &[String]) -> Result<Vec<&'t Column>, DbError> {
    let columns = names.iter().map(|name| {
        let missing = || unwritable(format!("there is no column {name} in {}", table.name));
        table.column(name).ok_or_else(missing)
    });
    columns.collect()
}

/// The condition that rows are these.
pub fn these(
    session: &Session,
    identity: &[&Column],
    rows: &[Vec<String>],
) -> Result<String, DbError> {
    identified(session.dialect, identity, rows).map_err(unwritable)
}

/// Why a row cannot be named in this engine's SQL, if it cannot.
pub fn unnameable(session: &Session, identity: &[&Column], row: &[String]) -> Option<String> {
    identified(session.dialect, identity, &[row.to_vec()]).err()
}

/// The columns of rows that are kept, as SQL, in their order.
pub fn columns(session: &Session, kept: &[Kept]) -> String {
    let kept = kept.iter().filter(|column| !column.generated);
    let names: Vec<String> = kept
        .map(|column| session.dialect.quote(&column.name))
        .collect();
    names.join(", ")
}

/// The statement that copies rows into the table that keeps them.
pub fn copy(
    session: &Session,
    kept: &[Kept],
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

/// Does something for all rows at once, and where the engine refuses that for the sake of one of
/// them, for each row alone: the places of those that it refused, with what it said.
///
/// The work is given the places of rows, and runs inside a transaction.
pub async fn all_or_each<W>(
    session: &mut Session,
    places: &[usize],
    mut work: W,
) -> Result<Vec<(usize, String)>, Broken>
where
    W: AsyncFnMut(&mut Session, &[usize]) -> Result<(), Broken>,
{
    let point = Broken::doing("setting a savepoint");
    session.run("SAVEPOINT bird_rows").await.map_err(&point)?;
    match work(session, places).await {
        Ok(()) => return Ok(Vec::new()),
        Err(broken) => refusal(session, broken)?,
    };
    let back = "ROLLBACK TO SAVEPOINT bird_rows";
    session.run(back).await.map_err(&point)?;
    let mut refused = Vec::new();
    for place in places {
        session.run("SAVEPOINT bird_rows").await.map_err(&point)?;
        if let Err(broken) = work(session, &[*place]).await {
            let said = refusal(session, broken)?;
            session.run(back).await.map_err(&point)?;
            refused.push((*place, said));
        }
        let release = "RELEASE SAVEPOINT bird_rows";
        session.run(release).await.map_err(&point)?;
    }
    Ok(refused)
}

/// What the engine said where it refused rows for their own sake; anything else is passed on.
fn refusal(session: &Session, broken: Broken) -> Result<String, Broken> {
    match broken {
        Broken::Database(_, error)
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
