//! Creates the files of a new migration, in every engine's folder.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::{Database, Project};
use crate::dialect;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};

/// The longest name that fits into a history, with room for the version.
const LONGEST: usize = 200;

/// A migration to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    pub version: i64,
    /// The name within the file name.
    pub name: String,
    /// Each file with its engine; `None` for a file of all engines.
    pub files: Vec<(Option<&'static str>, PathBuf)>,
}

impl Project {
    /// Names the next migration of a database. Its version is one above the highest of any engine's
    /// folder, or the time if versions are times.
    pub fn next_migration(&self, database: &Database, wanted: &str) -> Result<Fresh, Failure> {
        let name = name(wanted)?;
        let folders = folders(&database.migrations);
        let mut highest: Option<(i64, usize)> = None;
        for (_, folder) in &folders {
            for found in versions(folder) {
                highest = highest.max(Some(found));
            }
        }
        let (version, width) = match highest {
            None => (1, 1),
            Some((last, digits)) => (after(last), digits),
        };
        let file = format!("V{version:0width$}__{name}.sql");
        let files = folders
            .into_iter()
            .map(|(engine, folder)| (engine, folder.join(&file)));
        Ok(Fresh {
            version,
            name,
            files: files.collect(),
        })
    }

    /// Writes a file that must not exist yet.
    pub fn write_new(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(text.as_bytes())
        };
        let written: std::io::Result<()> = write();
        written.map_err(|reason| {
            let message = format!("cannot write {}: {reason}", self.shown(path));
            Failure::failed(Diagnostic::new(Code::New, message))
        })
    }
}

/// A name for a file name: blanks and dashes become `_`.
fn name(wanted: &str) -> Result<String, Failure> {
    let name: String = wanted
        .trim()
        .chars()
        .map(|letter| match letter {
            ' ' | '-' => '_',
            other => other,
        })
        .collect();
    let fits = |letter: char| letter.is_alphanumeric() || letter == '_';
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(fits) || name.contains("__") {
        let message = format!("`{wanted}` cannot be a migration's name");
        let hint = "letters, digits and single `_`: bird new add_nick_to_users";
        return Err(Failure::failed(
            Diagnostic::new(Code::Usage, message).hint(hint),
        ));
    }
    Ok(name)
}

/// The folders of the engines, or the one for all.
fn folders(folder: &Path) -> Vec<(Option<&'static str>, PathBuf)> {
    let own: Vec<_> = dialect::names()
        .into_iter()
        .map(|engine| (Some(engine), folder.join(engine)))
        .filter(|(_, folder)| folder.is_dir())
        .collect();
    if own.is_empty() {
        vec![(None, folder.to_path_buf())]
    } else {
        own
    }
}

/// The versions in a folder, each with the number of its digits.
fn versions(folder: &Path) -> Vec<(i64, usize)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| {
            let (digits, _) = name.strip_prefix('V')?.split_once("__")?;
            Some((digits.parse().ok()?, digits.len()))
        })
        .collect()
}

/// The next version: one more, or the time in UTC if versions are times like `20261121134500`.
fn after(last: i64) -> i64 {
    let next = last.saturating_add(1);
    if !(19_700_101_000_000..=99_991_231_235_959).contains(&last) {
        return next;
    }
    let now = OffsetDateTime::now_utc();
    let (year, month, day) = now.to_calendar_date();
    let date = i64::from(year) * 10_000 + i64::from(u8::from(month)) * 100 + i64::from(day);
    let (hour, minute, second) = now.to_hms();
    let clock = i64::from(hour) * 10_000 + i64::from(minute) * 100 + i64::from(second);
    (date * 1_000_000 + clock).max(next)
}

#[cfg(test)]
mod tests {
    use super::{after, name};

    #[test]
    fn versions_go_on_as_they_were() {
        assert_eq!(after(7), 8);
        assert_eq!(after(20_261), 20_262);
        assert!(after(20_240_101_120_000) > 20_260_000_000_000);
    }

    #[test]
    fn names_stand_in_file_names() {
        assert_eq!(name("add nick-name").ok().as_deref(), Some("add_nick_name"));
        for wrong in ["", "a__b", "../x", "a.b"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }
}
