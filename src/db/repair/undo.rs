//! Restores quarantined rows, chunk by chunk, the last one first. Existing rows are never
//! overwritten: a row whose key is taken stays in quarantine.

use std::collections::HashMap;

use super::super::session::{DbError, Session};
use super::super::{failpoint, inspect, keys};
use super::deferred::Deferred;
use super::journal::{JournaledChunk, Operation};
use super::kept_rows;
use super::kept_rows::{Conflict, PlanRun, Released};
use super::retry::Retry;
use super::{ChunkError, quarantine, row_state, rows};
use crate::dialect::keys::{row_expression, row_text};
use crate::dialect::repairs::KeptColumn;
use crate::invariant;
use crate::model::name::ColumnNames;
use crate::model::repair::Action;
use crate::model::schema::{Column, Table};

/// The table that the rows of a chunk return to.
pub struct RestoreTarget {
    pub table: Table,
    /// The columns that identify a row.
    identity: Vec<String>,
    /// The columns of the reference's key.
    key: Vec<String>,
    /// The columns that were quarantined.
    kept: Vec<KeptColumn>,
    quarantine: String,
}

/// A quarantined row: its number there, and its identity.
struct QuarantinedRow {
    number: u64,
    row: Vec<String>,
}

/// Finds the table that the rows of a chunk return to. The inner error says why they cannot.
pub async fn restore_target(
    session: &mut Session,
    chunk: &JournaledChunk,
) -> Result<Result<RestoreTarget, String>, DbError> {
    let from = chunk.reference.split(" -> ").next().unwrap_or_default();
    let (Some(from), Some(quarantine)) = (ColumnNames::parse(from), chunk.quarantine.clone())
    else {
        return Ok(Err(format!(
            "the rows of {} were not quarantined",
            chunk.reference
        )));
    };
    let Some(table) = inspect::table(session, &from.table).await? else {
        return Ok(Err(format!(
            "the table {} does not exist",
            from.table_name()
        )));
    };
    let quarantined = row_state::kept(session, &quarantine).await?;
    if quarantined.is_empty() {
        return Ok(Err(format!(
            "the quarantine table {quarantine} does not exist any more"
        )));
    }
    let kept = quarantine::own(&quarantined);
    let now = row_state::kept(session, &from.table).await?;
    let repairs = session.dialect.repairs();
    for column in &kept {
        let there = now.iter().find(|one| one.name == column.name);
        let fits = there.is_some_and(|there| {
            !there.generated && repairs.quarantine_type(there) == repairs.quarantine_type(column)
        });
        if !fits {
            return Ok(Err(format!(
                "{} no longer has its column `{}` {}",
                from.table_name(),
                column.name,
                column.sql
            )));
        }
    }
    let identity = table.primary_key();
    let identity: Vec<String> = identity.iter().map(|one| one.name.clone()).collect();
    Ok(Ok(RestoreTarget {
        identity,
        table,
        key: from.columns,
        kept,
        quarantine,
    }))
}

/// Restores the rows of a chunk whose keys are free.
pub async fn perform(
    session: &mut Session,
    run: PlanRun<'_>,
    chunk: &JournaledChunk,
    target: &RestoreTarget,
    retry: &Retry<'_>,
) -> Result<Released, ChunkError> {
    kept_rows::perform(
        session,
        run,
        Operation::Undo,
        chunk,
        retry,
        async |session| {
            let (quarantined, mut conflicts) = free(session, run.plan, chunk, target, true).await?;
            failpoint::at("undo-looked");
            let places: Vec<usize> = (0..quarantined.len()).collect();
            let deferred = Deferred::before(session, &target.table.name).await;
            let deferred = deferred.map_err(ChunkError::doing("checking the foreign keys"))?;
            let refused = rows::all_or_each(session, &places, async |session, places| {
                let mut rows: Vec<&QuarantinedRow> = Vec::with_capacity(places.len());
                for at in places {
                    let row = quarantined.get(*at);
                    rows.push(invariant!(row, some, "a chunk restores rows of its own"));
                }
                restore(session, chunk.action, target, &rows, &deferred).await
            });
            let refused = refused.await?;
            let rows = quarantined.len().saturating_sub(refused.len()) as u64;
            for (at, why) in refused {
                let row = quarantined.get(at);
                let row = invariant!(row, some, "a refused row is one of the chunk");
                conflicts.push((row.row.clone(), why));
            }
            Ok(Released { rows, conflicts })
        },
    )
    .await
}

/// Counts what restoring a chunk would do now: locks nothing and writes nothing.
pub async fn preview(
    session: &mut Session,
    plan: &str,
    chunk: &JournaledChunk,
    target: &RestoreTarget,
) -> Result<Released, ChunkError> {
    let (quarantined, conflicts) = free(session, plan, chunk, target, false).await?;
    Ok(Released {
        rows: quarantined.len() as u64,
        conflicts,
    })
}

