//! Parses the elements and the options of a table.

use super::code::Code;
use super::column::Column;
use super::key::{Check, ForeignKey, KEYS, Key};
use super::partition::Partitions;
use super::utf8mb3;
use crate::sql::cursor::Cursor;
use crate::sql::lex::Kind;

/// An element between the parentheses of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    Column(Column),
    Key(Key),
    ForeignKey(ForeignKey),
    Check(Check),
    Period(Period),
}

/// A period of a system-versioned or an application-time table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    pub name: String,
    pub columns: Code,
}

/// A clause behind the parentheses of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableClause {
    Option(TableOption),
    Partitions(Partitions),
}

/// An option of a table or a database, its name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOption {
    pub name: String,
    /// Whether the name is quoted, as that of an option of an engine outside of the server.
    pub quoted: bool,
    pub value: Code,
}

impl Element {
    /// Parses an element. `None` if it is not one, or not a whole one.
    pub fn parse(mut cursor: Cursor<'_>) -> Option<Element> {
        let constraint = cursor.eat("CONSTRAINT");
        let unnamed = [KEYS, &["FOREIGN", "CHECK"]].concat();
        let named = constraint && !cursor.peek()?.is_one_of(&unnamed);
        let name = if named { Some(cursor.part()?) } else { None };
        let element = if cursor.peek()?.is_one_of(KEYS) {
            Element::Key(Key::parse(&mut cursor, name)?)
        } else if cursor.eat_all(&["FOREIGN", "KEY"]) {
            Element::ForeignKey(ForeignKey::parse(&mut cursor, name)?)
        } else if cursor.eat("CHECK") {
            Element::Check(Check::parse(&mut cursor, name)?)
        } else if cursor.eat_all(&["PERIOD", "FOR"]) {
            Element::Period(Period {
                name: cursor.part()?,
                columns: Code::of(&cursor.group()?),
            })
        } else if constraint || cursor.sees("LIKE") {
            return None;
        } else {
            Element::Column(Column::parse(&mut cursor)?)
        };
        cursor.is_over().then_some(element)
    }
}

impl TableClause {
    /// Parses the next clause behind the parentheses.
    pub fn parse(cursor: &mut Cursor<'_>) -> Option<TableClause> {
        if cursor.eat_all(&["PARTITION", "BY"]) {
            Partitions::parse(cursor).map(TableClause::Partitions)
        } else {
            TableOption::parse(cursor).map(TableClause::Option)
        }
    }
}

impl TableOption {
    /// Parses an option with the comma before it. `None` if a query follows instead.
    pub fn parse(cursor: &mut Cursor<'_>) -> Option<TableOption> {
        const QUERY: &[&str] = &[
            "AS", "SELECT", "WITH", "IGNORE", "REPLACE", "LIKE", "(", "VALUES",
        ];
        cursor.eat(",");
        if cursor.eat_all(&["WITH", "SYSTEM", "VERSIONING"]) {
            return Some(TableOption {
                name: "versioning".to_owned(),
                quoted: false,
                value: Code::word("with"),
            });
        }
        cursor.eat("DEFAULT");
        let quoted = cursor.peek()?.kind == Kind::QuotedName;
        let mut name = if cursor.eat_all(&["CHARACTER", "SET"]) {
            "charset".to_owned()
        } else if cursor.peek()?.is_one_of(QUERY) {
            return None;
        } else {
            cursor.part()?.to_lowercase()
        };
        if cursor.eat("DIRECTORY") {
            name.push_str(" directory");
        }
        cursor.eat("=");
        let mark = cursor.mark();
        if cursor.group().is_none() {
            cursor.next()?;
        }
        Some(TableOption {
            name,
            quoted,
            value: Code::of(&cursor.since(mark)),
        })
    }

    /// The value as the catalog and recovery keep it.
    pub fn value(&self) -> String {
        match self.name.as_str() {
            "charset" | "collate" => utf8mb3(&self.value.value()),
            _ => self.value.value(),
        }
    }
}
