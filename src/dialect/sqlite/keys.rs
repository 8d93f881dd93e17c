//! Keys in SQLite, where each value has a type of its own.

use crate::dialect::Literals;
use crate::dialect::keys::{
    Equality, Keys, Part, Place, Probe, Spelling, Statistics, Wire, known, refused, rows,
};
use crate::dialect::sqlite::Sqlite;
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};
use crate::model::server::Server;

/// What the engine has as whole numbers.
const INTEGER: Spelling = Spelling::Whole {
    low: i64::MIN as i128,
    high: i64::MAX as i128,
};

impl Keys for Sqlite {
    fn attach(&self, file: &str, name: &str) -> Option<String> {
        let file = Sqlite.text(file).ok()?;
        Some(format!("ATTACH DATABASE {file} AS {}", Sqlite.quote(name)))
    }

    fn part(&self, column: &Column, compare: &Compare, _server: &Server) -> Result<Part, String> {
        if let Compare::Collated(collation) = compare
            && !matches!(collation.as_str(), "BINARY" | "NOCASE" | "RTRIM")
        {
            return Err(format!(
                "SQLite has no collation {collation}: it has BINARY, NOCASE and RTRIM"
            ));
        }
        if column.family == Family::Integer && *compare != Compare::Integer {
            return Err(refused(column, compare));
        }
        let name = Sqlite.quote(&column.name);
        let own = own(column);
        let wanted = match compare {
            Compare::Collated(collation) => collation.as_str(),
            // Large and small letters are the same to it, and to UUIDs too.
            Compare::Uuid if own == "NOCASE" => "NOCASE",
            _ => "BINARY",
        };
        let indexed = own == wanted;
        let order = if indexed {
            name.clone()
        } else {
            format!("{name} COLLATE {wanted}")
        };
        Ok(Part {
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
    fn statistics(&self, place: &Place<'_>, table: &str, columns: &[&str]) -> Option<Statistics> {
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
            // Rows get ascending numbers, and a table without numbers has an error, which is no
            // estimate.
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

    /// Bytes are told in digits, so whatever else is in a column of bytes is told in a way that is
    /// not that.
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

    fn row_literal(&self, column: &Column, told: &str) -> Result<String, String> {
        let quoted = |text: &str| {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some(inner.replace("''", "'"))
        };
        if column.family == Family::Binary {
            return match quoted(told) {
                Some(text) => Sqlite.text(&text),
                None if told.starts_with(['+', '-']) => {
                    rows::number(column, told.trim_start_matches('+'))
                }
                None if told.contains('.') && told.parse::<f64>().is_ok() => Ok(told.to_owned()),
                None => Ok(Sqlite.bytes(&rows::bytes_of(column, told)?)),
            };
        }
        if let Some(hex) = told.strip_prefix('x').and_then(quoted)
            && rows::digits(&hex)
        {
            return Ok(format!("X'{hex}'"));
        }
        let is_number = told
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == told);
        if is_number && column.family != Family::Text {
            Ok(told.to_owned())
        } else {
            Sqlite.text(told)
        }
    }
}

/// Whether values of the usual type have the order of their canonical bytes; others stand apart
/// from them in the server's order.
fn sorts(column: &Column, compare: &Compare) -> bool {
    match compare {
        Compare::Integer => column.family != Family::Text,
        _ => true,
    }
}

/// A range is cut by the column's usual type: whatever else is in it falls into the first or the
/// last range, but into one.
fn bound(column: &Column, compare: &Compare) -> Spelling {
    match (compare, column.family) {
        (Compare::Integer, Family::Text) => Spelling::Never,
        (Compare::Integer, _) => INTEGER,
        (Compare::Uuid, Family::Text) if own(column) == "NOCASE" => Spelling::Uuid,
        // Where large letters come before small ones, no one bound serves for both.
        (Compare::Uuid, Family::Text) => Spelling::Never,
        (_, Family::Text) => Spelling::Text,
        _ => Spelling::Bytes,
    }
}

/// The condition that a value is characters, which the index serves: they come after all numbers
/// and before all bytes.
fn is_text(name: &str) -> Option<String> {
    Some(format!("{name} >= '' AND {name} < x''"))
}

fn probes(name: &str, column: &Column, compare: &Compare) -> Vec<Probe> {
    let within = |expression: String, spelling| Probe {
        expression,
        spelling,
        within: is_text(name),
        // In a column of characters this is every value.
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