/// Splits the rows of a chunk into those whose keys are free and those whose are not.
async fn free(
    session: &mut Session,
    plan: &str,
    chunk: &JournaledChunk,
    target: &RestoreTarget,
    locks: bool,
) -> Result<(Vec<QuarantinedRow>, Vec<Conflict>), ChunkError> {
    let doing = ChunkError::doing("checking where the rows go back to");
    let identity = rows::named(&target.table, &target.identity).map_err(&doing)?;
    let lock = if locks {
        session.dialect.repairs().for_update()
    } else {
        ""
    };
    let which = kept_rows::which(session, plan, chunk).map_err(&doing)?;
    let identity_sql = |column: &&Column| row_expression(session.dialect, column);
    let identity_sql: Vec<String> = identity.iter().map(identity_sql).collect();
    let identity_sql = identity_sql.join(", ");
    let sql = format!(
        "SELECT bird_row, {identity_sql} FROM {} WHERE {which} ORDER BY bird_row{lock}",
        session.table(&target.quarantine)
    );
    let mut quarantined = Vec::new();
    for row in session.rows(&sql).await.map_err(&doing)? {
        let number = keys::number(&row, 0).map_err(&doing)?;
        let cells = row.into_iter().skip(1);
        let cells = std::iter::zip(&identity, cells);
        let cells = cells.map(|(column, cell)| match cell {
            Some(cell) => row_text(column, &cell),
            None => "NULL".to_owned(),
        });
        let row = cells.collect();
        quarantined.push(QuarantinedRow { number, row });
    }
    if quarantined.is_empty() {
        return Ok((quarantined, Vec::new()));
    }
    let names: Vec<Vec<String>> = quarantined.iter().map(|one| one.row.clone()).collect();
    let these = rows::these(session, &identity, &names).map_err(&doing)?;
    // A free key is not locked: the statement that uses it fails if it is taken meanwhile.
    let place = match chunk.action {
        Action::SetNull => lock,
        Action::Quarantine | Action::Delete => "",
    };
    let quoted = target.key.iter().map(|name| session.dialect.quote(name));
    let empty: Vec<String> = quoted.map(|name| format!("{name} IS NULL")).collect();
    let sql = format!(
        "SELECT {identity_sql}, CASE WHEN {} THEN 1 ELSE 0 END FROM {} WHERE {these}{place}",
        empty.join(" AND "),
        session.table(&target.table.name)
    );
    let mut there: HashMap<Vec<String>, bool> = HashMap::new();
    for mut row in session.rows(&sql).await.map_err(&doing)? {
        let null = row.pop().flatten().as_deref() == Some("1");
        let cells = std::iter::zip(&identity, row);
        let cells = cells.map(|(column, cell)| row_text(column, &cell.unwrap_or_default()));
        there.insert(cells.collect(), null);
    }
    let (mut free, mut conflicts) = (Vec::new(), Vec::new());
    for one in quarantined {
        let why = match (chunk.action, there.get(&one.row)) {
            (Action::SetNull, None) => Some("the row does not exist any more"),
            (Action::SetNull, Some(false)) => Some("its key is set again"),
            (Action::SetNull, Some(true)) | (_, None) => None,
            (_, Some(_)) => Some("another row has this key"),
        };
        match why {
            Some(why) => conflicts.push((one.row, why.to_owned())),
            None => free.push(one),
        }
    }
    Ok((free, conflicts))
}

/// Restores rows. The number of restored rows must equal that of the deleted quarantined ones.
async fn restore(
    session: &mut Session,
    action: Action,
    target: &RestoreTarget,
    rows: &[&QuarantinedRow],
    deferred: &Deferred,
) -> Result<(), ChunkError> {
    if rows.is_empty() {
        return Ok(());
    }
    let doing = ChunkError::doing("restoring rows");
    let wanted = rows.len() as u64;
    let numbers: Vec<String> = rows.iter().map(|row| row.number.to_string()).collect();
    let numbers = format!("bird_row IN ({})", numbers.join(", "));
    let (table, quarantined) = (
        session.table(&target.table.name),
        session.table(&target.quarantine),
    );
    let sql = match action {
        Action::Quarantine | Action::Delete => {
            let columns = rows::columns(session, &target.kept);
            let overriding = session.dialect.repairs().overriding();
            format!(
                "INSERT INTO {table} ({columns}) {overriding}SELECT {columns} FROM {quarantined} \
                 WHERE {numbers} ORDER BY bird_row"
            )
        }
        Action::SetNull => {
            let quote = |name: &String| session.dialect.quote(name);
            let same = target.identity.iter().map(quote);
            let same: Vec<String> = same.map(|name| format!("q.{name} = c.{name}")).collect();
            let same = same.join(" AND ");
            let set = target.key.iter().map(quote).map(|name| {
                format!(
                    "{name} = (SELECT q.{name} FROM {quarantined} q WHERE q.{numbers} AND {same})"
                )
            });
            let set: Vec<String> = set.collect();
            let empty = target.key.iter().map(quote);
            let empty: Vec<String> = empty.map(|name| format!("c.{name} IS NULL")).collect();
            format!(
                "UPDATE {table} AS c SET {} WHERE {} AND EXISTS \
                 (SELECT 1 FROM {quarantined} q WHERE q.{numbers} AND {same})",
                set.join(", "),
                empty.join(" AND ")
            )
        }
    };
    let changed = session.change(&sql).await.map_err(&doing)?;
    if changed != wanted {
        return Err(ChunkError::Differ("restoring rows", wanted, changed));
    }
    deferred.check(session).await.map_err(&doing)?;
    failpoint::at("undo-put");
    let sql = format!("DELETE FROM {quarantined} WHERE {numbers}");
    let left = session.change(&sql).await.map_err(&doing)?;
    if left != wanted {
        return Err(ChunkError::Differ(
            "emptying the quarantine table",
            wanted,
            left,
        ));
    }
    failpoint::at("undo-emptied");
    Ok(())
}
