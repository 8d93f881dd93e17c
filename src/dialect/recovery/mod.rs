//! Recovery classes of statements: how a statement is made to run exactly once where no
//! transaction holds its file.
//!
//! A statement that changes rows commits together with its journal row. For a statement that
//! commits by itself, the definitions of its objects are read before it is sent, and again when
//! its intent is found in the journal; comparing them shows whether it ran. A statement that
//! neither way serves is refused, or a person decides.

mod completion;
pub(crate) mod normalize;

use std::sync::Arc;

use super::Dialect;
use crate::sql::{Cursor, Name};

pub use completion::{Completion, CompletionCheck, Definitions, Dropped, ObjectState, completion};

/// The recovery class of a statement: what the journal has to do for it.
#[derive(Debug, Clone)]
pub enum RecoveryClass {
    /// Commits together with its journal row.
    Transactional,
    /// Commits by itself; the definitions of its objects show whether it ran.
    AutoCommit(Box<AutoCommitted>),
    /// Running it twice does no harm.
    Repeatable,
    /// Changes the state of the session, and is run again in every session that resumes the file.
    SessionState,
    /// Sets the session to a value that another session would not get; why.
    Volatile(&'static str),
    /// Begins a transaction of the file's own.
    Begin,
    /// Ends a transaction of the file's own, by a commit or a rollback.
    Commit,
    /// Nothing shows whether it ran; why.
    Unknown(&'static str),
}

/// A statement that the server commits implicitly.
#[derive(Debug, Clone, Default)]
pub struct AutoCommitted {
    /// The objects that it touches. If there are none, only a person can decide whether it ran.
    pub objects: Vec<Object>,
    /// The check of whether it ran. `None` if nothing shows that.
    pub check: Option<Arc<dyn CompletionCheck>>,
    /// Algorithms of online DDL to try before the statement as it is written.
    pub online_ddl: Option<OnlineDdl>,
}

/// The clauses that ask an engine for less disturbing ways to change a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineDdl {
    /// The number of words before the clause.
    pub after_words: usize,
    /// The name and the clause of each algorithm, the least disturbing first.
    pub algorithms: &'static [(&'static str, &'static str)],
}

/// An object that a statement touches, under the name that the statement uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub kind: ObjectKind,
    /// The name as SQL.
    pub name: String,
    /// The parsed name.
    pub parts: Name,
}

/// The kind of an object, as far as the query for its definition depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A table or a view: they share one namespace.
    Table,
    /// The creation time of a table, which distinguishes a new table from an identical old one.
    CreationTime,
    /// The storage identifier of a table, and whether it has rows. Truncating a table changes the
    /// identifier.
    TableId,
    Sequence,
    Trigger,
    Procedure,
    Function,
    Event,
    Database,
    Index,
    /// All indexes of a table.
    Indexes,
}

impl ObjectKind {
    /// Whether it has a body of statements.
    pub fn is_program(self) -> bool {
        use ObjectKind::{Event, Function, Procedure, Trigger};
        matches!(self, Trigger | Procedure | Function | Event)
    }
}

impl Object {
    pub(crate) fn new(dialect: &dyn Dialect, kind: ObjectKind, parts: &Name) -> Self {
        Object {
            kind,
            name: parts.sql(dialect.syntax()),
            parts: parts.clone(),
        }
    }
}

/// The class of a statement that commits by itself, with the check of whether it ran.
pub(crate) fn auto_commit(
    objects: Vec<Object>,
    check: impl CompletionCheck + 'static,
) -> RecoveryClass {
    RecoveryClass::AutoCommit(Box::new(AutoCommitted {
        objects,
        check: Some(Arc::new(check)),
        online_ddl: None,
    }))
}

/// The class of a statement that commits by itself without showing whether it ran. It can run all
/// the same: a person decides only if a crash interrupts it.
pub(crate) fn unchecked() -> RecoveryClass {
    RecoveryClass::AutoCommit(Box::default())
}

/// Takes the next word, in capitals.
pub(crate) fn upper(words: &mut Cursor<'_>) -> String {
    words
        .next()
        .map(|word| word.text.to_ascii_uppercase())
        .unwrap_or_default()
}
