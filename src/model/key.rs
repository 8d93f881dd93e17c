//! The key of a reference as bytes, equal and ordered alike whichever engine it comes from.
//!
//! A key of one column is its canonical bytes: bytes and UUIDs as they are, whole numbers as 16
//! bytes, big-endian, the sign bit flipped (so that bytes sort as numbers do), characters as
//! UTF-8. A key of several columns is the canonical bytes of each in turn, a zero byte in them
//! written as `00 FF` and their end as `00 00`, so that keys sort column by column and none is the
//! beginning of another.

use super::hex;

/// How the values of two columns are compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Bytes, as they are.
    Bytes,
    /// 16 bytes, however they are written: `BINARY(16)`, `uuid`, `CHAR(36)`.
    Uuid,
    /// Whole numbers of any width and sign.
    Integer,
    /// Characters, exactly.
    Text,
    /// Characters, equal as a collation says that both ends know.
    Collated(String),
    /// Decimal numbers, whatever their digits behind the point.
    Decimal,
    /// Dates and times of the day, to the microsecond, in UTC.
    DateTime,
    /// Floating-point numbers, equal only to the last bit.
    Double,
    /// Values of one type of one product, as the server writes them.
    Value,
}

impl Compare {
    /// Reads the word of a config: `bytes`, `uuid`, `integer`, `text`,
    /// `decimal`, `datetime`, `double`, `text:COLLATION`.
    pub fn parse(word: &str) -> Option<Compare> {
        Some(match word {
            "bytes" => Compare::Bytes,
            "uuid" => Compare::Uuid,
            "integer" | "int" => Compare::Integer,
            "text" => Compare::Text,
            "decimal" => Compare::Decimal,
            "datetime" => Compare::DateTime,
            "double" => Compare::Double,
            _ => {
                let collation = word.strip_prefix("text:")?;
                (!collation.is_empty()).then(|| Compare::Collated(collation.to_owned()))?
            }
        })
    }

    /// The word of a config for it.
    pub fn word(&self) -> String {
        match self {
            Compare::Bytes => "bytes".to_owned(),
            Compare::Uuid => "uuid".to_owned(),
            Compare::Integer => "integer".to_owned(),
            Compare::Text => "text".to_owned(),
            Compare::Collated(collation) => format!("text:{collation}"),
            Compare::Decimal => "decimal".to_owned(),
            Compare::DateTime => "datetime".to_owned(),
            Compare::Double => "double".to_owned(),
            Compare::Value => "value".to_owned(),
        }
    }
}

/// Keys as they arrive from a database, each with the number of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    counts: Vec<u64>,
    /// Values that cannot be keys, as they are shown, with the number of their rows.
    pub malformed: Vec<(String, u64)>,
}

impl Batch {
    pub fn with_capacity(keys: usize) -> Batch {
        Batch {
            bytes: Vec::with_capacity(keys * 16),
            ends: Vec::with_capacity(keys),
            counts: Vec::with_capacity(keys),
            malformed: Vec::new(),
        }
    }

    /// Adds a key that `rows` rows have.
    pub fn push(&mut self, key: &[u8], rows: u64) {
        self.bytes.extend_from_slice(key);
        self.end(rows);
    }

