//! Declared values of seeds, as MySQL and MariaDB store and compare them.

use super::MySql;
use crate::dialect::literals::{Literals, single_quoted, sizes};
use crate::dialect::seeds::{Cell, Counter, SeedSql, number, plain_text, takes, twins_among, utc};
use crate::model::schema::Column;
use crate::model::seed::Value;
use crate::model::server::{Product, Server};

/// The types whose comparison with a text may find none to compare with: NULL, with a warning.
const TIMES: &[&str] = &["date", "datetime", "timestamp", "time"];

const SPATIAL: &[&str] = &[
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
];

impl SeedSql for MySql {
    fn cell(&self, server: &Server, column: &Column, value: &Value) -> Result<Cell, String> {
        let name = self.quote(&column.name);
        let Some(text) = plain_text(value, "1", "0") else {
            return Ok(Cell::null(&name, "NULL".to_owned()));
        };
        let sql = column.sql.to_ascii_lowercase();
        let base = sql.split(['(', ' ']).next().unwrap_or_default();
        match base {
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => {
                self.characters(column, base, &text)
            }
            "enum" if !matches!(value, Value::Text(_)) => Ok(plain(&name, text)),
            "enum" => self.member_of(column, &text),
            "set" if !matches!(value, Value::Text(_)) => Ok(set(&name, text.clone(), &text, "")),
            "set" => self.set_of(column, &text),
            "year" if matches!(value, Value::Text(_)) => {
                whole(column, base, &numeric(column, &text)?)?;
                Ok(plain(&name, self.text(&text)?))
            }
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => {
                let written = numeric(column, &text)?;
                let rounded = whole(column, base, &written)?;
                Ok(cell(&name, written, rounded))
            }
            "decimal" | "numeric" => decimal(&name, column, &text),
            "float" | "double" | "real" => floating(&name, column, base, &text),
            "bit" => bits(&name, column, value, text),
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
                self.binary(column, base, text)
            }
            _ if TIMES.contains(&base) => self.time(column, base, &text),
            "json" => self.json(&name, value, &text),
            "uuid" | "inet4" | "inet6" => {
                let written = self.text(&text)?;
                let stored = format!("CAST({written} AS {base})");
                Ok(Cell {
                    fits: Some(format!("{stored} IS NOT NULL")),
                    grouped: stored,
                    ..plain(&name, written)
                })
            }
            "vector" => {
                let Value::Text(text) = value else {
                    return Err(takes(column, "a text: \"[1, 2, 3]\""));
                };
                let reader = match server.product {
                    Product::MariaDb => "VEC_FromText",
                    _ => "STRING_TO_VECTOR",
                };
                Ok(opaque(&name, format!("{reader}({})", self.text(text)?)))
            }
            _ if SPATIAL.contains(&base) => {
                let Value::Text(text) = value else {
                    return Err(takes(column, "a text: \"POINT(1 2)\""));
                };
                let place = match column.options.get("srid") {
                    Some(place) => format!(", {place}"),
                    None => String::new(),
                };
                let text = self.text(text)?;
                Ok(opaque(&name, format!("ST_GeomFromText({text}{place})")))
            }
            _ => Ok(plain(&name, self.text(&text)?)),
        }
    }

    /// A zero is a number like any other, and a value that does not fit is an error, whatever the
    /// server's mode.
    fn exact_writes(&self) -> Option<&'static str> {
        Some("SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO')")
    }

    fn key(&self, column: &Column) -> String {
        let name = self.quote(&column.name);
        let sql = column.sql.to_ascii_lowercase();
        let base = sql.split(['(', ' ']).next().unwrap_or_default();
        match base {
            "set" => format!("CAST({name} AS UNSIGNED)"),
            "json" => format!("CAST({name} AS CHAR)"),
            "vector" => format!("HEX({name})"),
            _ if SPATIAL.contains(&base) => format!("HEX({name})"),
            _ => name,
        }
    }

    fn held(&self, column: &Column) -> String {
        format!("HEX(CAST({} AS BINARY))", self.quote(&column.name))
    }

    fn twins_query(
        &self,
        server: &Server,
        table: &str,
        columns: &[String],
        rows: &[Vec<&str>],
    ) -> String {
        let row = match server.product {
            Product::MariaDb => "",
            _ => "ROW",
        };
        let rows = rows.iter().enumerate();
        let rows = rows.map(|(at, values)| format!("{row}({at}, {})", values.join(", ")));
        let values = rows.collect::<Vec<_>>().join(", ");
        twins_among(table, columns, &format!("VALUES {values}"))
    }

    /// `AUTO_INCREMENT` moves by itself, the sequences of MariaDB do not.
    fn counters_query(&self, _schema: Option<&str>, table: &str) -> Option<String> {
        let table = single_quoted(&table.replace('\\', "\\\\"));
        Some(format!(
            "SELECT COLUMN_NAME, SUBSTRING(COLUMN_DEFAULT, 9, CHAR_LENGTH(COLUMN_DEFAULT) - 9) \
             FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
             AND TABLE_NAME = {table} AND COLUMN_DEFAULT LIKE 'nextval(`%`)' \
             AND DATA_TYPE IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint')"
        ))
    }

    fn counter_query(&self, table: &str, counter: &Counter, declared: i64) -> String {
        let (column, sequence) = (self.quote(&counter.column), &counter.sequence);
        let range = format!(
            "BETWEEN (SELECT minimum_value FROM {sequence}) AND (SELECT maximum_value FROM {sequence})"
        );
        format!(
            "SELECT top, next_not_cached_value <= top FROM (SELECT MAX(n) AS top FROM (\
             SELECT MAX({column}) AS n FROM {table} WHERE {column} {range} \
             UNION ALL SELECT CASE WHEN {declared} {range} THEN {declared} END) all_numbers) c, {sequence} \
             WHERE top IS NOT NULL AND increment > 0"
        )
    }

    /// The server moves it forward only. What it holds in its cache is not to be read, so this is sent even
    /// where the counter seems to be ahead.
    fn advance(&self, counter: &Counter, to: i64) -> String {
        format!("SELECT SETVAL({}, {to})", counter.sequence)
    }
}

