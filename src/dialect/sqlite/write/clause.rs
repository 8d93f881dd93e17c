//! Renders the parts of a schema as SQL.

use crate::dialect::Literals as _;
use crate::dialect::catalog::SchemaPart;
use crate::dialect::sqlite::Sqlite;
use crate::dialect::sqlite::ddl::constraint::{AUTOINCREMENT, CONFLICT, NO_ALIAS};
use crate::dialect::sqlite::ddl::object::USING;
use crate::dialect::sqlite::ddl::table::{CALLED, COLLATE, STRICT, WITHOUT_ROWID};
use crate::model::schema::{
    Check, Column, ForeignKey, Key, KeyKind, KeyPart, Object, Options, Partitions, Table,
};

pub fn quote(name: &str) -> String {
    Sqlite.quote(name)
}

pub fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    names.join(", ")
}

/// The statement that creates a table without its indexes; the stored text, if there is one.
pub fn create(table: &Table) -> String {
    if table.create_statement.0.is_empty() {
        self::table(table)
    } else {
        table.create_statement.0.clone()
    }
}

/// The statement that creates a table, rendered from its parts.
pub fn table(table: &Table) -> String {
    if let Some(using) = table.options.get(USING) {
        return format!("CREATE VIRTUAL TABLE {} USING {using}", quote(&table.name));
    }
    let inline = inline_key(table);
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let key = inline.filter(|key| names(key, column));
            self::column(column, key)
        })
        .collect();
    let keys = table.keys.iter().filter(|key| key.constraint);
    let keys = keys.filter(|key| inline.is_none_or(|inline| !std::ptr::eq(inline, *key)));
    lines.extend(keys.map(|key| self::key(&table.name, key)));
    lines.extend(table.foreign_keys.iter().map(foreign_key));
    lines.extend(table.checks.iter().map(check));
    let mut words = Vec::new();
    if table.options.contains_key(WITHOUT_ROWID) {
        words.push("WITHOUT ROWID");
    }
    if table.options.contains_key(STRICT) {
        words.push("STRICT");
    }
    let mut sql = format!(
        "CREATE TABLE {} (\n  {}\n)",
        quote(&table.name),
        lines.join(",\n  ")
    );
    if !words.is_empty() {
        sql.push_str(&format!(" {}", words.join(", ")));
    }
    sql
}

/// The primary key that only a constraint of its column can express.
fn inline_key(table: &Table) -> Option<&Key> {
    let key = table.keys.iter().find(|key| key.kind == KeyKind::Primary)?;
    let counts = table.columns.iter().any(|column| column.identity.is_some());
    (counts || key.options.contains_key(NO_ALIAS)).then_some(key)
}

fn names(key: &Key, column: &Column) -> bool {
    matches!(key.parts.as_slice(), [part] if part.column.as_ref() == Some(&column.name))
}

/// A column's definition; `key` is the primary key in it.
pub fn column(column: &Column, key: Option<&Key>) -> String {
    let mut sql = quote(&column.name);
    let mut say = |words: &str| {
        sql.push(' ');
        sql.push_str(words);
    };
    if !column.sql.is_empty() {
        say(&column.sql);
    }
    if let Some(key) = key {
        say(&format!(
            "{}PRIMARY KEY",
            constraint(&key.name, key.named, &key.options)
        ));
        if key.parts.iter().any(|part| part.descending) {
            say("DESC");
        }
        if let Some(conflict) = conflict(&key.options) {
            say(conflict.trim_start());
        }
        if column.identity.is_some() {
            say(AUTOINCREMENT);
        }
    }
    if !column.nullable {
        say("NOT NULL");
        if let Some(conflict) = conflict(&column.options) {
            say(conflict.trim_start());
        }
    }
    if let Some(default) = &column.default {
        say(&format!("DEFAULT {}", default_value(default)));
    }
    if let Some(collation) = &column.collation {
        say(&format!(
            "COLLATE {}",
            crate::dialect::sqlite::ddl::tokens::plain(collation)
        ));
    }
    if let Some(generated) = &column.generated {
        let how = if generated.stored {
            "STORED"
        } else {
            "VIRTUAL"
        };
        say(&format!(
            "GENERATED ALWAYS AS ({}) {how}",
            generated.expression
        ));
    }
    sql
}

/// A default as it is declared; an expression gets parentheses.
pub fn default_value(default: &str) -> String {
    let current = default.starts_with("CURRENT_") && !default.contains(' ');
    if current || crate::dialect::sqlite::ddl::constraint::is_literal(default) {
        default.to_owned()
    } else {
        format!("({default})")
    }
}

