//! Databases of SQLite: how they are created, checked and dropped.

use super::Sqlite;
use crate::dialect::provisioning::Provisioning;
use crate::model::server::Server;

impl Provisioning for Sqlite {
    /// Opening the file creates the database.
    fn create_database(&self, _name: &str, _collation: Option<&str>, _server: &Server) -> String {
        String::new()
    }
}
