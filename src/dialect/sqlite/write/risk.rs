//! The risks of a rebuild.

use std::collections::HashSet;

use super::rebuild::Copied;
use crate::dialect::sqlite::ddl::table::{STRICT, row_alias};
use crate::model::change::{Alter, Hazard, Risk};
use crate::model::schema::{ForeignKey, Key, KeyKind, KeyPart, Table};

fn risk(hazard: Hazard, why: String) -> Risk {
    Risk { hazard, why }
}

/// The risks of copying the rows into the new table.
pub fn of_rebuild(old: &Table, new: &Table, alters: &[Alter], copied: &[Copied<'_>]) -> Vec<Risk> {
    let mut risks = Vec::new();
    let mut fails = |why: String| risks.push(risk(Hazard::MayFail, why));
    let name = &new.name;
    for alter in alters {
        match alter {
            Alter::AddKey(key) if key.constraint => fails(key_fails(name, key)),
            Alter::ModifyKey(pair) if pair.to.constraint && asks(&pair.from) != asks(&pair.to) => {
                fails(key_fails(name, &pair.to))
            }
            Alter::AddCheck(check) => fails(check_fails(name, &check.expression)),
            Alter::ModifyCheck(pair) if pair.from.expression != pair.to.expression => {
                fails(check_fails(name, &pair.to.expression))
            }
            Alter::AddForeignKey(key) => fails(parent_missing(name, &key.to)),
            Alter::ModifyForeignKey(pair) if points(&pair.from) != points(&pair.to) => {
                fails(parent_missing(name, &pair.to.to))
            }
            Alter::AddColumn(column)
                if !column.nullable && column.default.is_none() && column.generated.is_none() =>
            {
                fails(format!(
                    "it fails where {name} has rows: {} must have a value and has no default",
                    column.name
                ));
            }
            _ => {}
        }
    }
    for column in copied {
        let column_name = &column.to.name;
        if column.from.nullable && !column.to.nullable && column.to.default.is_none() {
            fails(format!("it fails where {name}.{column_name} is NULL"));
        }
    }
    let becomes =
        |option: &str| new.options.contains_key(option) && !old.options.contains_key(option);
    let retyped = copied.iter().any(|column| column.from.sql != column.to.sql);
    if becomes(STRICT) || new.options.contains_key(STRICT) && retyped {
        fails(format!(
            "it fails where a value of {name} is of another type than its column"
        ));
    }
    if let Some(alias) = row_alias(new)
        && copied.iter().any(|column| {
            column.to.name == alias && column.from.name != row_alias(old).unwrap_or_default()
        })
    {
        fails(format!(
            "it fails where {name}.{alias} is not an integer, and NULL becomes a number"
        ));
    }
    for column in copied {
        if affinity(&column.from.sql) != affinity(&column.to.sql)
            && let Some(why) = narrowed(&column.to.sql)
        {
            risks.push(risk(
                Hazard::DataLoss,
                format!("{name}.{}: {why}", column.to.name),
            ));
        }
    }
    let mut seen = HashSet::new();
    risks.retain(|risk| seen.insert(risk.why.clone()));
    risks
}

/// The risk of a key.
fn asks(key: &Key) -> (KeyKind, &[KeyPart]) {
    (key.kind, &key.parts)
}

/// The risk of a foreign key.
fn points(key: &ForeignKey) -> (&[String], &str, &[String]) {
    (&key.columns, &key.to, &key.to_columns)
}

fn key_fails(table: &str, key: &Key) -> String {
    match key.kind {
        KeyKind::Primary => format!("it fails where rows of {table} have the same primary key"),
        _ => format!("it fails where rows of {table} are equal in what must be unique"),
    }
}

fn check_fails(table: &str, expression: &str) -> String {
    format!("it fails where a row of {table} does not fit the check ({expression})")
}

fn parent_missing(table: &str, to: &str) -> String {
    format!("rows of {table} may have no parent in {to}")
}

/// The columns whose values are lost with the old table.
pub fn lost_columns(old: &Table, copied: &[Copied<'_>]) -> Vec<Risk> {
    let kept = |name: &str| copied.iter().any(|column| column.from.name == name);
    let lost = old
        .columns
        .iter()
        .filter(|column| !kept(&column.name) && column.generated.is_none());
    lost.map(|column| {
        risk(
            Hazard::DataLoss,
            format!("the values of {}.{} are lost", old.name, column.name),
        )
    })
    .collect()
}

/// The affinity of a column: how values are converted when they are stored.
/// <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Text,
    Integer,
    Real,
    Numeric,
    Blob,
}

fn affinity(sql: &str) -> Affinity {
    let has = |words: &[&str]| words.iter().any(|word| sql.contains(word));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if sql.is_empty() || has(&["BLOB"]) || sql == "ANY" {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// The conversion of values by a column of this type, if it converts any.
fn narrowed(sql: &str) -> Option<&'static str> {
    match affinity(sql) {
        Affinity::Integer | Affinity::Numeric => Some("a text like 007 becomes the number 7"),
        Affinity::Real => {
            Some("a text like 1.50 becomes the number 1.5, and large integers lose digits")
        }
        Affinity::Text | Affinity::Blob => None,
    }
}
