//! A SQL file as data: its statements, what its directives say, and what is wrong with it.

use std::ops::Range;

/// A position in a text, for people: both numbers count from one, and the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, ended by a line feed.
    pub line: u32,
    /// The character within the line.
    pub column: u32,
}

/// One statement, as it is sent to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The bytes of the statement in the file's text: no terminator, no blanks or comments around it.
    pub range: Range<usize>,
    /// Where the statement begins.
    pub place: Place,
    /// The names that directives before this very statement allow.
    pub allow: Vec<String>,
    /// A directive says that running this statement twice does no harm.
    pub idempotent: bool,
}

impl Statement {
    /// A statement that no directive says anything about.
    #[must_use]
    pub fn new(range: Range<usize>, place: Place) -> Self {
        Statement {
            range,
            place,
            allow: Vec::new(),
            idempotent: false,
        }
    }
}

/// Another database must have reached a version before this file runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requires {
    /// The name of the other database.
    pub database: String,
    /// The version that it must have.
    pub version: i64,
    /// The bytes of the directive.
    pub range: Range<usize>,
    /// Where the directive begins.
    pub place: Place,
}

/// Something got a new name and kept its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The old name, with a dot between its parts.
    pub from: String,
    /// The new name, with as many parts as the old one.
    pub to: String,
    /// The bytes of the directive.
    pub range: Range<usize>,
    /// Where the directive begins.
    pub place: Place,
}

/// What one SQL file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The statements in the order of the file.
    pub statements: Vec<Statement>,
    /// The file must not run inside a transaction.
    pub no_transaction: bool,
    /// The file is meant to have no statement.
    pub empty: bool,
    /// Every statement of the file may run twice.
    pub idempotent: bool,
    /// The names that are allowed for every statement of the file.
    pub allow: Vec<String>,
    /// The versions of other databases that the file builds on.
    pub requires: Vec<Requires>,
    /// The renames that the file declares.
    pub renames: Vec<Rename>,
}

/// Why a text cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The bytes to point at.
    pub range: Range<usize>,
    /// Where those bytes begin.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}
