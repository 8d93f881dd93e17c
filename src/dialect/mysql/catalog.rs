//! Schemas on MySQL and MariaDB, read from what SHOW CREATE prints.
//!
//! The first round asks what there is, the second one for every definition. A definition is read
//! word by word; a word that bird does not know makes its line strange, so nothing is missed.
//! What belongs to the making of a database (its encryption, its comment) is not read.

use super::write::clause::Product;
use super::{MySql, shadow};
use crate::dialect::Dialect;
use crate::dialect::catalog::{Answer, Catalog, Lending, Part, Place, Question};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::{Schema, Table};

impl Catalog for MySql {
    fn questions(&self, _place: &Place<'_>) -> Vec<Question> {
        super::read::questions()
    }

    fn follow_up(&self, _place: &Place<'_>, answers: &[Answer]) -> Vec<Question> {
        super::read::follow_up(answers)
    }

    fn read(&self, place: &Place<'_>, answers: &[Answer]) -> Result<Schema, String> {
        super::read::schema(place, answers)
    }

    fn rows_elsewhere(&self, table: &Table) -> Option<String> {
        let engine = table.options.get("engine")?.to_uppercase();
        let elsewhere = ["FEDERATED", "CONNECT", "SPIDER", "BLACKHOLE"];
        let found = elsewhere.contains(&engine.as_str());
        found.then(|| format!("table of the engine {engine}"))
    }

    fn tell(&self, part: Part<'_>) -> String {
        match part {
            Part::Table(table) => {
                let keys: Vec<_> = table.foreign_keys.iter().collect();
                super::write::clause::create(table, &keys, Product::Anybody)
            }
            Part::Column(column) => super::write::clause::column(column, None),
            Part::Key(key) => super::write::clause::key(key, Product::Anybody),
            Part::ForeignKey(key) => super::write::clause::foreign_key(key),
            Part::Check(check) => super::write::clause::check(check),
            Part::Partitions(partitions) => super::write::clause::partitions(partitions),
            Part::Object(object) => super::write::statement::defined(object, false),
        }
    }

    fn write(&self, place: &Place<'_>, difference: &Difference, from: &Schema, to: &Schema) -> Ddl {
        super::write::write(place, difference, from, to)
    }

    fn rename(&self, place: &Place<'_>, schema: &Schema, renamed: &Renamed) -> Option<DdlStep> {
        super::write::rename::rename(place, schema, renamed)
    }

    fn script(&self, steps: &[DdlStep]) -> String {
        super::write::script::script(steps)
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

    fn lending(&self) -> Option<&'static Lending> {
        Some(&shadow::LENDING)
    }

    fn become_like(&self, name: &str, defaults: &[Option<String>]) -> Option<String> {
        let sql = self.create_like(name, defaults);
        let rest = sql.strip_prefix("CREATE")?;
        defaults
            .iter()
            .all(Option::is_some)
            .then(|| format!("ALTER{rest}"))
    }

    fn drop_database(&self, name: &str) -> Option<String> {
        Some(format!("DROP DATABASE IF EXISTS {}", self.quote(name)))
    }
}
