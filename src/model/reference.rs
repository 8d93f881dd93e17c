//! The reference: a foreign key that crosses databases, which no engine can enforce.

use std::fmt;

use super::diagnostic::{Location, Severity};
use super::key::Compare;
use super::name::{ColumnName, ColumnNames};

/// One entry of `[[references]]`: every value of `from` must exist in `to`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The child: `twitter.messages.author_id`.
    pub from: ColumnNames,
    /// The parent: `ums.users.id`. As many columns as `from`.
    pub to: ColumnNames,
    /// Only child rows that satisfy this SQL condition count.
    pub filter: Option<String>,
    /// Only parent rows that satisfy this SQL condition count.
    pub to_filter: Option<String>,
    pub null: Nulls,
    /// How keys are compared, a word for each column; empty where their types tell.
    pub compare: Vec<Compare>,
    pub severity: Severity,
    /// The number of orphan rows that are tolerated.
    pub max_orphans: u64,
    /// Where it is declared.
    pub location: Option<Location>,
}

/// What a NULL in a child's key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nulls {
    /// The row refers to nothing, as with foreign keys (MATCH SIMPLE).
    #[default]
    Ok,
    /// The row is an orphan.
    Orphan,
}

impl Reference {
    /// A reference that says nothing but its two ends.
    #[must_use]
    pub fn new(from: ColumnNames, to: ColumnNames) -> Self {
        Self {
            from,
            to,
            filter: None,
            to_filter: None,
            null: Nulls::default(),
            compare: Vec::new(),
            severity: Severity::Error,
            max_orphans: 0,
            location: None,
        }
    }

    /// The columns that are compared with each other, with their full names.
    pub fn pairs(&self) -> impl Iterator<Item = (ColumnName, ColumnName)> + '_ {
        std::iter::zip(self.from.each(), self.to.each())
    }

    /// The child's key as reports name the reference.
    pub fn name(&self) -> String {
        self.from.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}
