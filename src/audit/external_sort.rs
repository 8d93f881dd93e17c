//! Sorts keys within bounded memory: counts them in a hash table, writes a full table out as a
//! sorted run, and merges the runs at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use super::key_counter::{KeyCounter, SortedCounter};
use crate::invariant;
use crate::model::key::Batch;

/// The number of keys in a batch of the sorted stream.
const BATCH: usize = 4096;
/// The number of bytes of a run that are read at once.
const READ_AHEAD: usize = 64 * 1024;

/// A sort that still takes keys.
#[derive(Debug)]
pub struct ExternalSort<F> {
    table: KeyCounter,
    limit: usize,
    /// The file of the runs, created for the first of them.
    file: Option<F>,
    make: fn() -> io::Result<F>,
    /// The start of each run, and the end of the last.
    runs: Vec<u64>,
}

impl<F: Read + Write + Seek> ExternalSort<F> {
    /// Keeps about `limit` bytes in memory; `make` creates an empty private file.
    pub fn new(limit: usize, make: fn() -> io::Result<F>) -> ExternalSort<F> {
        ExternalSort {
            table: KeyCounter::default(),
            limit,
            file: None,
            make,
            runs: vec![0],
        }
    }

    /// Adds keys.
    pub fn add(&mut self, batch: &Batch) -> io::Result<()> {
        for (key, rows) in batch.iter() {
            self.table.add(key, rows)?;
        }
        if self.table.bytes() > self.limit {
            self.write_out()?;
        }
        Ok(())
    }

    fn write_out(&mut self) -> io::Result<()> {
        let mut run = std::mem::take(&mut self.table).sorted()?;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert((self.make)()?),
        };
        let mut to = BufWriter::new(&mut *file);
        let mut length = 0;
        while let Some((key, rows)) = run.next() {
            let size = u32::try_from(key.len()).map_err(io::Error::other)?;
            to.write_all(&size.to_le_bytes())?;
            to.write_all(&rows.to_le_bytes())?;
            to.write_all(key)?;
            length += 12 + u64::from(size);
        }
        to.flush()?;
        let begin = self.runs.last().copied().unwrap_or(0);
        self.runs.push(begin + length);
        Ok(())
    }

    /// Returns all keys in order, each once.
    pub fn ordered(mut self) -> io::Result<SortedKeys<F>> {
        if self.file.is_none() {
            return Ok(SortedKeys {
                file: None,
                memory: self.table.sorted()?,
                runs: Vec::new(),
                heads: BinaryHeap::new(),
            });
        }
        if !self.table.is_empty() {
            self.write_out()?;
        }
        let bounds = self.runs.iter().zip(self.runs.iter().skip(1));
        let runs: Vec<Run> = bounds.map(|(at, end)| Run::new(*at, *end)).collect();
        let mut ordered = SortedKeys {
            file: self.file,
            memory: SortedCounter::default(),
            heads: BinaryHeap::with_capacity(runs.len()),
            runs,
        };
        for number in 0..ordered.runs.len() {
            ordered.pull(number)?;
        }
        Ok(ordered)
    }
}

/// One sorted run of the file, with a buffer.
#[derive(Debug)]
struct Run {
    at: u64,
    end: u64,
    piece: io::Cursor<Vec<u8>>,
}

impl Run {
    fn new(at: u64, end: u64) -> Run {
        let piece = io::Cursor::new(Vec::new());
        Run { at, end, piece }
    }

    /// Fills `to`; returns `false` at the end of the run.
    fn take<F: Read + Seek>(&mut self, file: &mut F, to: &mut [u8]) -> io::Result<bool> {
        let mut filled = 0;
        while let Some(rest) = to.get_mut(filled..)
            && !rest.is_empty()
        {
            let read = self.piece.read(rest)?;
            filled += read;
            if read > 0 {
                continue;
            }
            if self.at >= self.end {
                return Ok(false);
            }
            let left = usize::try_from(self.end - self.at).unwrap_or(READ_AHEAD);
            let mut piece = vec![0; left.min(READ_AHEAD)];
            file.seek(SeekFrom::Start(self.at))?;
            BufReader::with_capacity(0, &mut *file).read_exact(&mut piece)?;
            self.at += piece.len() as u64;
            self.piece = io::Cursor::new(piece);
        }
        Ok(true)
    }
}

/// The keys of an [`ExternalSort`] in order.
#[derive(Debug)]
pub struct SortedKeys<F> {
    file: Option<F>,
    memory: SortedCounter,
    runs: Vec<Run>,
    /// The next key of each run.
    heads: BinaryHeap<Reverse<(Vec<u8>, u64, usize)>>,
}

impl<F: Read + Seek> SortedKeys<F> {
    fn pull(&mut self, number: usize) -> io::Result<()> {
        let file = invariant!(&mut self.file, some, "sorted runs are in a file");
        let run = invariant!(
            self.runs.get_mut(number),
            some,
            "a sort pulls from its runs"
        );
        let mut head = [0; 12];
        if !run.take(file, &mut head)? {
            return Ok(());
        }
        let [a, b, c, d, rows @ ..] = head;
        let mut key = vec![0; u32::from_le_bytes([a, b, c, d]) as usize];
        if !run.take(file, &mut key)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let rows = u64::from_le_bytes(rows);
        self.heads.push(Reverse((key, rows, number)));
        Ok(())
    }

    /// The next keys; `None` at the end.
    pub fn batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::with_capacity(BATCH);
        while batch.len() < BATCH
            && let Some((key, rows)) = self.memory.next()
        {
            batch.push(key, rows);
        }
        while batch.len() < BATCH
            && let Some(Reverse((key, mut rows, number))) = self.heads.pop()
        {
            self.pull(number)?;
            while let Some(Reverse((other, more, from))) = self.heads.peek()
                && *other == key
            {
                let from = *from;
                rows += more;
                self.heads.pop();
                self.pull(from)?;
            }
            batch.push(&key, rows);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn file() -> io::Result<io::Cursor<Vec<u8>>> {
        Ok(io::Cursor::new(Vec::new()))
    }

    proptest! {
        #[test]
        fn every_key_comes_once_in_order_with_all_its_rows(
            batches in prop::collection::vec(
                prop::collection::vec((prop::collection::vec(0u8..4, 0..4), 1u64..5), 0..20), 0..12),
            limit in 1usize..2_000,
        ) {
            let mut external_sort = ExternalSort::new(limit, file);
            let mut wanted: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
            for keys in &batches {
                let mut batch = Batch::default();
                for (key, rows) in keys {
                    batch.push(key, *rows);
                    *wanted.entry(key.clone()).or_default() += rows;
                }
                external_sort.add(&batch).unwrap();
            }
            let mut ordered = external_sort.ordered().unwrap();
            let mut found = Vec::new();
            while let Some(batch) = ordered.batch().unwrap() {
                found.extend(batch.iter().map(|(key, rows)| (key.to_vec(), rows)));
            }
            prop_assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
        }
    }
}
