//! Describes the parts of a schema for reports.

use super::clause;
use crate::dialect::catalog::SchemaPart;
use crate::model::schema::{Check, Column, ForeignKey, Key, Object, Options, Table};

pub fn describe(part: SchemaPart<'_>) -> String {
    match part {
        SchemaPart::Table(table) => self::table(table),
        SchemaPart::Column(column) => self::column(column),
        SchemaPart::Key(key) => self::key(key),
        SchemaPart::ForeignKey(key) => foreign_key(key),
        SchemaPart::Check(check) => self::check(check),
        SchemaPart::Partitions(partitions) => format!("PARTITION BY {}", partitions.by),
        SchemaPart::Object(object) => self::object(object),
    }
}

fn table(table: &Table) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(table.columns.iter().map(column));
    lines.extend(table.keys.iter().filter(|key| key.constraint).map(key));
    lines.extend(table.checks.iter().map(check));
    lines.extend(table.foreign_keys.iter().map(foreign_key));
    let by = table.partitions.as_ref();
    let by = by.map(|by| format!(" PARTITION BY {}", by.by));
    format!(
        "CREATE TABLE {} (\n  {}\n){}",
        clause::quote(&table.name),
        lines.join(",\n  "),
        by.unwrap_or_default()
    )
}

fn column(column: &Column) -> String {
    let mut text = clause::column(column, false);
    for (name, value) in &column.options {
        if !name.starts_with("sequence ") && name != "compression" && name != "inherited" {
            text.push_str(&format!(" {} {value}", name.to_uppercase()));
        }
    }
    with_comment(text, column.comment.as_ref())
}

fn key(key: &Key) -> String {
    let text = if key.constraint {
        clause::key_constraint(key)
    } else {
        clause::create_index(key, "", false)
            .replacen("CREATE ", "", 1)
            .replacen(" ON \"\"", "", 1)
    };
    with_comment(with_options(text, &key.options), key.comment.as_ref())
}

fn foreign_key(key: &ForeignKey) -> String {
    let text = clause::foreign_key(key, &clause::quote(&key.to));
    with_comment(text, key.comment.as_ref())
}

fn check(check: &Check) -> String {
    with_comment(clause::check(check), check.comment.as_ref())
}

fn object(object: &Object) -> String {
    let mut text = with_comment(object.sql.clone(), object.comment.as_ref());
    for option in ["state", "owner", "target"] {
        if let Some(value) = object.options.get(option) {
            text.push_str(&format!(" {} {value}", option.to_uppercase()));
        }
    }
    for key in &object.keys {
        text.push_str(&format!("\n{}", self::key(key)));
    }
    text
}

fn with_comment(text: String, comment: Option<&String>) -> String {
    match comment {
        Some(comment) => format!("{text} COMMENT {}", clause::text(comment)),
        None => text,
    }
}

/// What no clause says.
fn with_options(mut text: String, options: &Options) -> String {
    for name in ["clustered", "attached", "valid"] {
        if let Some(value) = options.get(name) {
            text.push_str(&format!(" {} {value}", name.to_uppercase()));
        }
    }
    text
}
