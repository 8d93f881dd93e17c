//! Reading files that a user names: regular files of a limited size, so that a pipe does not block and
//! a device does not fill the memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest config, and the largest file with a URL.
pub const SMALL: u64 = 16 << 20;
/// The largest plan, schema or file to import.
pub const LARGE: u64 = 512 << 20;

/// Opens a regular file. The standard input and what a shell hands over as `<(…)` may be pipes.
///
/// # Errors
///
/// If it cannot be opened, or is a pipe, a device or a folder.
pub fn open_regular(path: &Path) -> io::Result<File> {
    if is_handed_over(path) {
        return File::open(path);
    }
    let mut options = File::options();
    options.read(true);
    // Opening a pipe that nobody writes to would wait.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path)?;
    let found = file.metadata()?;
    if found.is_file() {
        Ok(file)
    } else if found.is_dir() {
        Err(io::Error::from(io::ErrorKind::IsADirectory))
    } else {
        let kind = io::ErrorKind::InvalidInput;
        Err(io::Error::new(kind, "it is not a regular file"))
    }
}

/// Whether the path is a file that the caller has opened.
fn is_handed_over(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd")
}

/// Reads a regular file with at most so many bytes.
///
/// # Errors
///
/// If it cannot be read, is not a regular file or is larger.
pub fn read_regular(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = open_regular(path)?.take(largest + 1);
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        let message = format!("it is larger than {} MiB", largest >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Reads a regular file as text.
///
/// # Errors
///
/// As [`read_regular`], or if it is not UTF-8.
pub fn read_text(path: &Path, largest: u64) -> io::Result<String> {
    String::from_utf8(read_regular(path, largest)?).map_err(|_| {
        let kind = io::ErrorKind::InvalidData;
        io::Error::new(kind, "stream did not contain valid UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_limited_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read_text(&path, 3).unwrap(), "abc");
        let larger = read_text(&path, 2).unwrap_err();
        assert_eq!(larger.kind(), io::ErrorKind::FileTooLarge);
        assert!(read_regular(folder.path(), 9).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn pipes_and_devices_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let refused = read_text(path, SMALL).unwrap_err().to_string();
            assert_eq!(refused, "it is not a regular file", "{path:?}");
        }
    }
}
