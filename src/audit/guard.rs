//! Finds schema changes that drop, rename or retype the endpoints of references.

use crate::model::change::{Alter, Change, Difference, Renamed};
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::name::ColumnName;
use crate::model::reference::Reference;
use crate::model::schema::{Kind, Schema};

/// Reports the changes of one database that touch an endpoint, one finding per endpoint; `from` is
/// its schema before the changes.
#[must_use]
pub fn guard(
    database: &str,
    references: &[Reference],
    difference: &Difference,
    renamed: &[Renamed],
    from: &Schema,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut seen: Vec<ColumnName> = Vec::new();
    for reference in references {
        for end in reference.from.each().chain(reference.to.each()) {
            if end.database != database || seen.contains(&end) {
                continue;
            }
            let what = touched(&end, difference, renamed, from);
            if let Some(what) = what {
                findings.push(finding(&end, references, &what));
                seen.push(end);
            }
        }
    }
    findings
}

/// Describes what a difference does to one endpoint.
fn touched(
    end: &ColumnName,
    difference: &Difference,
    renamed: &[Renamed],
    from: &Schema,
) -> Option<String> {
    let is_table = |name: &str| name.eq_ignore_ascii_case(&end.table);
    let is_column = |name: &str| name.eq_ignore_ascii_case(&end.column);
    // A column that does not exist yet cannot be lost.
    let mut tables = from.tables.iter();
    let table = tables.find(|table| is_table(&table.name))?;
    table
        .columns
        .iter()
        .find(|column| is_column(&column.name))?;
    let full = |name: &str| {
        let parts = name.split_once('.');
        parts.is_some_and(|(table, column)| is_table(table) && is_column(column))
    };
    let new_name = renamed
        .iter()
        .find(|renamed| is_table(&renamed.from) || full(&renamed.from));
    if let Some(Renamed { from, to }) = new_name {
        return Some(format!("renames `{from}` to `{to}`"));
    }
    difference.changes.iter().find_map(|change| match change {
        Change::Drop(id) if id.kind == Kind::Table && is_table(&id.name) => {
            Some(format!("drops the table `{}`", id.name))
        }
        Change::Alter { table, alters } if is_table(table) => {
            alters.iter().find_map(|alter| match alter {
                Alter::DropColumn(column) if is_column(&column.name) => {
                    Some(format!("drops the column `{}` of `{table}`", column.name))
                }
                Alter::ModifyColumn(pair)
                    if is_column(&pair.to.name) && pair.from.sql != pair.to.sql =>
                {
                    Some(format!(
                        "gives the column `{}` of `{table}` the type {} in place of {}",
                        pair.to.name, pair.to.sql, pair.from.sql
                    ))
                }
                _ => None,
            })
        }
        _ => None,
    })
}

fn finding(end: &ColumnName, references: &[Reference], what: &str) -> Diagnostic {
    let message = format!(
        "{}: a change {what}, which a declared reference needs",
        end.database
    );
    let mut diagnostic = Diagnostic::new(Code::Referenced, message)
        .database(&end.database)
        .hint(
            "first change [[references]] in bird.toml and the code that uses it; if this is \
             intended: --allow referenced",
        );
    for reference in references {
        let Reference { from, to, .. } = reference;
        if from.each().any(|name| name == *end) {
            diagnostic = diagnostic.note(format!("{from} points from here to {to}"));
        } else if to.each().any(|name| name == *end) {
            diagnostic = diagnostic.note(format!("{from} points here, to {to}"));
        } else {
            continue;
        }
        if diagnostic.location.is_none() {
            diagnostic.location.clone_from(&reference.location);
        }
    }
    diagnostic
}
