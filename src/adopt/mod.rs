//! Adoption: from what another tool remembers of its migrations, or from the tables that are
//! there, to the rows that a history of bird would hold, or why it must not hold them.
//!
//! A tool is one file here and one entry in [`TOOLS`].

pub mod baseline;
mod mapping;
mod markers;

mod alembic;
mod dbmate;
mod diesel;
mod flyway;
mod golang_migrate;
mod goose;
mod prisma;
mod rails;
mod sqlx_migrate;

pub use mapping::{Adopted, adopt};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::dialect::Dialect;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::schema::Table;

/// All tools that bird can take over from, in the order in which the README lists them. Refinery
/// is none of them: its history is bird's own.
pub static TOOLS: &[&Tool] = &[
    &flyway::TOOL,
    &sqlx_migrate::TOOL,
    &prisma::TOOL,
    &golang_migrate::TOOL,
    &goose::TOOL,
    &dbmate::TOOL,
    &rails::TOOL,
    &diesel::TOOL,
    &alembic::TOOL,
];

/// A row as the database told it: the columns of [`Tool::columns`], in their order.
pub type Row = Vec<Option<String>>;

/// What bird knows of another tool.
pub struct Tool {
    /// The name behind `--from` and in the remarks of migrations.
    pub name: &'static str,
    /// What its table is called, the newest name first.
    pub tables: &'static [&'static str],
    /// The columns by which its table is known, and how each of them is asked for.
    pub columns: &'static [(&'static str, Ask)],
    /// A column that only another tool's table of the same name has.
    pub absent_column: Option<&'static str>,
    /// Another table, and whether it must be there or must not.
    pub companion_table: Option<(&'static str, bool)>,
    /// The columns by which its rows are sorted.
    pub order: &'static [&'static str],
    pub read: fn(&[Row]) -> ForeignHistory,
    /// Whether a text is what a checksum of this tool was made of, where it keeps checksums that
    /// can be made again.
    pub is_unchanged: Option<fn(text: &str, checksum: &str) -> bool>,
    /// Reads a comment in which the tool itself names what a text leads from and to.
    pub step: Option<fn(comment: &str) -> Option<Step>>,
    /// The beginning of the comment behind which its files hold the way back.
    pub down_marker: Option<&'static str>,
}

/// How a column is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Text,
    /// Bytes, as hexadecimal digits.
    Hex,
    /// A time that the engine itself wrote.
    Time,
    /// A time that the tool wrote, in UTC whatever the column's type says.
    UtcTime,
}

/// From some of the tool's versions to others.
pub struct Step {
    pub from: Vec<String>,
    pub to: Vec<String>,
}

/// What a tool remembers.
#[derive(Default)]
pub struct ForeignHistory {
    /// Each of them is applied.
    pub applied: Vec<ForeignMigration>,
    /// Everything up to and including these is applied.
    pub up_to: Vec<UpTo>,
    /// These are applied, and everything that led to them.
    pub heads: Vec<ForeignMigration>,
    /// Why its word cannot be taken.
    pub refused: Vec<Diagnostic>,
}

/// A migration as another tool remembers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignMigration {
    /// As the tool writes it: `1.2`, `20240101120000_init`, `1975ea83b712`.
    pub version: String,
    /// The version of a migration that it can only be, where it is a number that fits.
    pub number: Option<i64>,
    /// What else the tool says about it.
    pub about: Option<String>,
    /// RFC 3339, UTC, where the tool knows it.
    pub applied_on: Option<String>,
    pub checksum: Option<String>,
}

/// The last of a row of versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpTo {
    pub last: ForeignMigration,
    /// Whether there must be a migration of this very version.
    pub must_exist: bool,
}

/// Every name that `--from` takes.
pub fn names() -> Vec<&'static str> {
    let tools = TOOLS.iter().map(|tool| tool.name);
    tools.chain([REFINERY, BASELINE]).collect()
}

/// The tool whose history bird itself uses.
pub const REFINERY: &str = "refinery";
/// No tool at all: what the tables themselves tell.
pub const BASELINE: &str = "baseline";

