//! Reads, compares and writes schemas of PostgreSQL.

use super::Postgres;
use crate::dialect::Extension;
use crate::dialect::Literals;
use crate::dialect::catalog::{Catalog, Query, Rows, SchemaLocation, SchemaPart};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::{Object, Schema};

/// What `pg_dump` sets as well, so that its output is the same everywhere.
const PRINT_SETTINGS: &[&str] = &[
    "DateStyle TO ISO, MDY",
    "IntervalStyle TO postgres",
    // Compiling these queries takes longer than running them.
    "jit TO off",
    "extra_float_digits TO 3",
    "bytea_output TO hex",
    "quote_all_identifiers TO off",
    "xmloption TO content",
    "row_security TO off",
];

/// An extension's own schema comes and goes with the extension, and `bird_shadow` marks a database that
/// is lent.
const SCHEMAS: &str = "\
SELECT n.nspname::text, (EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid \
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
AND d.objid = c.oid AND d.deptype = 'e')) \
OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid \
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass \
AND d.objid = p.oid AND d.deptype = 'e')) \
OR EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid AND t.typrelid = 0 AND t.typelem = 0 \
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass \
AND d.objid = t.oid AND d.deptype = 'e')))::int::text \
FROM pg_namespace n WHERE n.nspname NOT LIKE 'pg\\_%' \
AND n.nspname NOT IN ('information_schema', 'bird_shadow') \
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass \
AND d.objid = n.oid AND d.deptype = 'e') ORDER BY n.nspname <> 'public', n.nspname";

impl Catalog for Postgres {
    /// Local settings end with the round trip, which is a transaction.
    fn print_settings(&self, place: &SchemaLocation<'_>) -> Vec<String> {
        let schema = self.quote(super::schema_name(place.schema));
        let path = format!("SET LOCAL search_path TO {schema}");
        let settings = PRINT_SETTINGS.iter();
        let settings = settings.map(|setting| format!("SET LOCAL {setting}"));
        settings.chain([path]).collect()
    }

    fn queries(&self, place: &SchemaLocation<'_>) -> Vec<Query> {
        super::read::queries::queries(place)
    }

    fn read(&self, _place: &SchemaLocation<'_>, results: &[Rows]) -> Result<Schema, String> {
        super::read::schema(results)
    }

    fn schemas_query(&self) -> Option<Query> {
        Some(Query {
            sql: SCHEMAS.to_owned(),
            columns: 2,
        })
    }

    fn leave_out_schema(&self, schema: &mut Schema, other: &str) {
        let what = format!("schema {other}");
        schema.opaque_objects.retain(|object| object.what != what);
    }

    fn create_schema(&self, name: &str) -> Option<String> {
        Some(format!("CREATE SCHEMA {}", self.quote(name)))
    }

    fn extension(&self, place: &SchemaLocation<'_>, extension: &Extension) -> Option<Object> {
        let own = super::schema_name(place.schema);
        let elsewhere = extension.schema.as_deref().filter(|schema| *schema != own);
        if own != "public" && elsewhere.is_some() {
            return None;
        }
        let object = super::read::extension(&extension.name, elsewhere);
        Some(Object {
            comment: extension.comment.clone(),
            ..object
        })
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
        let schema = super::schema_name(place.schema);
        let mut ddl = super::write::ddl(schema, difference, from, to);
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
