//! Reads `[[references]]`.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::config::{DatabaseConfig, declared};
use super::document::ConfigReader;
use crate::model::diagnostic::Severity;
use crate::model::key::Compare;
use crate::model::name::{ColumnName, ColumnNames, did_you_mean};
use crate::model::reference::{Nulls, Reference};

/// The keys of an entry.
pub const REFERENCE: &[&str] = &[
    "name",
    "from",
    "to",
    "where",
    "to_where",
    "null",
    "compare",
    "severity",
    "max_orphans",
];

/// The values of `compare` besides collations.
const COMPARES: &[&str] = &[
    "bytes", "uuid", "integer", "text", "decimal", "datetime", "double",
];

/// Reads an entry; `None` if it is wrong, with the faults in the reader.
pub fn reference(
    reader: &mut ConfigReader<'_>,
    table: &DeTable<'_>,
    span: &Range<usize>,
    databases: &[DatabaseConfig],
    earlier: &[Reference],
) -> Option<Reference> {
    reader.unknown_keys(table, REFERENCE, "[[references]]");
    let from = end(reader, table, "from", span, databases);
    let to = end(reader, table, "to", span, databases);
    if let (Some(from), Some(to)) = (&from, &to)
        && from.columns.len() != to.columns.len()
    {
        let message = format!("{from} and {to} have different numbers of columns");
        reader.fault(span.clone(), message, None);
    }
    let severity = severity(reader, table);
    let null = reader.word(table, "null", &["ok", "orphan"]);
    let text =
        |reader: &mut ConfigReader<'_>, key| reader.string(table, key).map(Spanned::into_inner);
    let (filter, to_filter) = (text(reader, "where"), text(reader, "to_where"));
    let name = reader.string(table, "name");
    let name = name.and_then(|name| {
        let text = name.get_ref().trim();
        let wrong = if text.is_empty() || text.chars().any(char::is_control) {
            Some("a reference needs a name without control characters".to_owned())
        } else if earlier.iter().any(|one| one.name.as_deref() == Some(text)) {
            Some(format!("another reference has the name `{text}`"))
        } else {
            None
        };
        match wrong {
            Some(message) => {
                reader.fault(name.span(), message, None);
                None
            }
            None => Some(text.to_owned()),
        }
    });
    let max_orphans = reader.count(table, "max_orphans").unwrap_or(0);
    let columns = from
        .as_ref()
        .or(to.as_ref())
        .map_or(1, |end| end.columns.len());
    let compare = compare(reader, table, columns);
    let (from, to) = (from?, to?);
    Some(Reference {
        name,
        suffix: String::new(),
        compare,
        filter,
        to_filter,
        null: match null.as_deref() {
            Some("orphan") => Nulls::Orphan,
            _ => Nulls::Ok,
        },
        severity,
        max_orphans,
        location: Some(reader.document.location(span.clone())),
        from,
        to,
    })
}

/// The severity of a finding; an error by default.
pub fn severity(reader: &mut ConfigReader<'_>, table: &DeTable<'_>) -> Severity {
    let word = reader.word(table, "severity", &["note", "warning", "error"]);
    match word.as_deref() {
        Some("note") => Severity::Note,
        Some("warning") => Severity::Warning,
        _ => Severity::Error,
    }
}

/// Reads a text, or an array of texts.
fn texts(
    reader: &mut ConfigReader<'_>,
    table: &DeTable<'_>,
    key: &str,
) -> Option<Vec<Spanned<String>>> {
    match table.get(key)?.get_ref() {
        DeValue::Array(_) => reader.strings(table, key),
        _ => reader.string(table, key).map(|text| vec![text]),
    }
}

/// Reads an end: a name with one or several columns, or an array of columns of one table.
fn end(
    reader: &mut ConfigReader<'_>,
    table: &DeTable<'_>,
    key: &str,
    span: &Range<usize>,
    databases: &[DatabaseConfig],
) -> Option<ColumnNames> {
    if table.get(key).is_none() {
        reader.needed(table, key, span)?;
    }
    let texts = texts(reader, table, key)?;
    let whole = texts.first()?.span().start..texts.last()?.span().end;
    let names = match texts.as_slice() {
        [one] => ColumnNames::parse(one.get_ref()),
        all => together(all),
    };
    match &names {
        Some(names) => {
            let all = names.columns.iter().enumerate();
            let mut twice =
                all.filter(|(at, name)| names.columns.iter().take(*at).any(|one| one == *name));
            if let Some((_, name)) = twice.next() {
                let message = format!("`{key}` names the column `{name}` twice");
                reader.fault(whole.clone(), message, None);
            }
            declared(reader, &names.database, whole, databases);
        }
        None => {
            let message = match texts.len() {
                1 => format!("`{key}` must name database.table.column"),
                _ => {
                    format!("`{key}` must name columns of one table, each as database.table.column")
                }
            };
            reader.fault(whole, message, None);
        }
    }
    names
}

/// Parses columns of one table.
fn together(texts: &[Spanned<String>]) -> Option<ColumnNames> {
    let names = texts.iter().map(|text| ColumnName::parse(text.get_ref()));
    let names: Vec<ColumnName> = names.collect::<Option<_>>()?;
    let first = names.first()?;
    let same = |name: &ColumnName| name.database == first.database && name.table == first.table;
    names.iter().all(same).then(|| ColumnNames {
        database: first.database.clone(),
        table: first.table.clone(),
        columns: names.iter().map(|name| name.column.clone()).collect(),
    })
}

/// Reads `compare`: one value for all columns, or one for each.
fn compare(reader: &mut ConfigReader<'_>, table: &DeTable<'_>, columns: usize) -> Vec<Compare> {
    let texts = texts(reader, table, "compare").unwrap_or_default();
    let mut words = Vec::new();
    for text in &texts {
        match Compare::parse(text.get_ref()) {
            Some(word) => words.push(word),
            None => {
                let hint = did_you_mean(text.get_ref(), COMPARES.iter().copied());
                let message = format!(
                    "`compare` must be one of: {}, text:COLLATION",
                    COMPARES.join(", ")
                );
                reader.fault(text.span(), message, hint);
                return Vec::new();
            }
        }
    }
    match (words.len(), texts.first()) {
        (1, _) => vec![words.remove(0); columns],
        (of, Some(first)) if of != columns => {
            let message = format!("`compare` has {of} entries for {columns} columns");
            reader.fault(first.span(), message, None);
            Vec::new()
        }
        _ => words,
    }
}
