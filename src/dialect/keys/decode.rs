//! Decodes cells into canonical bytes.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Wire;
use crate::model::key::{Batch, Compare, append, datetime, decimal, double, integer};

/// One cell of a row, as the driver has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    /// Bytes, or whatever a server sends as such.
    Bytes(&'a [u8]),
    /// Characters, where the value itself says that it is that.
    Text(&'a [u8]),
    Integer(i64),
    Real(f64),
}

/// The cells of a row.
pub trait Cells {
    /// The cell in this place, or why it cannot be read.
    fn cell(&self, at: usize) -> Result<Cell<'_>, String>;
}

/// A value that cannot be a key, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

/// Appends what a cell is as canonical bytes.
pub fn decode(
    wire: Wire,
    compare: &Compare,
    cell: Cell<'_>,
    to: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let done = match (wire, cell) {
        (Wire::Typed | Wire::Bytes, Cell::Bytes(bytes)) => raw(compare, bytes, to),
        (Wire::Typed, Cell::Text(text))
        | (Wire::Characters, Cell::Bytes(text) | Cell::Text(text)) => characters(compare, text, to),
        (Wire::Digits, Cell::Bytes(digits) | Cell::Text(digits)) => {
            whole(compare, digits_of(digits), to)
        }
        (Wire::BigEndian, Cell::Bytes(bytes)) => whole(compare, big_endian(bytes), to),
        (Wire::Typed, Cell::Integer(value)) => whole(compare, Some(value.into()), to),
        (Wire::Typed, Cell::Real(value)) => whole(compare, real(value), to),
        _ => None,
    };
    done.ok_or_else(|| Malformed(shown(wire, cell)))
}

/// Bytes of a column of bytes.
fn raw(compare: &Compare, bytes: &[u8], to: &mut Vec<u8>) -> Option<()> {
    let fits = match compare {
        Compare::Bytes | Compare::Text | Compare::Collated(_) => true,
        Compare::Uuid => bytes.len() == 16,
        Compare::Integer
        | Compare::Decimal
        | Compare::DateTime
        | Compare::Double
        | Compare::Value => false,
    };
    fits.then(|| to.extend_from_slice(bytes))
}

fn characters(compare: &Compare, text: &[u8], to: &mut Vec<u8>) -> Option<()> {
    match compare {
        Compare::Bytes | Compare::Text | Compare::Value => to.extend_from_slice(text),
        Compare::Decimal => to.extend(decimal(text)?),
        Compare::DateTime => to.extend(datetime(text)),
        Compare::Double => {
            let number = std::str::from_utf8(text).ok()?.parse().ok()?;
            to.extend_from_slice(&double(number));
        }
        Compare::Uuid => {
            let id = Uuid::try_parse_ascii(text).ok()?;
            to.extend_from_slice(id.as_bytes());
        }
        Compare::Integer => to.extend_from_slice(&integer(digits_of(text)?)),
        Compare::Collated(collation) => match collation.as_str() {
            "NOCASE" => to.extend(text.iter().map(u8::to_ascii_lowercase)),
            "RTRIM" => {
                let end = text.iter().rposition(|byte| *byte != b' ');
                to.extend_from_slice(text.get(..end.map_or(0, |end| end + 1))?);
            }
            _ => to.extend_from_slice(text),
        },
    }
    Some(())
}

fn whole(compare: &Compare, number: Option<i128>, to: &mut Vec<u8>) -> Option<()> {
    let number = number.filter(|_| *compare == Compare::Integer)?;
    to.extend_from_slice(&integer(number));
    Some(())
}

/// A whole number in decimal digits, of which there may be leading zeros.
fn digits_of(text: &[u8]) -> Option<i128> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_i128;
    for digit in digits {
        let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
        number = number.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative {
        Some(number)
    } else {
        number.checked_neg()
    }
}

fn big_endian(bytes: &[u8]) -> Option<i128> {
    Some(match bytes.len() {
        2 => i16::from_be_bytes(bytes.try_into().ok()?).into(),
        4 => i32::from_be_bytes(bytes.try_into().ok()?).into(),
        8 => i64::from_be_bytes(bytes.try_into().ok()?).into(),
        _ => return None,
    })
}

/// The whole number that a floating-point number is, where it is one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number of this size is converted exactly"
)]
fn real(value: f64) -> Option<i128> {
    (value.fract() == 0.0 && value.abs() < 1e36).then_some(value as i128)
}

/// The characters of a value that are shown.
const SHOWN: usize = 200;

/// A value as people read it, the beginning of a long one.
fn shown(wire: Wire, cell: Cell<'_>) -> String {
    let text = whole_text(wire, cell);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn whole_text(wire: Wire, cell: Cell<'_>) -> String {
    let number = |bytes: &[u8]| match wire {
        Wire::BigEndian => big_endian(bytes).map(|number| number.to_string()),
        Wire::Characters | Wire::Digits => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Wire::Bytes | Wire::Typed => None,
    };
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Cell::Bytes(bytes) => number(bytes).unwrap_or_else(|| super::rows::hexadecimal(bytes)),
        Cell::Integer(value) => value.to_string(),
        Cell::Real(value) => value.to_string(),
    }
}

