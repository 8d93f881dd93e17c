//! Finds the key by which bird knows again what it has written: `BIRD_KEY`, else a file in the home
//! of this user, outside of all projects.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Replacement;
use crate::model::hex;
use crate::model::own_key::OwnKey;

/// The variable with a key that several users or machines share.
const VARIABLE: &str = "BIRD_KEY";

/// The length of a user's key in hexadecimal digits.
const DIGITS: usize = 64;

/// Reads the key, or creates it at its first use; `None` if this user has no folder for it.
#[must_use]
pub fn own_key() -> Option<OwnKey> {
    if let Some(shared) = std::env::var_os(VARIABLE).filter(|key| !key.is_empty()) {
        return Some(OwnKey::shared(hex::digits(shared.as_encoded_bytes())));
    }
    let folder = folder()?;
    let path = folder.join("key");
    if let Some(key) = read(&path) {
        return Some(key);
    }
    fs::create_dir_all(&folder).ok()?;
    let mut file = Replacement::private(&path).ok()?;
    file.write_all(random().as_bytes()).ok()?;
    file.commit().ok()?;
    // Another run may have created one at the same time: the one that stayed counts.
    read(&path)
}

/// A key of this run alone: what it signs, nobody will know again.
#[must_use]
pub fn key_of_run() -> OwnKey {
    OwnKey::of_user(random())
}

fn random() -> String {
    let random = [(); 4].map(|()| uuid::Uuid::now_v7().into_bytes()).concat();
    hex::digits(&Sha256::digest(random))
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
fn read(path: &Path) -> Option<OwnKey> {
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
    (text.len() == DIGITS).then(|| OwnKey::of_user(text))
}
