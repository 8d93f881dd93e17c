//! The server at the other end: its product and version.

use serde::{Serialize, Serializer};
use std::fmt;

/// A database product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Product {
    /// No server was asked.
    #[default]
    Unknown,
    MySql,
    MariaDb,
    Postgres,
    Sqlite,
}

impl Product {
    /// The name as people write it: `PostgreSQL`.
    pub fn name(self) -> &'static str {
        match self {
            Product::Unknown => "",
            Product::MySql => "MySQL",
            Product::MariaDb => "MariaDB",
            Product::Postgres => "PostgreSQL",
            Product::Sqlite => "SQLite",
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Product {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A version as the server writes it, without what follows the number: `8.0.36`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    text: String,
    numbers: Vec<u32>,
}

impl Version {
    pub fn new(text: impl Into<String>) -> Version {
        let text = text.into();
        let numbers = text.split('.').map_while(|part| part.parse().ok());
        Version {
            numbers: numbers.collect(),
            text,
        }
    }

    /// The first number; 0 if the version is unknown.
    pub fn major(&self) -> u32 {
        self.numbers.first().copied().unwrap_or(0)
    }

    /// Whether it is this version or a later one. An unknown version is older than every other.
    pub fn is_at_least(&self, least: &[u32]) -> bool {
        self.numbers.as_slice() >= least
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A product and its version, as the server reports them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Server {
    pub product: Product,
    pub version: Version,
    /// The product that it really is, if it only speaks the protocol of another one.
    pub variant: Option<&'static str>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.product, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(Version::new("10.11.6").is_at_least(&[10, 5, 9]));
        assert!(Version::new("8.0.22").is_at_least(&[8, 0, 22]));
        assert!(!Version::new("8.0.4").is_at_least(&[8, 0, 22]));
        assert!(!Version::default().is_at_least(&[8]));
        assert_eq!(Version::new("17beta1").major(), 0);
        assert_eq!(Version::new("16.2").major(), 16);
    }
}
