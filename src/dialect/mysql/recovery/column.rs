//! Compares columns as statements define them with columns as servers print them.

use super::table::Table;
use crate::dialect::mysql::ddl::code::Code;
use crate::dialect::mysql::ddl::column::{Column, DataType, has_characters};
use crate::dialect::recovery::normalize::{GAP, flat_text, plain};

/// Types by their other names.
const SYNONYMS: &[(&str, &str)] = &[
    ("integer", "int"),
    ("int1", "tinyint"),
    ("int2", "smallint"),
    ("int3", "mediumint"),
    ("middleint", "mediumint"),
    ("int4", "int"),
    ("int8", "bigint"),
    ("bool", "tinyint"),
    ("boolean", "tinyint"),
    ("dec", "decimal"),
    ("numeric", "decimal"),
    ("fixed", "decimal"),
    ("real", "double"),
    ("float4", "float"),
    ("float8", "double"),
    ("character", "char"),
];
/// Types whose number in parentheses is only a display width.
const WHOLE: &[&str] = &["tinyint", "smallint", "mediumint", "int", "bigint", "year"];
const FRACTIONS: &[&str] = &["decimal", "float", "double"];
/// From the narrowest one.
const TEXTS: &[&str] = &["tinytext", "text", "mediumtext", "longtext"];

/// The name of a type without synonyms.
fn base(data_type: &DataType) -> &str {
    let name = data_type.name.as_str();
    let known = SYNONYMS.iter().find(|(other, _)| *other == name);
    known.map_or(name, |(_, name)| name)
}

/// A type in its normal form.
fn normal_type(data_type: &DataType) -> String {
    let name = base(data_type);
    let between = match name {
        // A comma may be a part of a value.
        "enum" | "set" => GAP.to_string(),
        _ => String::new(),
    };
    let arguments = data_type.arguments.as_ref();
    let arguments = arguments.map(|code| plain(code.words()).join(&between));
    let arguments = match (name, arguments.as_deref()) {
        (whole, _) if WHOLE.contains(&whole) => None,
        ("decimal", None) => Some("10,0".to_owned()),
        ("decimal", Some(digits)) if !digits.contains(',') => Some(format!("{digits},0")),
        ("bit" | "char" | "binary", None) => Some("1".to_owned()),
        ("time" | "datetime" | "timestamp", Some("0")) => None,
        _ => arguments,
    };
    let mut text = match arguments {
        Some(arguments) => format!("{name}({arguments})"),
        None => name.to_owned(),
    };
    if data_type.unsigned || data_type.zerofill {
        text.push_str(" unsigned");
    }
    if data_type.zerofill {
        text.push_str(" zerofill");
    }
    text
}

/// A value of a column in its normal form: servers print numbers as texts and the other way round.
fn normal_value(data_type: &DataType, value: &Code) -> String {
    let value = flat_text(value.words()).replace(&format!("-{GAP}"), "-");
    let bare = value.strip_prefix('\'').unwrap_or(&value);
    let base = base(data_type);
    if WHOLE.contains(&base) {
        return match bare {
            "true" => "1".into(),
            "false" => "0".into(),
            _ => bare.into(),
        };
    }
    if !FRACTIONS.contains(&base) {
        value
    } else if bare.contains('.') {
        bare.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        bare.into()
    }
}

fn normal_default(column: &Column) -> Option<String> {
    let value = column.default.as_ref()?;
    Some(normal_value(&column.data_type, value)).filter(|value| value != "null")
}

fn normal_on_update(column: &Column) -> Option<String> {
    let value = column.on_update.as_ref()?;
    Some(normal_value(&column.data_type, value))
}

fn normal_expression(column: &Column) -> Option<(String, bool)> {
    let generated = column.generated.as_ref()?;
    Some((flat_text(generated.expression.words()), generated.stored))
}

/// Turns what only one of the products prints into what both say, and its names into lower case.
pub fn normalize(column: &mut Column) {
    column.name = column.name.to_lowercase();
    column.comment = column.comment.take().filter(|comment| !comment.is_empty());
    column.nullable = column.nullable.filter(|nullable| !nullable);
    // JSON is a type of its own only on one of the two products.
    let json = format!("json_valid{GAP}{}", column.name);
    let checks = column.checks.len();
    if column.data_type.name == "longtext" {
        let is_json = |code: &Code| flat_text(code.words()) == json;
        column.checks.retain(|check| !is_json(&check.expression));
    }
    if column.checks.len() < checks {
        column.data_type = DataType {
            name: "json".to_owned(),
            ..DataType::default()
        };
        (column.charset, column.collation) = (None, None);
    }
}

/// Whether a column has a character set.
pub fn is_text(column: &Column) -> bool {
    has_characters(base(&column.data_type))
}

/// Gives a column the character set and the collation of its table, if it has none of its own.
pub fn inherit(column: &mut Column, charset: Option<&String>, collation: Option<&String>) {
    let own = column.charset.is_some() || column.collation.is_some();
    if !is_text(column) {
        (column.charset, column.collation) = (None, None);
    } else if !own {
        (column.charset, column.collation) = (charset.cloned(), collation.cloned());
    } else if let (None, Some(collation)) = (&column.charset, &column.collation) {
        let set = collation.split('_').next();
        column.charset = set.map(str::to_owned);
    }
}

/// Whether a server prints the wanted column of a table in this way.
pub fn matches(table: &Table, wanted: &Column, shown: &Column, is_primary: bool) -> bool {
    let converted = table.converted.contains(&wanted.name);
    let same_type = normal_type(&wanted.data_type) == normal_type(&shown.data_type)
        || converted && is_widened(&wanted.data_type, &shown.data_type);
    let implied = is_primary || wanted.auto_increment && shown.auto_increment;
    wanted.name == shown.name
        && same_type
        && (wanted.nullable == shown.nullable || wanted.nullable.is_none() && implied)
        // A character set that is not written is chosen by the server.
        && (wanted.charset.is_none() || wanted.charset == shown.charset)
        && same_collation(wanted.collation.as_deref(), shown.collation.as_deref())
        && normal_default(wanted) == normal_default(shown)
        && normal_on_update(wanted) == normal_on_update(shown)
        && normal_expression(wanted) == normal_expression(shown)
        && wanted.comment == shown.comment
        && wanted.auto_increment == shown.auto_increment
        && wanted.options == shown.options
        && plain(wanted.unknown.words()) == plain(shown.unknown.words())
}

/// Whether a text type became a wider one, as it may when its character set is converted.
fn is_widened(wanted: &DataType, shown: &DataType) -> bool {
    let width = |data_type| TEXTS.iter().position(|text| *text == base(data_type));
    let (Some(wanted), Some(shown)) = (width(wanted), width(shown)) else {
        return false;
    };
    wanted < shown
}

/// Whether a collation is printed as it is wanted: the one that a character set has anyway may be
/// left out.
pub fn same_collation(wanted: Option<&str>, shown: Option<&str>) -> bool {
    const ANYWAY: &[&str] = &[
        "ascii_general_ci",
        "binary",
        "latin1_swedish_ci",
        "utf8mb3_general_ci",
    ];
    match (wanted, shown) {
        (None, _) => true,
        (Some(wanted), None) => ANYWAY.contains(&wanted),
        (Some(wanted), Some(shown)) => wanted == shown,
    }
}
