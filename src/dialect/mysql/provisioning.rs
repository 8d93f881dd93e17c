//! Databases of MySQL and MariaDB: how they are created, checked and dropped.

use super::variant::Variant;
use super::{MySql, shadow};
use crate::dialect::literals::Literals;
use crate::dialect::provisioning::{BorrowQueries, Provisioning};
use crate::model::server::Server;

impl Provisioning for MySql {
    fn concern_query(&self) -> Option<&'static str> {
        Some(
            "SELECT CONCAT('its character set is ', DEFAULT_CHARACTER_SET_NAME, ', not utf8mb4') \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE() \
             AND DEFAULT_CHARACTER_SET_NAME <> 'utf8mb4'",
        )
    }

    fn create_database(&self, name: &str, collation: Option<&str>, server: &Server) -> String {
        let default = Variant::of(server).default_collation;
        format!(
            "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE {}",
            self.quote(name),
            self.quote(collation.unwrap_or(default))
        )
    }

    fn defaults_query(&self) -> Option<&'static str> {
        Some("SELECT @@character_set_database, @@collation_database")
    }

    fn create_like(&self, name: &str, defaults: &[Option<String>]) -> String {
        let mut sql = format!("CREATE DATABASE {}", self.quote(name));
        if let [Some(charset), Some(collation)] = defaults {
            let (charset, collation) = (self.quote(charset), self.quote(collation));
            sql.push_str(&format!(" CHARACTER SET {charset} COLLATE {collation}"));
        }
        sql
    }

    fn databases_query(&self, prefix: &str) -> Option<String> {
        Some(format!(
            "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata \
             WHERE LEFT(schema_name, {}) = '{prefix}'",
            prefix.len()
        ))
    }

    fn in_use_query(&self, prefix: &str) -> Option<String> {
        Some(shadow::in_use(prefix))
    }

    fn may_create_query(&self, prefix: &str) -> Option<String> {
        Some(shadow::may_create(prefix))
    }

    fn borrow_queries(&self) -> Option<&'static BorrowQueries> {
        Some(&shadow::BORROW_QUERIES)
    }

    fn become_like(&self, name: &str, defaults: &[Option<String>]) -> Option<String> {
        let sql = self.create_like(name, defaults);
        let rest = sql.strip_prefix("CREATE")?;
        defaults
            .iter()
            .all(Option::is_some)
            .then(|| format!("ALTER{rest}"))
    }

    fn without_references(&self) -> Option<&'static str> {
        Some("SET foreign_key_checks = 0")
    }

    fn drop_database(&self, name: &str) -> Option<String> {
        Some(format!("DROP DATABASE IF EXISTS {}", self.quote(name)))
    }
}
