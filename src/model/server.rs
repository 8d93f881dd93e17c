//! The server at the other end: its product and version.

use std::fmt;

/// A product and its version, as the server tells them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Server {
    /// `MySQL`, `MariaDB`, `PostgreSQL`, `SQLite`.
    pub product: &'static str,
    /// The version as the server writes it, without what follows the number.
    pub version: String,
    /// What it really is, where it only speaks the product's language.
    pub variant: Option<&'static str>,
}

impl Server {
    /// The numbers of the version, for comparison: `8.0.36` is `[8, 0, 36]`.
    pub fn numbers(&self) -> Vec<u32> {
        let parts = self.version.split('.');
        parts.map_while(|part| part.parse().ok()).collect()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.product, self.version)
    }
}
