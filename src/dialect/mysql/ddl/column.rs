//! A column, as SHOW CREATE TABLE prints it.

use super::cursor::{Cursor, bare};
use crate::dialect::catalog::{bytes_of, has_bytes};
use crate::dialect::mysql::CHARACTERS;
use crate::dialect::mysql::read::server_defaults::Words;
use crate::model::hex;
use crate::model::schema::{Column, Generated};

/// Types under which one product shows what the other one calls differently.
const OTHER_NAMES: &[(&str, &str)] = &[("geomcollection", "geometrycollection")];

/// How wide numbers are printed unless somebody says so, signed and unsigned; newer servers don't
/// tell.
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

/// The word with which a type begins.
pub fn base(sql: &str) -> &str {
    sql.split(['(', ' ']).next().unwrap_or_default()
}

pub fn has_characters(sql: &str) -> bool {
    CHARACTERS.contains(&base(sql))
}

/// What MySQL gives no default and shows none of.
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

/// Reads a column from its name on; nothing where a word remains that bird does not know.
pub fn read(cursor: &mut Cursor<'_>, words: &Words<'_>, collation: &str) -> Option<Column> {
    let mut column = Column {
        name: cursor.name()?,
        nullable: true,
        ..Column::default()
    };
    column.sql = kind(cursor)?;
    let mut said = Said::default();
    while !cursor.is_over() {
        attribute(cursor, words, &mut column, &mut said)?;
    }
    settle(&mut column, words, collation, said);
    column.family = words.family(&column.sql);
    Some(column)
}

/// What a column says that stands elsewhere in the end.
#[derive(Default)]
struct Said {
    charset: Option<String>,
    collation: Option<String>,
    check: Option<String>,
    default: bool,
    null: bool,
}

/// The type with everything that belongs to it.
fn kind(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut name = cursor.name()?.to_lowercase();
    if let Some((_, other)) = OTHER_NAMES.iter().find(|(is, _)| *is == name) {
        name = (*other).to_owned();
    }
    if cursor.eat(&["precision"]) {
        name = "double".to_owned();
    }
    let size = cursor.group().map(|inside| inside.flat());
    let unsigned = cursor.eat(&["unsigned"]);
    let zerofill = cursor.eat(&["zerofill"]);
    let usual = WIDTHS.iter().find(|(is, _, _)| *is == name);
    let usual = usual.map(|(_, signed, width)| if unsigned { *width } else { *signed });
    let mut sql = name;
    if let Some(size) = size
        && (zerofill || usual != Some(size.as_str()))
    {
        sql.push_str(&format!("({size})"));
    }
    for (has, word) in [(unsigned, " unsigned"), (zerofill, " zerofill")] {
        if has {
            sql.push_str(word);
        }
    }
    Some(sql)
}

fn attribute(
    cursor: &mut Cursor<'_>,
    words: &Words<'_>,
    column: &mut Column,
    said: &mut Said,
) -> Option<()> {
    let mut option = |name: &str, value: &str| {
        column.options.insert(name.to_owned(), value.to_owned());
    };
    if cursor.eat(&["NOT", "NULL"]) {
        column.nullable = false;
    } else if cursor.eat(&["NULL"]) {
        said.null = true;
    } else if cursor.eat(&["CHARACTER", "SET"]) {
        said.charset = Some(words.charset(&cursor.name()?));
    } else if cursor.eat(&["COLLATE"]) {
        said.collation = Some(words.collation(&cursor.name()?));
    } else if cursor.eat(&["DEFAULT"]) {
        said.default = true;
        column.default = default(cursor, &column.sql, words)?;
    } else if cursor.eat(&["ON", "UPDATE"]) {
        option("on update", &moment(&expression(cursor)?));
    } else if cursor.eat(&["AUTO_INCREMENT"]) {
        column.identity = Some("AUTO_INCREMENT".to_owned());
    } else if cursor.eat(&["COMMENT"]) {
        column.comment = cursor.string();
    } else if cursor.eat(&["GENERATED", "ALWAYS", "AS", "ROW"]) {
        option("row", &cursor.name()?.to_lowercase());
    } else if cursor.eat(&["GENERATED", "ALWAYS", "AS"]) || cursor.eat(&["AS"]) {
        let expression = words.own(&bare(&cursor.group()?.flat()));
        let stored = cursor.eat(&["STORED"]) || cursor.eat(&["PERSISTENT"]);
        if !stored {
            cursor.eat(&["VIRTUAL"]);
        }
        column.generated = Some(Generated { expression, stored });
    } else if cursor.eat(&["INVISIBLE"]) {
        option("invisible", "yes");
    } else if cursor.eat(&["SRID"]) || cursor.eat(&["REF_SYSTEM_ID"]) {
        cursor.eat(&["="]);
        option("srid", cursor.next().map(|token| cursor.word(token))?);
    } else if cursor.eat(&["COMPRESSED"]) {
        let way = cursor.eat(&["="]).then(|| cursor.name()).flatten();
        option("compressed", &way.unwrap_or_else(|| "yes".to_owned()));
    } else if cursor.eat(&["WITHOUT", "SYSTEM", "VERSIONING"]) {
        option("versioning", "without");
    } else if cursor.eat(&["WITH", "SYSTEM", "VERSIONING"]) {
        option("versioning", "with");
    } else if cursor.eat(&["NOT", "SECONDARY"]) {
        option("secondary", "no");
    } else if cursor.eat(&["CHECK"]) {
        said.check = Some(words.own(&bare(&cursor.group()?.flat())));
    } else {
        let name = ["STORAGE", "COLUMN_FORMAT"]
            .into_iter()
            .find(|name| cursor.eat(&[name]));
        if let Some(name) = name {
            option(&name.to_lowercase(), &cursor.name()?);
        } else {
            let names = ["ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE"];
            let name = names.into_iter().find(|name| cursor.eat(&[name]))?;
            cursor.eat(&["="]);
            option(&name.to_lowercase(), &cursor.string()?);
        }
    }
    Some(())
}