fn constraint(name: &str, named: bool, options: &Options) -> String {
    let name = options.get(CALLED).map_or(name, String::as_str);
    if named {
        format!("CONSTRAINT {} ", quote(name))
    } else {
        String::new()
    }
}

fn conflict(options: &Options) -> Option<String> {
    let word = options.get(CONFLICT)?;
    Some(format!(" ON CONFLICT {word}"))
}

/// A key as a constraint of its table, or the statement that creates an index.
pub fn key(table: &str, key: &Key) -> String {
    if !key.constraint {
        return index(table, key);
    }
    let word = match key.kind {
        KeyKind::Primary => "PRIMARY KEY",
        _ => "UNIQUE",
    };
    let (name, conflict) = (
        constraint(&key.name, key.named, &key.options),
        conflict(&key.options),
    );
    format!(
        "{name}{word} ({}){}",
        parts(key),
        conflict.unwrap_or_default()
    )
}

/// The statement that creates an index; the stored text, if there is one.
pub fn create_index(table: &str, key: &Key) -> String {
    if key.create_statement.0.is_empty() {
        index(table, key)
    } else {
        key.create_statement.0.clone()
    }
}

pub fn index(table: &str, key: &Key) -> String {
    let unique = match key.kind {
        KeyKind::Unique => "UNIQUE ",
        _ => "",
    };
    let (name, on) = (quote(&key.name), quote(table));
    let mut sql = format!("CREATE {unique}INDEX {name} ON {on} ({})", parts(key));
    if let Some(filter) = &key.filter {
        sql.push_str(&format!(" WHERE {filter}"));
    }
    sql
}

fn parts(key: &Key) -> String {
    let parts: Vec<String> = key.parts.iter().map(part).collect();
    parts.join(", ")
}

fn part(part: &KeyPart) -> String {
    let mut sql = match (&part.column, &part.expression) {
        (Some(column), _) => quote(column),
        (None, Some(expression)) => format!("({expression})"),
        (None, None) => String::new(),
    };
    if let Some(collation) = part.options.get(COLLATE) {
        sql.push_str(&format!(
            " COLLATE {}",
            crate::dialect::sqlite::ddl::tokens::plain(collation)
        ));
    }
    if part.descending {
        sql.push_str(" DESC");
    }
    sql
}

pub fn foreign_key(key: &ForeignKey) -> String {
    let name = constraint(&key.name, key.named, &key.options);
    let (columns, to) = (list(&key.columns), quote(&key.to));
    let mut sql = format!("{name}FOREIGN KEY ({columns}) REFERENCES {to}");
    if !key.to_columns.is_empty() {
        sql.push_str(&format!(" ({})", list(&key.to_columns)));
    }
    for (when, action) in [("DELETE", &key.on_delete), ("UPDATE", &key.on_update)] {
        if action != "NO ACTION" {
            sql.push_str(&format!(" ON {when} {action}"));
        }
    }
    if let Some(waits) = key
        .options
        .get(crate::dialect::sqlite::ddl::constraint::DEFERRED)
    {
        sql.push_str(&format!(" DEFERRABLE {waits}"));
    }
    sql
}

pub fn check(check: &Check) -> String {
    let name = constraint(&check.name, check.named, &check.options);
    format!("{name}CHECK ({})", check.expression)
}

pub fn object(object: &Object) -> String {
    if object.create_statement.0.is_empty() {
        object.sql.clone()
    } else {
        object.create_statement.0.clone()
    }
}

/// Describes a part of a table.
pub fn describe(part: SchemaPart<'_>) -> String {
    match part {
        SchemaPart::Table(table) => create(table),
        SchemaPart::Column(column) => self::column(column, None),
        SchemaPart::Key(key) => {
            if key.constraint {
                self::key("", key)
            } else {
                told_index(key)
            }
        }
        SchemaPart::ForeignKey(key) => foreign_key(key),
        SchemaPart::Check(check) => self::check(check),
        SchemaPart::Partitions(Partitions { by, .. }) => by.clone(),
        SchemaPart::Object(object) => self::object(object),
    }
}

/// Describes an index without its table.
fn told_index(key: &Key) -> String {
    let unique = match key.kind {
        KeyKind::Unique => "UNIQUE ",
        _ => "",
    };
    let filter = key.filter.as_ref().map(|filter| format!(" WHERE {filter}"));
    format!(
        "{unique}INDEX {} ({}){}",
        quote(&key.name),
        parts(key),
        filter.unwrap_or_default()
    )
}
