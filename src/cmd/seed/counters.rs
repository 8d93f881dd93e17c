//! Counters whose next number is one that a declared row has.

use super::report::CounterRow;
use super::write::SeedFailure;
use crate::cmd::run::open;
use crate::db::session::{DbError, Row, Session};
use crate::dialect::seeds::Counter;
use crate::invariant;
use crate::model::diagnostic::Failure;
use crate::project::Database;
use crate::seed::{self, Wanted};

/// Moves the counters of a table on, and never back; only finds them if `dry_run`. As Rails and Django
/// do after their fixtures, the largest number in the table counts, not the largest declared one.
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
        let counter = counter(row).map_err(|failure| (failure, !dry_run))?;
        let Some(declared) = seed::largest(rows, &counter.column) else {
            continue;
        };
        let query = database
            .dialect
            .counter_query(&first.table, &counter, declared);
        let answer = session.rows(&query).await;
        let answer = answer.map_err(|error| failed(&error))?;
        let Some(answer) = answer.first() else {
            continue;
        };
        let (to, is_behind) = position(answer).map_err(|failure| (failure, !dry_run))?;
        let sql = database.dialect.advance(&counter, to);
        if !dry_run {
            session.rows(&sql).await.map_err(|error| failed(&error))?;
        }
        if is_behind {
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

/// A counter from a row of the engine's list.
fn counter(row: Row) -> Result<Counter, Failure> {
    let mut cells = row.into_iter();
    let mut next = || cells.next().flatten();
    Ok(Counter {
        column: invariant!(next(), some, "a counter has a column"),
        sequence: invariant!(next(), some, "a counter has a sequence"),
    })
}

/// The number that a counter must be behind, and whether it is not.
fn position(answer: &[Option<String>]) -> Result<(i64, bool), Failure> {
    let cell = |at: usize| answer.get(at).and_then(Option::as_deref);
    let to = cell(0).and_then(|to| to.parse().ok());
    let to = invariant!(to, some, "the number of a counter is an integer");
    Ok((to, cell(1) == Some("1")))
}
