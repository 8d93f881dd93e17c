//! Files that hold keys which memory has no room for, and which nobody else sees.

use std::fs::{File, OpenOptions};
use std::io;

/// How much memory the keys of one task may take before they are written out.
pub const MEMORY: usize = 20 << 20;

/// An empty file that is gone when it is closed.
pub fn file() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("bird-audit-{}", uuid::Uuid::now_v7()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    // Where an open file cannot be removed, it stays among the temporary ones.
    let _: io::Result<()> = std::fs::remove_file(&path);
    Ok(file)
}
