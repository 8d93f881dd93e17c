//! Keys of SQLite, where each value has its own type.

use crate::dialect::Literals;
use crate::dialect::keys::{
    Equality, KeyColumn, KeyLocation, Keys, Probe, Spelling, Statistics, Wire, known, refused, rows,
};
use crate::dialect::sqlite::Sqlite;
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};
use crate::model::server::Server;

/// The range of the engine's integers.
const INTEGER: Spelling = Spelling::Whole {
    low: i64::MIN as i128,
    high: i64::MAX as i128,
};

impl Keys for Sqlite {
    fn attach(&self, file: &str, name: &str) -> Option<String> {
        let file = Sqlite.text(file).ok()?;
        Some(format!("ATTACH DATABASE {file} AS {}", Sqlite.quote(name)))
    }

    fn part(
        &self,
        column: &Column,
        compare: &Compare,
        _server: &Server,
    ) -> Result<KeyColumn, String> {
        if let Compare::Collated(collation) = compare
            && !matches!(collation.as_str(), "BINARY" | "NOCASE" | "RTRIM")
        {
            return Err(format!(
                "SQLite has no collation {collation}: it has BINARY, NOCASE and RTRIM"
            ));
        }
        if matches!(
            compare,
            Compare::Decimal | Compare::DateTime | Compare::Double | Compare::Value
        ) || column.family == Family::Integer && *compare != Compare::Integer
        {
            return Err(refused(column, compare));
        }
        let name = Sqlite.quote(&column.name);
        let own = own(column);
        let wanted = match compare {
            Compare::Collated(collation) => collation.as_str(),
            // NOCASE ignores letter case, as UUIDs do.
            Compare::Uuid if own == "NOCASE" => "NOCASE",
            _ => "BINARY",
        };
        let indexed = own == wanted;
        let order = if indexed {
            name.clone()
        } else {
            format!("{name} COLLATE {wanted}")
        };
        Ok(KeyColumn {
            select: name.clone(),
            order,
            wire: Wire::Typed,
            compare: compare.clone(),
            sorts: sorts(column, compare),
            indexed,
            groups: true,
            bound: bound(column, compare),
            wide: match compare {
                Compare::Integer => Some((format!("CAST({name} AS INTEGER)"), INTEGER)),
                Compare::Uuid => Some((digits(&name), Spelling::Hex)),
                _ => None,
            },
            probes: probes(&name, column, compare),
            column: name,
        })
    }

    /// `ANALYZE` writes, for an index, how many rows there are and how many of them have the same
    /// first column, the same first two, and so on.
    fn statistics(
        &self,
        place: &KeyLocation<'_>,
        table: &str,
        columns: &[&str],
    ) -> Option<Statistics> {
        let text = |text: &str| Sqlite.text(text).ok();
        let within = place.database.unwrap_or("main");
        let file = Sqlite.quote(within);
        let rows = format!("{file}.{}", Sqlite.quote(table));
        let (within, table) = (text(within)?, text(table)?);
        let begins = known::begins(columns, "i.seqno", "i.name", 0, text)?;
        let same = (0..columns.len()).fold("stat".to_owned(), |rest, _| {
            format!("substr({rest}, instr({rest}, ' ') + 1)")
        });
        let most = columns.len();
        Some(Statistics {
            there: Some(format!(
                "SELECT 1 FROM {file}.sqlite_master WHERE name = 'sqlite_stat1'"
            )),
            sql: format!(
                "SELECT MAX(CAST(stat AS INTEGER)), MAX(CASE WHEN (SELECT COUNT(*) \
                 FROM pragma_index_info(idx, {within}) i WHERE {begins}) = {most} \
                 THEN CAST(stat AS INTEGER) / max(CAST({same} AS INTEGER), 1) END) \
                 FROM {file}.sqlite_stat1 WHERE tbl = {table}"
            ),
            // Rowids ascend. A table without rowids gives an error and no estimate.
            otherwise: Some(format!("SELECT MAX(rowid) FROM {rows}")),
        })
    }

    fn equality(&self, column: &Column) -> Equality {
        match own(column).as_str() {
            "BINARY" => Equality::Exact,
            "RTRIM" => Equality::Padded,
            other => Equality::Collation(other.to_owned()),
        }
    }

    fn counts(&self) -> Wire {
        Wire::Typed
    }

