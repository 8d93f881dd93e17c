//! Counters whose next number is one that a declared row has.

use super::report::CounterRow;
use super::write::SeedFailure;
use crate::cmd::run::open;
use crate::db::session::{DbError, Session};
use crate::dialect::seeds::Counter;
use crate::model::diagnostic::Failure;
use crate::project::Database;
use crate::seed::{self, Wanted};

/// Moves the counters of a table on, and never back; only finds them if `dry_run`. As Rails and Django
/// do after their fixtures, the largest number in the table counts, whoever wrote it.
pub async fn advance(
    session: &mut Session,
    database: &Database,
    rows: &[&Wanted<'_>],
    dry_run: bool,
) -> Result<Vec<CounterRow>, SeedFailure> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let failed = |error: &DbError| {
        let fault = open::cannot_ask(database, "moving a counter behind its seeds", error);
        let hint = "GRANT USAGE, SELECT, UPDATE ON SEQUENCE lets the account do it";
        (Failure::failed(fault.hint(hint)), !dry_run)
    };
    let (schema, table) = (session.schema.clone(), &first.seed.table);
    let query = database
        .dialect
        .counters_query(schema.as_deref(), &table.table);
    let Some(query) = query else {
        return Ok(Vec::new());
    };
    let counters = session.rows(&query).await;
    let mut moved = Vec::new();
    for row in counters.map_err(|error| failed(&error))? {
        let mut cells = row.into_iter().flatten();
        let (Some(column), Some(sequence)) = (cells.next(), cells.next()) else {
            continue;
        };
        let counter = Counter { column, sequence };
        let Some(declared) = seed::largest(rows, &counter.column) else {
            continue;
        };
        let query = database
            .dialect
            .counter_query(&first.table, &counter, declared);
        let answer = session.rows(&query).await;
        let answer = answer.map_err(|error| failed(&error))?;
        let Some([to, behind]) = answer.first().map(Vec::as_slice) else {
            continue;
        };
        let Some(to) = to.as_deref().and_then(|to| to.parse().ok()) else {
            continue;
        };
        let sql = database.dialect.advance(&counter, to);
        if !dry_run {
            session.rows(&sql).await.map_err(|error| failed(&error))?;
        }
        if behind.as_deref() == Some("1") {
            moved.push(CounterRow {
                table: table.to_string(),
                column: counter.column,
                to,
                sql,
            });
        }
    }
    Ok(moved)
}
