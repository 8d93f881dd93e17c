//! Putting rows back, chunk by chunk, the last one first. Nothing that is there is overwritten:
//! what finds its place taken stays where it is kept.

use std::collections::HashMap;
use std::time::Instant;

use uuid::Uuid;

use super::super::history::now;
use super::super::lock::{self, NoLock, PAUSE};
use super::super::session::{DbError, Session};
use super::super::{failpoint, inspect};
use super::chunk::Patience;
use super::journal::{self, Chunk, Entry, Way};
use super::{Broken, look, quarantine, roll_back, rows, unwritable};
use crate::dialect::Trouble;
use crate::dialect::keys::{row_expression, row_told};
use crate::dialect::repairs::Kept;
use crate::model::name::ColumnNames;
use crate::model::repair::{Action, Outcome};
use crate::model::schema::{Column, Table};

/// What the rows of a chunk go back to.
pub struct Back {
    pub table: Table,
    /// What names a row.
    identity: Vec<String>,
    /// The columns of the reference's key.
    key: Vec<String>,
    /// The columns that were kept.
    kept: Vec<Kept>,
    quarantine: String,
}

/// A row that was not put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub row: Vec<(String, String)>,
    pub why: String,
}

/// What came of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Returned {
    pub rows: u64,
    pub conflicts: Vec<Conflict>,
}

/// A row that is kept: its number there, and what names it.
struct Aside {
    number: u64,
    row: Vec<String>,
}

/// What the rows of a chunk go back to, or why they cannot: the answer within.
pub async fn back(session: &mut Session, chunk: &Chunk) -> Result<Result<Back, String>, DbError> {
    let from = chunk.reference.split(" -> ").next().unwrap_or_default();
    let (Some(from), Some(quarantine)) = (ColumnNames::parse(from), chunk.quarantine.clone())
    else {
        return Ok(Err(format!(
            "the rows of {} were not kept",
            chunk.reference
        )));
    };
    let Some(table) = inspect::table(session, &from.table).await? else {
        return Ok(Err(format!("there is no table {}", from.table_name())));
    };
    let aside = look::kept(session, &quarantine).await?;
    if aside.is_empty() {
        return Ok(Err(format!(
            "the table {quarantine}, which kept the rows, is gone"
        )));
    }
    let kept = quarantine::own(&aside);
    let now = look::kept(session, &from.table).await?;
    let repairs = session.dialect.repairs();
    for column in &kept {
        let there = now.iter().find(|one| one.name == column.name);
        let fits = there.is_some_and(|there| {
            !there.generated && repairs.kept_type(there) == repairs.kept_type(column)
        });
        if !fits {
            return Ok(Err(format!(
                "{} had a column `{}` {}, and has it no more",
                from.table_name(),
                column.name,
                column.sql
            )));
        }
    }
    let identity = table.primary_key();
    let identity: Vec<String> = identity.iter().map(|one| one.name.clone()).collect();
    Ok(Ok(Back {
        identity,
        table,
        key: from.columns,
        kept,
        quarantine,
    }))
}

/// How many rows of a chunk are still kept aside.
pub async fn kept_rows(session: &mut Session, plan: &str, chunk: &Chunk) -> Result<u64, DbError> {
    let Some(quarantine) = &chunk.quarantine else {
        return Ok(0);
    };
    let which = which(session, plan, chunk)?;
    let sql = format!(
        "SELECT COUNT(*) FROM {} WHERE {which}",
        session.table(quarantine)
    );
    match session.value(&sql).await {
        Ok(count) => Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0)),
        Err(error) if error.trouble == Trouble::MissingTable => Ok(0),
        Err(error) => Err(error),
    }
}

/// Puts the rows of a chunk back, as far as they find their places free.
pub async fn perform(
    session: &mut Session,
    (plan, by): (&str, Uuid),
    chunk: &Chunk,
    back: &Back,
    patience: &Patience<'_>,
) -> Result<Returned, Broken> {
    let start = Instant::now();
    loop {
        let done = attempt(session, (plan, by), chunk, back, patience).await;
        let Err(broken) = &done else { return done };
        roll_back(session).await;
        if !broken.is_busy() || start.elapsed() >= patience.timeout {
            return done;
        }
        let pause = patience.stop.race(tokio::time::sleep(PAUSE)).await;
        pause.map_err(|exit| Broken::Lock(NoLock::Stopped(exit)))?;
    }
}

