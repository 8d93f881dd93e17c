//! [`Catalog`]: how an engine's schemas are queried, read and changed.
//!
//! Each engine implements it in its `catalog.rs`, with `read`, `ddl` and `write`. A part that it
//! cannot read for certain is reported as opaque, and a change that it cannot write as unsupported;
//! nothing is left out silently.

use crate::model::access::SchemaAccess;
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::{
    Check, Column, ForeignKey, Key, Object, Options, Partitions, Schema, Table,
};
use crate::model::server::Server;

/// The location of a schema.
#[derive(Debug, Clone, Copy)]
pub struct SchemaLocation<'p> {
    pub server: &'p Server,
    /// The database's name on its server; names of objects do not include it.
    pub database: &'p str,
    /// The schema inside the database, on engines that have schemas.
    pub schema: Option<&'p str>,
}

/// An extension that a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    pub name: String,
    /// The schema of its objects; `None` where that is not known.
    pub schema: Option<String>,
    pub comment: Option<String>,
    /// The statements that create it in another database.
    pub create: Vec<String>,
}

/// A SELECT, or another statement that returns rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub sql: String,
    /// The number of its columns.
    pub columns: usize,
}

/// The rows of a query, every cell as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// A part of a schema that [`Catalog::describe`] describes.
#[derive(Debug, Clone, Copy)]
pub enum SchemaPart<'p> {
    Table(&'p Table),
    Column(&'p Column),
    Key(&'p Key),
    ForeignKey(&'p ForeignKey),
    Check(&'p Check),
    Partitions(&'p Partitions),
    Object(&'p Object),
}

/// The risks of a statement as SQL comments above it.
pub fn risks(step: &DdlStep) -> String {
    let remarks = step.risks.iter().map(|risk| {
        // A name may hold a line break, and what stands behind it would be code.
        let why = risk.why.replace(['\n', '\r'], " ");
        format!("-- {}: {why}\n", risk.hazard.name())
    });
    remarks.collect()
}

/// Reads and writes the schemas of an engine. Pure, as the dialect is.
pub trait Catalog: Sync {
    /// The statements, each without a result, that begin the round trip of such queries: they make the
    /// server print the same text whatever is set for the database, the account or the server.
    fn print_settings(&self, _place: &SchemaLocation<'_>) -> Vec<String> {
        Vec::new()
    }

    /// The first round of queries, sent in one round trip. Their number does not grow with the
    /// schema.
    fn queries(&self, place: &SchemaLocation<'_>) -> Vec<Query>;

    /// The second round of queries, made from the first results, sent in one round trip.
    fn follow_up(&self, _place: &SchemaLocation<'_>, _results: &[Rows]) -> Vec<Query> {
        Vec::new()
    }

    /// The kind of a table whose rows are stored outside of the engine, such as on another server.
    /// `None` for other tables.
    fn rows_elsewhere(&self, _table: &Table) -> Option<String> {
        None
    }

    /// The schema from the results of both rounds, in the order of the queries, without bird's own
    /// tables and refinery's.
    fn read(&self, place: &SchemaLocation<'_>, results: &[Rows]) -> Result<Schema, String>;

    /// The query for the grants that are lost when an object is dropped, where not every account may read
    /// them. `None` if there are no such objects, or [`Catalog::read`] reads their grants.
    fn grants_query(&self, _place: &SchemaLocation<'_>, _schema: &Schema) -> Option<Query> {
        None
    }

    /// The access from the result of that query, or why the account cannot read it.
    fn read_grants(&self, _result: Result<Rows, String>) -> SchemaAccess {
        SchemaAccess::default()
    }

    /// Lists the schemas of the database that a project may have as databases of their own: name, and
    /// whether there is anything in it. `None` if the engine has no schemas.
    fn schemas_query(&self) -> Option<Query> {
        None
    }

    /// Removes another schema of the same database from what a schema shows of it.
    fn leave_out_schema(&self, _schema: &mut Schema, _other: &str) {}

    /// The statement that creates an empty schema.
    fn create_schema(&self, _name: &str) -> Option<String> {
        None
    }

    /// Whether the engine can reorder columns.
    fn orders_columns(&self) -> bool {
        true
    }

    /// A part as its clause or statement, for reports.
    fn describe(&self, part: SchemaPart<'_>) -> String;

    /// The statements that turn `from` into `to`, in an order that works, each with its risks. With
    /// an empty `from` they recreate `to`.
    fn write(
        &self,
        place: &SchemaLocation<'_>,
        difference: &Difference,
        from: &Schema,
        to: &Schema,
    ) -> Ddl;

    /// The statement that renames a table, a column or another object of `schema` and keeps its
    /// data. `None` if there is no such object.
    fn rename(
        &self,
        place: &SchemaLocation<'_>,
        schema: &Schema,
        renamed: &Renamed,
    ) -> Option<DdlStep>;

    /// The option that names the account in whose name an object runs, on engines where an object
    /// that does not state it belongs to the account that creates it.
    fn definer_option(&self) -> Option<&'static str> {
        None
    }

    /// Rewrites the objects of a schema that another session read as a session with these unstated
    /// options would read them, see [`Schema::unstated`].
    fn restate(&self, _schema: &mut Schema, _unstated: &Options) {}

    /// An extension of a database that has this schema, as [`Catalog::read`] reads it. `None` if it is
    /// no object of the schema.
    fn extension(&self, _place: &SchemaLocation<'_>, _extension: &Extension) -> Option<Object> {
        None
    }

    /// Statements as a script that the engine's own client runs and that bird's splitter reads:
    /// with terminators, delimiters and comments.
    fn script(&self, steps: &[DdlStep]) -> String {
        let texts = steps
            .iter()
            .map(|step| format!("{}{};\n", risks(step), step.sql));
        texts.collect()
    }

    /// The statement that gives the session of any client what the objects of this schema have which do
    /// not state it, see [`Schema::unstated`].
    fn client_settings(&self, _schema: &Schema) -> Option<String> {
        None
    }

    /// The lines before and after a script that only the client runs, such as those that disable
    /// foreign keys on SQLite while a table is rebuilt.
    fn surround(&self, _steps: &[DdlStep]) -> (Vec<String>, Vec<String>) {
        (Vec::new(), Vec::new())
    }
}

/// The first of the characters that stand for bytes that are not text, behind all assigned ones.
const BYTES: u32 = 0x10_FF00;

/// A result as text. Each byte that is not UTF-8, such as one of a binary default in a definition,
/// becomes an unassigned character of its own.
#[must_use]
pub fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let invalid = chunk.invalid().iter();
        text.extend(invalid.filter_map(|byte| char::from_u32(BYTES + u32::from(*byte))));
    }
    text
}

/// Whether a text stands for bytes that are not UTF-8.
#[must_use]
pub fn has_bytes(text: &str) -> bool {
    text.chars().any(|sign| u32::from(sign) >= BYTES)
}

/// The bytes that a text of [`text_of_bytes`] stands for.
#[must_use]
pub fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for sign in text.chars() {
        let byte = u32::from(sign).checked_sub(BYTES);
        match byte.and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(sign.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}
