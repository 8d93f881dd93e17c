//! The state directory: the replay cache, the checkpoints of audits, and when each was complete.
//! Deleting it is always safe.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Request;

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
