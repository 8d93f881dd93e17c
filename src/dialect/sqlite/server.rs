//! Server facts of SQLite: version, locks, replication, load.

use super::Sqlite;
use crate::dialect::Lock;
use crate::dialect::server::ServerFacts;
use crate::model::server::{Product, Server, Version};

impl ServerFacts for Sqlite {
    fn server_query(&self) -> &'static str {
        "SELECT sqlite_version()"
    }

    fn server(&self, row: &[Option<String>]) -> Server {
        Server {
            product: Product::Sqlite,
            version: Version::new(row.first().cloned().flatten().unwrap_or_default()),
            variant: None,
        }
    }

    /// No session lock: `BEGIN IMMEDIATE` locks the database for each file.
    fn lock(&self, _database: &str, _schema: Option<&str>) -> Option<Lock> {
        None
    }
}