/// The number of values that cannot be keys that fills a batch.
const MALFORMED: usize = 512;

/// Gathers the keys of a query's rows into batches.
#[derive(Debug)]
pub struct KeyReader {
    parts: Vec<(Wire, Compare)>,
    counts: Option<Wire>,
    batch: Batch,
    scratch: Vec<u8>,
}

impl KeyReader {
    /// The number of keys of a batch,
    pub const BATCH: usize = 4096;
    /// or as many as have so many bytes together, where keys are long.
    const BYTES: usize = 128 * 1024;

    pub fn new(asked: &super::KeyQuery) -> KeyReader {
        KeyReader {
            parts: asked.parts.clone(),
            counts: asked.counted,
            batch: Batch::with_capacity(KeyReader::BATCH + 1),
            scratch: Vec::new(),
        }
    }

    /// Takes a row; an error is no fault of the value but of the answer as a whole.
    pub fn row(&mut self, cells: &impl Cells) -> Result<(), String> {
        let rows = match self.counts {
            None => 1,
            Some(wire) => count(wire, cells.cell(self.parts.len())?)?,
        };
        let (scratch, to) = (&mut self.scratch, self.batch.open());
        let decoded = key(&self.parts, 0, cells, scratch, to)?;
        match decoded {
            Ok(()) => self.batch.end_or_join(rows),
            Err(Malformed(text)) => {
                self.batch.cancel();
                match self.batch.malformed.last_mut() {
                    Some((last, count)) if *last == text => *count += rows,
                    _ => self.batch.malformed.push((text, rows)),
                }
            }
        }
        Ok(())
    }

    pub fn is_full(&self) -> bool {
        let many = self.batch.len() > KeyReader::BATCH || self.batch.malformed.len() >= MALFORMED;
        many || self.batch.len() > 1 && self.batch.bytes() > KeyReader::BYTES
    }

    /// What was gathered since the last time, but for the last key: it may come again.
    pub fn take(&mut self) -> Batch {
        let mut batch =
            std::mem::replace(&mut self.batch, Batch::with_capacity(KeyReader::BATCH + 1));
        if let Some((key, rows)) = batch.pop() {
            self.batch.push(&key, rows);
        }
        batch
    }

    /// What was gathered last.
    pub fn last(self) -> Batch {
        self.batch
    }

    /// All that was gathered, each key once.
    pub fn all(self) -> Batch {
        let mut keys = BTreeMap::new();
        for (key, rows) in self.batch.iter() {
            *keys.entry(key).or_insert(0) += rows;
        }
        let mut all = Batch::with_capacity(keys.len());
        for (key, rows) in keys {
            all.push(key, rows);
        }
        all.malformed.clone_from(&self.batch.malformed);
        all
    }
}

fn count(wire: Wire, cell: Cell<'_>) -> Result<u64, String> {
    let number = match (wire, cell) {
        (Wire::Digits, Cell::Bytes(digits)) => digits_of(digits),
        (Wire::BigEndian, Cell::Bytes(bytes)) => big_endian(bytes),
        (_, Cell::Integer(number)) => Some(number.into()),
        _ => None,
    };
    let number = number.and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| "a number of rows is no number".to_owned())
}

/// Appends the canonical bytes of a whole key, whose parts are the cells from `first` on.
pub fn key(
    parts: &[(Wire, Compare)],
    first: usize,
    cells: &impl Cells,
    scratch: &mut Vec<u8>,
    to: &mut Vec<u8>,
) -> Result<Result<(), Malformed>, String> {
    if let [(wire, compare)] = parts {
        return Ok(decode(*wire, compare, cells.cell(first)?, to));
    }
    for (at, (wire, compare)) in parts.iter().enumerate() {
        scratch.clear();
        let cell = cells.cell(first + at)?;
        if let Err(malformed) = decode(*wire, compare, cell, scratch) {
            return Ok(Err(malformed));
        }
        append(scratch, to);
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::keys::KeyQuery;

    struct Number(i64);

    impl Cells for Number {
        fn cell(&self, _at: usize) -> Result<Cell<'_>, String> {
            Ok(Cell::Integer(self.0))
        }
    }

    /// The rows of a key may be on both sides of the place where a batch is cut.
    #[test]
    fn a_key_is_in_one_batch() {
        let mut reader = KeyReader::new(&KeyQuery {
            sql: String::new(),
            parts: vec![(Wire::Typed, Compare::Integer)],
            counted: None,
        });
        let mut counts = Vec::new();
        let rows = 3 * i64::try_from(KeyReader::BATCH).unwrap();
        for row in 0..rows {
            reader.row(&Number(row / 2)).unwrap();
            // Cut wherever it may be.
            if reader.is_full() || row % 7 == 0 {
                counts.extend(reader.take().iter().map(|(_, rows)| rows));
            }
        }
        counts.extend(reader.last().iter().map(|(_, rows)| rows));
        assert_eq!(counts, vec![2; 3 * KeyReader::BATCH / 2]);
    }
}
