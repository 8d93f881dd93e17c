//! Schemas on SQLite.

use super::Sqlite;
use crate::dialect::catalog::{Answer, Catalog, Part, Place, Question};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::Schema;

impl Catalog for Sqlite {
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
}
