//! Adoption: maps the history of another tool, or the tables that exist, to rows of bird's history, or
//! gives the reasons why it cannot.
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
use crate::model::schema::{Schema, Table};

/// All tools from which bird can adopt, in the order of the README. Refinery is not among them: its
/// history is bird's own.
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

/// A row of a tool's table: the columns of [`Tool::columns`], in their order.
pub type ToolRow = Vec<Option<String>>;

/// A tool from which bird can adopt.
pub struct Tool {
    /// The name in `--from` and in the markers of migrations.
    pub name: &'static str,
    /// The names of its table, the newest first.
    pub tables: &'static [&'static str],
    /// The columns that identify its table, and how each is selected.
    pub columns: &'static [(&'static str, Ask)],
    /// A column that only another tool's table of the same name has.
    pub absent_column: Option<&'static str>,
    /// Another table, and whether it must exist or must not.
    pub companion_table: Option<(&'static str, bool)>,
    /// The columns by which its rows are sorted.
    pub order: &'static [&'static str],
    pub read: fn(&[ToolRow]) -> ForeignHistory,
    /// Whether a checksum of this tool is that of a text; `None` if it stores no checksums that can be
    /// computed.
    pub is_unchanged: Option<fn(text: &str, checksum: &str) -> bool>,
    /// Reads a comment in which the tool names the versions that a text leads from and to.
    pub step: Option<fn(comment: &str) -> Option<VersionStep>>,
    /// The beginning of the comment that starts the down section of its files.
    pub down_marker: Option<&'static str>,
}

/// How a column is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Text,
    /// Bytes, as hexadecimal digits.
    Hex,
    /// A time that the engine wrote.
    Time,
    /// A time that the tool wrote, in UTC whatever the column's type is.
    UtcTime,
}

/// A step from some versions of the tool to others.
pub struct VersionStep {
    pub from: Vec<String>,
    pub to: Vec<String>,
}

/// The history of a tool.
#[derive(Default)]
pub struct ForeignHistory {
    /// Migrations that are applied.
    pub applied: Vec<ForeignMigration>,
    /// Versions up to which everything is applied.
    pub up_to: Vec<UpTo>,
    /// Heads that are applied, with everything that led to them.
    pub heads: Vec<ForeignMigration>,
    /// The reasons why it cannot be adopted.
    pub refused: Vec<Diagnostic>,
}

/// A migration in the history of another tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignMigration {
    /// The version as the tool writes it: `1.2`, `20240101120000_init`, `1975ea83b712`.
    pub version: String,
    /// The version of bird's migration if the tool's version is a number that fits.
    pub number: Option<i64>,
    /// The description of the tool.
    pub about: Option<String>,
    /// RFC 3339, UTC, if the tool knows it.
    pub applied_on: Option<String>,
    pub checksum: Option<String>,
}

/// The last of a sequence of versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpTo {
    pub last: ForeignMigration,
    /// Whether a migration of exactly this version must exist.
    pub must_exist: bool,
}

/// All values of `--from`.
pub fn names() -> Vec<&'static str> {
    let tools = TOOLS.iter().map(|tool| tool.name);
    tools.chain([REFINERY, BASELINE]).collect()
}

/// The tool whose history bird itself uses.
pub const REFINERY: &str = "refinery";
/// No tool: the tables that exist.
pub const BASELINE: &str = "baseline";

/// The names of all tables that identify tools.
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

/// The tools that these tables belong to, each with its table.
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

/// Removes from a schema the tables in which other tools keep their history, with all that hangs on
/// them, except those to be kept. Returns the names of the tools.
pub fn remove_histories(schema: &mut Schema, keep: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let tools = recognise(&schema.tables);
    let names = tools.iter().map(|(tool, _)| tool.name).collect();
    let own = tools.iter().map(|(_, table)| table.name.clone());
    let companions = tools.iter().filter_map(|(tool, _)| {
        let (companion, exists) = tool.companion_table?;
        exists.then(|| companion.to_owned())
    });
    let theirs: Vec<String> = own.chain(companions).filter(|name| !keep(name)).collect();
    schema.tables.retain(|table| !theirs.contains(&table.name));
    let hangs_on = |table: &Option<String>| table.as_ref().is_some_and(|on| theirs.contains(on));
    schema.objects.retain(|object| !hangs_on(&object.table));
    names
}

impl Tool {
    fn owns(&self, table: &Table) -> bool {
        let has = |name: &str| table.column(name).is_some();
        self.columns.iter().all(|(name, _)| has(name)) && !self.absent_column.is_some_and(has)
    }

    /// The query for the history of the tool. `name` is the qualified name of the table.
    pub fn query(&self, dialect: &dyn Dialect, table: &Table, name: &str) -> String {
        let columns = self.columns.iter().map(|(column, ask)| {
            let quoted = dialect.quote(column);
            let time = |is_utc| {
                let found = table.column(column);
                let text = found.and_then(|column| dialect.utc_of(column, is_utc));
                text.unwrap_or_else(|| "NULL".into())
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

/// A cell of a row; `None` if it is NULL.
fn cell(row: &ToolRow, at: usize) -> Option<&str> {
    row.get(at).and_then(Option::as_deref)
}

/// A time of a row in the format of the history.
fn time(row: &ToolRow, at: usize) -> Option<String> {
    let time = OffsetDateTime::parse(cell(row, at)?, &Rfc3339).ok()?;
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}

/// Whether a cell is true, in the notation of any engine.
fn is_true(cell: Option<&str>) -> bool {
    matches!(cell, Some("1" | "t" | "true" | "TRUE"))
}

/// Whether a cell is false; NULL and unreadable values are neither true nor false.
fn is_false(cell: Option<&str>) -> bool {
    matches!(cell, Some("0" | "f" | "false" | "FALSE"))
}

/// The number of a text of digits, if it fits.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The error for an unfinished migration of a tool.
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
        let utc = |text: &str| time(&vec![Some(text.to_owned())], 0);
        assert_eq!(
            utc("2026-01-02T03:04:05.5+02:00").as_deref(),
            Some("2026-01-02T01:04:05.5Z")
        );
        for wrong in [
            "0000-00-00T00:00:00Z",
            "2026-01-02 03:04:05",
            "yesterday",
            "",
        ] {
            assert_eq!(utc(wrong), None, "{wrong}");
        }
    }
}