impl MySql {
    /// Blanks at the end are no part of a CHAR, and a VARCHAR keeps as many as it holds.
    fn characters(&self, column: &Column, base: &str, text: &str) -> Result<Cell, String> {
        let name = self.quote(&column.name);
        let length = sizes(&column.sql).first().copied();
        let length = length.and_then(|length| usize::try_from(length).ok());
        let bare = text.trim_end_matches(' ');
        if length.is_some_and(|length| bare.chars().count() > length) {
            return Err(format!("it is longer than its type {}", column.sql));
        }
        // Some modes give a CHAR with its blanks, and some collations compare them.
        let padded = match (base, length) {
            ("char", Some(length)) => Some(self.text(&format!("{bare:<length$}"))?),
            _ => None,
        };
        let (stored, held) = match (base, length) {
            ("char", _) => (bare.to_owned(), format!("TRIM(TRAILING ' ' FROM {name})")),
            (_, Some(length)) => (text.chars().take(length).collect(), name.clone()),
            (_, None) => (text.to_owned(), name.clone()),
        };
        let stored = self.text(&stored)?;
        Ok(Cell {
            same: format!(
                "CAST(CONVERT({held} USING utf8mb4) AS BINARY) <=> CAST({stored} AS BINARY)"
            ),
            found: match padded {
                Some(padded) => format!("{name} IN ({stored}, {padded})"),
                None => format!("{name} = {stored}"),
            },
            written: self.text(text)?,
            grouped: collated(column, &stored),
            fits: None,
        })
    }

    /// The members of a SET are numbered bits, in whatever order they are written.
    fn set_of(&self, column: &Column, text: &str) -> Result<Cell, String> {
        let name = self.quote(&column.name);
        let written = self.text(text)?;
        let members = self.text(&members_of(&column.sql).join(","))?;
        let mut places = Vec::new();
        for element in text.split(',').filter(|element| !element.is_empty()) {
            let element = collated(column, &self.text(element.trim_end_matches(' '))?);
            let members = collated(column, &members);
            places.push(format!("FIND_IN_SET({element}, {members})"));
        }
        let mask: Vec<String> = places
            .iter()
            .map(|place| format!("(1 << ({place} - 1))"))
            .collect();
        let mask = if mask.is_empty() {
            "0".to_owned()
        } else {
            format!("({})", mask.join(" | "))
        };
        let known: String = places
            .iter()
            .map(|place| format!(" AND {place} > 0"))
            .collect();
        Ok(set(&name, written, &mask, &known))
    }

