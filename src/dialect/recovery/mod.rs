//! How a statement can be made to run exactly once, where no transaction holds its file.
//!
//! A statement that changes rows commits together with its journal row. One that commits by
//! itself is told apart by what it touches: its objects are looked at before it is sent, and
//! again by whoever finds its intent in the journal. What neither way serves is refused, or
//! left to a person.

mod completion;
pub(crate) mod normalize;

use super::Dialect;
use super::mysql::recovery::{Alter, Created};
use super::postgres::recovery::Index;
use crate::sql::cursor::{Name, Words};

pub use completion::{Seen, Verdict, verdict};

/// What a statement is to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Commits together with its journal row.
    Together,
    /// Commits by itself, and its objects tell whether it ran.
    Alone(Box<Alone>),
    /// Running it twice does no harm.
    Repeatable,
    /// Sets the session, and is run again in every session that goes on with the file.
    Setting,
    /// Sets the session to a value that the next one would not get; why.
    Fleeting(&'static str),
    /// Begins a transaction of the file's own.
    Begins,
    /// Ends it.
    Ends,
    /// Nothing tells whether it ran; why.
    Unclear(&'static str),
}

/// A statement that commits by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alone {
    /// What it touches. Nothing here: only a person can tell whether it ran.
    pub objects: Vec<Object>,
    /// How its objects tell that it ran.
    pub proof: Proof,
    /// Other spellings of the statement that disturb less, to be tried first: what the
    /// engine calls the way, and the bytes to put behind so many of its words.
    pub gentle: Option<Gentle>,
}

/// Where the engine can be told how to change a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gentle {
    /// So many words come before the clause.
    pub behind: usize,
    /// The name of a way and its clause, the gentlest first.
    pub ways: &'static [(&'static str, &'static str)],
}

/// Something that a statement touches, under the name that the statement uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub kind: Kind,
    /// As SQL.
    pub name: String,
    /// The same, read.
    pub parts: Name,
}

/// What an object is, as far as looking at it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table or a view: they share their names.
    Table,
    /// When a table was made: a new one that looks like the old one is another.
    Birth,
    /// Where a table's rows are stored, and whether there are any. A truncated table has its
    /// rows elsewhere.
    Storage,
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

/// How the objects of a statement tell that it ran. Each tells it by what they are after the
/// statement, worked out from what they were before: whatever else has become of them is
/// somebody else's work, and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proof {
    /// Not at all.
    #[default]
    None,
    /// They are gone. Where there are several they go one by one, by these words.
    Gone(Option<String>),
    /// The first one is there, and is what the statement says.
    Created(Created),
    /// The second one is there, and is what the first one is.
    Copied,
    /// The first one is what it was, changed as the statement says; under the name of the
    /// second one, where there is one.
    Altered(Alter),
    /// The first of each pair is gone, and the second one is what the first one was.
    Renamed(Vec<(usize, usize)>),
    /// Each pair changes names, one after the other; the objects are where rows are stored.
    Swapped(Vec<(usize, usize)>),
    /// The first one, where rows are stored, is another, and empty.
    Emptied,
    /// As `Emptied`, and the second one is what the statement says.
    Replaced(Created),
    /// There is one index more.
    OneMore(Index),
}

impl Kind {
    /// Whether it has a body of statements.
    pub fn is_program(self) -> bool {
        use Kind::{Event, Function, Procedure, Trigger};
        matches!(self, Trigger | Procedure | Function | Event)
    }
}

impl Object {
    pub(crate) fn new(dialect: &dyn Dialect, kind: Kind, parts: &Name) -> Self {
        Object {
            kind,
            name: parts.sql(dialect),
            parts: parts.clone(),
        }
    }
}

/// A statement that commits by itself, and how that can be proven.
pub(crate) fn alone(objects: Vec<Object>, proof: Proof) -> Effect {
    Effect::Alone(Box::new(Alone {
        objects,
        proof,
        gentle: None,
    }))
}

/// A statement of which nothing tells whether it ran. It can run all the same: only a crash in
/// the middle needs a person.
pub(crate) fn untold() -> Effect {
    Effect::Alone(Box::default())
}

/// The next word in capitals; it is passed.
pub(crate) fn upper(words: &mut Words<'_>) -> String {
    words
        .next()
        .map(|word| word.text.to_ascii_uppercase())
        .unwrap_or_default()
}
