//! Describes the risks of a statement.

use crate::dialect::mysql::SYNTAX;
use crate::dialect::mysql::ddl::column::{base, has_characters};
use crate::dialect::sizes;
use crate::model::change::{Hazard, Pair};
use crate::model::schema::{Column, Key, KeyKind, Table};
use crate::sql::Cursor;

type Risks = Vec<(Hazard, String)>;

/// Types from the narrowest to the widest, by kind.
const LADDERS: &[&[&str]] = &[
    &["tinyint", "smallint", "mediumint", "int", "bigint"],
    &["float", "double"],
    &["tinytext", "text", "mediumtext", "longtext"],
    &["tinyblob", "blob", "mediumblob", "longblob"],
    &["date", "datetime"],
];

pub fn added_column(column: &Column, again: bool) -> Risks {
    let mut risks = Vec::new();
    let name = &column.name;
    if again && column.generated.is_none() {
        let why = format!("`{name}` was computed and starts without values");
        risks.push((Hazard::DataLoss, why));
    }
    if column.generated.as_ref().is_some_and(|it| it.stored) {
        let why = format!("the server rewrites all rows to store `{name}`");
        risks.push((Hazard::Rewrite, why));
    }
    let kind = base(&column.sql);
    let dated = matches!(
        kind,
        "date" | "datetime" | "timestamp" | "geometry" | "point"
    );
    if !column.nullable && column.default.is_none() && column.generated.is_none() && dated {
        let why = format!("existing rows have no value for `{name}`");
        risks.push((Hazard::MayFail, why));
    }
    risks
}

pub fn modified_column(from: &Column, to: &Column) -> Risks {
    let mut risks = Vec::new();
    let name = &to.name;
    if from.nullable && !to.nullable {
        let why = format!("existing rows may have no value in `{name}`");
        risks.push((Hazard::MayFail, why));
    }
    if let Some(why) = narrowed(from, to) {
        risks.push((Hazard::DataLoss, why.clone()));
        risks.push((Hazard::MayFail, why));
    }
    let check = |column: &Column| column.options.get("check").cloned();
    if let Some(expression) = check(to).filter(|_| check(from) != check(to)) {
        let why = format!("existing rows may violate {expression}");
        risks.push((Hazard::MayFail, why));
    }
    if from.generated.is_none() && to.generated.is_some() {
        let why = format!("computed values replace the values of `{name}`");
        risks.push((Hazard::DataLoss, why));
    }
    if from.sql != to.sql && !widened(&from.sql, &to.sql) || from.generated != to.generated {
        let why = format!("the server rewrites all rows for `{name}`");
        risks.push((Hazard::Rewrite, why));
    }
    if from.collation != to.collation && from.collation.is_some() && to.collation.is_some() {
        let why = format!("the server rewrites all rows for the collation of `{name}`");
        risks.push((Hazard::Rewrite, why));
    }
    risks
}

/// Why values may no longer fit; `None` if all fit.
fn narrowed(from: &Column, to: &Column) -> Option<String> {
    let (old, new) = (base(&from.sql), base(&to.sql));
    let said = |what: &str| Some(format!("{what} of `{}` may not fit {}", to.name, to.sql));
    if from.collation.as_deref().map(super::clause::charset)
        != to.collation.as_deref().map(super::clause::charset)
        && has_characters(&from.sql)
        && has_characters(&to.sql)
        && to
            .collation
            .as_deref()
            .is_some_and(|collation| !collation.starts_with("utf8mb4"))
    {
        return said("characters");
    }
    if from.sql == to.sql {
        return None;
    }
    if matches!(old, "enum" | "set") && old == new {
        let labels = Cursor::new(&SYNTAX, &to.sql).texts();
        let old = Cursor::new(&SYNTAX, &from.sql).texts();
        let gone = old
            .into_iter()
            .find(|label| label.starts_with('\'') && !labels.contains(label))?;
        return Some(format!("rows of `{}` may have the value {gone}", to.name));
    }
    if widened(&from.sql, &to.sql) {
        return None;
    }
    said("values")
}

/// Whether every value of a type fits in another one.
fn widened(from: &str, to: &str) -> bool {
    let (old, new) = (base(from), base(to));
    let signs = from.contains(" unsigned") == to.contains(" unsigned");
    if old != new {
        let is_longer = |ladder: &&[&str]| {
            let place = |name| ladder.iter().position(|step| *step == name);
            matches!((place(old), place(new)), (Some(old), Some(new)) if old < new)
        };
        let to_text = old == "varchar" && matches!(new, "text" | "mediumtext" | "longtext")
            || old == "char" && new == "varchar" && sizes(from) <= sizes(to);
        return to_text || signs && LADDERS.iter().any(is_longer);
    }
    if matches!(old, "enum" | "set") {
        let inner = from.strip_suffix(')').unwrap_or(from);
        return to.starts_with(inner);
    }
    if !signs {
        return false;
    }
    if LADDERS.first().is_some_and(|whole| whole.contains(&old)) {
        // The size tells only how wide a number is printed.
        return true;
    }
    match (sizes(from).as_slice(), sizes(to).as_slice()) {
        ([old], [new]) | ([old, 0], [new, 0]) => old <= new,
        ([], [_]) | ([], []) => true,
        ([digits, scale], [wider, finer]) => {
            scale <= finer && digits.saturating_sub(*scale) <= wider.saturating_sub(*finer)
        }
        _ => false,
    }
}

pub fn added_key(key: &Key, from: &Table) -> Risks {
    let unique = matches!(key.kind, KeyKind::Primary | KeyKind::Unique);
    if !unique || from.keys.iter().any(|old| same_columns(old, key)) {
        return Vec::new();
    }
    let mut risks = vec![(Hazard::MayFail, alike(key))];
    if key.kind == KeyKind::Primary {
        let why = "the server rewrites all rows in the order of the primary key";
        risks.push((Hazard::Rewrite, why.to_owned()));
    }
    risks
}

/// Why a unique key may fail.
pub fn alike(key: &Key) -> String {
    let parts = key.parts.iter().map(|part| {
        let name = part.column.as_deref().or(part.expression.as_deref());
        format!("`{}`", name.unwrap_or_default())
    });
    let parts: Vec<String> = parts.collect();
    format!("existing rows may have the same {}", parts.join(", "))
}

/// Whether rows that are distinct by the old key are distinct by the new one.
fn same_columns(old: &Key, new: &Key) -> bool {
    let unique = matches!(old.kind, KeyKind::Primary | KeyKind::Unique);
    let mut parts = old.parts.iter();
    let has = |column: &Option<String>| {
        let mut parts = new.parts.iter().filter(|part| part.prefix.is_none());
        column.is_some() && parts.any(|part| part.column == *column)
    };
    unique && parts.all(|part| has(&part.column))
}

pub fn option(name: &str, value: &Pair<Option<String>>) -> Risks {
    let rewrite = |why: &str| vec![(Hazard::Rewrite, why.to_owned())];
    match name {
        "engine" => rewrite("the server rewrites all rows by the other engine"),
        "row_format" | "key_block_size" | "encryption" | "tablespace" | "page_checksum"
        | "transactional" | "`page_compressed`" | "`encrypted`" => {
            rewrite("the server rewrites all rows in another format")
        }
        "versioning" if value.to.is_none() => {
            let why = "the history of the rows is lost";
            vec![(Hazard::DataLoss, why.to_owned())]
        }
        "versioning" => rewrite("the server rewrites all rows with their history"),
        _ => Vec::new(),
    }
}
