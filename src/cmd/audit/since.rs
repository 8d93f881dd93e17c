//! `--since`: only the rows of a child from a watermark on, for audits that run often.
//!
//! A row that commits late with an old value, and a row whose parent was deleted, are not among
//! them: a full pass finds those.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Args;
use super::ends::{Looked, Prepared, Side};
use super::faults::cannot;
use super::passes::Passes;
use super::task::{Fault, Why};
use crate::dialect::keys::{row_expression, row_literal, row_told};
use crate::model::diagnostic::{Diagnostic, Failure};

/// A watermark of one reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    pub column: String,
    /// Rows from this value on are read; all of them where it is none.
    pub from: Option<String>,
    /// The greatest value when the audit began.
    pub upto: Option<String>,
}

/// Lays the watermark upon every child, and says what it is for each reference, by its place.
pub async fn lay(
    args: &Args,
    passes: &Passes,
    looked: &mut [Looked],
) -> Result<BTreeMap<usize, Since>, Failure> {
    let mut laid = BTreeMap::new();
    let Some(asked) = &args.since else {
        return Ok(laid);
    };
    let (column, value) = match asked.split_once('=') {
        Some((column, value)) => (column, Some(value)),
        None => (asked.as_str(), None),
    };
    for one in looked {
        let Some(prepared) = &one.prepared else {
            continue;
        };
        let passed = passes.of(prepared);
        let from = value
            .map(str::to_owned)
            .or_else(|| passed.marks.get(column).cloned());
        let upto = greatest(&prepared.child, column)
            .await
            .map_err(|fault| Failure::failed(cannot(&fault)))?;
        let child = beyond(&prepared.child, column, from.as_deref()).map_err(|why| {
            let message = format!("{}: --since cannot be followed: {why}", prepared.reference);
            Failure::failed(Diagnostic::error("usage", message))
        })?;
        laid.insert(
            one.index,
            Since {
                column: column.to_owned(),
                from,
                upto,
            },
        );
        one.prepared = Some(Arc::new(Prepared {
            child,
            ..Prepared::clone(prepared)
        }));
    }
    Ok(laid)
}

/// The end with the watermark beside its own condition.
fn beyond(side: &Side, column: &str, from: Option<&str>) -> Result<Side, String> {
    let mut side = side.clone();
    let table = &side.table;
    let column = table
        .column(column)
        .ok_or_else(|| format!("{} has no column {column}", table.name))?;
    let Some(from) = from else { return Ok(side) };
    let literal = row_literal(side.dialect, column, from)?;
    let mark = format!("{} >= {literal}", side.dialect.quote(&column.name));
    side.filter = Some(match &side.filter {
        Some(filter) => format!("({filter}) AND {mark}"),
        None => mark,
    });
    side.marked = true;
    side.end(None)?;
    Ok(side)
}

/// The greatest value of a column now, as a row is told.
async fn greatest(side: &Side, column: &str) -> Result<Option<String>, Fault> {
    let doing = "looking for the greatest value of a watermark";
    let Some(column) = side.table.column(column) else {
        let why = format!("{} has no column {column}", side.table.name);
        return Err(Fault {
            database: side.database.clone(),
            doing,
            why: Why::Other(why),
        });
    };
    let failed = Fault::of(&side.database, doing);
    let end = side
        .end(None)
        .map_err(Fault::other(&side.database, doing))?;
    // Whatever a replica does not have yet lies beyond its own greatest value.
    let mut session = side.reading().await.map_err(&failed)?;
    let name = side.dialect.quote(&column.name);
    let told = row_expression(side.dialect, column);
    let from = &end.from;
    let sql = format!(
        "SELECT {told} FROM {from} WHERE {name} IS NOT NULL ORDER BY {from}.{name} DESC LIMIT 1"
    );
    let value = session.value(&sql).await.map_err(failed)?;
    session.close().await;
    Ok(value.map(|value| row_told(column, &value)))
}
