//! Reads the migrations of a database, and checks the names and kinds of the files.
//!
//! Every file is read once, here; later code runs what was read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{MAIN_SEPARATOR, Path};
use std::sync::Arc;

use crate::dialect;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::migration::{Migration, Undo};

/// The largest size of a migration, because files are read into memory whole.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The size of the read buffer, which most migrations fit into.
const FIRST_READ: usize = 16 * 1024;
/// The longest name that fits into the history, in characters.
const LONGEST_NAME: usize = 255;

/// The parts of a file name.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Migration { version: i64, name: String },
    Undo { version: i64, name: String },
    Ignored,
    Wrong { message: String, hint: &'static str },
}

/// Reads the folder of a database for one engine. `shown` formats a path for messages.
pub fn read(
    folder: &Path,
    engine: &str,
    shown: &dyn Fn(&Path) -> String,
) -> Result<Vec<Migration>, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let own = folder.join(engine);
    let chosen = if own.is_dir() {
        own
    } else {
        folder.to_path_buf()
    };
    let (opened, mut names) = match Folder::open_all(&chosen) {
        Ok(both) => both,
        Err(reason) => {
            let message = format!("cannot read the folder {}: {reason}", shown(folder));
            let hint = "create it, or set `migrations` in bird.toml";
            return Err(vec![
                Diagnostic::new(Code::MigrationsFolder, message).hint(hint),
            ]);
        }
    };
    if chosen != folder {
        strays(folder, engine, shown, &mut faults);
    } else {
        foreign_folders(folder, shown, &mut faults);
    }
    names.sort();
    let mut migrations: Vec<Migration> = Vec::with_capacity(names.len());
    let mut undos: Vec<(i64, String, Undo)> = Vec::new();
    let mut buffer = Vec::with_capacity(FIRST_READ);
    let folder_shown = shown(&chosen);
    for (entry, unread) in names {
        let file = format!("{folder_shown}{MAIN_SEPARATOR}{entry}");
        match named(&entry) {
            Named::Ignored => {}
            Named::Wrong { message, hint } => faults.push(
                Diagnostic::new(Code::MigrationName, message)
                    .at(Location::file(&file))
                    .hint(hint),
            ),
            Named::Migration { version, name } | Named::Undo { version, name } => {
                match text(&opened, &entry, unread, &mut buffer) {
                    Ok(text) if is_undo(&entry) => undos.push((
                        version,
                        name,
                        Undo {
                            file,
                            text,
                            computed: false,
                        },
                    )),
                    Ok(text) => migrations.push(Migration::new(version, name, file, text)),
                    Err(reason) => faults.push(
                        Diagnostic::new(Code::MigrationUnreadable, reason)
                            .at(Location::file(&file)),
                    ),
                }
            }
        }
    }
    migrations.sort_by_key(|migration| migration.version);
    duplicates(&migrations, &mut faults);
    for (version, name, undo) in undos {
        let partner = |m: &&mut Migration| m.version == version && m.name == name;
        if let Some(migration) = migrations.iter_mut().find(partner) {
            migration.undo = Some(undo);
        } else {
            let message = format!("there is no V{version}__{name}.sql that this file would undo");
            faults.push(
                Diagnostic::new(Code::UndoAlone, message)
                    .at(Location::file(&undo.file))
                    .hint("give both files the same version and name, or delete this one"),
            );
        }
    }
    if faults.is_empty() {
        Ok(migrations)
    } else {
        Err(faults)
    }
}

/// A folder whose files are opened relative to it if the system can do that, because resolving the
/// same path for thousands of files takes time.
struct Folder {
    #[cfg(unix)]
    handle: File,
    #[cfg(not(unix))]
    path: std::path::PathBuf,
}

impl Folder {
    #[cfg(unix)]
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Folder {
            handle: File::open(path)?,
        })
    }

    #[cfg(not(unix))]
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Folder {
            path: path.to_path_buf(),
        })
    }

    /// The folder, and the names of its files.
    fn open_all(path: &Path) -> io::Result<(Self, Entries)> {
        Ok((Folder::at(path)?, files(path)?))
    }

    #[cfg(unix)]
    fn open(&self, name: &str) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags, openat};
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(openat(&self.handle, name, flags, Mode::empty())?.into())
    }

    #[cfg(not(unix))]
    fn open(&self, name: &str) -> io::Result<File> {
        File::open(self.path.join(name))
    }
}

