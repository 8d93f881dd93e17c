//! The assertion: a question to one database that must have no answer.

use super::diagnostic::{Location, Severity};

/// One entry of `[[assertions]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    pub database: String,
    /// How reports call it, once in a database.
    pub name: String,
    /// One statement that only reads, and that must give no row.
    pub sql: String,
    pub severity: Severity,
    /// Where its name is declared.
    pub location: Location,
}
