//! Asks a database for its schema. So far: one table, for seeding.

use super::session::{DbError, Session};
use crate::model::schema::{Column, Table};

/// The names of all tables that are neither bird's nor refinery's.
pub async fn tables(session: &mut Session) -> Result<Vec<String>, DbError> {
    let query = session.dialect.tables_query(session.schema.as_deref());
    let rows = session.rows(&query).await?;
    Ok(rows
        .into_iter()
        .flat_map(|row| row.into_iter().flatten())
        .collect())
}

/// A table with its columns, or nothing where it does not exist.
pub async fn table(session: &mut Session, name: &str) -> Result<Option<Table>, DbError> {
    let query = session
        .dialect
        .columns_query(session.schema.as_deref(), name);
    let mut columns = Vec::new();
    for row in session.rows(&query).await? {
        let mut cells = row.into_iter();
        let (name, sql) = (cells.next().flatten(), cells.next().flatten());
        let key = cells.next().flatten().and_then(|place| place.parse().ok());
        if let (Some(name), Some(sql)) = (name, sql) {
            let family = session.dialect.family(&sql);
            columns.push(Column {
                name,
                sql,
                family,
                key,
            });
        }
    }
    let found = !columns.is_empty();
    Ok(found.then(|| Table {
        name: name.to_owned(),
        columns,
    }))
}