    fn member_of(&self, column: &Column, text: &str) -> Result<Cell, String> {
        let written = self.text(text.trim_end_matches(' '))?;
        let value = collated(column, &written);
        let mut members = Vec::new();
        for member in members_of(&column.sql) {
            members.push(collated(column, &self.text(&member)?));
        }
        // The number of a member is another spelling of it.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = format!("FIELD({value}, {}) > 0", members.join(", "));
        Ok(Cell {
            fits: (!is_number && !members.is_empty()).then_some(fits),
            grouped: value,
            ..plain(&self.quote(&column.name), written)
        })
    }

    fn binary(&self, column: &Column, base: &str, text: String) -> Result<Cell, String> {
        let written = self.literal(&Value::Text(text), column)?;
        let digits = written.trim_start_matches("X'").trim_end_matches('\'');
        let length = sizes(&column.sql).first().copied();
        let length = length.and_then(|length| usize::try_from(length).ok());
        let stored = match length {
            Some(length) if digits.len() > 2 * length => {
                return Err(format!("it is longer than its type {}", column.sql));
            }
            Some(length) if base == "binary" => format!("X'{digits:0<width$}'", width = 2 * length),
            _ => written.clone(),
        };
        Ok(cell(&self.quote(&column.name), written, stored))
    }

    fn time(&self, column: &Column, base: &str, text: &str) -> Result<Cell, String> {
        let written = self.text(&utc(text).unwrap_or_else(|| text.to_owned()))?;
        let target = match base {
            "timestamp" => "DATETIME",
            other => other,
        };
        let digits = match sizes(&column.sql).first() {
            Some(digits) => format!("({digits})"),
            None => String::new(),
        };
        let stored = format!("CAST({written} AS {target}{digits})");
        let name = self.quote(&column.name);
        Ok(Cell {
            // A cast makes NULL of a text that is not a time.
            same: format!("({stored} IS NOT NULL AND {name} <=> {stored})"),
            fits: Some(format!("{stored} IS NOT NULL")),
            ..cell(&name, written, stored)
        })
    }

    fn json(&self, name: &str, value: &Value, text: &str) -> Result<Cell, String> {
        let written = match value {
            Value::Bool(true) => "'true'".to_owned(),
            Value::Bool(false) => "'false'".to_owned(),
            _ => self.text(text)?,
        };
        let stored = format!("CAST({written} AS JSON)");
        Ok(Cell {
            grouped: format!("CAST({stored} AS CHAR)"),
            fits: Some(format!("{stored} IS NOT NULL")),
            ..cell(name, written, stored)
        })
    }
}

/// A text in the character set and collation of a column.
fn collated(column: &Column, text: &str) -> String {
    let Some(collation) = &column.collation else {
        return text.to_owned();
    };
    let charset = collation.split('_').next().unwrap_or(collation);
    format!("CONVERT({text} USING {charset}) COLLATE {collation}")
}

/// A value that the server itself compares as the column does.
fn plain(name: &str, written: String) -> Cell {
    let stored = written.clone();
    cell(name, written, stored)
}

/// A value, and the expression of what the column stores for it.
fn cell(name: &str, written: String, stored: String) -> Cell {
    Cell {
        same: format!("{name} <=> {stored}"),
        found: format!("{name} = {stored}"),
        written,
        grouped: stored,
        fits: None,
    }
}

/// A value of a type without comparisons of its own.
fn opaque(name: &str, written: String) -> Cell {
    Cell {
        same: format!("HEX({name}) <=> HEX({written})"),
        found: format!("HEX({name}) = HEX({written})"),
        grouped: format!("HEX({written})"),
        fits: Some(format!("{written} IS NOT NULL")),
        written,
    }
}

fn set(name: &str, written: String, mask: &str, known: &str) -> Cell {
    Cell {
        same: format!("(CAST({name} AS UNSIGNED) <=> {mask}{known})"),
        found: format!("CAST({name} AS UNSIGNED) = {mask}{known}"),
        written,
        grouped: mask.to_owned(),
        fits: known.strip_prefix(" AND ").map(str::to_owned),
    }
}

fn numeric(column: &Column, text: &str) -> Result<String, String> {
    number(text).ok_or_else(|| takes(column, "a number"))
}

