//! What a statement, an object or an error code means to an engine.

use crate::dialect::recovery::{Object, RecoveryClass};
use crate::model::server::Server;
use crate::sql::Cursor;

/// What went wrong, as far as bird acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The database, or the schema in it, does not exist.
    MissingDatabase,
    MissingTable,
    /// Something else that is named does not exist.
    MissingObject,
    /// What should be created is there already.
    Exists,
    /// Someone else holds a lock.
    Busy,
    /// What the statement reads was changed while it ran.
    Changed,
    /// The engine cannot do it in the way that was asked for.
    NotThatWay,
    /// It was cancelled, by bird or by somebody else.
    Cancelled,
    /// User or password are wrong.
    Account,
    /// The account may not do it.
    Denied,
    /// The server is not to be written to: it is a replica, or somebody has closed it.
    ReadOnly,
    /// The server does not take connections yet, or the connection broke.
    Connection,
    /// The protection that the URL asks for could not be had.
    Certificate,
    Other,
}

/// A statement that a migration must not contain, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// The statement as people call it: `COMMIT`.
    pub what: &'static str,
    pub why: &'static str,
}

/// The reading of statements, definitions and errors.
pub trait Statements: Sync {
    /// What an error of the engine means.
    fn error_kind(&self, code: &str, message: &str) -> ErrorKind;

    /// The byte in a statement at which an error message points, where only its text tells.
    fn pointed_at(&self, _message: &str, _statement: &str) -> Option<usize> {
        None
    }

    /// Why a migration must not contain this statement, given as its code words.
    fn forbid(&self, words: &[&str]) -> Option<Forbidden>;

    /// What a statement, given as its code words, is to a journal.
    fn recovery(&self, words: &Cursor<'_>) -> RecoveryClass;

    /// The query that shows an object: no row, or an error that it is missing, where it does
    /// not exist. `None` where nothing can be seen of it.
    fn definition_query(&self, object: &Object, server: &Server) -> Option<String>;

    /// A definition without what changes by itself.
    fn normalize(&self, definition: String) -> String {
        definition
    }

    /// The table that a statement makes such that its rows cannot be rolled back.
    fn loses_transactions(&self, _words: &Cursor<'_>) -> Option<String> {
        None
    }

    /// Names what makes data statements impossible to roll back: tables without transactions,
    /// and where there are such, everything that could write to them behind the scenes.
    fn untransactional_query(&self) -> Option<&'static str> {
        None
    }

    /// The tables that a statement drops or rebuilds in a way that would run the deletes of
    /// foreign keys. Only SQLite has such.
    fn rebuilt_tables(&self, _words: &[&str]) -> Vec<String> {
        Vec::new()
    }
}

/// Whether the first words of a statement are these, in any case.
pub(super) fn starts_with(words: &[&str], wanted: &[&str]) -> bool {
    words.len() >= wanted.len()
        && std::iter::zip(words, wanted).all(|(word, want)| word.eq_ignore_ascii_case(want))
}

/// Statements of transactions and of the target, which no migration may contain: they would
/// take the journal's place or lead it elsewhere.
pub(super) fn forbid_control(words: &[&str], table: &[(&[&str], Forbidden)]) -> Option<Forbidden> {
    let found = table.iter().find(|(start, _)| starts_with(words, start));
    found.map(|(_, refusal)| refusal.clone())
}

/// Whether a statement calls a function when it runs; what it makes may call it later.
pub(super) fn calls(words: &[&str], function: &str) -> bool {
    !starts_with(words, &["CREATE"]) && words.iter().any(|word| word.eq_ignore_ascii_case(function))
}

/// The reason why a file may not release all locks of its session.
pub(super) const LOCKED: &str =
    "it would release bird's own lock, and a second run could begin meanwhile";

/// The reason why a file may not end or begin transactions.
pub(super) const TRANSACTIONS: &str = "bird itself runs each migration in a transaction, or statement by \
     statement with a journal, and must know where it stands";
