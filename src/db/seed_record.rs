//! What seeds left in place of declared values, in a table of bird's own. It exists only where a
//! trigger stored something else than a row declares: without it every run would write the row again.

use std::collections::HashMap;

use super::inspect;
use super::session::{DbError, Session};
use crate::model::history::SEED_TABLE;
use crate::model::seed::SeedRecord;

/// What earlier runs left, by its place.
pub async fn read(session: &mut Session) -> Result<HashMap<String, SeedRecord>, DbError> {
    // A query of a missing table would end the transaction.
    if inspect::table(session, SEED_TABLE).await?.is_none() {
        return Ok(HashMap::new());
    }
    let table = session.table(SEED_TABLE);
    let sql = format!("SELECT place, declared, held FROM {table}");
    let rows = session.rows(&sql).await?.into_iter();
    let records = rows.filter_map(|row| {
        let mut cells = row.into_iter().flatten();
        let record = SeedRecord {
            place: cells.next()?,
            declared: cells.next()?,
            held: cells.next()?,
        };
        Some((record.place.clone(), record))
    });
    Ok(records.collect())
}

/// Records what a run left. A run that ends before writes its rows once more.
pub async fn keep(session: &mut Session, records: &[SeedRecord]) -> Result<(), DbError> {
    if records.is_empty() {
        return Ok(());
    }
    let sql = session.dialect.seed_table(session.schema.as_deref());
    session.create_own_table(SEED_TABLE, &sql).await?;
    let table = session.table(SEED_TABLE);
    for one in records {
        let values = [&one.place, &one.declared, &one.held];
        let values = values.map(|digest| format!("'{digest}'"));
        let columns = ["place", "declared", "held"];
        let sql = session.dialect.replace(&table, &columns, &values);
        session.run(&sql).await?;
    }
    Ok(())
}