/// The names of all tables by which tools are known.
pub fn tables() -> Vec<&'static str> {
    let mut names: Vec<&str> = TOOLS.iter().flat_map(|tool| tool.tables.to_vec()).collect();
    names.extend(
        TOOLS
            .iter()
            .filter_map(|tool| Some(tool.companion_table?.0)),
    );
    names.sort_unstable();
    names.dedup();
    names
}

/// The tools whose tables these are, each with its table.
pub fn recognise(tables: &[Table]) -> Vec<(&'static Tool, &Table)> {
    let named = |name: &str| tables.iter().find(|table| table.name == name);
    let found = TOOLS.iter().filter_map(|tool| {
        let companion_table = tool
            .companion_table
            .is_none_or(|(name, must)| named(name).is_some() == must);
        let mut known = tool.tables.iter().filter_map(|name| named(name));
        let table = known.find(|table| tool.owns(table))?;
        companion_table.then_some((*tool, table))
    });
    found.collect()
}

impl Tool {
    fn owns(&self, table: &Table) -> bool {
        let has = |name: &str| table.column(name).is_some();
        self.columns.iter().all(|(name, _)| has(name)) && !self.absent_column.is_some_and(has)
    }

    /// Asks for all that the tool remembers. `name` is the table's, qualified.
    pub fn query(&self, dialect: &dyn Dialect, table: &Table, name: &str) -> String {
        let columns = self.columns.iter().map(|(column, ask)| {
            let quoted = dialect.quote(column);
            let time = |is_utc| {
                let found = table.column(column);
                let told = found.and_then(|column| dialect.utc_of(column, is_utc));
                told.unwrap_or_else(|| "NULL".into())
            };
            match ask {
                Ask::Text => quoted,
                Ask::Hex => dialect.hex_of(&quoted),
                Ask::Time => time(false),
                Ask::UtcTime => time(true),
            }
        });
        let columns: Vec<String> = columns.collect();
        let order: Vec<String> = self.order.iter().map(|name| dialect.quote(name)).collect();
        let (columns, order) = (columns.join(", "), order.join(", "));
        format!("SELECT {columns} FROM {name} ORDER BY {order}")
    }
}

/// One cell of a row; nothing where it is NULL.
fn cell(row: &Row, at: usize) -> Option<&str> {
    row.get(at).and_then(Option::as_deref)
}

/// A time of a row, as a history holds it.
fn time(row: &Row, at: usize) -> Option<String> {
    let told = OffsetDateTime::parse(cell(row, at)?, &Rfc3339).ok()?;
    told.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}

/// Whether a cell is true, however the engine writes that.
fn is_true(cell: Option<&str>) -> bool {
    matches!(cell, Some("1" | "t" | "true" | "TRUE"))
}

/// Whether a cell is false; NULL, and whatever else cannot be read, is neither.
fn is_false(cell: Option<&str>) -> bool {
    matches!(cell, Some("0" | "f" | "false" | "FALSE"))
}

/// The number that a text of digits means, where it fits.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Why a tool's word cannot be taken.
fn unfinished(tool: &str, message: String, hint: &str) -> Diagnostic {
    Diagnostic::new(Code::AdoptUnfinished, format!("{tool}: {message}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_known_by_one_name_and_sorts_by_columns_that_it_asks_for() {
        let mut all = names();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), TOOLS.len() + 2);
        for tool in TOOLS {
            let asked = |name: &&&str| tool.columns.iter().any(|(column, _)| *column == **name);
            assert_eq!(tool.order.iter().filter(asked).count(), tool.order.len());
        }
    }

    #[test]
    fn times_are_told_in_utc_or_not_at_all() {
        let told = |text: &str| time(&vec![Some(text.to_owned())], 0);
        assert_eq!(
            told("2026-01-02T03:04:05.5+02:00").as_deref(),
            Some("2026-01-02T01:04:05.5Z")
        );
        for wrong in [
            "0000-00-00T00:00:00Z",
            "2026-01-02 03:04:05",
            "yesterday",
            "",
        ] {
            assert_eq!(told(wrong), None, "{wrong}");
        }
    }
}
