//! Case files: the one format of test data, read and written here.
//!
//! ```text
//! Free text that says what the file is about.
//! === name argument
//! the section's body, line by line, up to the next section
//! ```
//!
//! A section begins with `=== `, because SQL comments begin with `--`. What its name and argument
//! mean is up to the kind of the case, see `tests/cases/README.md`. A file may hold several cases,
//! each of which begins with a section `=== case TITLE`.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

const MARK: &str = "=== ";

/// A case file as it is on the disk.
#[derive(Debug)]
pub struct CaseFile {
    /// Relative to the repository's root, for messages.
    pub path: PathBuf,
    /// The text above the first section.
    pub description: String,
    pub sections: Vec<Section>,
}

/// A section: its head `=== name argument`, and the lines below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    /// The rest of the head; empty if there is none.
    pub argument: String,
    /// Every line of it ends with a line feed.
    pub body: String,
    /// The line of the head in the file, from 1.
    pub line: usize,
}

impl Section {
    pub fn new(name: &str, argument: &str, body: String) -> Section {
        Section {
            name: name.to_owned(),
            argument: argument.to_owned(),
            body,
            line: 0,
        }
    }
}

/// Whether `UPDATE=1` asks for expectations to be rewritten instead of checked.
pub fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl CaseFile {
    /// Reads a file, whose path is relative to the repository's root.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, and where: `path:line: message`.
    pub fn read(path: &Path) -> Result<CaseFile, String> {
        let text = fs::read_to_string(root().join(path))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        CaseFile::parse(path, &text)
    }

    /// Reads a text; the path is only named in messages.
    pub fn parse(path: &Path, text: &str) -> Result<CaseFile, String> {
        let fault = |line: usize, what: &str| Err(format!("{}:{line}: {what}", path.display()));
        let mut file = CaseFile {
            path: path.to_owned(),
            description: String::new(),
            sections: Vec::new(),
        };
        if !text.ends_with('\n') {
            return fault(text.lines().count(), "the last line does not end");
        }
        for (number, line) in (1..).zip(text.split_terminator('\n')) {
            if let Some(head) = line.strip_prefix(MARK) {
                let (name, argument) = head.split_once(' ').unwrap_or((head, ""));
                if name.is_empty() {
                    return fault(number, "a section without a name");
                }
                let mut section = Section::new(name, argument, String::new());
                section.line = number;
                file.sections.push(section);
                continue;
            }
            if line.starts_with(MARK.trim_end()) {
                return fault(number, "a section's head is `=== name argument`");
            }
            let body = match file.sections.last_mut() {
                Some(section) => &mut section.body,
                None => &mut file.description,
            };
            body.push_str(line);
            body.push('\n');
        }
        if file.sections.is_empty() {
            return fault(1, "the file has no section");
        }
        Ok(file)
    }

    /// The text of the file; what was read, if nothing was changed since.
    pub fn text(&self) -> String {
        let mut text = self.description.clone();
        for section in &self.sections {
            let _ = write!(text, "{MARK}{}", section.name);
            if !section.argument.is_empty() {
                let _ = write!(text, " {}", section.argument);
            }
            let _ = write!(text, "\n{}", section.body);
        }
        text
    }

    /// Fails if a section has another name than these, and names them.
    pub fn expect_sections(&self, names: &[&str]) -> Result<(), String> {
        let known = |section: &&Section| !names.contains(&section.name.as_str());
        match self.sections.iter().find(known) {
            None => Ok(()),
            Some(section) => Err(format!(
                "{}: unknown section `{}`; the sections of this kind are: {}",
                self.place(section),
                section.name,
                names.join(", ")
            )),
        }
    }

    /// Where a section is, for a message: `path:line`.
    pub fn place(&self, section: &Section) -> String {
        format!("{}:{}", self.path.display(), section.line)
    }
}

/// Changes a file on the disk. Other tests, which may be other processes, change it before or after.
pub fn update(path: &Path, change: impl FnOnce(&mut CaseFile)) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut options = fs::OpenOptions::new();
    let mut disk = options
        .read(true)
        .write(true)
        .open(root().join(path))
        .map_err(failed)?;
    disk.lock().map_err(failed)?;
    let mut text = String::new();
    disk.read_to_string(&mut text).map_err(failed)?;
    let mut file = CaseFile::parse(path, &text)?;
    change(&mut file);
    disk.set_len(0).map_err(failed)?;
    disk.rewind().map_err(failed)?;
    disk.write_all(file.text().as_bytes()).map_err(failed)
}

/// The difference between what is expected and what was found, line by line.
pub fn difference(expected: &str, found: &str) -> String {
    let difference = similar::TextDiff::from_lines(expected, found);
    let mut text = "- expected, + found:\n".to_owned();
    for change in difference.iter_all_changes() {
        let _ = write!(text, "{}{change}", change.tag());
    }
    text
}
