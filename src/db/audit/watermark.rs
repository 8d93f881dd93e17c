//! `--since`: only the rows of a child from a watermark on, for audits that run often.
//!
//! A row that commits late with an old value, and a row whose parent was deleted, are not among
//! them: a full pass finds those.

use crate::model::code::Code;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::connections::Connections;
use super::endpoints::{Looked, Prepared, Side};
use super::error::{Fault, cannot};
use crate::dialect::keys::{row_expression, row_literal, row_told};
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::Column;

/// A watermark of one reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    pub column: String,
    /// Rows from this value on are read; all of them where it is none.
    pub from: Option<String>,
    /// The greatest value when the audit began.
    pub upto: Option<String>,
}

/// Restricts every child to the rows from a watermark on: `column` from `value` on, or from where
/// the last audit ended. Returns the watermark of each reference, by its index.
pub async fn apply(
    (column, value): (&str, Option<&str>),
    last: impl Fn(&Prepared) -> Option<String>,
    connections: &mut Connections,
    looked: &mut [Looked],
) -> Result<BTreeMap<usize, Since>, Failure> {
    let mut applied = BTreeMap::new();
    for one in looked {
        let Some(prepared) = &one.prepared else {
            continue;
        };
        let from = value.map(str::to_owned).or_else(|| last(prepared));
        let upto = greatest(connections, &prepared.child, column).await;
        let upto = upto.map_err(|fault| Failure::failed(cannot(&fault)))?;
        let child = beyond(&prepared.child, column, from.as_deref()).map_err(|why| {
            let message = format!("{}: --since cannot be followed: {why}", prepared.reference);
            Failure::failed(Diagnostic::new(Code::Usage, message))
        })?;
        applied.insert(
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
    Ok(applied)
}

/// The end with the watermark beside its own condition.
fn beyond(side: &Side, column: &str, from: Option<&str>) -> Result<Side, String> {
    let mut side = side.clone();
    let column = self::column(&side, column)?;
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
async fn greatest(
    connections: &mut Connections,
    side: &Side,
    column: &str,
) -> Result<Option<String>, Fault> {
    let doing = "looking for the greatest value of a watermark";
    let failed = Fault::of(&side.database, doing);
    let wrong = Fault::other(&side.database, doing);
    let column = self::column(side, column).map_err(&wrong)?;
    let end = side.end(None).map_err(wrong)?;
    let name = side.dialect.quote(&column.name);
    let told = row_expression(side.dialect, column);
    let from = &end.from;
    let sql = format!(
        "SELECT {told} FROM {from} WHERE {name} IS NOT NULL ORDER BY {from}.{name} DESC LIMIT 1"
    );
    let value = match connections.get_mut(&side.database) {
        Some(connected) if side.reader.is_none() => connected.session.value(&sql).await,
        // Whatever a replica does not have yet lies beyond its own greatest value.
        _ => {
            let mut session = side.reading().await.map_err(&failed)?;
            let value = session.value(&sql).await;
            session.close().await;
            value
        }
    };
    let value = value.map_err(failed)?;
    Ok(value.map(|value| row_told(column, &value)))
}

/// The column of a watermark.
fn column<'s>(side: &'s Side, name: &str) -> Result<&'s Column, String> {
    let table = &side.table;
    let column = table.column(name);
    column.ok_or_else(|| format!("{} has no column {name}", table.name))
}
