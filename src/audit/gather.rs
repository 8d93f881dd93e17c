//! Keys that arrive in any order, put in order within a bounded memory: counted in a hash table,
//! and where that is full, written out as a sorted run. The runs are merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use super::counted::{Counted, Sorted};
use crate::model::key::Batch;

/// How many keys a batch of the ordered stream has.
const BATCH: usize = 4096;
/// How much of a run is read at once.
const READ_AHEAD: usize = 64 * 1024;

/// Counts keys.
#[derive(Debug)]
pub struct Gather<F> {
    table: Counted,
    limit: usize,
    /// Where runs go; made when the first is written.
    file: Option<F>,
    make: fn() -> io::Result<F>,
    /// Where each run begins, and the end of the last.
    runs: Vec<u64>,
}

impl<F: Read + Write + Seek> Gather<F> {
    /// Keeps about `limit` bytes in memory; `make` gives an empty file that nobody else sees.
    pub fn new(limit: usize, make: fn() -> io::Result<F>) -> Gather<F> {
        Gather {
            table: Counted::default(),
            limit,
            file: None,
            make,
            runs: vec![0],
        }
    }

    /// Takes keys in.
    pub fn add(&mut self, batch: &Batch) -> io::Result<()> {
        for (key, rows) in batch.iter() {
            self.table.add(key, rows);
        }
        if self.table.bytes() > self.limit {
            self.write_out()?;
        }
        Ok(())
    }

    fn write_out(&mut self) -> io::Result<()> {
        let mut run = std::mem::take(&mut self.table).sorted();
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

    /// All keys in order, each once.
    pub fn ordered(mut self) -> io::Result<Ordered<F>> {
        if self.file.is_none() {
            return Ok(Ordered {
                file: None,
                memory: self.table.sorted(),
                runs: Vec::new(),
                heads: BinaryHeap::new(),
            });
        }
        if !self.table.is_empty() {
            self.write_out()?;
        }
        let bounds = self.runs.iter().zip(self.runs.iter().skip(1));
        let runs: Vec<Run> = bounds.map(|(at, end)| Run::new(*at, *end)).collect();
        let mut ordered = Ordered {
            file: self.file,
            memory: Sorted::default(),
            heads: BinaryHeap::with_capacity(runs.len()),
            runs,
        };
        for number in 0..ordered.runs.len() {
            ordered.pull(number)?;
        }
        Ok(ordered)
    }
}

/// One sorted run of the file, a piece of it in memory.
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

    /// Exactly so many bytes, or nothing at the run's end.
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

/// The keys of a [`Gather`] in order.
#[derive(Debug)]
pub struct Ordered<F> {
    file: Option<F>,
    memory: Sorted,
    runs: Vec<Run>,
    /// The next key of each run.
    heads: BinaryHeap<Reverse<(Vec<u8>, u64, usize)>>,
}

impl<F: Read + Seek> Ordered<F> {
    fn pull(&mut self, number: usize) -> io::Result<()> {
        let (Some(file), Some(run)) = (&mut self.file, self.runs.get_mut(number)) else {
            return Ok(());
        };
        let mut head = [0; 12];
        if !run.take(file, &mut head)? {
            return Ok(());
        }
        let [a, b, c, d, rows @ ..] = head;
        let mut key = vec![0; u32::from_le_bytes([a, b, c, d]) as usize];
        run.take(file, &mut key)?;
        let rows = u64::from_le_bytes(rows);
        self.heads.push(Reverse((key, rows, number)));
        Ok(())
    }

    /// The next keys, or nothing at the end.
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
            let mut gather = Gather::new(limit, file);
            let mut wanted: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
            for keys in &batches {
                let mut batch = Batch::default();
                for (key, rows) in keys {
                    batch.push(key, *rows);
                    *wanted.entry(key.clone()).or_default() += rows;
                }
                gather.add(&batch).unwrap();
            }
            let mut ordered = gather.ordered().unwrap();
            let mut found = Vec::new();
            while let Some(batch) = ordered.batch().unwrap() {
                found.extend(batch.iter().map(|(key, rows)| (key.to_vec(), rows)));
            }
            prop_assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
        }
    }
}
