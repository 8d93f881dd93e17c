//! Writes a file that others read meanwhile: they see the old one or the new one, whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why a file could not be put into this place later on; said before long work begins.
///
/// # Errors
///
/// Its folder is missing, or something stands there that is no plain file.
pub fn can_replace(path: &Path) -> Result<(), String> {
    let (folder, _) = parts(path).map_err(|reason| reason.to_string())?;
    if !folder.is_dir() {
        return Err(format!("there is no folder {}", folder.display()));
    }
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err("it is no plain file".to_owned()),
        Ok(_) => Ok(()),
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(reason) => Err(reason.to_string()),
    }
}

/// Puts a text into the place of a file, whole or not at all.
///
/// # Errors
///
/// What kept it from being written; the file is as it was.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut replacement = Replacement::begin(path)?;
    replacement.write_all(text.as_bytes())?;
    replacement.commit()
}

/// What is going to stand in the place of a file; until it is committed, the file is as it was.
pub struct Replacement {
    path: PathBuf,
    folder: PathBuf,
    beside: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Replacement {
    /// Begins with nothing, in a file beside the one that is meant.
    ///
    /// # Errors
    ///
    /// What kept that file from being made.
    pub fn begin(path: &Path) -> io::Result<Replacement> {
        // Behind a link stands the file that is meant.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let (folder, name) = parts(&path)?;
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = folder.join(beside);
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .open(&beside)?;
        Ok(Replacement {
            path,
            folder,
            beside,
            file: Some(BufWriter::new(file)),
        })
    }

    /// Puts what was written into the file's place.
    ///
    /// # Errors
    ///
    /// What kept it from getting there; the file is as it was.
    pub fn commit(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
        }
        fs::rename(&self.beside, &self.path)?;
        // The new name outlives a crash once its folder is on the disk, where a system can do that.
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
    /// What was not committed is taken away; what was, stands there no more.
    fn drop(&mut self) {
        let _: io::Result<()> = fs::remove_file(&self.beside);
    }
}

/// The folder and the name of a file.
fn parts(path: &Path) -> io::Result<(PathBuf, OsString)> {
    let nameless = || io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
    let name = path.file_name().ok_or_else(nameless)?;
    let folder = path.parent().filter(|folder| folder != &Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    Ok((folder.to_path_buf(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bird.prom");
        assert_eq!(can_replace(&path), Ok(()));
        replace(&path, "one\n").unwrap();
        replace(&path, "two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        let missing = folder.path().join("missing/bird.prom");
        assert!(can_replace(&missing).unwrap_err().contains("no folder"));
        assert!(replace(&missing, "").is_err());
        assert!(can_replace(folder.path()).is_err());
        assert!(replace(folder.path(), "").is_err());
        let mut left = fs::read_dir(folder.path()).unwrap();
        assert_eq!(left.next().unwrap().unwrap().file_name(), "bird.prom");
        assert!(left.next().is_none());
    }
}
