//! What an audit has done so far, kept beside the project: one line when a portion is done, lines
//! for the orphans that were found in it. An audit that was cut short goes on behind it, and what
//! was found is told from it, so that it need not fit into memory. Deleting it is always safe.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::task::{Part, Portion};
use crate::dialect::keys::Range;
use crate::model::hex;
use crate::model::orphan::Orphan;

/// One line.
#[derive(Serialize, Deserialize)]
enum Line {
    /// What is audited: another question has another answer.
    Audit {
        fingerprint: String,
        run: String,
        begun_on: String,
    },
    Orphans {
        task: usize,
        portion: u64,
        rows: Vec<Orphan>,
    },
    Done(Done),
    /// What was read of a task does not count: it is read anew in another way.
    Dropped {
        task: usize,
    },
}

/// A portion that was read to its end.
#[derive(Clone, Serialize, Deserialize)]
pub struct Done {
    pub task: usize,
    pub number: u64,
    after: Option<String>,
    upto: Option<String>,
    pub parts: Vec<Part>,
    pub parents: u64,
}

impl Done {
    pub fn new(task: usize, portion: &Portion, parts: Vec<Part>, parents: u64) -> Done {
        let bound = |key: &Option<Vec<u8>>| key.as_deref().map(hex::digits);
        Done {
            task,
            number: portion.number,
            after: bound(&portion.range.after),
            upto: bound(&portion.range.upto),
            parts,
            parents,
        }
    }

    pub fn range(&self) -> Range {
        let bound = |told: &Option<String>| told.as_deref().and_then(hex::bytes);
        Range {
            after: bound(&self.after),
            upto: bound(&self.upto),
        }
    }
}

/// The journal of a running audit.
pub struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    pub before: Before,
}

/// What an audit had done when it was cut short.
#[derive(Default)]
pub struct Before {
    pub done: Vec<Done>,
    /// When the audit began: this run, or the one that was cut short.
    pub begun_on: String,
    /// The first number that no portion has.
    pub first: u64,
}

impl Journal {
    /// Begins a journal, or goes on with the one of an audit with the same fingerprint.
    pub fn open(
        folder: &Path,
        fingerprint: &str,
        run: &str,
        resumes: bool,
        now: String,
    ) -> io::Result<Journal> {
        std::fs::create_dir_all(folder)?;
        let name: String = fingerprint.chars().take(16).collect();
        let path = folder.join(format!("running-{name}.jsonl"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let (path, file) = match options.open(&path)? {
            file if file.try_lock().is_ok() => (path, file),
            // The same audit runs already; this one has a journal of its own.
            _ => {
                let path = folder.join(format!("running-{run}.jsonl"));
                (path.clone(), options.open(&path)?)
            }
        };
        if resumes && let Some(before) = Journal::again(&path, &file, fingerprint)? {
            return Ok(Journal {
                path,
                file: BufWriter::new(file),
                before,
            });
        }
        file.set_len(0)?;
        let mut journal = Journal {
            path,
            file: BufWriter::new(file),
            before: Before {
                begun_on: now.clone(),
                ..Before::default()
            },
        };
        journal.write(&Line::Audit {
            fingerprint: fingerprint.to_owned(),
            run: run.to_owned(),
            begun_on: now,
        })?;
        Ok(journal)
    }

    /// What an audit that was cut short has done, and when it began: its last line may be half a
    /// one, and is cut off.
    fn again(path: &Path, mut file: &File, fingerprint: &str) -> io::Result<Option<Before>> {
        let (mut before, mut begun, mut first, mut whole) = (Vec::new(), None, 0, 0);
        let mut reader = BufReader::new(File::open(path)?);
        let mut text = Vec::new();
        while reader.read_until(b'\n', &mut text)? > 0 {
            let line = serde_json::from_slice(&text);
            let (true, Ok(line)) = (text.ends_with(b"\n"), line) else {
                break;
            };
            match line {
                Line::Audit {
                    fingerprint: other,
                    begun_on,
                    ..
                } if other == fingerprint => {
                    begun = Some(begun_on);
                }
                Line::Audit { .. } => return Ok(None),
                // What was found in a portion that did not end belongs to a number that never will.
                Line::Orphans { portion, .. } => first = first.max(portion + 1),
                Line::Done(done) => {
                    first = first.max(done.number + 1);
                    before.push(done);
                }
                Line::Dropped { task } => before.retain(|done: &Done| done.task != task),
            }
            whole += text.len() as u64;
            text.clear();
        }
        let Some(begun_on) = begun else {
            return Ok(None);
        };
        file.set_len(whole)?;
        file.seek(io::SeekFrom::End(0))?;
        Ok(Some(Before {
            done: before,
            begun_on,
            first,
        }))
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, line)?;
        self.file.write_all(b"\n")
    }

    pub fn orphans(&mut self, task: usize, portion: u64, orphans: Vec<Orphan>) -> io::Result<()> {
        self.write(&Line::Orphans {
            task,
            portion,
            rows: orphans,
        })
    }

    pub fn done(&mut self, done: &Done) -> io::Result<()> {
        self.write(&Line::Done(done.clone()))?;
        self.file.flush()
    }

    /// Nothing that was read of a task counts.
    pub fn drop_task(&mut self, task: usize) -> io::Result<()> {
        self.before.done.retain(|done| done.task != task);
        self.write(&Line::Dropped { task })
    }

    /// Every orphan of the portions that are done, in the order in which they were found.
    pub fn read(&mut self, mut each: impl FnMut(Orphan) -> io::Result<()>) -> io::Result<()> {
        self.file.flush()?;
        let lines = || Ok::<_, io::Error>(BufReader::new(File::open(&self.path)?).lines());
        let mut done: HashMap<usize, HashSet<u64>> = HashMap::new();
        for line in lines()? {
            match serde_json::from_str(&line?) {
                Ok(Line::Done(one)) => {
                    done.entry(one.task).or_default().insert(one.number);
                }
                Ok(Line::Dropped { task }) => drop(done.remove(&task)),
                _ => {}
            }
        }
        for line in lines()? {
            let Ok(Line::Orphans {
                task,
                portion,
                rows,
            }) = serde_json::from_str(&line?)
            else {
                continue;
            };
            if !done.get(&task).is_some_and(|done| done.contains(&portion)) {
                continue;
            }
            rows.into_iter().try_for_each(&mut each)?;
        }
        Ok(())
    }

    /// The audit is over, and nothing goes on behind it.
    pub fn close(self) {
        // A journal that stays is written over by the next audit.
        let _: io::Result<()> = std::fs::remove_file(&self.path);
    }
}