    /// Bytes are sent as digits. Other values in a column of bytes are sent in a distinct form.
    fn row_expression(&self, column: &Column) -> String {
        let name = Sqlite.quote(&column.name);
        match column.family {
            Family::Binary => format!(
                "CASE typeof({name}) WHEN 'blob' THEN hex({name}) \
                 WHEN 'integer' THEN printf('%+d', {name}) ELSE quote({name}) END"
            ),
            _ => format!(
                "CASE typeof({name}) WHEN 'blob' THEN 'x' || quote(hex({name})) \
                 ELSE CAST({name} AS TEXT) END"
            ),
        }
    }

    fn row_order(&self, column: &Column) -> String {
        Sqlite.quote(&column.name)
    }

    fn row_literal(&self, column: &Column, text: &str) -> Result<String, String> {
        let quoted = |text: &str| {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some(inner.replace("''", "'"))
        };
        if column.family == Family::Binary {
            return match quoted(text) {
                Some(text) => Sqlite.text(&text),
                None if text.starts_with(['+', '-']) => {
                    rows::number(column, text.trim_start_matches('+'))
                }
                None if text.contains('.') && text.parse::<f64>().is_ok() => Ok(text.to_owned()),
                None => Ok(Sqlite.bytes(&rows::bytes_of(column, text)?)),
            };
        }
        if let Some(hex) = text.strip_prefix('x').and_then(quoted)
            && rows::digits(&hex)
        {
            return Ok(format!("X'{hex}'"));
        }
        let is_number = text
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == text);
        if is_number && column.family != Family::Text {
            Ok(text.to_owned())
        } else {
            Sqlite.text(text)
        }
    }
}

/// Whether values of the usual type have the order of their canonical bytes. The server sorts values
/// of other types apart from them.
fn sorts(column: &Column, compare: &Compare) -> bool {
    match compare {
        Compare::Integer => column.family != Family::Text,
        _ => true,
    }
}

/// Bounds of ranges have the column's usual type. A value of another type is in exactly one range,
/// the first or the last.
fn bound(column: &Column, compare: &Compare) -> Spelling {
    match (compare, column.family) {
        (Compare::Integer, Family::Text) => Spelling::Never,
        (Compare::Integer, _) => INTEGER,
        (Compare::Uuid, Family::Text) if own(column) == "NOCASE" => Spelling::Uuid,
        // Uppercase sorts before lowercase, so no single bound serves both.
        (Compare::Uuid, Family::Text) => Spelling::Never,
        (_, Family::Text) => Spelling::Text,
        _ => Spelling::Bytes,
    }
}

/// The condition that a value is a text, which an index can serve: texts sort after all numbers and
/// before all blobs.
fn is_text(name: &str) -> Option<String> {
    Some(format!("{name} >= '' AND {name} < x''"))
}

fn probes(name: &str, column: &Column, compare: &Compare) -> Vec<Probe> {
    let within = |expression: String, spelling| Probe {
        expression,
        spelling,
        within: is_text(name),
        // In a text column every value fulfills it.
        indexed: column.family != Family::Text,
    };
    match compare {
        Compare::Bytes | Compare::Text => vec![
            Probe::direct(name, Spelling::Bytes),
            Probe::direct(name, Spelling::Text),
        ],
        Compare::Uuid => {
            vec![
                Probe::direct(name, Spelling::Bytes),
                within(digits(name), Spelling::Hex),
            ]
        }
        Compare::Integer => vec![
            Probe::direct(name, INTEGER),
            within(
                format!(
                    "CASE WHEN {name} LIKE '-%' THEN '-' || ltrim(substr({name}, 2), '0') \
                     ELSE ltrim({name}, '0') END"
                ),
                Spelling::Digits,
            ),
        ],
        Compare::Decimal | Compare::DateTime | Compare::Double | Compare::Value => Vec::new(),
        Compare::Collated(collation) => {
            let bytes = Probe::direct(name, Spelling::Bytes);
            if own(column) == *collation {
                return vec![bytes, Probe::direct(name, Spelling::Text)];
            }
            let text = match collation.as_str() {
                "NOCASE" => format!("lower({name})"),
                "RTRIM" => format!("rtrim({name}, ' ')"),
                _ => name.to_owned(),
            };
            vec![bytes, Probe::every(text, Spelling::Text)]
        }
    }
}

/// The collation of a column.
fn own(column: &Column) -> String {
    let collation = column.collation.as_deref();
    collation.unwrap_or("BINARY").to_ascii_uppercase()
}

/// The digits of a UUID in characters.
fn digits(name: &str) -> String {
    ["'-'", "'{'", "'}'", "'urn:uuid:'"]
        .iter()
        .fold(format!("lower({name})"), |text, sign| {
            format!("replace({text}, {sign}, '')")
        })
}
