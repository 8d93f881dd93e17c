//! The state directory: the replay cache, the checkpoints of audits, and when each was complete.
//! Deleting it is always safe.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Replacement, Request};

/// The folder in a project that names no other.
const DEFAULT: &str = ".bird";

/// The state directory of a project. It may not exist yet.
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// The directory of the command line or its environment, else of the config, else the default.
    pub fn new(root: &Path, configured: Option<&str>, request: &Request<'_>) -> StateDir {
        let path = match (&request.state_dir, configured) {
            (Some(asked), _) => request.folder.join(asked),
            (None, Some(configured)) => root.join(configured),
            (None, None) => root.join(DEFAULT),
        };
        StateDir { path }
    }

    /// A path in the directory.
    pub fn join(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    /// Replaces a file in the directory, whole or not at all. A link at its place is replaced, never
    /// followed, and only this user may read the file.
    ///
    /// # Errors
    ///
    /// If it cannot be written; the file is unchanged.
    pub fn replace(&self, file: &str, text: &str) -> io::Result<()> {
        let mut replacement = Replacement::private(&self.path.join(file))?;
        replacement.write_all(text.as_bytes())?;
        replacement.commit()
    }

    /// Creates a folder in the directory. Where bird creates the directory itself, git ignores it.
    ///
    /// # Errors
    ///
    /// If it does not exist and cannot be created.
    pub fn create(&self, folder: &str) -> io::Result<PathBuf> {
        let is_new = !self.path.exists();
        let folder = self.path.join(folder);
        fs::create_dir_all(&folder)?;
        if is_new {
            fs::write(self.path.join(".gitignore"), "*\n")?;
        }
        Ok(folder)
    }
}
