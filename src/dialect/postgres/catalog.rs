//! Reads, compares and writes schemas of PostgreSQL.

use super::Postgres;
use crate::dialect::Literals;
use crate::dialect::catalog::{Catalog, Query, Rows, SchemaLocation, SchemaPart};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::Schema;

impl Catalog for Postgres {
    fn queries(&self, place: &SchemaLocation<'_>) -> Vec<Query> {
        super::read::queries::queries(place)
    }

    fn read(&self, _place: &SchemaLocation<'_>, results: &[Rows]) -> Result<Schema, String> {
        super::read::schema(results)
    }

    fn without_version(&self, sql: &str) -> Option<String> {
        let (start, _) = sql
            .strip_prefix("CREATE EXTENSION ")?
            .rsplit_once(" VERSION ")?;
        Some(format!("CREATE EXTENSION {start}"))
    }

    fn describe(&self, part: SchemaPart<'_>) -> String {
        super::write::describe::describe(part)
    }

    fn write(
        &self,
        place: &SchemaLocation<'_>,
        difference: &Difference,
        from: &Schema,
        to: &Schema,
    ) -> Ddl {
        let mut ddl = super::write::ddl(difference, from, to);
        let schema = super::schema_name(place.schema);
        if let Some(first) = ddl.steps.first().filter(|_| schema != "public") {
            // Names have no schema, and a client does not know which one is meant.
            let sql = format!("SET search_path TO {}", self.quote(schema));
            let step = DdlStep::new(first.about.clone(), sql);
            ddl.steps.insert(0, step);
        }
        ddl
    }

    fn rename(
        &self,
        _: &SchemaLocation<'_>,
        schema: &Schema,
        renamed: &Renamed,
    ) -> Option<DdlStep> {
        super::write::rename::rename(schema, renamed)
    }

    fn orders_columns(&self) -> bool {
        false
    }
}
