//! Restricts an audit to the rows of each child from a watermark on (`--since`).
//!
//! Rows that commit late with an old value, and rows whose parent was deleted, are found by a full
//! audit only.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::connections::Connections;
use super::endpoints::{Endpoint, Inspected, PreparedReference};
use super::error::ReadError;
use crate::dialect::keys::{row_expression, row_literal, row_text};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::name::did_you_mean;
use crate::model::schema::Column;

/// A watermark of one reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    pub column: String,
    /// Rows from this value on are read; all rows if it is `None`.
    pub from: Option<String>,
    /// The greatest value when the audit began.
    pub upto: Option<String>,
}

/// Restricts every child to the rows from a watermark on: `column` from `value` on, or from where
/// the last audit ended. Returns the watermark of each reference, by its index.
pub async fn apply(
    (column, value): (&str, Option<&str>),
    last: impl Fn(&PreparedReference) -> Option<String>,
    connections: &mut Connections,
    inspected: &mut [Inspected],
) -> Result<BTreeMap<usize, Watermark>, Failure> {
    let mut applied = BTreeMap::new();
    for one in inspected {
        let Some(prepared) = &one.prepared else {
            continue;
        };
        let from = value.map(str::to_owned).or_else(|| last(prepared));
        self::column(&prepared.child, column).map_err(|why| {
            let message = format!("{}: --since cannot be used: {why}", prepared.reference);
            let columns = prepared.child.table.columns.iter();
            let near = did_you_mean(column, columns.map(|column| column.name.as_str()));
            let hint = near.unwrap_or("name a column of every table that is audited".to_owned());
            Failure::failed(Diagnostic::new(Code::Usage, message).hint(hint))
        })?;
        let upto = greatest(connections, &prepared.child, column).await;
        let upto = upto.map_err(|fault| Failure::failed(fault.diagnose()))?;
        let child = beyond(&prepared.child, column, from.as_deref()).map_err(|why| {
            let message = format!("{}: --since cannot be used: {why}", prepared.reference);
            Failure::failed(Diagnostic::new(Code::Usage, message))
        })?;
        applied.insert(
            one.index,
            Watermark {
                column: column.to_owned(),
                from,
                upto,
            },
        );
        one.prepared = Some(Arc::new(PreparedReference {
            child,
            ..PreparedReference::clone(prepared)
        }));
    }
    Ok(applied)
}

/// Adds the watermark to the condition of an endpoint.
fn beyond(endpoint: &Endpoint, column: &str, from: Option<&str>) -> Result<Endpoint, String> {
    let mut endpoint = endpoint.clone();
    let column = self::column(&endpoint, column)?;
    let Some(from) = from else {
        return Ok(endpoint);
    };
    let literal = row_literal(endpoint.dialect, column, from)?;
    let mark = format!("{} >= {literal}", endpoint.dialect.quote(&column.name));
    endpoint.filter = Some(match &endpoint.filter {
        Some(filter) => format!("({filter}) AND {mark}"),
        None => mark,
    });
    endpoint.has_watermark = true;
    endpoint.end(None)?;
    Ok(endpoint)
}

/// The greatest value of a column now.
async fn greatest(
    connections: &mut Connections,
    endpoint: &Endpoint,
    column: &str,
) -> Result<Option<String>, ReadError> {
    let doing = "reading the greatest value of the --since column";
    let failed = ReadError::of(&endpoint.database, doing);
    let wrong = ReadError::other(&endpoint.database, doing);
    let column = self::column(endpoint, column).map_err(&wrong)?;
    let end = endpoint.end(None).map_err(wrong)?;
    let name = endpoint.dialect.quote(&column.name);
    let expression = row_expression(endpoint.dialect, column);
    let from = &end.from;
    let sql = format!(
        "SELECT {expression} FROM {from} WHERE {name} IS NOT NULL ORDER BY {from}.{name} DESC LIMIT 1"
    );
    let value = match connections.get_mut(&endpoint.database) {
        Some(connected) if endpoint.read_replica.is_none() => connected.session.value(&sql).await,
        // Rows that a replica does not have yet are beyond its own greatest value.
        _ => {
            let mut session = endpoint.reading().await.map_err(&failed)?;
            let value = session.value(&sql).await;
            session.close().await;
            value
        }
    };
    let value = value.map_err(failed)?;
    Ok(value.map(|value| row_text(column, &value)))
}

/// Finds the column of a watermark.
fn column<'s>(endpoint: &'s Endpoint, name: &str) -> Result<&'s Column, String> {
    let table = &endpoint.table;
    let column = table.column(name);
    column.ok_or_else(|| format!("{} has no column {name}", table.name))
}
