//! Errors while keys are read: their causes, whether a retry may help, and their diagnostics.

use std::fmt;

use crate::audit::MergeError;
use crate::db::session::DbError;
use crate::dialect::ErrorKind;
use crate::invariant::Broken;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;

/// The hint for continuing an audit that was cut short.
pub const RESUME: &str = "the results so far are kept: bird audit --resume continues from there";

/// Why a chunk could not be read.
#[derive(Debug, Clone)]
pub struct ReadError {
    pub database: String,
    pub doing: &'static str,
    pub why: Cause,
}

#[derive(Debug, Clone)]
pub enum Cause {
    Database(DbError),
    /// Keys did not arrive in the order that their types promise.
    Disorder,
    Other(String),
    Broken(Broken),
}

impl From<Broken> for ReadError {
    fn from(broken: Broken) -> ReadError {
        ReadError {
            database: String::new(),
            doing: "reading keys",
            why: Cause::Broken(broken),
        }
    }
}

impl ReadError {
    /// An error about keys that did not arrive in the order that their types promise.
    pub fn disorder(database: &str) -> ReadError {
        ReadError {
            database: database.to_owned(),
            doing: "merging keys",
            why: Cause::Disorder,
        }
    }

    /// An error of a merge; `database` is that of the keys in disorder.
    pub fn merging(error: MergeError, database: &str) -> ReadError {
        match error {
            MergeError::Disorder(_) => ReadError::disorder(database),
            MergeError::Broken(broken) => broken.into(),
        }
    }

    pub fn of(database: &str, doing: &'static str) -> impl Fn(DbError) -> ReadError + use<> {
        let database = database.to_owned();
        move |error| ReadError {
            database: database.clone(),
            doing,
            why: Cause::Database(error),
        }
    }

    pub fn other(database: &str, doing: &'static str) -> impl Fn(String) -> ReadError + use<> {
        let database = database.to_owned();
        move |why| ReadError {
            database: database.clone(),
            doing,
            why: Cause::Other(why),
        }
    }

    /// An error about a checkpoint file that cannot be written.
    pub fn unwritten(error: &std::io::Error) -> ReadError {
        ReadError::other("", "writing the results")(error.to_string())
    }

    /// The diagnostic about an audit that could not go on.
    pub fn diagnose(&self) -> Diagnostic {
        let code = match &self.why {
            Cause::Database(error) => error.diagnostic_code(),
            Cause::Broken(_) => Code::Internal,
            Cause::Disorder | Cause::Other(_) => Code::Audit,
        };
        let mut fault = Diagnostic::new(code, self.to_string()).hint(RESUME);
        if !self.database.is_empty() {
            fault = fault.database(&self.database);
        }
        if let Cause::Database(error) = &self.why {
            fault.notes.clone_from(&error.notes);
        }
        fault
    }

    /// The reason for another strategy, if one may succeed: keys out of order are hashed, and a
    /// snapshot that fails is replaced by confirmation.
    pub fn fallback(&self, snapshot: bool) -> Option<&'static str> {
        match self.why {
            Cause::Disorder => Some("its keys came out of order, so bird hashes them instead"),
            Cause::Database(_) | Cause::Other(_) if snapshot => {
                Some("the server gave no snapshot, so bird confirms each finding instead")
            }
            _ => None,
        }
    }

    /// Whether a retry may succeed: after a broken connection, or if the table was changed while it
    /// was read.
    pub fn is_transient(&self) -> bool {
        let trouble = match &self.why {
            Cause::Database(error) => error.kind,
            _ => return false,
        };
        matches!(
            trouble,
            ErrorKind::Connection | ErrorKind::Changed | ErrorKind::Busy
        )
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match &self.why {
            Cause::Database(error) => error.to_string(),
            Cause::Disorder => {
                "the server returned keys in another order than their type defines".to_owned()
            }
            Cause::Other(why) => why.clone(),
            Cause::Broken(broken) => broken.to_string(),
        };
        if !self.database.is_empty() {
            write!(f, "{}: ", self.database)?;
        }
        write!(f, "{}: {why}", self.doing)
    }
}

impl std::error::Error for ReadError {}
