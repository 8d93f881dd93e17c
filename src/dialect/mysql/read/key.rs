//! Turns the definitions of keys, foreign keys and checks into those of the schema model.

use super::column::expression;
use super::server_defaults::ServerDefaults;
use crate::dialect::mysql::ddl::key::{self as ddl, PartSource};
use crate::model::schema::{Check, ForeignKey, Key, KeyKind, KeyPart};

/// The key as the schema model has it. `None` if the model has no place for a part of it.
pub fn key(definition: &ddl::Key, defaults: &ServerDefaults<'_>) -> Option<Key> {
    let primary = definition.kind == KeyKind::Primary;
    definition.unknown.is_empty().then_some(())?;
    let parts = definition.parts.iter().map(|source| part(source, defaults));
    Some(Key {
        kind: definition.kind,
        name: if primary {
            "PRIMARY".to_owned()
        } else {
            definition.name.clone()?
        },
        named: !primary,
        parts: parts.collect::<Option<_>>()?,
        method: definition.method.clone(),
        comment: definition.comment.clone(),
        options: definition.options.clone(),
        ..Key::default()
    })
}

fn part(definition: &ddl::KeyPart, defaults: &ServerDefaults<'_>) -> Option<KeyPart> {
    let mut part = KeyPart {
        descending: definition.descending,
        ..KeyPart::default()
    };
    match &definition.source {
        PartSource::Column(name, prefix) => {
            part.column = Some(name.clone());
            if let Some(prefix) = prefix {
                part.prefix = Some(prefix.parse().ok()?);
            }
        }
        PartSource::Expression(code) => part.expression = Some(expression(code, defaults)),
    }
    if definition.without_overlaps {
        part.options.insert("overlaps".into(), "without".into());
    }
    Some(part)
}

/// The foreign key as the schema model has it. `None` if it has no name.
pub fn foreign_key(definition: &ddl::ForeignKey, table: &str) -> Option<ForeignKey> {
    let name = definition.name.clone()?;
    let mut key = ForeignKey {
        named: !is_counted(&name, table, "_ibfk_"),
        name,
        columns: definition.columns.clone(),
        on_delete: definition.on_delete.to_owned(),
        on_update: definition.on_update.to_owned(),
        to: definition.table.clone(),
        to_columns: definition.table_columns.clone(),
        ..ForeignKey::default()
    };
    let database = definition.database.clone();
    key.options
        .extend(database.map(|database| ("database".to_owned(), database)));
    let match_kind = definition.match_kind.clone();
    key.options
        .extend(match_kind.map(|kind| ("match".to_owned(), kind)));
    Some(key)
}

/// The check as the schema model has it. `None` if it has no name.
pub fn check(definition: &ddl::Check, table: &str, defaults: &ServerDefaults<'_>) -> Option<Check> {
    let name = definition.name.clone()?;
    let mut check = Check {
        named: !is_counted(&name, table, "_chk_") && !is_numbered(&name),
        name,
        expression: expression(&definition.expression, defaults),
        ..Check::default()
    };
    if !definition.enforced {
        check.options.insert("enforced".into(), "no".into());
    }
    Some(check)
}

/// Whether a name is the table's with a number behind it, as the server makes it.
fn is_counted(name: &str, table: &str, between: &str) -> bool {
    let number = name
        .strip_prefix(table)
        .and_then(|rest| rest.strip_prefix(between));
    number.is_some_and(is_number)
}

/// Whether a name is one that MariaDB makes for a check.
fn is_numbered(name: &str) -> bool {
    name.strip_prefix("CONSTRAINT_").is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