async fn attempt(
    session: &mut Session,
    (plan, by): (&str, Uuid),
    chunk: &Chunk,
    back: &Back,
    patience: &Patience<'_>,
) -> Result<Returned, Broken> {
    let started_on = now();
    let Patience {
        timeout,
        waiting,
        stop,
    } = patience;
    let begun = lock::begin(session, *timeout, *waiting, stop).await;
    begun.map_err(Broken::Lock)?;
    failpoint::at("undo-begun");
    let (aside, mut conflicts) = free(session, plan, chunk, back, true).await?;
    failpoint::at("undo-looked");
    let places: Vec<usize> = (0..aside.len()).collect();
    let refused = rows::all_or_each(session, &places, async |session, places| {
        let rows: Vec<&Aside> = places.iter().filter_map(|at| aside.get(*at)).collect();
        put_back(session, chunk.action, back, &rows).await
    });
    let refused = refused.await?;
    let rows = aside.len().saturating_sub(refused.len()) as u64;
    conflicts.extend(refused.into_iter().filter_map(|(place, why)| {
        let row = aside.get(place)?;
        Some(conflict(back, &row.row, why))
    }));
    if rows == 0 {
        roll_back(session).await;
        return Ok(Returned { rows, conflicts });
    }
    let reading = Broken::doing("reading the journal of repairs");
    let (last, _) = journal::reached(session, plan, Way::Undo)
        .await
        .map_err(reading)?;
    let entry = Entry {
        plan,
        way: Way::Undo,
        chunk: last + 1,
        digest: &chunk.digest,
        reference: &chunk.reference,
        action: chunk.action,
        quarantine: Some(&back.quarantine),
        // The chunk whose rows went back.
        through: chunk.chunk,
        outcome: Outcome {
            planned: rows + conflicts.len() as u64,
            repaired: rows,
            refused: conflicts.len() as u64,
            ..Outcome::default()
        },
        by,
        started_on: &started_on,
    };
    let written = journal::append(session, &entry).await;
    written.map_err(Broken::doing("writing the journal of repairs"))?;
    failpoint::at("undo-journaled");
    let committed = lock::commit(session, *timeout, *waiting, stop).await;
    committed.map_err(Broken::Lock)?;
    failpoint::at("undo-committed");
    Ok(Returned { rows, conflicts })
}

/// What putting a chunk back would do now: it locks nothing and writes nothing.
pub async fn preview(
    session: &mut Session,
    plan: &str,
    chunk: &Chunk,
    back: &Back,
) -> Result<Returned, Broken> {
    let (aside, conflicts) = free(session, plan, chunk, back, false).await?;
    Ok(Returned {
        rows: aside.len() as u64,
        conflicts,
    })
}

fn conflict(back: &Back, row: &[String], why: String) -> Conflict {
    let names = back.identity.iter().cloned();
    Conflict {
        row: names.zip(row.iter().cloned()).collect(),
        why,
    }
}

/// The condition that rows are those of a chunk.
fn which(session: &Session, plan: &str, chunk: &Chunk) -> Result<String, DbError> {
    let plan = session.dialect.text(plan).map_err(unwritable)?;
    Ok(format!(
        "bird_run = {plan} AND bird_chunk = {}",
        chunk.chunk
    ))
}