    /// Where the bytes of the next key go; [`Batch::end`] ends it, [`Batch::cancel`] takes them
    /// back.
    pub fn open(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub fn end(&mut self, rows: u64) {
        // A batch is a few thousand keys, far from 4 GiB.
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self.counts.push(rows);
    }

    /// As [`Batch::end`], but where the key is the last one again its rows are counted there.
    pub fn end_or_join(&mut self, rows: u64) {
        let start = self.ends.last().copied().unwrap_or(0) as usize;
        let before = self.ends.len().checked_sub(2).map(|at| self.ends[at]);
        let last = &self.bytes[before.unwrap_or(0) as usize..start];
        match self.counts.last_mut() {
            Some(count) if *last == self.bytes[start..] => {
                *count += rows;
                self.bytes.truncate(start);
            }
            _ => self.end(rows),
        }
    }

    /// Takes the last key back.
    pub fn pop(&mut self) -> Option<(Vec<u8>, u64)> {
        let count = self.counts.pop()?;
        self.ends.pop()?;
        let start = self.ends.last().copied().unwrap_or(0);
        Some((self.bytes.split_off(start as usize), count))
    }

    pub fn cancel(&mut self) {
        let end = self.ends.last().copied().unwrap_or(0);
        self.bytes.truncate(end as usize);
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The length of all its keys.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn key(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    pub fn count(&self, at: usize) -> u64 {
        self.counts[at]
    }

    /// How many rows all its keys have.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        (0..self.len()).map(|at| (self.key(at), self.count(at)))
    }
}

/// The canonical bytes of a whole number.
#[must_use]
pub fn integer(number: i128) -> [u8; 16] {
    (number ^ i128::MIN).to_be_bytes()
}

/// The whole number that canonical bytes stand for.
#[must_use]
pub fn number(canonical: &[u8]) -> Option<i128> {
    let bytes: [u8; 16] = canonical.try_into().ok()?;
    Some(i128::from_be_bytes(bytes) ^ i128::MIN)
}

/// The canonical form of a decimal number: no zeros that say nothing. `None` if it is not one.
#[must_use]
pub fn decimal(text: &[u8]) -> Option<Vec<u8>> {
    if matches!(text, b"NaN" | b"Infinity" | b"-Infinity") {
        return Some(text.to_vec());
    }
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (digits.get(..point)?, digits.get(point + 1..)?),
        None => (digits, &[][..]),
    };
    let is_number = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if digits.len() == usize::from(point.is_some()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let first = whole.iter().position(|byte| *byte != b'0');
    let whole = first.map_or(&[][..], |first| &whole[first..]);
    let last = fraction.iter().rposition(|byte| *byte != b'0');
    let fraction = last.map_or(&[][..], |last| &fraction[..=last]);
    let mut canonical = Vec::new();
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        canonical.push(b'-');
    }
    canonical.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    if !fraction.is_empty() {
        canonical.push(b'.');
        canonical.extend_from_slice(fraction);
    }
    Some(canonical)
}

/// The canonical form of a date or a time: microseconds wherever there is a time, and no zone, which
/// is UTC.
#[must_use]
pub fn datetime(text: &[u8]) -> Vec<u8> {
    let text = text.strip_suffix(b"+00").unwrap_or(text);
    let is_plain = text
        .iter()
        .all(|byte| byte.is_ascii_digit() || b"-: .".contains(byte));
    if !is_plain || !text.contains(&b':') {
        return text.to_vec();
    }
    let point = text.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = text.split_at(point.unwrap_or(text.len()));
    let mut canonical = whole.to_vec();
    canonical.push(b'.');
    let digits = fraction.iter().skip(1).chain(std::iter::repeat(&b'0'));
    canonical.extend(digits.take(6));
    canonical
}

/// The canonical bytes of a floating-point number, which sort as numbers do.
#[must_use]
pub fn double(number: f64) -> [u8; 8] {
    // One zero, and one value that is no number.
    let number = if number == 0.0 { 0.0 } else { number };
    let number = if number.is_nan() {
        f64::NAN.abs()
    } else {
        number
    };
    let bits = number.to_bits();
    let flip = if bits >> 63 == 1 { u64::MAX } else { 1 << 63 };
    (bits ^ flip).to_be_bytes()
}

/// The floating-point number that canonical bytes stand for.
#[must_use]
pub fn double_of(canonical: &[u8]) -> Option<f64> {
    let bits = u64::from_be_bytes(canonical.try_into().ok()?);
    let flip = if bits >> 63 == 1 { 1 << 63 } else { u64::MAX };
    Some(f64::from_bits(bits ^ flip))
}

/// Appends the canonical bytes of one part of a key of several columns.
pub fn append(part: &[u8], to: &mut Vec<u8>) {
    for byte in part {
        to.push(*byte);
        if *byte == 0 {
            to.push(0xFF);
        }
    }
    to.extend_from_slice(&[0, 0]);
}

/// The canonical bytes of each part of a key of this number of columns.
#[must_use]
pub fn split(key: &[u8], columns: usize) -> Vec<Vec<u8>> {
    if columns == 1 {
        return vec![key.to_vec()];
    }
    let (mut parts, mut part) = (Vec::new(), Vec::new());
    let mut bytes = key.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (0, Some(0xFF)) => {
                bytes.next();
                part.push(0);
            }
            (0, _) => {
                bytes.next();
                parts.push(std::mem::take(&mut part));
            }
            _ => part.push(byte),
        }
    }
    parts
}

