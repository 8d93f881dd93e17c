//! Builds a schema from the result sets of the catalog queries.

mod access;
mod cells;
mod keys;
mod names;
mod normalize;
mod objects;
pub(super) mod queries;
mod routines;
mod tables;
mod types;

use crate::dialect::Literals;
use crate::dialect::catalog::Rows;
use crate::dialect::postgres::Postgres;
use crate::model::schema::{NotCompared, Object, OpaqueObject, Schema};

use self::queries::{TOPICS, Topic};
use cells::Answers;
use names::Names;
use normalize::{normalize_expression, normalize_text};
pub use objects::extension;

pub fn schema(answers: &[Rows]) -> Result<Schema, String> {
    if answers.len() != TOPICS.len() {
        return Err(format!(
            "{} questions were asked, and {} answered",
            TOPICS.len(),
            answers.len()
        ));
    }
    let answers = Answers(answers);
    let names = Names::new(answers);
    let owned = tables::owned(answers, &names);
    let mut columns = tables::columns(answers, &names, &owned);
    let mut keys = keys::keys(answers, &names);
    let mut schema = Schema {
        tables: tables::tables(answers, &names, &mut columns, &mut keys),
        ..Schema::default()
    };
    let objects = &mut schema.objects;
    objects.extend(objects::extensions(answers, &names));
    objects.extend(types::types(answers, &names));
    objects.extend(types::composites(answers, &names, &mut columns));
    objects.extend(types::collations(answers, &names));
    objects.extend(objects::sequences(answers, &names, &owned, &schema.tables));
    objects.extend(routines::routines(answers, &names));
    objects.extend(routines::operators(answers, &names));
    objects.extend(objects::views(answers, &names, &mut columns, &mut keys));
    objects.extend(objects::parts(answers, &names));
    schema.opaque_objects = answers
        .rows(Topic::Strangers)
        .map(|mut cells| OpaqueObject {
            what: cells.text().to_owned(),
            definition: cells.text().to_owned(),
        })
        .collect();
    for cells in answers.rows(Topic::Schema) {
        let comment = cells.skip(1).owned();
        let comment = comment.map(|comment| ("comment".to_owned(), comment));
        schema.settings.extend(comment);
    }
    schema.access = NotCompared(access::access(answers, &names));
    Ok(schema)
}

/// An identifier, quoted.
fn quote(name: &str) -> String {
    Postgres.quote(name)
}

/// Whether an object belongs to a table that is left out.
fn is_told(object: &Object) -> bool {
    object.table.as_ref().is_none_or(|table| !table.is_empty())
}
