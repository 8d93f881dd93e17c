//! Replaces a file atomically: readers see the whole old file or the whole new one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Checks before long work that a file can be written to this path later.
///
/// # Errors
///
/// If its folder is missing, or if the path is not a regular file.
pub fn can_replace(path: &Path) -> Result<(), String> {
    let (folder, _) = parts(path).map_err(|reason| reason.to_string())?;
    if !folder.is_dir() {
        return Err(format!("the folder {} does not exist", folder.display()));
    }
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err("it is not a regular file".to_owned()),
        Ok(_) => Ok(()),
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(reason) => Err(reason.to_string()),
    }
}

/// Replaces a file by a text, whole or not at all.
///
/// # Errors
///
/// If it cannot be written; the file is unchanged.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut replacement = Replacement::begin(path)?;
    replacement.write_all(text.as_bytes())?;
    replacement.commit()
}

/// The new content of a file; until it is committed, the file is unchanged.
pub struct Replacement {
    path: PathBuf,
    folder: PathBuf,
    beside: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Replacement {
    /// Creates an empty temporary file beside the target.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be created.
    pub fn begin(path: &Path) -> io::Result<Replacement> {
        // The target of a link is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let there = fs::metadata(&path).ok().map(|found| found.permissions());
        let mut replacement = Replacement::beside(path, there.is_some())?;
        if let (Some(there), Some(file)) = (there, &mut replacement.file) {
            // Who may read the file stays as it was.
            file.get_ref().set_permissions(there)?;
        }
        Ok(replacement)
    }

    /// Creates an empty temporary file beside the target that only this user may read. A link is
    /// replaced, not its target.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be created.
    pub fn private(path: &Path) -> io::Result<Replacement> {
        Replacement::beside(path.to_path_buf(), true)
    }

    /// A new file beside a path. Its name is random, because processes in different containers may
    /// have the same number.
    fn beside(path: PathBuf, private: bool) -> io::Result<Replacement> {
        let (folder, name) = parts(&path)?;
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.tmp", uuid::Uuid::now_v7().simple()));
        let beside = folder.join(beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let file = options.open(&beside)?;
        Ok(Replacement {
            path,
            folder,
            beside,
            file: Some(BufWriter::new(file)),
        })
    }

    /// Renames the temporary file to the target.
    ///
    /// # Errors
    ///
    /// If it cannot be renamed; the file is unchanged.
    pub fn commit(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
        }
        fs::rename(&self.beside, &self.path)?;
        // After a sync of the folder the new name survives a crash, on systems that can sync one.
        let _: io::Result<()> = File::open(&self.folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Replacement {
    /// Removes a temporary file that was not committed.
    fn drop(&mut self) {
        let _: io::Result<()> = fs::remove_file(&self.beside);
    }
}

/// The folder and the name of a file.
fn parts(path: &Path) -> io::Result<(PathBuf, OsString)> {
    let nameless = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name");
    let name = path.file_name().ok_or_else(nameless)?;
    let folder = path.parent().filter(|folder| folder != &Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    Ok((folder.to_path_buf(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn who_may_read_a_file_stays_as_it_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orphans.jsonl");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        fs::write(&path, "").unwrap();
        for kept in [0o600, 0o640, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            replace(&path, "new").unwrap();
            assert_eq!(mode(), kept);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_state_directory_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut own = Replacement::private(&link).unwrap();
        own.write_all(b"own").unwrap();
        own.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        assert_eq!(fs::read_to_string(&link).unwrap(), "own");
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bird.prom");
        assert_eq!(can_replace(&path), Ok(()));
        replace(&path, "one\n").unwrap();
        replace(&path, "two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        let missing = folder.path().join("missing/bird.prom");
        assert!(
            can_replace(&missing)
                .unwrap_err()
                .contains("does not exist")
        );
        assert!(replace(&missing, "").is_err());
        assert!(can_replace(folder.path()).is_err());
        assert!(replace(folder.path(), "").is_err());
        let mut left = fs::read_dir(folder.path()).unwrap();
        assert_eq!(left.next().unwrap().unwrap().file_name(), "bird.prom");
        assert!(left.next().is_none());
    }
}
