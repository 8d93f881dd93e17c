//! Writes the files of a new project: all of them or none, and never over another file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::NewFile;
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::project::shown;

/// The files that were written, or would be.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    pub files: Vec<NewFile>,
    /// Files that are there already and stay as they are, with the lines that theirs lack.
    pub kept: Vec<(String, Vec<String>)>,
}

/// Writes files below `folder`, which is created if it is missing. With `dry_run` only the checks are
/// made. `here` is the folder bird was called in, for messages.
pub fn place(
    folder: &Path,
    here: &Path,
    files: Vec<NewFile>,
    dry_run: bool,
) -> Result<Placed, Failure> {
    inside_no_project(folder, here)?;
    let mut placed = Placed::default();
    let mut in_the_way = Vec::new();
    if exists(&folder.join("config/bird.toml")) {
        in_the_way.push("config/bird.toml".to_owned());
    }
    for file in files {
        let path = folder.join(&file.path);
        if is_keeper(&file) && path.parent().is_some_and(exists) {
            // The folder is there, so nothing needs to keep it.
        } else if !exists(&path) {
            placed.files.push(file);
        } else if file.path.starts_with(".git") && !file.path.contains('/') && path.is_file() {
            let lines = missing_lines(&path, &file.text);
            placed.kept.push((file.path, lines));
        } else {
            in_the_way.push(file.path);
        }
    }
    if !in_the_way.is_empty() {
        let mut fault = Diagnostic::new(
            Code::FileExists,
            format!(
                "{} {} there already: {}",
                counted(in_the_way.len(), "file"),
                if in_the_way.len() == 1 { "is" } else { "are" },
                in_the_way.join(", ")
            ),
        );
        fault.hint = Some("move them away, or name another folder: bird init DIR".to_owned());
        return Err(Failure::refused(fault));
    }
    if !dry_run {
        write(folder, &placed.files).map_err(|(path, reason)| {
            let message = format!("cannot write {}: {reason}", shown(&path, here));
            Failure::failed(Diagnostic::new(Code::Init, message))
        })?;
    }
    Ok(placed)
}

/// Refuses a folder inside of a project: bird would find the one or the other, depending on where it
/// is called.
fn inside_no_project(folder: &Path, here: &Path) -> Result<(), Failure> {
    for above in folder.ancestors().skip(1) {
        for name in ["bird.toml", "config/bird.toml"] {
            let config = above.join(name);
            // A project's folder `config` is no folder above it.
            if config.is_file() && !folder.join("bird.toml").exists() {
                let message = format!(
                    "{} is inside a project: {}",
                    folder.display(),
                    shown(&config, here)
                );
                let hint = "add a database to that bird.toml, or name a folder outside";
                let fault = Diagnostic::new(Code::InsideProject, message).hint(hint);
                return Err(Failure::refused(fault));
            }
        }
    }
    Ok(())
}

/// Whether a path is taken, be it by a link that leads nowhere.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether a file is only there so that git keeps its folder.
fn is_keeper(file: &NewFile) -> bool {
    file.path.ends_with("/.gitkeep")
}

/// The lines of a text that a file lacks.
fn missing_lines(path: &Path, text: &str) -> Vec<String> {
    let there = fs::read_to_string(path).unwrap_or_default();
    let lacks = |line: &&str| !there.lines().any(|known| known.trim() == *line);
    text.lines().filter(lacks).map(str::to_owned).collect()
}

type Wrong = (PathBuf, io::Error);

/// Writes all files to a folder beside, and moves them to their places.
fn write(folder: &Path, files: &[NewFile]) -> Result<(), Wrong> {
    let mut made = Made::default();
    // The first folder that is missing, in one that exists.
    let missing = folder.ancestors().take_while(|path| !exists(path)).last();
    let existing = missing.map_or(Some(folder), Path::parent);
    let beside = existing
        .unwrap_or(folder)
        .join(format!(".bird-init-{}", uuid::Uuid::now_v7().simple()));
    made.folder(&beside)?;
    for file in files {
        let path = beside.join(&file.path);
        made.folders(&path)?;
        fs::write(&path, file.text.as_bytes()).map_err(|reason| (path.clone(), reason))?;
        made.paths.push((path, false));
    }
    for file in files {
        let path = folder.join(&file.path);
        made.folders(&path)?;
        move_new(&beside.join(&file.path), &path).map_err(|reason| (path.clone(), reason))?;
        made.paths.push((path, false));
    }
    made.paths.retain(|(path, _)| path.starts_with(&beside));
    Ok(())
}

/// Moves a file to a place that must be free.
fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(reason) if reason.kind() == ErrorKind::AlreadyExists => Err(reason),
        // Not every file system has links.
        Err(_) if exists(to) => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// What was made so far, and is removed when this is dropped.
#[derive(Default)]
struct Made {
    /// Each path, and whether it is a folder.
    paths: Vec<(PathBuf, bool)>,
}

impl Made {
    fn folder(&mut self, path: &Path) -> Result<(), Wrong> {
        fs::create_dir(path).map_err(|reason| (path.to_path_buf(), reason))?;
        self.paths.push((path.to_path_buf(), true));
        Ok(())
    }

    /// Makes the folders above a file that are missing.
    fn folders(&mut self, file: &Path) -> Result<(), Wrong> {
        let above: Vec<&Path> = file.ancestors().skip(1).collect();
        for folder in above.iter().rev().filter(|path| !path.is_dir()) {
            self.folder(folder)?;
        }
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for (path, is_folder) in self.paths.iter().rev() {
            // What cannot be removed stays; the first error is the one that counts.
            let _: io::Result<()> = if *is_folder {
                fs::remove_dir(path)
            } else {
                fs::remove_file(path)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_nothing() {
        let here = tempfile::tempdir().unwrap();
        let files = [
            NewFile::new("a/one", "1"),
            NewFile::new("b/two", "2"),
            NewFile::new("c/three", "3"),
        ];
        // A file stands where the last one needs a folder.
        fs::write(here.path().join("c"), "").unwrap();
        let (path, _) = write(here.path(), &files).unwrap_err();
        assert_eq!(path, here.path().join("c"));
        let left = fs::read_dir(here.path())
            .unwrap()
            .map(|one| one.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["c"]);
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_overwritten() {
        let here = tempfile::tempdir().unwrap();
        let project = here.path().join("x/y");
        write(&project, &[NewFile::new("a", "1")]).unwrap();
        let files = [NewFile::new("b", "2"), NewFile::new("a", "3")];
        assert!(write(&project, &files).is_err());
        assert_eq!(fs::read_to_string(project.join("a")).unwrap(), "1");
        let left = fs::read_dir(&project).unwrap().count();
        assert_eq!(left, 1);
        assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1);
    }
}
