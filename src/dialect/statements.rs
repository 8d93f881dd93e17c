//! The meaning of statements, definitions and error codes to an engine.

use crate::dialect::Dialect;
use crate::dialect::recovery::{Object, RecoveryClass};
use crate::model::script::{Script, Statement};
use crate::model::server::Server;
use crate::sql::Cursor;

/// The kind of an error, as far as bird acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The database, or the schema in it, does not exist.
    MissingDatabase,
    MissingTable,
    /// Another named object does not exist.
    MissingObject,
    /// The object to create exists already.
    Exists,
    /// Another session holds a lock.
    Busy,
    /// A table was changed while the statement read it.
    Changed,
    /// The engine cannot do it with the requested algorithm.
    NotThatWay,
    /// The statement was cancelled, by bird or by another session.
    Cancelled,
    /// The user or the password is wrong.
    Account,
    /// The account lacks a privilege.
    Denied,
    /// A policy would hide rows of the table from the account.
    HiddenRows,
    /// The server is read-only: a replica, or a server that a setting keeps from writes.
    ReadOnly,
    /// The server does not accept connections yet, or the connection broke.
    Connection,
    /// The TLS mode of the URL could not be met.
    Certificate,
    /// A table of bird's own could run another account's code.
    Untrusted,
    Other,
}

impl ErrorKind {
    /// Whether the statement itself is at fault, and neither the session nor what others do.
    #[must_use]
    pub fn is_of_statement(self) -> bool {
        match self {
            ErrorKind::MissingDatabase
            | ErrorKind::MissingTable
            | ErrorKind::MissingObject
            | ErrorKind::Exists
            | ErrorKind::Denied
            | ErrorKind::HiddenRows
            | ErrorKind::Other => true,
            ErrorKind::Busy
            | ErrorKind::Changed
            | ErrorKind::NotThatWay
            | ErrorKind::Cancelled
            | ErrorKind::Account
            | ErrorKind::ReadOnly
            | ErrorKind::Connection
            | ErrorKind::Certificate
            | ErrorKind::Untrusted => false,
        }
    }
}

/// A statement that a migration must not contain, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// The common name of the statement: `COMMIT`.
    pub what: &'static str,
    pub why: &'static str,
}

/// The reading of statements, definitions and errors.
pub trait Statements: Sync {
    /// The kind of an error.
    fn error_kind(&self, code: &str, message: &str) -> ErrorKind;

    /// The byte of a statement at which an error message points. `None` if the message has no
    /// position in its text.
    fn pointed_at(&self, _message: &str, _statement: &str) -> Option<usize> {
        None
    }

    /// The reason why a migration must not contain this statement, given as its code words. `None`
    /// if it may.
    fn forbid(&self, words: &[&str]) -> Option<Forbidden>;

    /// What a statement, given as its code words, is to a journal.
    fn recovery(&self, words: &Cursor<'_>) -> RecoveryClass;

    /// The query that shows an object's definition: no row, or an error, if it does not exist.
    /// `None` if the engine cannot show it.
    fn definition_query(&self, object: &Object, server: &Server) -> Option<String>;

    /// A definition without the parts that change by themselves, such as a counter.
    fn normalize(&self, definition: String) -> String {
        definition
    }

    /// The table that a statement makes such that its rows cannot be rolled back.
    fn loses_transactions(&self, _words: &Cursor<'_>) -> Option<String> {
        None
    }

    /// Asks for the objects that make data statements impossible to roll back: tables without
    /// transactions and, if there are any, everything that could write to them indirectly.
    fn untransactional_query(&self) -> Option<&'static str> {
        None
    }

    /// The tables that a statement drops or rebuilds such that foreign keys would cascade. Only
    /// SQLite has such statements.
    fn rebuilt_tables(&self, _words: &[&str]) -> Vec<String> {
        Vec::new()
    }

    /// Whether a statement switches foreign keys on or off in a way that a transaction ignores. Only SQLite
    /// has such a statement; it stands around the rebuild of a table.
    fn switches_foreign_keys(&self, _words: &[&str]) -> Option<bool> {
        None
    }

    /// Whether the engine refuses a statement inside a transaction.
    fn refuses_transaction(&self, _words: &[&str]) -> bool {
        false
    }
}

/// The words of a statement that tell whether it refuses a transaction.
const HEAD: usize = 16;

/// Whether a file runs without a transaction: it says so, or the engine refuses all of its statements
/// inside one.
pub fn runs_without_transaction(dialect: &dyn Dialect, script: &Script, text: &str) -> bool {
    let refuses = |statement: &Statement| {
        let sql = text.get(statement.range.clone()).unwrap_or_default();
        let head = Cursor::cut(dialect.syntax(), sql, HEAD);
        dialect.refuses_transaction(&head.texts())
    };
    script.no_transaction || !script.statements.is_empty() && script.statements.iter().all(refuses)
}

/// Whether a statement begins with these words, in any letter case.
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

/// Whether a statement calls a function when it runs. A CREATE statement calls none.
pub(super) fn calls(words: &[&str], function: &str) -> bool {
    !starts_with(words, &["CREATE"]) && words.iter().any(|word| word.eq_ignore_ascii_case(function))
}

/// The reason why a file must not release all locks of its session.
pub(super) const LOCKED: &str = "it would release bird's own lock, and a second run could start";

/// The reason why a file must not begin or end transactions.
pub(super) const TRANSACTIONS: &str = "bird controls transactions itself: it runs a migration in \
    one transaction, or each statement with a journal";