/// The rows of a chunk whose places are free, and those whose are not.
async fn free(
    session: &mut Session,
    plan: &str,
    chunk: &Chunk,
    back: &Back,
    locks: bool,
) -> Result<(Vec<Aside>, Vec<Conflict>), Broken> {
    let doing = Broken::doing("looking for the places of the rows");
    let identity = rows::named(&back.table, &back.identity).map_err(&doing)?;
    let lock = match locks {
        true => session.dialect.repairs().for_update(),
        false => "",
    };
    let which = which(session, plan, chunk).map_err(&doing)?;
    let told = |column: &&Column| row_expression(session.dialect, column);
    let told: Vec<String> = identity.iter().map(told).collect();
    let told = told.join(", ");
    let sql = format!(
        "SELECT bird_row, {told} FROM {} WHERE {which} ORDER BY bird_row{lock}",
        session.table(&back.quarantine)
    );
    let mut aside = Vec::new();
    for row in session.rows(&sql).await.map_err(&doing)? {
        let mut cells = row.into_iter();
        let number = cells
            .next()
            .flatten()
            .and_then(|number| number.parse().ok());
        let cells = std::iter::zip(&identity, cells);
        let cells = cells.map(|(column, cell)| match cell {
            Some(cell) => row_told(column, &cell),
            None => "NULL".to_owned(),
        });
        let row = cells.collect();
        aside.extend(number.map(|number| Aside { number, row }));
    }
    if aside.is_empty() {
        return Ok((aside, Vec::new()));
    }
    let names: Vec<Vec<String>> = aside.iter().map(|one| one.row.clone()).collect();
    let these = rows::these(session, &identity, &names).map_err(&doing)?;
    // A place that is free is not locked: the statement that takes it finds out by itself.
    let place = match chunk.action {
        Action::SetNull => lock,
        Action::Quarantine | Action::Delete => "",
    };
    let quoted = back.key.iter().map(|name| session.dialect.quote(name));
    let empty: Vec<String> = quoted.map(|name| format!("{name} IS NULL")).collect();
    let sql = format!(
        "SELECT {told}, CASE WHEN {} THEN 1 ELSE 0 END FROM {} WHERE {these}{place}",
        empty.join(" AND "),
        session.table(&back.table.name)
    );
    let mut there: HashMap<Vec<String>, bool> = HashMap::new();
    for mut row in session.rows(&sql).await.map_err(&doing)? {
        let null = row.pop().flatten().as_deref() == Some("1");
        let cells = std::iter::zip(&identity, row);
        let cells = cells.map(|(column, cell)| row_told(column, &cell.unwrap_or_default()));
        there.insert(cells.collect(), null);
    }
    let (mut free, mut conflicts) = (Vec::new(), Vec::new());
    for one in aside {
        let why = match (chunk.action, there.get(&one.row)) {
            (Action::SetNull, None) => Some("the row is not there any more"),
            (Action::SetNull, Some(false)) => Some("it refers to something again"),
            (Action::SetNull, Some(true)) | (_, None) => None,
            (_, Some(_)) => Some("there is a row with this key"),
        };
        match why {
            Some(why) => conflicts.push(conflict(back, &one.row, why.to_owned())),
            None => free.push(one),
        }
    }
    Ok((free, conflicts))
}

/// Puts rows back; as many must leave the table that kept them.
async fn put_back(
    session: &mut Session,
    action: Action,
    back: &Back,
    rows: &[&Aside],
) -> Result<(), Broken> {
    if rows.is_empty() {
        return Ok(());
    }
    let doing = Broken::doing("putting rows back");
    let wanted = rows.len() as u64;
    let numbers: Vec<String> = rows.iter().map(|row| row.number.to_string()).collect();
    let numbers = format!("bird_row IN ({})", numbers.join(", "));
    let (table, aside) = (
        session.table(&back.table.name),
        session.table(&back.quarantine),
    );
    let sql = match action {
        Action::Quarantine | Action::Delete => {
            let columns = rows::columns(session, &back.kept);
            let overriding = session.dialect.repairs().overriding();
            format!(
                "INSERT INTO {table} ({columns}) {overriding}SELECT {columns} FROM {aside} \
                 WHERE {numbers} ORDER BY bird_row"
            )
        }
        Action::SetNull => {
            let quote = |name: &String| session.dialect.quote(name);
            let same = back.identity.iter().map(quote);
            let same: Vec<String> = same.map(|name| format!("q.{name} = c.{name}")).collect();
            let same = same.join(" AND ");
            let set = back.key.iter().map(quote).map(|name| {
                format!("{name} = (SELECT q.{name} FROM {aside} q WHERE q.{numbers} AND {same})")
            });
            let set: Vec<String> = set.collect();
            let empty = back.key.iter().map(quote);
            let empty: Vec<String> = empty.map(|name| format!("c.{name} IS NULL")).collect();
            format!(
                "UPDATE {table} AS c SET {} WHERE {} AND EXISTS \
                 (SELECT 1 FROM {aside} q WHERE q.{numbers} AND {same})",
                set.join(", "),
                empty.join(" AND ")
            )
        }
    };
    let changed = session.change(&sql).await.map_err(&doing)?;
    if changed != wanted {
        return Err(Broken::Differ("putting rows back", wanted, changed));
    }
    failpoint::at("undo-put");
    let sql = format!("DELETE FROM {aside} WHERE {numbers}");
    let left = session.change(&sql).await.map_err(&doing)?;
    if left != wanted {
        return Err(Broken::Differ(
            "emptying the table that kept them",
            wanted,
            left,
        ));
    }
    failpoint::at("undo-emptied");
    Ok(())
}
