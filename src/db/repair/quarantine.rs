//! The tables that keep rows aside: one for each table, and another one when its columns change.

use super::super::session::{DbError, Session};
use super::{row_state, unwritable};
use crate::dialect::repairs::{Kept, OWN_COLUMNS, quarantine_name};

/// So many times the columns of a table may change, and its rows still find a place.
const MOST: u32 = 1000;

/// The table that takes the rows of a table as it is now; it is made where there is none yet.
pub async fn table(
    session: &mut Session,
    table: &str,
    columns: &[Kept],
) -> Result<String, DbError> {
    let repairs = session.dialect.repairs();
    for number in 1..MOST {
        let name = quarantine_name(repairs, table, number);
        let there = row_state::kept(session, &name).await?;
        if there.is_empty() {
            let sql = repairs.quarantine_table(&session.table(&name), columns);
            session.run(&sql).await?;
            return Ok(name);
        }
        let wanted = columns.iter().filter(|column| !column.generated);
        let wanted = wanted.map(|column| (column.name.clone(), repairs.kept_type(column)));
        let own = own(&there);
        let fits = own
            .iter()
            .map(|column| (column.name.clone(), repairs.kept_type(column)))
            .eq(wanted);
        let alike = own.iter().map(|column| &column.table).eq(columns
            .iter()
            .filter(|column| !column.generated)
            .map(|column| &column.table));
        if fits && alike {
            return Ok(name);
        }
    }
    let message = format!("no table can be found that takes the rows of {table}");
    Err(unwritable(message))
}

/// The columns that are those of the table whose rows are kept.
pub fn own(columns: &[Kept]) -> Vec<Kept> {
    let own = columns.iter();
    own.filter(|column| !OWN_COLUMNS.contains(&column.name.as_str()))
        .cloned()
        .collect()
}

/// How many rows that a run has kept of a table have numbers that the engine gives to new rows.
pub async fn numbered_again(
    session: &mut Session,
    table: &str,
    kept: &str,
    plan: &str,
) -> Result<u64, DbError> {
    let dialect = session.dialect;
    let Some(query) = dialect.repairs().numbered_again_query(table) else {
        return Ok(0);
    };
    let Some(column) = session.value(&query).await? else {
        return Ok(0);
    };
    let column = dialect.quote(&column);
    let sql = format!(
        "SELECT COUNT(*) FROM {} WHERE bird_run = {} AND {column} > \
         (SELECT COALESCE(MAX({column}), 0) FROM {})",
        session.table(kept),
        dialect.text(plan).map_err(unwritable)?,
        session.table(table)
    );
    let count = session.value(&sql).await?;
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}
