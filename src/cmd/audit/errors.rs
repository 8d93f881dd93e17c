//! Errors about files of an audit that cannot be written.

use std::io;
use std::path::Path;

use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};

/// The error about a checkpoint file that cannot be written.
pub fn cannot_keep(path: &Path, error: &io::Error) -> Failure {
    let hint = "the audit stores its results there; name a writable folder with --state-dir";
    Failure::failed(unwritten(path, &error.to_string()).hint(hint))
}

/// The error about a requested file that cannot be written after everything was read.
pub fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let hint = "the results are kept; once the file is writable, bird audit --resume writes it";
    Failure::failed(unwritten(path, &error.to_string()).hint(hint))
}

/// The error without a hint.
pub fn unwritten(path: &Path, why: &str) -> Diagnostic {
    let message = format!("cannot write {}: {why}", path.display());
    Diagnostic::new(Code::Environment, message)
}
