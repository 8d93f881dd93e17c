//! The checkpoint file of an audit: a line for each chunk that is done, and lines for the orphans
//! that were found in it. Each line begins with an authentication code over it and all before it. `--resume` continues from it, and reports read the orphans from it, so
//! that they need not fit into memory. Deleting the file is always safe.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::task::{Chunk, ChunkCounts};
use crate::dialect::keys::KeyRange;
use crate::model::orphan::Orphan;
use crate::model::own_key::OwnKey;

/// A line of the file.
#[derive(Serialize, Deserialize)]
enum Entry {
    /// The first line: what is audited. Another fingerprint is another audit.
    Audit {
        fingerprint: String,
        run: String,
        begun_on: String,
    },
    Orphans {
        task: usize,
        #[serde(rename = "portion")]
        chunk: u64,
        rows: Vec<Orphan>,
    },
    Done(DoneChunk),
    /// The chunks of a task no longer count: it is read again with another strategy.
    Dropped {
        task: usize,
    },
}

/// A chunk that was read to its end.
#[derive(Clone, Serialize, Deserialize)]
pub struct DoneChunk {
    pub task: usize,
    pub number: u64,
    #[serde(with = "bound")]
    after: Option<Vec<u8>>,
    #[serde(with = "bound")]
    upto: Option<Vec<u8>>,
    #[serde(rename = "parts")]
    pub all_counts: Vec<ChunkCounts>,
    pub parents: u64,
}

impl DoneChunk {
    pub fn new(
        task: usize,
        chunk: &Chunk,
        all_counts: Vec<ChunkCounts>,
        parents: u64,
    ) -> DoneChunk {
        DoneChunk {
            task,
            number: chunk.number,
            after: chunk.range.after.clone(),
            upto: chunk.range.upto.clone(),
            all_counts,
            parents,
        }
    }

    pub fn range(&self) -> KeyRange {
        KeyRange {
            after: self.after.clone(),
            upto: self.upto.clone(),
        }
    }
}

/// The bound of a range in the file: hexadecimal digits. A bound that cannot be read must not pass
/// for no bound, which would cover all keys.
mod bound {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::hex;

    pub(super) fn serialize<S: Serializer>(
        key: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        key.as_deref().map(hex::digits).serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(digits) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let key = hex::bytes(&digits).ok_or_else(|| D::Error::custom("not hexadecimal"))?;
        Ok(Some(key))
    }
}

/// Opens a file of bird's own, or creates it. What may lead to a file of somebody else is refused:
/// links, and what is not a regular file.
fn open_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path).map_err(|reason| refused(path, reason))?;
    let found = file.metadata()?;
    #[cfg(unix)]
    let is_shared = std::os::unix::fs::MetadataExt::nlink(&found) > 1;
    #[cfg(not(unix))]
    let is_shared = false;
    if found.is_file() && !is_shared {
        return Ok(file);
    }
    let reason = "it is not a file that bird created; delete it";
    Err(refused(
        path,
        io::Error::new(io::ErrorKind::InvalidInput, reason),
    ))
}

/// The error with the name of the file, and with a plain reason where it is a link.
fn refused(path: &Path, reason: io::Error) -> io::Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let text = if is_link {
        format!("{name}: it is a link, which bird does not follow; delete it")
    } else {
        format!("{name}: {reason}")
    };
    io::Error::new(reason.kind(), text)
}

/// The checkpoint file of a running audit.
pub struct Checkpoint {
    path: PathBuf,
    file: BufWriter<File>,
    codes: Codes,
    pub earlier: Earlier,
    /// Whether the work of an earlier run does not count, because this user did not write it.
    pub is_distrusted: bool,
}

/// The authentication codes of lines: each is over its line and the code before it, so that no line
/// can be changed, added, left out or moved.
struct Codes {
    key: OwnKey,
    last: String,
}

impl Codes {
    fn new(key: &OwnKey) -> Codes {
        Codes {
            key: key.clone(),
            last: String::new(),
        }
    }

    /// The code of the next line.
    fn next(&mut self, line: &[u8]) -> &str {
        self.last = self.key.code(&self.last, line);
        &self.last
    }

    /// The line after its code; `None` if the code is not that of the next line.
    fn check<'l>(&mut self, text: &'l [u8]) -> Option<&'l [u8]> {
        let space = text.iter().position(|byte| *byte == b' ')?;
        let (code, line) = text.split_at_checked(space)?;
        let line = line.get(1..)?;
        (self.next(line).as_bytes() == code).then_some(line)
    }
}

