//! How it is told that something could not be read.

use super::task::{Fault, Why};
use crate::cmd::open;
use crate::model::diagnostic::Diagnostic;

/// How an audit that could not go on is gone on with.
pub const RESUME: &str = "what was read before is kept: bird audit --resume goes on behind it";

/// What was being done, where, and why it failed.
pub fn told(fault: &Fault) -> String {
    let why = match &fault.why {
        Why::Database(error) => error.told(),
        Why::Disorder => "the keys do not come in the order that their type promises".to_owned(),
        Why::Other(why) => why.clone(),
    };
    let database = match fault.database.as_str() {
        "" => String::new(),
        name => format!("{name}: "),
    };
    format!("{database}{}: {why}", fault.doing)
}

/// Why the audit could not go on.
pub fn cannot(fault: &Fault) -> Diagnostic {
    let code = match &fault.why {
        Why::Database(error) => open::code(error),
        _ => "audit",
    };
    let mut told = Diagnostic::error(code, told(fault)).hint(RESUME);
    if !fault.database.is_empty() {
        told = told.database(&fault.database);
    }
    if let Why::Database(error) = &fault.why {
        told.notes.clone_from(&error.notes);
    }
    told
}
