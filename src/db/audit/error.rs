//! What keeps a part of an audit from being read: what may help, and how it is told.

use crate::db::session::DbError;
use crate::dialect::ErrorKind;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;

/// How an audit that could not go on is gone on with.
pub const RESUME: &str = "what was read before is kept: bird audit --resume goes on behind it";

/// Why a portion could not be read.
#[derive(Debug, Clone)]
pub struct Fault {
    pub database: String,
    pub doing: &'static str,
    pub why: Why,
}

#[derive(Debug, Clone)]
pub enum Why {
    Database(DbError),
    /// Keys did not come in the order that their types promise.
    Disorder,
    Other(String),
}

impl Fault {
    /// Keys of a database did not come in the order that their types promise.
    pub fn disorder(database: &str) -> Fault {
        Fault {
            database: database.to_owned(),
            doing: "merging keys",
            why: Why::Disorder,
        }
    }

    pub fn of(database: &str, doing: &'static str) -> impl Fn(DbError) -> Fault + use<> {
        let database = database.to_owned();
        move |error| Fault {
            database: database.clone(),
            doing,
            why: Why::Database(error),
        }
    }

    pub fn other(database: &str, doing: &'static str) -> impl Fn(String) -> Fault + use<> {
        let database = database.to_owned();
        move |why| Fault {
            database: database.clone(),
            doing,
            why: Why::Other(why),
        }
    }

    /// The journal could not be written.
    pub fn unwritten(error: &std::io::Error) -> Fault {
        Fault::other("", "writing down what was found")(error.to_string())
    }

    /// Whether another way of reading may get there: keys out of order are put in order, a
    /// snapshot that cannot be had is done without.
    pub fn another_way(&self, snapshot: bool) -> Option<&'static str> {
        match self.why {
            Why::Disorder => Some("its keys came out of order, so they are hashed"),
            _ if snapshot => {
                Some("the snapshot could not be had, so findings are confirmed instead")
            }
            _ => None,
        }
    }

    /// Whether it may be gone when the portion is read anew: a connection that broke, a table that
    /// was changed while it was read.
    pub fn may_pass(&self) -> bool {
        let trouble = match &self.why {
            Why::Database(error) => error.kind,
            _ => return false,
        };
        matches!(
            trouble,
            ErrorKind::Connection | ErrorKind::Changed | ErrorKind::Busy
        )
    }
}

/// What was being done, where, and why it failed.
pub fn told(fault: &Fault) -> String {
    let why = match &fault.why {
        Why::Database(error) => error.to_string(),
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
        Why::Database(error) => error.diagnostic_code(),
        _ => Code::Audit,
    };
    let mut told = Diagnostic::new(code, told(fault)).hint(RESUME);
    if !fault.database.is_empty() {
        told = told.database(&fault.database);
    }
    if let Why::Database(error) = &fault.why {
        told.notes.clone_from(&error.notes);
    }
    told
}