/// A part of a key as people read it: 16 bytes as a UUID, other bytes as hexadecimal digits,
/// numbers and characters as they are.
#[must_use]
pub fn describe(compare: &Compare, canonical: &[u8]) -> String {
    let hex = || hex::digits(canonical);
    match compare {
        Compare::Bytes | Compare::Uuid => {
            let id = uuid::Uuid::from_slice(canonical);
            id.map_or_else(|_| hex(), |id| id.to_string())
        }
        Compare::Integer => number(canonical).map_or_else(hex, |number| number.to_string()),
        Compare::Double => double_of(canonical).map_or_else(hex, |number| number.to_string()),
        Compare::Text
        | Compare::Collated(_)
        | Compare::Decimal
        | Compare::DateTime
        | Compare::Value => std::str::from_utf8(canonical).map_or_else(|_| hex(), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_value_has_one_form() {
        let form =
            |text: &str| decimal(text.as_bytes()).map(|form| String::from_utf8(form).unwrap());
        for (text, wanted) in [
            ("1", "1"),
            ("1.00", "1"),
            ("-0.0", "0"),
            ("007.50", "7.5"),
            (".5", "0.5"),
            ("-12.340", "-12.34"),
            ("NaN", "NaN"),
        ] {
            assert_eq!(form(text).as_deref(), Some(wanted), "{text}");
        }
        for wrong in ["", "-", ".", "1e3", "1.2.3", "x"] {
            assert_eq!(form(wrong), None, "{wrong}");
        }
        for (text, wanted) in [
            ("2020-01-01", "2020-01-01"),
            ("2020-01-01 00:00:00", "2020-01-01 00:00:00.000000"),
            ("2020-01-01 00:00:00.5+00", "2020-01-01 00:00:00.500000"),
            ("-10:00:00", "-10:00:00.000000"),
            ("infinity", "infinity"),
        ] {
            assert_eq!(datetime(text.as_bytes()), wanted.as_bytes(), "{text}");
        }
        assert_eq!(double(-0.0), double(0.0));
        assert_eq!(double(f64::NAN), double(-f64::NAN));
    }

    #[test]
    fn a_key_that_comes_again_is_counted_where_it_is() {
        let mut batch = Batch::default();
        for (key, rows) in [(&b"a"[..], 1), (b"", 2), (b"", 3), (b"ab", 4), (b"ab", 5)] {
            batch.open().extend_from_slice(key);
            batch.end_or_join(rows);
        }
        batch.open().extend_from_slice(b"no key");
        batch.cancel();
        assert_eq!(
            batch.iter().collect::<Vec<_>>(),
            [(&b"a"[..], 1), (b"", 5), (b"ab", 9)]
        );
        assert_eq!(batch.rows(), 15);
        assert_eq!(batch.pop(), Some((b"ab".to_vec(), 9)));
        assert_eq!(batch.pop(), Some((Vec::new(), 5)));
        assert_eq!(batch.iter().collect::<Vec<_>>(), [(&b"a"[..], 1)]);
    }

    proptest! {
        #[test]
        fn numbers_sort_as_their_bytes(one: i128, other: i128) {
            prop_assert_eq!(one.cmp(&other), integer(one).cmp(&integer(other)));
            prop_assert_eq!(number(&integer(one)), Some(one));
        }

        #[test]
        fn floating_point_numbers_sort_as_their_bytes(one: f64, other: f64) {
            prop_assert_eq!(one.partial_cmp(&other), Some(double(one).cmp(&double(other))));
            prop_assert_eq!(double_of(&double(one)), Some(one));
        }

        #[test]
        fn keys_sort_column_by_column(
            one in prop::collection::vec(prop::collection::vec(0u8..3, 0..4), 2),
            other in prop::collection::vec(prop::collection::vec(0u8..3, 0..4), 2),
        ) {
            let joined = |parts: &[Vec<u8>]| {
                let mut key = Vec::new();
                parts.iter().for_each(|part| append(part, &mut key));
                key
            };
            prop_assert_eq!(one.cmp(&other), joined(&one).cmp(&joined(&other)));
            prop_assert_eq!(split(&joined(&one), 2), one);
        }
    }
}
