//! How a statement can be made to run exactly once, where no transaction holds its file.
//!
//! A statement that changes rows commits together with its journal row. One that commits by
//! itself is told apart by what it touches: its objects are looked at before it is sent, and
//! again by whoever finds its intent in the journal. What neither way serves is refused, or
//! left to a person.

mod mysql;
mod postgres;
mod sqlite;
mod verdict;

pub use verdict::{Seen, Verdict, verdict};

pub(super) use mysql::{effect as mysql, loses_transactions};
pub(super) use postgres::effect as postgres;
pub(super) use sqlite::effect as sqlite;

/// What a statement is to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Commits together with its journal row.
    Together,
    /// Commits by itself, and its objects tell whether it ran.
    Alone(Alone),
    /// Running it twice does no harm.
    Repeatable,
    /// Sets the session, and is run again in every session that goes on with the file.
    Setting,
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
    /// What is so when it has run.
    pub marks: Vec<Mark>,
    /// The identifiers that it names, lower-cased: what differs behind it must name one of them.
    pub names: Vec<String>,
    /// It may change what it does not name: a conversion, an option of the table.
    pub wide: bool,
    /// It does the same to each of its objects, one by one; the words to do it with.
    pub each: Option<String>,
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
}

/// What an object is, as far as looking at it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table, a view or a sequence: they share their names.
    Table,
    /// Where a table's rows are stored; a truncated table has its rows elsewhere.
    Storage,
    Trigger,
    Procedure,
    Function,
    Event,
    Database,
    Index,
    /// All indexes of a table.
    Indexes,
}

/// Something that is so when a statement has run; the number is the object's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    Present(usize),
    Absent(usize),
    /// The object is another than before.
    Changed(usize),
    Column(usize, String),
    NoColumn(usize, String),
    Key(usize, String),
    NoKey(usize, String),
    /// There is one index more, with this name where the statement gives one.
    OneMore(usize, Option<String>),
}

impl Object {
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Object {
            kind,
            name: name.into(),
        }
    }
}

/// A reader of a statement's code words.
#[derive(Clone)]
struct Cursor<'w> {
    words: &'w [&'w str],
    at: usize,
}

impl<'w> Cursor<'w> {
    fn new(words: &'w [&'w str]) -> Self {
        Cursor { words, at: 0 }
    }

    fn peek(&self) -> &'w str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'w str {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn is_over(&self) -> bool {
        self.at >= self.words.len()
    }

    fn sees(&self, word: &str) -> bool {
        self.peek().eq_ignore_ascii_case(word)
    }

    /// Goes past these words if they come next.
    fn skip(&mut self, wanted: &[&str]) -> bool {
        let rest = self.words.get(self.at..).unwrap_or_default();
        let found = super::starts_with(rest, wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// Goes past the next word if it is one of these.
    fn skip_any(&mut self, wanted: &[&str]) -> bool {
        wanted.iter().any(|word| self.skip(&[word]))
    }

    /// A name with its qualifiers, as it is written.
    fn name(&mut self) -> String {
        let mut name = self.next().to_owned();
        while self.peek() == "." {
            name.push_str(self.next());
            name.push_str(self.next());
        }
        name
    }

    /// The words up to the next comma outside of parentheses, which is passed.
    fn clause(&mut self) -> &'w [&'w str] {
        let start = self.at;
        let mut depth = 0_usize;
        while !self.is_over() {
            match self.peek() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        let clause = self.words.get(start..self.at).unwrap_or_default();
        self.at += 1;
        clause
    }
}

fn contains(words: &[&str], wanted: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(wanted))
}

/// An identifier without its quotes, and without what qualifies it, lower-cased.
pub(crate) fn plain(name: &str) -> String {
    qualified_name(name).1.to_lowercase()
}

/// What qualifies a name, and its last part, as they are stored.
pub(super) fn qualified_name(name: &str) -> (Option<String>, String) {
    let mut dot = None;
    // A dot outside of quotes separates.
    let mut quoted = None;
    for (at, sign) in name.char_indices() {
        match (quoted, sign) {
            (None, '`' | '"' | '[') => quoted = Some(if sign == '[' { ']' } else { sign }),
            (Some(end), sign) if sign == end => quoted = None,
            (None, '.') => dot = Some(at),
            _ => {}
        }
    }
    match dot.and_then(|at| Some((name.get(..at)?, name.get(at + 1..)?))) {
        Some((before, last)) => (Some(unquoted(before)), unquoted(last)),
        None => (None, unquoted(name)),
    }
}

/// A word without the quotes of an identifier.
fn unquoted(word: &str) -> String {
    for (open, close) in [('`', '`'), ('"', '"'), ('[', ']')] {
        let inner = word
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner {
            let doubled = format!("{close}{close}");
            return inner.replace(&doubled, &close.to_string());
        }
    }
    word.to_owned()
}

/// Whether a word could be an identifier.
fn is_identifier(word: &str) -> bool {
    word.starts_with(|sign: char| sign.is_alphabetic() || matches!(sign, '_' | '`' | '"' | '['))
}