/// What a file holds of an earlier run.
enum Found {
    Work(Earlier, Codes),
    /// It belongs to another audit, or is empty.
    Other,
    /// Not what this user wrote.
    Distrusted,
}

/// The work of an earlier run that was cut short.
#[derive(Default)]
pub struct Earlier {
    pub done: Vec<DoneChunk>,
    /// When the audit began: in this run, or in the one that was cut short.
    pub begun_on: String,
    /// The first free chunk number.
    pub first: u64,
}

impl Checkpoint {
    /// Begins a file, or continues the file of an audit with the same fingerprint.
    pub fn open(
        folder: &Path,
        fingerprint: &str,
        run: &str,
        key: &OwnKey,
        resumes: bool,
        now: String,
    ) -> io::Result<Checkpoint> {
        std::fs::create_dir_all(folder)?;
        let name: String = fingerprint.chars().take(16).collect();
        let path = folder.join(format!("running-{name}.jsonl"));
        let (path, file) = match open_own(&path)? {
            file if file.try_lock().is_ok() => (path, file),
            // The same audit is running in another process, so this one gets its own file.
            _ => {
                let path = folder.join(format!("running-{run}.jsonl"));
                (path.clone(), open_own(&path)?)
            }
        };
        let mut is_distrusted = false;
        if resumes {
            match Checkpoint::again(&path, &file, fingerprint, key)? {
                Found::Work(earlier, codes) => {
                    return Ok(Checkpoint {
                        path,
                        file: BufWriter::new(file),
                        codes,
                        earlier,
                        is_distrusted,
                    });
                }
                Found::Other => {}
                Found::Distrusted => is_distrusted = true,
            }
        }
        file.set_len(0)?;
        let mut checkpoint = Checkpoint {
            path,
            file: BufWriter::new(file),
            codes: Codes::new(key),
            is_distrusted,
            earlier: Earlier {
                begun_on: now.clone(),
                ..Earlier::default()
            },
        };
        checkpoint.write(&Entry::Audit {
            fingerprint: fingerprint.to_owned(),
            run: run.to_owned(),
            begun_on: now,
        })?;
        Ok(checkpoint)
    }

    /// Reads what an earlier run has done; an incomplete last line is cut off.
    fn again(path: &Path, mut file: &File, fingerprint: &str, key: &OwnKey) -> io::Result<Found> {
        let (mut before, mut begun, mut first, mut whole) = (Vec::new(), None, 0, 0);
        let mut reader = BufReader::new(open_own(path)?);
        let mut text = Vec::new();
        let mut codes = Codes::new(key);
        while reader.read_until(b'\n', &mut text)? > 0 {
            let Some(line) = text.strip_suffix(b"\n") else {
                break;
            };
            let line = codes.check(line).map(serde_json::from_slice);
            let Some(Ok(line)) = line else {
                return Ok(Found::Distrusted);
            };
            match line {
                Entry::Audit {
                    fingerprint: other,
                    begun_on,
                    ..
                } if other == fingerprint => {
                    begun = Some(begun_on);
                }
                Entry::Audit { .. } => return Ok(Found::Other),
                // A chunk that did not end never will, so its number is not used again.
                Entry::Orphans { chunk, .. } => first = first.max(chunk + 1),
                Entry::Done(done) => {
                    first = first.max(done.number + 1);
                    before.push(done);
                }
                Entry::Dropped { task } => before.retain(|done: &DoneChunk| done.task != task),
            }
            whole += text.len() as u64;
            text.clear();
        }
        let Some(begun_on) = begun else {
            return Ok(Found::Other);
        };
        file.set_len(whole)?;
        file.seek(io::SeekFrom::End(0))?;
        let earlier = Earlier {
            done: before,
            begun_on,
            first,
        };
        Ok(Found::Work(earlier, codes))
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let line = serde_json::to_vec(entry)?;
        self.file.write_all(self.codes.next(&line).as_bytes())?;
        self.file.write_all(b" ")?;
        self.file.write_all(&line)?;
        self.file.write_all(b"\n")
    }

    /// Reads the entries of this audit, one after the other.
    fn entries(&self, mut each: impl FnMut(Entry) -> io::Result<()>) -> io::Result<()> {
        let mut codes = Codes::new(&self.codes.key);
        for text in BufReader::new(open_own(&self.path)?).split(b'\n') {
            let text = text?;
            let changed =
                || io::Error::new(io::ErrorKind::InvalidData, "somebody changed the file");
            let line = codes.check(&text).ok_or_else(changed)?;
            each(serde_json::from_slice(line)?)?;
        }
        Ok(())
    }