/// A default: one literal, one function or an expression in parentheses. NULL is none.
fn default(cursor: &mut Cursor<'_>, sql: &str, words: &Words<'_>) -> Option<Option<String>> {
    if cursor.eat(&["NULL"]) {
        return Some(None);
    }
    let enclosed = cursor.sees(&["("]);
    let value = words.own(&expression(cursor)?);
    if enclosed {
        return Some(Some(format!("({})", bare(&value))));
    }
    if has_bytes(&value) {
        // MariaDB shows the bytes of a binary default as they are.
        let bytes = bytes_of(&super::cursor::value(&value));
        return Some(Some(format!("0x{}", hex::capitals(&bytes))));
    }
    let number = value
        .strip_prefix('\'')
        .and_then(|value| value.strip_suffix('\''));
    Some(Some(match number {
        Some(number) if NUMBERS.contains(&base(sql)) => number.to_owned(),
        _ => moment(&value),
    }))
}

/// What the products call now, in one spelling.
fn moment(value: &str) -> String {
    const NOW: &str = "current_timestamp";
    let lower = value.to_ascii_lowercase();
    match lower.strip_prefix(NOW) {
        Some("" | "()") => NOW.to_uppercase(),
        Some(rest) if rest.starts_with('(') => format!("{}{rest}", NOW.to_uppercase()),
        _ => value.to_owned(),
    }
}

/// A literal with its sign or its character set, a function with its arguments, or a group; and
/// whatever operators tie to it.
fn expression(cursor: &mut Cursor<'_>) -> Option<String> {
    let mark = cursor.mark();
    loop {
        while cursor.eat(&["-"]) || cursor.eat(&["+"]) {}
        if cursor.sight().starts_with('_') {
            cursor.next()?;
        }
        if cursor.group().is_none() {
            cursor.next()?;
            while cursor.eat(&["."]) {
                cursor.next()?;
            }
            let _: Option<Cursor<'_>> = cursor.group();
        }
        if !["+", "-", "*", "/", "%", "|", "&", "^"].contains(&cursor.sight()) {
            return Some(cursor.since(mark).flat());
        }
        cursor.next();
    }
}

/// What follows from what is said, and where it differs from what is shown.
fn settle(column: &mut Column, words: &Words<'_>, table: &str, said: Said) {
    let json = format!("json_valid({})", words.quote(&column.name));
    let collation = match (said.collation, said.charset) {
        (Some(collation), _) => collation,
        (None, Some(charset)) => words.usual_collation(&charset),
        (None, None) => table.to_owned(),
    };
    if column.sql == "longtext"
        && collation == "utf8mb4_bin"
        && said.check.as_deref() == Some(&json)
    {
        // A type of its own only on one of the two products.
        column.sql = "json".to_owned();
    } else {
        if has_characters(&column.sql) {
            column.collation = Some(collation);
        }
        let check = said.check.map(|check| ("check".to_owned(), check));
        column.options.extend(check);
    }
    // Somebody dropped the default that every column has which may be NULL.
    let silent = !said.default && column.nullable && !said.null;
    let by_itself = is_large(&column.sql)
        || column.generated.is_some()
        || column.identity.is_some()
        || column.options.contains_key("row");
    if silent && !by_itself {
        column
            .options
            .insert("default".to_owned(), "dropped".to_owned());
    }
}
