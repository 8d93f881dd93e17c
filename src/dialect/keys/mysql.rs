//! Keys in MySQL and MariaDB.

use super::{Keys, Part, Probe, Spelling, Wire, base, refused, rows};
use crate::dialect::mysql::{CHARACTERS, MySql};
use crate::dialect::{Dialect, sizes};
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};
use crate::model::server::Server;

pub struct MySqlKeys;

pub static MYSQL: MySqlKeys = MySqlKeys;

impl Keys for MySqlKeys {
    fn snapshot(&self) -> Option<&'static str> {
        Some(
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
             START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )
    }

    fn part(&self, column: &Column, compare: &Compare, _server: &Server) -> Result<Part, String> {
        let name = MySql.quote(&column.name);
        let base = base(column);
        let plain = |wire, spelling| Part::plain(name.clone(), wire, compare, spelling);
        Ok(match (kind(&base, column), compare) {
            (Kind::Bytes { indexed }, Compare::Bytes | Compare::Text) => Part {
                indexed,
                ..plain(Wire::Bytes, Spelling::Bytes)
            },
            (Kind::Bytes { indexed }, Compare::Uuid) => Part {
                indexed,
                ..plain(Wire::Bytes, Spelling::Bytes)
            },
            // It keeps its bytes in another order than the one it shows them in.
            (Kind::Uuid, Compare::Uuid) => Part {
                sorts: false,
                ..plain(Wire::Characters, Spelling::Uuid)
            },
            (Kind::Whole, Compare::Integer) => plain(Wire::Digits, Spelling::Number),
            (Kind::Characters, Compare::Text | Compare::Bytes) => exact(name, column, compare),
            (Kind::Characters, Compare::Uuid) => spelled(name, column, compare),
            (Kind::Characters, Compare::Integer) => Part {
                sorts: false,
                probes: vec![Probe::every(
                    format!("CAST({name} AS DECIMAL(65, 0))"),
                    Spelling::Number,
                )],
                bound: Spelling::Text,
                ..exact(name, column, compare)
            },
            (Kind::Characters, Compare::Collated(collation)) => {
                collated(name, column, compare, collation)?
            }
            _ => return Err(refused(column, compare)),
        })
    }

    fn counts(&self) -> Wire {
        Wire::Digits
    }

    fn row_expression(&self, column: &Column) -> String {
        let name = MySql.quote(&column.name);
        match column.family {
            Family::Binary => format!("HEX({name})"),
            Family::Text => format!("CONVERT({name} USING utf8mb4)"),
            _ => format!("CAST({name} AS CHAR)"),
        }
    }

    fn row_literal(&self, column: &Column, told: &str) -> Result<String, String> {
        match column.family {
            Family::Binary => Ok(MySql.bytes(&rows::bytes_of(column, told)?)),
            Family::Integer | Family::Bool => rows::number(column, told),
            _ => MySql.text(told),
        }
    }
}

/// What a column holds.
enum Kind {
    Bytes { indexed: bool },
    Uuid,
    Whole,
    Characters,
    Other,
}

fn kind(base: &str, column: &Column) -> Kind {
    match base {
        "binary" | "varbinary" => Kind::Bytes { indexed: true },
        // An index has the beginning of each value only.
        "tinyblob" | "blob" | "mediumblob" | "longblob" => Kind::Bytes { indexed: false },
        "uuid" => Kind::Uuid,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Kind::Whole,
        "decimal" | "numeric" if sizes(&column.sql).get(1).copied().unwrap_or(0) == 0 => {
            Kind::Whole
        }
        base if CHARACTERS.contains(&base) && base != "set" => Kind::Characters,
        _ => Kind::Other,
    }
}

/// Whether the column's own equality is that of its bytes.
fn is_exact(column: &Column) -> bool {
    let Some(collation) = column.collation.as_deref() else {
        return false;
    };
    let no_pad =
        collation.contains("_nopad_") || collation == "utf8mb4_0900_bin" || collation == "binary";
    // What a CHAR has at its end is not kept.
    let padded = no_pad || base(column) == "char";
    let bin = collation.ends_with("_bin") || collation == "binary";
    bin && padded && has_index(column)
}