    pub fn orphans(&mut self, task: usize, chunk: u64, orphans: Vec<Orphan>) -> io::Result<()> {
        self.write(&Entry::Orphans {
            task,
            chunk,
            rows: orphans,
        })
    }

    pub fn done(&mut self, done: &DoneChunk) -> io::Result<()> {
        self.write(&Entry::Done(done.clone()))?;
        self.file.flush()
    }

    /// Discards the chunks of a task.
    pub fn drop_task(&mut self, task: usize) -> io::Result<()> {
        self.earlier.done.retain(|done| done.task != task);
        self.write(&Entry::Dropped { task })
    }

    /// Reads the orphans of all chunks that are done, in the order in which they were found.
    pub fn read(&mut self, mut each: impl FnMut(Orphan) -> io::Result<()>) -> io::Result<()> {
        self.file.flush()?;
        let mut done: HashMap<usize, HashSet<u64>> = HashMap::new();
        self.entries(|entry| {
            match entry {
                Entry::Done(one) => {
                    done.entry(one.task).or_default().insert(one.number);
                }
                Entry::Dropped { task } => drop(done.remove(&task)),
                Entry::Audit { .. } | Entry::Orphans { .. } => {}
            }
            Ok(())
        })?;
        self.entries(|entry| match entry {
            Entry::Orphans { task, chunk, rows }
                if done.get(&task).is_some_and(|done| done.contains(&chunk)) =>
            {
                rows.into_iter().try_for_each(&mut each)
            }
            _ => Ok(()),
        })
    }

    /// Deletes the file of an audit that is complete.
    pub fn close(self) {
        // A file that cannot be deleted is overwritten by the next audit.
        let _: io::Result<()> = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_at_the_place_of_a_checkpoint_is_refused_and_its_target_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("precious"), "precious").unwrap();
        std::os::unix::fs::symlink(at("precious"), at("running-ab.jsonl")).unwrap();
        std::fs::hard_link(at("precious"), at("running-cd.jsonl")).unwrap();
        for fingerprint in ["ab", "cd"] {
            for resumes in [false, true] {
                let open = open(folder.path(), fingerprint, resumes);
                let refused = open.err().unwrap().to_string();
                assert!(refused.contains("delete it"), "{refused}");
            }
        }
        assert_eq!(std::fs::read_to_string(at("precious")).unwrap(), "precious");
        assert!(open(folder.path(), "ef", false).is_ok());
    }

    fn open(folder: &Path, fingerprint: &str, resumes: bool) -> io::Result<Checkpoint> {
        let key = OwnKey::of_user("secret".into());
        Checkpoint::open(folder, fingerprint, "r", &key, resumes, String::new())
    }

    /// A checkpoint with two chunks, as a cut run leaves it.
    fn cut_short(folder: &Path) -> String {
        let mut checkpoint = open(folder, "ab", false).unwrap();
        for number in 0..2 {
            let chunk = Chunk {
                number,
                range: KeyRange {
                    after: None,
                    upto: None,
                },
            };
            let done = DoneChunk::new(0, &chunk, Vec::new(), number);
            checkpoint.done(&done).unwrap();
        }
        std::fs::read_to_string(folder.join("running-ab.jsonl")).unwrap()
    }

    #[test]
    fn a_checkpoint_counts_as_far_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let text = cut_short(folder.path());
        for (cut, chunks) in [(0, 2), (1, 1), (2, 1)] {
            let text = &text[..text.len() - cut];
            std::fs::write(folder.path().join("running-ab.jsonl"), text).unwrap();
            let resumed = open(folder.path(), "ab", true).unwrap();
            assert_eq!(resumed.earlier.done.len(), chunks, "{cut}");
            assert!(!resumed.is_distrusted);
        }
    }

    #[test]
    fn a_checkpoint_that_was_changed_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let text = cut_short(folder.path());
        let lines: Vec<&str> = text.lines().collect();
        let changed = [
            text.replace("\"parents\":1", "\"parents\":2"),
            format!("{}\n{}\n", lines[0], lines[2]),
            format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]),
            format!("{text}{}\n", lines[2]),
            text.replace(lines[1].split(' ').next().unwrap(), "00"),
        ];
        for changed in changed {
            std::fs::write(folder.path().join("running-ab.jsonl"), &changed).unwrap();
            let resumed = open(folder.path(), "ab", true).unwrap();
            assert!(resumed.is_distrusted, "{changed}");
            assert_eq!(resumed.earlier.done.len(), 0);
        }
    }
}
