//! A schema in an engine's words: how it is asked for, read, and brought to another one.
//!
//! An engine's half stands in `dialect/<engine>/catalog/`. Whatever it cannot read for certain it
//! reports as strange, and whatever it cannot write as unsupported; nothing is left out silently.

use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::{Check, Column, ForeignKey, Key, Object, Partitions, Schema, Table};
use crate::model::server::Server;

/// Where a schema is or is going to be.
#[derive(Debug, Clone, Copy)]
pub struct SchemaLocation<'p> {
    pub server: &'p Server,
    /// The database's name on its server; its objects are told without it.
    pub database: &'p str,
    /// The schema inside, on engines that have them.
    pub schema: Option<&'p str>,
}

/// One SELECT, or a statement that results like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub sql: String,
    /// How many columns its answer has.
    pub columns: usize,
}

/// The rows of one question, every cell as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// A part of a schema, to be told in one line.
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

/// The risks of a statement as remarks above it.
pub fn risks(step: &DdlStep) -> String {
    let remarks = step.risks.iter().map(|risk| {
        // A name may hold a line break, and what stands behind it would be code.
        let why = risk.why.replace(['\n', '\r'], " ");
        format!("-- {}: {why}\n", risk.hazard.name())
    });
    remarks.collect()
}

/// How an engine's schemas are read and written. Pure, as the dialect is.
pub trait Catalog: Sync {
    /// What is asked first, all in one round trip. Their number does not grow with the schema.
    fn queries(&self, place: &SchemaLocation<'_>) -> Vec<Query>;

    /// What is asked when the first results are known, all in one round trip.
    fn follow_up(&self, _place: &SchemaLocation<'_>, _results: &[Rows]) -> Vec<Query> {
        Vec::new()
    }

    /// What a table is whose rows are kept by something else than the engine itself, such as
    /// another server.
    fn rows_elsewhere(&self, _table: &Table) -> Option<String> {
        None
    }

    /// The schema from all results, the first and the later ones, in the order of the questions.
    /// Neither bird's own tables nor refinery's belong to it.
    fn read(&self, place: &SchemaLocation<'_>, results: &[Rows]) -> Result<Schema, String>;

    /// Whether columns can be put into another order.
    fn orders_columns(&self) -> bool {
        true
    }

    /// A part as its clause or statement, for people.
    fn describe(&self, part: SchemaPart<'_>) -> String;

    /// The statements that make the differences, in an order that works, each with its risks.
    /// With an empty `from` they recreate `to`.
    fn write(
        &self,
        place: &SchemaLocation<'_>,
        difference: &Difference,
        from: &Schema,
        to: &Schema,
    ) -> Ddl;

    /// The statement that gives a table, a column or another object of `schema` its new name and
    /// keeps its data; `None` where there is no such object.
    fn rename(
        &self,
        place: &SchemaLocation<'_>,
        schema: &Schema,
        renamed: &Renamed,
    ) -> Option<DdlStep>;

    /// Statements as a text that the engine's own client runs, and that bird's splitter takes
    /// apart again: terminators, delimiters, remarks.
    fn script(&self, steps: &[DdlStep]) -> String {
        let texts = steps
            .iter()
            .map(|step| format!("{}{};\n", risks(step), step.sql));
        texts.collect()
    }

    /// What a script needs around it where nobody but the client runs it, such as switching off
    /// the foreign keys of SQLite while a table is rebuilt: before and behind.
    fn surround(&self, _steps: &[DdlStep]) -> (Vec<String>, Vec<String>) {
        (Vec::new(), Vec::new())
    }
}

/// Where the bytes begin that are no text, behind all characters that anybody uses.
const BYTES: u32 = 0x10_FF00;

/// An answer's text in which some bytes are none, such as a binary default within a definition:
/// each of these is a character of its own that nothing else uses.
#[must_use]
pub fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let strange = chunk.invalid().iter();
        text.extend(strange.filter_map(|byte| char::from_u32(BYTES + u32::from(*byte))));
    }
    text
}

/// Whether a text has bytes in it that are no text.
#[must_use]
pub fn has_bytes(text: &str) -> bool {
    text.chars().any(|sign| u32::from(sign) >= BYTES)
}

/// The bytes that a text stands for, those of [`text_of_bytes`] as they were.
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
