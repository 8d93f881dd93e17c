//! Putting rows back, chunk by chunk, the last one first. Nothing that is there is overwritten:
//! what finds its place taken stays where it is kept.

use std::collections::HashMap;

use super::super::session::{DbError, Session};
use super::super::{failpoint, inspect};
use super::journal::{Chunk, Way};
use super::kept_rows;
use super::kept_rows::{Conflict, Released, Run};
use super::retry::Patience;
use super::{Broken, quarantine, row_state, rows};
use crate::dialect::keys::{row_expression, row_told};
use crate::dialect::repairs::Kept;
use crate::model::name::ColumnNames;
use crate::model::repair::Action;
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
    let aside = row_state::kept(session, &quarantine).await?;
    if aside.is_empty() {
        return Ok(Err(format!(
            "the table {quarantine}, which kept the rows, is gone"
        )));
    }
    let kept = quarantine::own(&aside);
    let now = row_state::kept(session, &from.table).await?;
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

/// Puts the rows of a chunk back, as far as they find their places free.
pub async fn perform(
    session: &mut Session,
    run: Run<'_>,
    chunk: &Chunk,
    back: &Back,
    patience: &Patience<'_>,
) -> Result<Released, Broken> {
    kept_rows::perform(session, run, Way::Undo, chunk, patience, async |session| {
        let (aside, mut conflicts) = free(session, run.plan, chunk, back, true).await?;
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
            Some((row.row.clone(), why))
        }));
        Ok(Released { rows, conflicts })
    })
    .await
}

/// What putting a chunk back would do now: it locks nothing and writes nothing.
pub async fn preview(
    session: &mut Session,
    plan: &str,
    chunk: &Chunk,
    back: &Back,
) -> Result<Released, Broken> {
    let (aside, conflicts) = free(session, plan, chunk, back, false).await?;
    Ok(Released {
        rows: aside.len() as u64,
        conflicts,
    })
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
    let lock = if locks {
        session.dialect.repairs().for_update()
    } else {
        ""
    };
    let which = kept_rows::which(session, plan, chunk).map_err(&doing)?;
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
            Some(why) => conflicts.push((one.row, why.to_owned())),
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
