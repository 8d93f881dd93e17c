//! The binary rows of PostgreSQL, wherever they are cut.

use bird::dialect::keys::{Cell, Cells};
use bird::dialect::postgres::copy::Copy;

/// A stream of three rows: a cell of two bytes and NULL, an empty one and one byte, nothing.
fn stream() -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
    // No flags, and an extension of three bytes that nobody knows.
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9]);
    bytes.extend([0, 2, 0, 0, 0, 2, 7, 8, 0xFF, 0xFF, 0xFF, 0xFF]);
    bytes.extend([0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 5]);
    bytes.extend([0, 0]);
    bytes.extend([0xFF, 0xFF]);
    bytes
}

fn rows(chunks: &[&[u8]]) -> Result<Vec<String>, String> {
    let (mut copy, mut rows) = (Copy::default(), Vec::new());
    for chunk in chunks {
        copy.chunk(chunk, |row| {
            let cells = (0..2).map(|at| match row.cell(at) {
                Ok(Cell::Bytes(bytes)) => format!("{bytes:?}"),
                Ok(other) => format!("{other:?}"),
                Err(_) => "none".to_owned(),
            });
            rows.push(cells.collect::<Vec<_>>().join(" "));
            Ok(())
        })?;
    }
    copy.ended()?;
    Ok(rows)
}

#[test]
fn rows_are_whole_wherever_they_are_cut() {
    let bytes = stream();
    let expected = ["[7, 8] Null", "[] [5]", "none none"];
    assert_eq!(rows(&[&bytes]).unwrap(), expected);
    for at in 0..=bytes.len() {
        let (one, other) = bytes.split_at(at);
        assert_eq!(rows(&[one, other]).unwrap(), expected, "cut at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(rows(&single).unwrap(), expected);
}

#[test]
fn what_is_no_stream_of_rows_is_an_error() {
    let bytes = stream();
    for at in 0..bytes.len() {
        assert!(rows(&[&bytes[..at]]).is_err(), "ended at {at}");
    }
    assert!(rows(&[b"PGCOPX"]).is_err());
    let mut negative = bytes.clone();
    // The length of the first cell.
    negative[24..28].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xF0]);
    assert!(rows(&[&negative]).is_err());
    let mut behind = bytes;
    behind.push(1);
    assert!(rows(&[&behind]).is_err());
}
