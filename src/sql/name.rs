//! Names of tables, columns and other objects, with their qualifiers.

use std::fmt;

use super::syntax::Syntax;

/// A name as the engine compares it, with its qualifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub parts: Vec<String>,
}

impl Name {
    /// The name as SQL.
    #[must_use]
    pub fn sql(&self, syntax: &Syntax) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| syntax.quoted(part)).collect();
        parts.join(".")
    }

    /// The name without its qualifiers.
    #[must_use]
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The last qualifier of the name, if it has one.
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        let before = self.parts.len().checked_sub(2)?;
        self.parts.get(before).map(String::as_str)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.parts.join("."))
    }
}