/// Why a file is not read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unread {
    /// It is a pipe or a device.
    Irregular,
    /// It is a link to a file that is no SQL, such as a secret, whose text messages would show.
    Elsewhere,
}

/// The names of entries, and why a file is not read.
type Entries = Vec<(String, Option<Unread>)>;

/// All entries that are not folders.
fn files(folder: &Path) -> io::Result<Entries> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let mut kind = entry.file_type()?;
        let mut unread = None;
        if kind.is_symlink() {
            kind = fs::metadata(entry.path())?.file_type();
            let target = fs::canonicalize(entry.path())?;
            if !is_sql(&target.to_string_lossy()) {
                unread = Some(Unread::Elsewhere);
            }
        }
        if !kind.is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let unread = unread.filter(|_| kind.is_file());
            let irregular = (!kind.is_file()).then_some(Unread::Irregular);
            names.push((name, unread.or(irregular)));
        }
    }
    Ok(names)
}

/// The folder of an engine: its own if it has one, and then only that.
fn strays(
    folder: &Path,
    engine: &str,
    shown: &dyn Fn(&Path) -> String,
    faults: &mut Vec<Diagnostic>,
) {
    for (name, _) in files(folder).unwrap_or_default() {
        if is_sql(&name) && !name.starts_with('.') {
            let message =
                format!("this file is above the folder `{engine}`, which bird reads instead");
            faults.push(
                Diagnostic::new(Code::MigrationAbove, message)
                    .at(Location::file(&shown(&folder.join(name))))
                    .hint("move it into the folder of each engine that needs it"),
            );
        }
    }
}

/// Reports other folders with SQL: only folders named like an engine are read.
fn foreign_folders(folder: &Path, shown: &dyn Fn(&Path) -> String, faults: &mut Vec<Diagnostic>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || dialect::names().contains(&name.as_str()) {
            continue;
        }
        let inside = files(&entry.path()).unwrap_or_default();
        if inside.iter().any(|(name, _)| is_sql(name)) {
            let message = "the folder has .sql files, but bird does not read it".to_owned();
            faults.push(
                Diagnostic::new(Code::MigrationFolder, message)
                    .at(Location::file(&shown(&entry.path())))
                    .hint("name the folder sqlite, mysql or postgres"),
            );
        }
    }
}

fn is_sql(name: &str) -> bool {
    name.len() >= 4
        && name.is_char_boundary(name.len() - 4)
        && name[name.len() - 4..].eq_ignore_ascii_case(".sql")
}

fn is_undo(name: &str) -> bool {
    name.ends_with(".undo.sql")
}

const FORM: &str = "name it V<number>__<name>.sql, with letters, digits and `_` in the name";

fn named(file: &str) -> Named {
    let wrong = |message: &str, hint| Named::Wrong {
        message: message.to_owned(),
        hint,
    };
    if file.starts_with('.') {
        return Named::Ignored;
    }
    if !is_sql(file) {
        // refinery runs such files as Rust modules.
        let rust = file
            .strip_suffix(".rs")
            .is_some_and(|stem| version_and_name(stem).is_some());
        return if rust {
            wrong(
                "bird runs SQL, not Rust",
                "write this migration as a .sql file",
            )
        } else {
            Named::Ignored
        };
    }
    if !file.ends_with(".sql") {
        return wrong("the file extension must be `.sql` in lower case", FORM);
    }
    let stem = &file[..file.len() - 4];
    if stem.starts_with('U') && version_and_name(&format!("V{}", &stem[1..])).is_some() {
        return wrong(
            "bird does not support refinery's `U` files, which are applied in any order",
            "name it V<number>__<name>.sql, with a number above the last",
        );
    }
    let (stem, undo) = match stem.strip_suffix(".undo") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    match version_and_name(stem) {
        None => wrong("invalid migration file name", FORM),
        Some((Err(()), _)) => wrong(
            "the version is too large",
            "the largest is 9223372036854775807",
        ),
        Some((Ok(_), name)) if name.chars().count() > LONGEST_NAME => {
            wrong("the name is longer than 255 characters", FORM)
        }
        Some((Ok(version), name)) if undo => Named::Undo {
            version,
            name: name.to_owned(),
        },
        Some((Ok(version), name)) => Named::Migration {
            version,
            name: name.to_owned(),
        },
    }
}

