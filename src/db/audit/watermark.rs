//! Restricts an audit to the rows of each child from a watermark on (`--since`).
//!
//! Rows that commit late with an old value, and rows whose parent was deleted, are found by a full
//! audit only. A stored mark belongs to the server that gave it, and a mark beyond the greatest value
//! is an error: a restored backup lacks rows that the mark counts on.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::connections::Connections;
use super::endpoints::{Endpoint, Inspected, PreparedReference};
use super::error::ReadError;
use crate::db::session::DbError;
use crate::dialect::keys::{row_expression, row_literal, row_text};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
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
    let (mut applied, mut ahead) = (BTreeMap::new(), Vec::new());
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
        let is_stored = value.is_none();
        if let Some(mark) = from.as_deref().filter(|_| is_stored)
            && !reaches(connections, &prepared.child, column, mark)
                .await
                .map_err(|fault| Failure::failed(fault.diagnose()))?
        {
            ahead.push(mark_ahead(prepared, (column, mark), upto.as_deref()));
            continue;
        }
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
    if ahead.is_empty() {
        Ok(applied)
    } else {
        Err(Failure {
            exit: Exit::Failed,
            diagnostics: ahead,
        })
    }
}

/// The finding about a mark that is beyond every row.
fn mark_ahead(
    prepared: &PreparedReference,
    (column, mark): (&str, &str),
    greatest: Option<&str>,
) -> Diagnostic {
    let has = match greatest {
        Some(greatest) => format!("the greatest value is {greatest}"),
        None => "the table has no value".to_owned(),
    };
    let message = format!(
        "{}: the mark {column} = {mark} is ahead: {has}; a backup may have been restored",
        prepared.reference
    );
    let again = match greatest {
        Some(greatest) => format!("; then set the mark with --since {column}={greatest}"),
        None => String::new(),
    };
    Diagnostic::new(Code::MarkAhead, message)
        .database(&prepared.child.database)
        .hint(format!("read every row with bird audit{again}"))
}

/// Whether a row has the value of a mark or a greater one, whatever the condition of the reference.
async fn reaches(
    connections: &mut Connections,
    endpoint: &Endpoint,
    column: &str,
    mark: &str,
) -> Result<bool, ReadError> {
    let doing = "comparing the --since column with its mark";
    let wrong = ReadError::other(&endpoint.database, doing);
    let column = self::column(endpoint, column).map_err(&wrong)?;
    let literal = row_literal(endpoint.dialect, column, mark).map_err(&wrong)?;
    let end = endpoint.end(None).map_err(wrong)?;
    let name = endpoint.dialect.quote(&column.name);
    let sql = format!(
        "SELECT 1 FROM {} WHERE {name} >= {literal} LIMIT 1",
        end.from
    );
    let found = ask(connections, endpoint, &sql).await;
    let found = found.map_err(ReadError::of(&endpoint.database, doing))?;
    Ok(found.is_some())
}

/// The first cell of a query to the server that the keys are read from.
async fn ask(
    connections: &mut Connections,
    endpoint: &Endpoint,
    sql: &str,
) -> Result<Option<String>, DbError> {
    match connections.get_mut(&endpoint.database) {
        Some(connected) if endpoint.read_replica.is_none() => connected.session.value(sql).await,
        // Rows that a replica does not have yet are beyond its own greatest value.
        _ => {
            let mut session = endpoint.reading().await?;
            let value = session.value(sql).await;
            session.close().await;
            value
        }
    }
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
    endpoint.ordered = false;
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
    let value = ask(connections, endpoint, &sql).await;
    let value = value.map_err(failed)?;
    Ok(value.map(|value| row_text(column, &value)))
}

/// Finds the column of a watermark.
fn column<'s>(endpoint: &'s Endpoint, name: &str) -> Result<&'s Column, String> {
    let table = &endpoint.table;
    let column = table.column(name);
    column.ok_or_else(|| format!("{} has no column {name}", table.name))
}
