//! Schemas on MySQL and MariaDB.

use super::MySql;
use crate::dialect::Dialect;
use crate::dialect::catalog::{Answer, Catalog, Part, Place, Question};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::Schema;

impl Catalog for MySql {
    fn questions(&self, _place: &Place<'_>) -> Vec<Question> {
        Vec::new()
    }

    fn read(&self, _place: &Place<'_>, _answers: &[Answer]) -> Result<Schema, String> {
        Ok(Schema::default())
    }

    fn tell(&self, _part: Part<'_>) -> String {
        String::new()
    }

    fn write(&self, _: &Place<'_>, _: &Difference, _: &Schema, _: &Schema) -> Ddl {
        Ddl::default()
    }

    fn rename(&self, _: &Place<'_>, _: &Schema, _: &Renamed) -> Option<DdlStep> {
        None
    }

    fn script(&self, _steps: &[DdlStep]) -> String {
        String::new()
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

    fn drop_database(&self, name: &str) -> Option<String> {
        Some(format!("DROP DATABASE IF EXISTS {}", self.quote(name)))
    }
}