fn has_index(column: &Column) -> bool {
    matches!(base(column).as_str(), "char" | "varchar")
}

/// Characters, each value apart from every other.
fn exact(name: String, column: &Column, compare: &Compare) -> Part {
    let part = Part::plain(name, Wire::Characters, compare, Spelling::Text);
    if is_exact(column) {
        return part;
    }
    let bytes = format!("CAST(CONVERT({} USING utf8mb4) AS BINARY)", part.column);
    // What is the same to the bytes is the same to every collation.
    Part {
        select: bytes.clone(),
        order: bytes,
        bound: Spelling::Bytes,
        indexed: false,
        ..part
    }
}

/// UUIDs in characters.
fn spelled(name: String, column: &Column, compare: &Compare) -> Part {
    let digits = ["'-'", "'{'", "'}'"]
        .iter()
        .fold(format!("CONVERT({name} USING utf8mb4)"), |text, sign| {
            format!("REPLACE({text}, {sign}, '')")
        });
    let loose = Probe::every(
        format!("CAST(LOWER(TRIM({digits})) AS BINARY)"),
        Spelling::Hex,
    );
    // ASCII's own collation takes large and small letters for the same, and nothing else.
    let direct = column.collation.as_deref() == Some("ascii_general_ci") && has_index(column);
    let part = exact(name.clone(), column, compare);
    let part = match direct {
        true => Part::plain(name, Wire::Characters, compare, Spelling::Uuid),
        false if part.indexed => Part {
            bound: Spelling::Uuid,
            ..part
        },
        false => Part {
            bound: Spelling::Uuid,
            ..part
        },
    };
    Part {
        probes: vec![loose],
        ..part
    }
}

/// Characters, equal as a collation says.
fn collated(
    name: String,
    column: &Column,
    compare: &Compare,
    collation: &str,
) -> Result<Part, String> {
    if matches!(collation, "NOCASE" | "RTRIM" | "BINARY") {
        return Ok(Part {
            sorts: collation != "NOCASE",
            probes: vec![Probe::every(folded(&name, collation), Spelling::Bytes)],
            ..exact(name, column, compare)
        });
    }
    if !collation
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(format!("`{collation}` is no collation"));
    }
    let charset = match collation.split('_').next() {
        Some("uca1400") | None => "utf8mb4",
        Some(charset) => charset,
    };
    // To most collations blanks at the end are nothing, but their sort keys have them.
    let pads = !(collation.contains("_0900_") || collation.contains("_nopad_"));
    let own = column.collation.as_deref() == Some(collation);
    let value = match own {
        true => name.clone(),
        false => format!("CONVERT({name} USING {charset}) COLLATE {collation}"),
    };
    let value_key = match pads {
        true => format!("WEIGHT_STRING(TRIM(TRAILING ' ' FROM {value}))"),
        false => format!("WEIGHT_STRING({value})"),
    };
    let by_index = own && has_index(column);
    let order = if by_index {
        name.clone()
    } else {
        value_key.clone()
    };
    Ok(Part {
        select: value_key.clone(),
        order,
        wire: Wire::Bytes,
        compare: compare.clone(),
        sorts: true,
        indexed: by_index,
        bound: Spelling::Bytes,
        probes: vec![Probe::every(value_key, Spelling::Bytes)],
        column: name,
    })
}

/// What one of the embedded engine's collations makes of characters.
fn folded(name: &str, collation: &str) -> String {
    let text = format!("CONVERT({name} USING utf8mb4)");
    let text = match collation {
        "NOCASE" => format!("LOWER({text})"),
        "RTRIM" => format!("TRIM(TRAILING ' ' FROM {text})"),
        _ => text,
    };
    format!("CAST({text} AS BINARY)")
}
