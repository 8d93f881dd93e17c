//! File facts of an embedded database: whether it can be written, and its file system. Reading them
//! writes nothing.

use crate::model::code::Code;
use std::path::Path;

use crate::model::check::{CheckResult, Verdict};
use crate::model::target::FileTarget;

/// File systems whose locks do not reach other machines reliably, by the number that they have in
/// `statfs`.
#[cfg(target_os = "linux")]
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0bd0_0bd0, "Lustre"),
];

/// The name of a check, and how it came out.
pub type Checked = (Code, CheckResult);

pub fn look(file: &FileTarget) -> Vec<Checked> {
    let folder = file.path.parent().unwrap_or(Path::new("."));
    // A folder that does not exist yet is made, in the nearest one that does.
    let existing = folder.ancestors().find(|folder| folder.exists());
    let existing = existing.unwrap_or(folder);
    vec![
        (Code::File, writable(file)),
        (Code::Folder, folder_writable(existing)),
        (Code::FileSystem, file_system(existing)),
    ]
}

/// Why a database's file takes no writes, and what to do about it; `None` if it takes them, or if it
/// does not exist yet.
pub fn read_only(file: &FileTarget) -> Option<CheckResult> {
    let result = writable(file);
    (result.verdict == Verdict::Error).then_some(result)
}

fn writable(file: &FileTarget) -> CheckResult {
    if file.read_only {
        return CheckResult::error("the URL opens it read-only").fix("remove mode=ro from the URL");
    }
    if !file.path.exists() {
        return CheckResult::note("it does not exist yet").fix("create it with `bird provision`");
    }
    if may_write(&file.path) {
        CheckResult::ok("the file is writable")
    } else {
        CheckResult::error("the file is not writable")
            .fix(format!("give this user the right to write {}", file.shown))
    }
}

/// The engine keeps its journal beside the file.
fn folder_writable(folder: &Path) -> CheckResult {
    if may_write(folder) {
        CheckResult::ok("its folder is writable")
    } else {
        CheckResult::error("its folder is not writable, but SQLite keeps its journal there").fix(
            format!("give this user the right to write {}", folder.display()),
        )
    }
}

#[cfg(unix)]
fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.permissions().readonly())
}

#[cfg(target_os = "linux")]
fn file_system(folder: &Path) -> CheckResult {
    let Ok(found) = rustix::fs::statfs(folder) else {
        return CheckResult::note("the kind of file system is unknown");
    };
    // The number has 32 bits, whatever type a platform gives it.
    let number = found.f_type as u32;
    match NETWORK.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => {
            CheckResult::warning(format!("the file is on a network file system ({name})"))
                .fix("move it to a local disk: locks over a network are not reliable")
        }
        None => CheckResult::ok("local file system"),
    }
}

#[cfg(not(target_os = "linux"))]
fn file_system(_folder: &Path) -> CheckResult {
    CheckResult::note("the kind of file system is unknown")
}
