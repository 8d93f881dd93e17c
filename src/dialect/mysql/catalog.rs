//! The catalog of MySQL and MariaDB: reads schemas from what SHOW CREATE prints.
//!
//! The first round asks for the names of all objects, the second one for their definitions. A
//! definition is parsed word by word; a line with an unknown word is reported as unsupported, so
//! that nothing is missed. The options of the database itself (its encryption, its comment) are
//! not read.

use super::MySql;
use super::variant::{MYSQL, Variant};
use crate::dialect::catalog::{Catalog, Query, Rows, SchemaLocation, SchemaPart};
use crate::model::access::SchemaAccess;
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::{Options, Schema, Table};

impl Catalog for MySql {
    fn queries(&self, _place: &SchemaLocation<'_>) -> Vec<Query> {
        super::read::queries()
    }

    fn follow_up(&self, _place: &SchemaLocation<'_>, results: &[Rows]) -> Vec<Query> {
        super::read::follow_up(results)
    }

    fn read(&self, place: &SchemaLocation<'_>, results: &[Rows]) -> Result<Schema, String> {
        super::read::schema(place, results)
    }

    fn grants_query(&self, place: &SchemaLocation<'_>, schema: &Schema) -> Option<Query> {
        let lost = !Variant::of(place.server).replaces_routines;
        super::read::access::query(schema).filter(|_| lost)
    }

    fn read_grants(&self, result: Result<Rows, String>) -> SchemaAccess {
        super::read::access::access(result)
    }

    fn rows_elsewhere(&self, table: &Table) -> Option<String> {
        let engine = table.options.get("engine")?.to_uppercase();
        let elsewhere = ["FEDERATED", "CONNECT", "SPIDER", "BLACKHOLE"];
        let found = elsewhere.contains(&engine.as_str());
        found.then(|| format!("table of the engine {engine}"))
    }

    fn describe(&self, part: SchemaPart<'_>) -> String {
        match part {
            SchemaPart::Table(table) => {
                let keys: Vec<_> = table.foreign_keys.iter().collect();
                super::write::clause::create(table, &keys, &MYSQL)
            }
            SchemaPart::Column(column) => super::write::clause::column(column, None),
            SchemaPart::Key(key) => super::write::clause::key(key, &MYSQL),
            SchemaPart::ForeignKey(key) => super::write::clause::foreign_key(key),
            SchemaPart::Check(check) => super::write::clause::check(check),
            SchemaPart::Partitions(partitions) => super::write::clause::partitions(partitions),
            SchemaPart::Object(object) => super::write::statement::described(object),
        }
    }

    fn write(
        &self,
        place: &SchemaLocation<'_>,
        difference: &Difference,
        from: &Schema,
        to: &Schema,
    ) -> Ddl {
        super::write::write(place, difference, from, to)
    }

    fn rename(
        &self,
        place: &SchemaLocation<'_>,
        schema: &Schema,
        renamed: &Renamed,
    ) -> Option<DdlStep> {
        super::write::rename::rename(place, schema, renamed)
    }

    fn definer_option(&self) -> Option<&'static str> {
        Some(super::read::object::DEFINER)
    }

    fn restate(&self, schema: &mut Schema, unstated: &Options) {
        super::read::object::restate(schema, unstated);
    }

    fn client_settings(&self, schema: &Schema) -> Option<String> {
        super::write::settings::of_client(schema)
    }

    fn script(&self, steps: &[DdlStep]) -> String {
        super::write::script::script(steps)
    }
}
