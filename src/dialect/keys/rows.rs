//! Rows with their keys and identities: for reports, and as SQL literals.

use super::column::NOTHING;
use super::{Cell, Cells, Wire, decode};
use crate::dialect::Dialect;
use crate::model::hex;
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};

/// A query whose rows are rows of a table with their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowQuery {
    /// Selects the identity, then the columns of the key, all as text, then the parts of the key.
    pub sql: String,
    pub parts: Vec<(Wire, Compare)>,
    pub identity: Vec<Column>,
    pub columns: Vec<Column>,
    /// The keys that count, sorted; all where it is none.
    pub wanted: Option<Vec<Vec<u8>>>,
    pub limit: Option<u64>,
}

/// Where the next page of rows begins: behind this row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    pub key: Vec<String>,
    pub identity: Vec<String>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// The cells that name it, as [`row_text`] writes them.
    pub identity: Vec<String>,
    /// The cells of the key, likewise: as the row has them, not as they are compared.
    pub texts: Vec<String>,
    /// The key's canonical bytes; none where the value cannot be a key.
    pub key: Option<Vec<u8>>,
}

/// Gathers rows.
#[derive(Debug)]
pub struct RowReader<'a> {
    asked: &'a RowQuery,
    pub found: Vec<FoundRow>,
    seen: u64,
    last: Option<After>,
}

impl<'a> RowReader<'a> {
    pub fn new(asked: &'a RowQuery) -> Self {
        RowReader {
            asked,
            found: Vec::new(),
            seen: 0,
            last: None,
        }
    }

    pub fn row(&mut self, cells: &impl Cells) -> Result<(), String> {
        let identity = texts(&self.asked.identity, 0, cells)?;
        let names = identity.len();
        let texts = texts(&self.asked.columns, names, cells)?;
        let (first, mut key) = (names + texts.len(), Vec::new());
        let decoded = decode::key(&self.asked.parts, first, cells, &mut Vec::new(), &mut key)?;
        // Whatever cannot be a key is shown by its cells.
        let key = decoded.is_ok().then_some(key);
        self.seen += 1;
        self.last = Some(After {
            key: texts.clone(),
            identity: identity.clone(),
        });
        let counts = self.asked.wanted.as_ref().is_none_or(|wanted| {
            let key = key.as_ref();
            key.is_some_and(|key| wanted.binary_search(key).is_ok())
        });
        if counts {
            self.found.push(FoundRow {
                identity,
                texts,
                key,
            });
        }
        Ok(())
    }

    /// The rows, and where the next page begins where there may be one.
    pub fn done(self) -> (Vec<FoundRow>, Option<After>) {
        let more = self.asked.limit.is_some_and(|limit| self.seen >= limit);
        (self.found, self.last.filter(|_| more))
    }
}

fn texts(columns: &[Column], first: usize, cells: &impl Cells) -> Result<Vec<String>, String> {
    let texts = columns.iter().enumerate().map(|(at, column)| {
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => Ok(row_text(column, text)),
            Err(_) => Err(format!("{} is no text in UTF-8", column.name)),
        };
        match cells.cell(first + at)? {
            Cell::Bytes(bytes) | Cell::Text(bytes) => text(bytes),
            Cell::Integer(number) => Ok(number.to_string()),
            Cell::Real(number) => Ok(number.to_string()),
            Cell::Null => Ok("NULL".to_owned()),
        }
    });
    texts.collect()
}

/// SQL that gives a cell of a row as text.
pub fn row_expression(dialect: &dyn Dialect, column: &Column) -> String {
    dialect.keys().row_expression(column)
}

/// A cell of a row as text: 16 bytes as a UUID, others as hexadecimal digits, the rest as it
/// is.
pub fn row_text(column: &Column, cell: &str) -> String {
    if column.family != Family::Binary || !digits(cell) {
        return cell.to_owned();
    }
    match uuid::Uuid::try_parse(cell) {
        Ok(id) => id.to_string(),
        Err(_) => format!("0x{}", cell.to_ascii_lowercase()),
    }
}

/// The literal that a cell in text form stands for.
pub fn row_literal(dialect: &dyn Dialect, column: &Column, text: &str) -> Result<String, String> {
    dialect.keys().row_literal(column, text)
}

/// The bytes in the text form of a column of bytes.
pub fn bytes_of(column: &Column, text: &str) -> Result<Vec<u8>, String> {
    let wrong = || {
        format!(
            "`{text}` is not a value of {}, which holds bytes",
            column.name
        )
    };
    let Some(digits) = text.strip_prefix("0x") else {
        let id = uuid::Uuid::try_parse(text).map_err(|_| wrong())?;
        return Ok(id.as_bytes().to_vec());
    };
    hex::bytes(digits).ok_or_else(wrong)
}

/// The text form of bytes: 16 as a UUID, others as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    match uuid::Uuid::from_slice(bytes) {
        Ok(id) => id.to_string(),
        Err(_) => format!("0x{}", hex::digits(bytes)),
    }
}

/// Whether a text is bytes in hexadecimal digits.
pub fn digits(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The condition that rows come after another one in the order of these columns.
pub fn beyond(
    dialect: &dyn Dialect,
    order: &[&Column],
    values: &[&String],
) -> Result<String, String> {
    if order.len() != values.len() {
        return Err("a page of rows was asked for beyond a row of another table".to_owned());
    }
    let (mut same, mut ways) = (Vec::new(), Vec::new());
    for (column, value) in std::iter::zip(order, values) {
        let name = dialect.keys().row_order(column);
        let literal = row_literal(dialect, column, value)?;
        let mut way: Vec<String> = same.clone();
        way.push(format!("{name} > {literal}"));
        ways.push(format!("({})", way.join(" AND ")));
        same.push(format!("{name} = {literal}"));
    }
    Ok(format!("({})", ways.join(" OR ")))
}

/// The condition that rows are those which these cells name.
pub fn identified(
    dialect: &dyn Dialect,
    identity: &[&Column],
    rows: &[Vec<String>],
) -> Result<String, String> {
    if let [column] = identity {
        let literals = rows.iter().filter_map(|row| row.first());
        let literals = literals.map(|value| row_literal(dialect, column, value));
        let literals = literals.collect::<Result<Vec<String>, String>>()?;
        return Ok(if literals.is_empty() {
            NOTHING.to_owned()
        } else {
            format!(
                "{} IN ({})",
                dialect.quote(&column.name),
                literals.join(", ")
            )
        });
    }
    let mut all = Vec::new();
    for row in rows {
        let same = std::iter::zip(identity, row).map(|(column, value)| {
            let literal = row_literal(dialect, column, value)?;
            Ok(format!("{} = {literal}", dialect.quote(&column.name)))
        });
        let same = same.collect::<Result<Vec<String>, String>>()?;
        all.push(format!("({})", same.join(" AND ")));
    }
    Ok(if all.is_empty() {
        NOTHING.to_owned()
    } else {
        any(&all)
    })
}

/// The condition that one of many holds, between parentheses. It is no deeper than it must be: an
/// engine takes a chain of `OR` for a tree with one level each, and thousands are too deep.
pub fn any(conditions: &[String]) -> String {
    /// So many in a chain are harmless.
    const CHAIN: usize = 16;
    if conditions.len() <= CHAIN {
        return format!("({})", conditions.join(" OR "));
    }
    let (one, other) = conditions.split_at(conditions.len() / 2);
    format!("({} OR {})", any(one), any(other))
}

/// A whole number as a literal.
pub fn number(column: &Column, text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a value of {}, which holds whole numbers",
            column.name
        ))
    }
}
