//! Schemas on PostgreSQL.

use super::{Postgres, shadow};
use crate::dialect::catalog::{Answer, Catalog, Lending, Part, Place, Question};
use crate::dialect::{Dialect, single_quoted};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::Schema;

impl Catalog for Postgres {
    fn questions(&self, place: &Place<'_>) -> Vec<Question> {
        super::read::queries::questions(place)
    }

    fn read(&self, _place: &Place<'_>, answers: &[Answer]) -> Result<Schema, String> {
        super::read::schema(answers)
    }

    fn tell(&self, part: Part<'_>) -> String {
        super::write::describe::tell(part)
    }

    fn write(&self, place: &Place<'_>, difference: &Difference, from: &Schema, to: &Schema) -> Ddl {
        let mut ddl = super::write::ddl(difference, from, to);
        let schema = super::schema_name(place.schema);
        if let Some(first) = ddl.steps.first().filter(|_| schema != "public") {
            // Nothing is told with its schema, and a client does not know which one is meant.
            let sql = format!("SET search_path TO {}", self.quote(schema));
            let step = DdlStep::new(first.about.clone(), sql);
            ddl.steps.insert(0, step);
        }
        ddl
    }

    fn rename(&self, _: &Place<'_>, schema: &Schema, renamed: &Renamed) -> Option<DdlStep> {
        super::write::rename::rename(schema, renamed)
    }

    fn orders_columns(&self) -> bool {
        false
    }

    fn defaults_query(&self) -> Option<&'static str> {
        Some(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database \
             WHERE datname = current_database()",
        )
    }

    fn create_like(&self, name: &str, defaults: &[Option<String>]) -> String {
        let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", self.quote(name));
        if let [Some(encoding), Some(collate), Some(ctype)] = defaults {
            let [encoding, collate, ctype] = [encoding, collate, ctype].map(|it| single_quoted(it));
            sql.push_str(&format!(
                " ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}"
            ));
        }
        sql
    }

    fn databases_query(&self, prefix: &str) -> Option<String> {
        Some(format!(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname::text, '{prefix}')"
        ))
    }

    fn in_use_query(&self, prefix: &str) -> Option<String> {
        Some(shadow::in_use(prefix))
    }

    fn may_create_query(&self, _prefix: &str) -> Option<String> {
        Some(shadow::MAY_CREATE.to_owned())
    }

    fn lending(&self) -> Option<&'static Lending> {
        Some(&shadow::LENDING)
    }

    fn drop_database(&self, name: &str) -> Option<String> {
        Some(format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.quote(name)
        ))
    }
}
