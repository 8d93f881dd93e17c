//! Schemas on MySQL and MariaDB, read from what SHOW CREATE prints.
//!
//! The first round asks what there is, the second one for every definition. A definition is read
//! word by word; a word that bird does not know makes its line strange, so nothing is missed.
//! What belongs to the making of a database (its encryption, its comment) is not read.

use super::MySql;
use super::variant::MYSQL;
use crate::dialect::catalog::{Answer, Catalog, Part, Place, Question};
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
                super::write::clause::create(table, &keys, &MYSQL)
            }
            Part::Column(column) => super::write::clause::column(column, None),
            Part::Key(key) => super::write::clause::key(key, &MYSQL),
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
}