/// A number as a type of whole numbers rounds it, if it is in its range.
fn whole(column: &Column, base: &str, written: &str) -> Result<String, String> {
    let bits = match base {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" => 32,
        _ => 64,
    };
    let is_unsigned = column.sql.to_ascii_lowercase().contains("unsigned");
    let (least, most) = if base == "year" {
        (0, 2155)
    } else if is_unsigned {
        (0, (1_i128 << bits) - 1)
    } else {
        (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
    };
    let outside = || takes(column, &format!("numbers from {least} to {most}"));
    if let Ok(number) = written.parse::<i128>() {
        let is_inside = (least..=most).contains(&number);
        return is_inside.then(|| written.to_owned()).ok_or_else(outside);
    }
    let number = written.parse::<f64>().unwrap_or_default().round();
    #[expect(
        clippy::cast_precision_loss,
        reason = "the engine refuses what is just outside"
    )]
    let is_inside = number >= least as f64 && number <= most as f64;
    is_inside
        .then(|| format!("ROUND({written})"))
        .ok_or_else(outside)
}

fn decimal(name: &str, column: &Column, text: &str) -> Result<Cell, String> {
    let written = numeric(column, text)?;
    let sizes = sizes(&column.sql);
    let digits = sizes.first().copied().unwrap_or(10);
    let scale = sizes.get(1).copied().unwrap_or(0);
    let before = i32::try_from(digits.saturating_sub(scale)).unwrap_or(i32::MAX);
    // A cast would take the nearest number that fits.
    let size = written.parse::<f64>().map_or(0.0, f64::abs);
    if size >= 10f64.powi(before) {
        return Err(takes(
            column,
            &format!("{before} digits before the point at most"),
        ));
    }
    let stored = format!("CAST({written} AS DECIMAL({digits},{scale}))");
    Ok(cell(name, written, stored))
}

fn floating(name: &str, column: &Column, base: &str, text: &str) -> Result<Cell, String> {
    let written = numeric(column, text)?;
    let rounded = match sizes(&column.sql).get(1) {
        // As the server does it: what is before the point does not blur what is behind it.
        Some(scale) => {
            let whole = format!("FLOOR({written} + 0e0)");
            format!("({whole} + ROUND({written} + 0e0 - {whole}, {scale}))")
        }
        None => written.clone(),
    };
    let stored = match base {
        "float" => format!("CAST({rounded} AS FLOAT)"),
        _ => format!("CAST({rounded} AS DOUBLE)"),
    };
    Ok(cell(name, written, stored))
}

fn bits(name: &str, column: &Column, value: &Value, text: String) -> Result<Cell, String> {
    let is_bits = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0' | b'1'));
    let size = sizes(&column.sql).first().copied().unwrap_or(1);
    let number = match value {
        Value::Text(_) => u128::from_str_radix(&text, 2).ok(),
        _ => text.parse().ok(),
    };
    let is_held = number.is_some_and(|number| number >> size.min(64) == 0);
    match value {
        _ if number.is_some() && !is_held => Err(takes(column, &format!("{size} bits"))),
        Value::Text(_) if is_bits => Ok(plain(name, format!("b'{text}'"))),
        Value::Text(_) => Err(takes(column, "a number, or bits as a text: \"101\"")),
        _ => Ok(plain(name, text)),
    }
}

/// The members of an ENUM or SET.
fn members_of(sql: &str) -> Vec<String> {
    let inner = sql.split_once('(').map_or("", |(_, inner)| inner);
    let (mut members, mut rest) = (Vec::new(), inner);
    while let Some((_, begun)) = rest.split_once('\'') {
        let mut member = String::new();
        let mut behind = begun;
        while let Some((part, more)) = behind.split_once('\'') {
            member.push_str(part);
            behind = more;
            let Some(more) = more.strip_prefix('\'') else {
                break;
            };
            member.push('\'');
            behind = more;
        }
        members.push(member);
        rest = behind;
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_with_their_quotes() {
        let cases: [(&str, &[&str]); 4] = [
            ("set('x','y')", &["x", "y"]),
            ("enum('it''s','''','b')", &["it's", "'", "b"]),
            ("set('')", &[""]),
            ("set", &[]),
        ];
        for (sql, expected) in cases {
            assert_eq!(members_of(sql), expected, "{sql}");
        }
    }
}
