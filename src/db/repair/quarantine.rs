//! The quarantine tables: one per table, and another one when its columns change.

use super::super::keys;
use super::super::session::{DbError, Session};
use super::{row_state, unwritable};
use crate::dialect::repairs::{KeptColumn, OWN_COLUMNS, quarantine_name};

/// The most quarantine tables of a table.
const MOST: u32 = 1000;

/// The quarantine table for the current columns of a table; created if missing.
pub async fn table(
    session: &mut Session,
    table: &str,
    columns: &[KeptColumn],
) -> Result<String, DbError> {
    let repairs = session.dialect.repairs();
    for number in 1..MOST {
        let name = quarantine_name(repairs, table, number);
        let there = row_state::kept(session, &name).await?;
        if there.is_empty() {
            let sql = repairs.quarantine_table(&session.table(&name), columns);
            session.create_own_table(&name, &sql).await?;
            return Ok(name);
        }
        let wanted = columns.iter().filter(|column| !column.generated);
        let wanted = wanted.map(|column| (column.name.clone(), repairs.quarantine_type(column)));
        let own = own(&there);
        let fits = own
            .iter()
            .map(|column| (column.name.clone(), repairs.quarantine_type(column)))
            .eq(wanted);
        let alike = own.iter().map(|column| &column.table).eq(columns
            .iter()
            .filter(|column| !column.generated)
            .map(|column| &column.table));
        if fits && alike {
            session.require_trusted(&[&name]).await?;
            return Ok(name);
        }
    }
    let message = format!("every possible name of a quarantine table for {table} is taken");
    Err(unwritable(message))
}

/// The columns of a quarantine table that belong to the original table.
pub fn own(columns: &[KeptColumn]) -> Vec<KeptColumn> {
    let own = columns.iter();
    own.filter(|column| !OWN_COLUMNS.contains(&column.name.as_str()))
        .cloned()
        .collect()
}

/// Counts the quarantined rows of a run whose numbers the engine may give to new rows.
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
    keys::count(session, &sql).await
}
