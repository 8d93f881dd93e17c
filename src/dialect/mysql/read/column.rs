//! Turns the definition of a column into a column of the schema model.

use super::server_defaults::ServerDefaults;
use crate::dialect::catalog::{bytes_of, has_bytes};
use crate::dialect::mysql::ddl::code::Code;
use crate::dialect::mysql::ddl::column::{self as ddl, DataType, base, has_characters};
use crate::dialect::mysql::ddl::text;
use crate::model::hex;
use crate::model::schema::{Column, Generated};

/// Types under which one product shows what the other one calls differently.
const OTHER_NAMES: &[(&str, &str)] = &[("geomcollection", "geometrycollection")];

/// The display widths of numbers that nobody has set, signed and unsigned; newer servers print no
/// width.
const WIDTHS: &[(&str, &str, &str)] = &[
    ("tinyint", "4", "3"),
    ("smallint", "6", "5"),
    ("mediumint", "9", "8"),
    ("int", "11", "10"),
    ("bigint", "20", "20"),
    ("year", "4", "4"),
];

const NUMBERS: &[&str] = &[
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "year",
    "decimal",
    "float",
    "double",
];

/// Whether a type is one that MySQL gives no default, and prints none for.
fn is_large(sql: &str) -> bool {
    matches!(
        base(sql),
        "tinytext"
            | "text"
            | "mediumtext"
            | "longtext"
            | "tinyblob"
            | "blob"
            | "mediumblob"
            | "longblob"
    )
}

/// The column as the schema model has it, in a table of this collation. `None` if the definition
/// has something that the model has no place for.
pub fn column(
    definition: &ddl::Column,
    defaults: &ServerDefaults<'_>,
    table_collation: &str,
) -> Option<Column> {
    let has_key = definition.is_primary || definition.is_unique;
    let known = definition.unknown.is_empty() && definition.position.is_none() && !has_key;
    known.then_some(())?;
    let sql = sql_type(&definition.data_type);
    let options = definition.options.iter();
    let mut column = Column {
        name: definition.name.clone(),
        nullable: definition.nullable != Some(false),
        default: definition
            .default
            .as_ref()
            .and_then(|value| default(value, &sql, defaults)),
        identity: definition
            .auto_increment
            .then(|| "AUTO_INCREMENT".to_owned()),
        comment: definition.comment.clone(),
        generated: definition.generated.as_ref().map(|generated| Generated {
            expression: expression(&generated.expression, defaults),
            stored: generated.stored,
        }),
        options: options
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        sql,
        ..Column::default()
    };
    if let Some(value) = &definition.on_update {
        let value = moment(&value.text());
        column.options.insert("on update".to_owned(), value);
    }
    normalize(&mut column, definition, defaults, table_collation);
    column.family = defaults.family(&column.sql);
    Some(column)
}

/// The expression without the own database's name and without parentheses around all of it.
pub fn expression(code: &Code, defaults: &ServerDefaults<'_>) -> String {
    defaults.own(&text::bare(&code.text()))
}

/// The type as SQL, without a display width that nobody has set.
fn sql_type(data_type: &DataType) -> String {
    let other = OTHER_NAMES.iter().find(|(is, _)| *is == data_type.name);
    let name = other.map_or(data_type.name.as_str(), |(_, other)| other);
    let usual = WIDTHS
        .iter()
        .find(|(is, _, _)| *is == name)
        .map(|(_, signed, unsigned)| if data_type.unsigned { unsigned } else { signed });
    let mut sql = name.to_owned();
    if let Some(size) = data_type.arguments.as_ref().map(Code::text)
        && (data_type.zerofill || usual.is_none_or(|usual| **usual != size))
    {
        sql.push_str(&format!("({size})"));
    }
    if data_type.unsigned {
        sql.push_str(" unsigned");
    }
    if data_type.zerofill {
        sql.push_str(" zerofill");
    }
    sql
}

/// The default as SQL: one literal, one function or an expression in parentheses. `None` for NULL.
fn default(code: &Code, sql: &str, defaults: &ServerDefaults<'_>) -> Option<String> {
    let text = code.text();
    if text.eq_ignore_ascii_case("NULL") {
        return None;
    }
    let value = defaults.own(&text);
    if text.starts_with('(') {
        return Some(format!("({})", text::bare(&value)));
    }
    if has_bytes(&value) {
        // MariaDB shows the bytes of a binary default as they are.
        let bytes = bytes_of(&text::literal(&value));
        return Some(format!("0x{}", hex::capitals(&bytes)));
    }
    let number = value
        .strip_prefix('\'')
        .and_then(|value| value.strip_suffix('\''));
    Some(match number {
        Some(number) if NUMBERS.contains(&base(sql)) => number.to_owned(),
        _ => moment(&value),
    })
}

/// The current time in one spelling; the products have several.
fn moment(value: &str) -> String {
    const NOW: &str = "current_timestamp";
    let lower = value.to_ascii_lowercase();
    match lower.strip_prefix(NOW) {
        Some("" | "()") => NOW.to_uppercase(),
        Some(rest) if rest.starts_with('(') => format!("{}{rest}", NOW.to_uppercase()),
        _ => value.to_owned(),
    }
}

/// Sets what follows from the definition without being printed, and what the products print
/// differently.
fn normalize(
    column: &mut Column,
    definition: &ddl::Column,
    defaults: &ServerDefaults<'_>,
    table_collation: &str,
) {
    let check = definition.checks.last();
    let check = check.map(|check| expression(&check.expression, defaults));
    let json = format!("json_valid({})", defaults.quote(&column.name));
    let collation = match (&definition.collation, &definition.charset) {
        (Some(collation), _) => collation.clone(),
        (None, Some(charset)) => defaults.usual_collation(charset),
        (None, None) => table_collation.to_owned(),
    };
    if column.sql == "longtext" && collation == "utf8mb4_bin" && check.as_deref() == Some(&json) {
        // A type of its own only on one of the two products.
        column.sql = "json".to_owned();
    } else {
        if has_characters(&column.sql) {
            column.collation = Some(collation);
        }
        let check = check.map(|check| ("check".to_owned(), check));
        column.options.extend(check);
    }
    // Every column that may be NULL has a default, unless somebody dropped it.
    let silent = definition.default.is_none() && definition.nullable.is_none();
    let has_no_default = is_large(&column.sql)
        || column.generated.is_some()
        || column.identity.is_some()
        || column.options.contains_key("row");
    if silent && !has_no_default {
        column
            .options
            .insert("default".to_owned(), "dropped".to_owned());
    }
}
