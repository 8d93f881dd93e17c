//! Reads the rows of PostgreSQL's `COPY … TO STDOUT (FORMAT binary)`.

use crate::dialect::keys::{Cell, Cells};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Splits the stream into rows, wherever its chunks end.
#[derive(Debug, Default)]
pub struct Copy {
    /// The bytes of a row that is not complete yet.
    rest: Vec<u8>,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    Rows,
    Ended,
}

/// A row: the ranges of its cells.
#[derive(Debug)]
pub struct CopyRow<'a> {
    bytes: &'a [u8],
    ends: &'a [Option<(usize, usize)>],
}

impl Cells for CopyRow<'_> {
    fn cell(&self, at: usize) -> Result<Cell<'_>, String> {
        match self.ends.get(at) {
            None => Err(format!("a row has only {} columns", self.ends.len())),
            Some(None) => Ok(Cell::Null),
            Some(Some((start, end))) => {
                let bytes = self.bytes.get(*start..*end);
                bytes.map(Cell::Bytes).ok_or_else(broken)
            }
        }
    }
}

fn broken() -> String {
    "the server sent malformed COPY data".to_owned()
}

impl Copy {
    /// Takes a chunk and passes on each complete row.
    pub fn chunk(
        &mut self,
        chunk: &[u8],
        mut row: impl FnMut(&CopyRow<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut cells = Vec::new();
        if self.rest.is_empty() {
            let used = self.rows(chunk, &mut cells, &mut row)?;
            self.rest
                .extend_from_slice(chunk.get(used..).unwrap_or_default());
            return Ok(());
        }
        self.rest.extend_from_slice(chunk);
        let all = std::mem::take(&mut self.rest);
        let used = self.rows(&all, &mut cells, &mut row)?;
        self.rest
            .extend_from_slice(all.get(used..).unwrap_or_default());
        Ok(())
    }

    /// Whether the stream came to its own end.
    pub fn ended(&self) -> Result<(), String> {
        if self.state == State::Ended && self.rest.is_empty() {
            Ok(())
        } else {
            Err("the server's COPY data ended too early".to_owned())
        }
    }

    /// How many bytes were used up.
    fn rows(
        &mut self,
        bytes: &[u8],
        cells: &mut Vec<Option<(usize, usize)>>,
        row: &mut impl FnMut(&CopyRow<'_>) -> Result<(), String>,
    ) -> Result<usize, String> {
        let mut at = 0;
        if self.state == State::Header {
            match header(bytes)? {
                None => return Ok(0),
                Some(length) => at = length,
            }
            self.state = State::Rows;
        }
        while self.state == State::Rows {
            let Some(columns) = short(bytes, at) else {
                break;
            };
            if columns == -1 {
                self.state = State::Ended;
                return Ok(at + 2);
            }
            let columns = usize::try_from(columns).map_err(|_| broken())?;
            let Some(end) = fields(bytes, at + 2, columns, cells)? else {
                break;
            };
            row(&CopyRow { bytes, ends: cells })?;
            at = end;
        }
        Ok(at)
    }
}

/// The length of the header, once it is complete.
fn header(bytes: &[u8]) -> Result<Option<usize>, String> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes.get(..known) != SIGNATURE.get(..known) {
        return Err("the server did not send binary COPY data".to_owned());
    }
    let Some(extension) = long(bytes, SIGNATURE.len() + 4) else {
        return Ok(None);
    };
    let extension = usize::try_from(extension).map_err(|_| broken())?;
    let length = (SIGNATURE.len() + 8)
        .checked_add(extension)
        .ok_or_else(broken)?;
    Ok((bytes.len() >= length).then_some(length))
}

/// The ranges of a row's cells and the row's end, once it is complete.
fn fields(
    bytes: &[u8],
    mut at: usize,
    columns: usize,
    cells: &mut Vec<Option<(usize, usize)>>,
) -> Result<Option<usize>, String> {
    cells.clear();
    for _ in 0..columns {
        let Some(length) = long(bytes, at) else {
            return Ok(None);
        };
        at += 4;
        if length == -1 {
            cells.push(None);
            continue;
        }
        let length = usize::try_from(length).map_err(|_| broken())?;
        let end = at.checked_add(length).ok_or_else(broken)?;
        if end > bytes.len() {
            return Ok(None);
        }
        cells.push(Some((at, end)));
        at = end;
    }
    Ok(Some(at))
}

fn short(bytes: &[u8], at: usize) -> Option<i16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(i16::from_be_bytes(bytes.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<i32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(i32::from_be_bytes(bytes.try_into().ok()?))
}