/// Parses `V12__add_index`; the version is `Err` if it does not fit.
fn version_and_name(stem: &str) -> Option<(Result<i64, ()>, &str)> {
    let (digits, name) = stem.strip_prefix('V')?.split_once("__")?;
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (number && word).then(|| (digits.parse().map_err(|_| ()), name))
}

/// Reads a file. `buffer` is reused: there may be thousands of small files.
fn text(
    folder: &Folder,
    name: &str,
    unread: Option<Unread>,
    buffer: &mut Vec<u8>,
) -> Result<Arc<str>, String> {
    match unread {
        None => {}
        // Opening a pipe could block forever.
        Some(Unread::Irregular) => return Err("this is not a regular file".into()),
        Some(Unread::Elsewhere) => {
            return Err("this is a link to a file whose name does not end in .sql".into());
        }
    }
    let cannot = |reason: io::Error| format!("cannot read it: {reason}");
    buffer.clear();
    let file = folder.open(name).map_err(cannot)?;
    file.take(LARGEST + 1).read_to_end(buffer).map_err(cannot)?;
    if buffer.len() as u64 > LARGEST {
        return Err("the file is larger than 64 MiB".into());
    }
    match std::str::from_utf8(buffer) {
        Ok(text) => Ok(text.into()),
        Err(reason) => Err(match buffer.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                "the file is UTF-16; migrations are UTF-8".to_owned()
            }
            _ => {
                let at = reason.valid_up_to();
                format!("the file is not UTF-8: byte {at} is invalid")
            }
        }),
    }
}

fn duplicates(migrations: &[Migration], faults: &mut Vec<Diagnostic>) {
    for pair in migrations.windows(2) {
        if let [one, two] = pair
            && one.version == two.version
        {
            let message = format!("two migrations have the version {}", one.version);
            faults.push(
                Diagnostic::new(Code::DuplicateVersion, message)
                    .at(Location::file(&two.file))
                    .note(format!("the other is {}", one.file))
                    .hint("give one of them the next free number"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_form_are_migrations() {
        let migration = |version, name: &str| Named::Migration {
            version,
            name: name.into(),
        };
        assert_eq!(named("V1__init.sql"), migration(1, "init"));
        assert_eq!(named("V007__größe_2.sql"), migration(7, "größe_2"));
        assert_eq!(
            named("V9223372036854775807__last.sql"),
            migration(i64::MAX, "last")
        );
        let undo = Named::Undo {
            version: 3,
            name: "x".into(),
        };
        assert_eq!(named("V3__x.undo.sql"), undo);
        for ignored in ["README.md", ".V1__x.sql.swp", ".#V1__x.sql", "notes.rs"] {
            assert_eq!(named(ignored), Named::Ignored, "{ignored}");
        }
        for bad in [
            "V1_x.sql",
            "v1__x.sql",
            "V1__x-y.sql",
            "V1.5__x.sql",
            "|1__x.sql",
            "V__x.sql",
            "V1__.sql",
            "V1__x.SQL",
            "U1__x.sql",
            "V1__x.rs",
            "V9223372036854775808__x.sql",
            "V1__x.down.sql",
            "x.sql",
            "V-1__x.sql",
            "V+1__x.sql",
        ] {
            assert!(matches!(named(bad), Named::Wrong { .. }), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_read_only_if_it_leads_to_sql() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("migrations")).unwrap();
        fs::write(at("secret"), "hunter2").unwrap();
        fs::write(at("shared.sql"), "SELECT 1;").unwrap();
        symlink(at("shared.sql"), at("migrations/V1__a.sql")).unwrap();
        let shown = |path: &Path| path.display().to_string();
        let read = || super::read(&at("migrations"), "sqlite", &shown);
        assert_eq!(read().unwrap().len(), 1);
        for (target, name) in [
            (at("secret"), "V2__b.sql"),
            (at("secret"), "V1__a.undo.sql"),
            ("/proc/self/environ".into(), "V3__c.sql"),
        ] {
            let link = at("migrations").join(name);
            symlink(&target, &link).unwrap();
            let faults = read().unwrap_err();
            assert!(faults[0].message.contains("this is a link"), "{faults:?}");
            assert!(!format!("{faults:?}").contains("hunter2"));
            fs::remove_file(link).unwrap();
        }
    }
}
