//! A secret key of this user, by which bird knows again what it has written to folders that others may
//! write to as well.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::Replacement;
use crate::model::hex;

/// The length of the key in hexadecimal digits.
const DIGITS: usize = 64;

/// The key, outside of all projects.
pub struct OwnKey(String);

impl OwnKey {
    /// Reads the key, or creates it at its first use; `None` if this user has no folder for it.
    pub fn of_user() -> Option<OwnKey> {
        let folder = folder()?;
        let path = folder.join("key");
        if let Some(key) = read(&path) {
            return Some(key);
        }
        fs::create_dir_all(&folder).ok()?;
        let mut file = Replacement::private(&path).ok()?;
        let random = [(); 4].map(|()| uuid::Uuid::now_v7().into_bytes()).concat();
        file.write_all(hex::digits(&Sha256::digest(random)).as_bytes())
            .ok()?;
        file.commit().ok()?;
        // Another run may have created one at the same time: the one that stayed counts.
        read(&path)
    }

    /// The authentication code of a named text.
    pub fn code(&self, name: &str, text: &str) -> String {
        let inner = Sha256::new()
            .chain_update(&self.0)
            .chain_update(name.len().to_le_bytes())
            .chain_update(name)
            .chain_update(text)
            .finalize();
        let outer = Sha256::new().chain_update(&self.0).chain_update(inner);
        hex::digits(&outer.finalize())
    }
}

/// The folder of state in the home of this user.
fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = variable("HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(home?.join(".local/state")))?;
    Some(state.join("bird"))
}

/// The key of a file that nobody else can have written or read.
fn read(path: &std::path::Path) -> Option<OwnKey> {
    let found = fs::symlink_metadata(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let is_own = found.uid() == rustix::process::geteuid().as_raw();
        if !is_own || found.mode() & 0o077 != 0 {
            return None;
        }
    }
    let text = fs::read_to_string(path).ok().filter(|_| found.is_file())?;
    (text.len() == DIGITS).then_some(OwnKey(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_of_one_name_one_text_and_one_key() {
        let key = OwnKey("a".repeat(DIGITS));
        let code = key.code("name", "text");
        assert_eq!(key.code("name", "text"), code);
        for other in [
            key.code("namet", "ext"),
            key.code("name", "texts"),
            OwnKey("b".repeat(DIGITS)).code("name", "text"),
        ] {
            assert_ne!(other, code);
        }
    }
}
