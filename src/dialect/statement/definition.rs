//! CREATE TABLE with its columns, and DROP of tables, databases and what columns depend on.

use super::head::{DdlObject, Head};
use super::{Column, Detail, NewTable, StatementEffect};
use crate::sql::lex::Kind;
use crate::sql::{Cursor, Name};

/// The words that no column's definition begins with.
const NO_COLUMN: &[&str] = &[
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "KEY",
    "INDEX",
    "FOREIGN",
    "CHECK",
    "FULLTEXT",
    "SPATIAL",
    "EXCLUDE",
    "LIKE",
    "PERIOD",
    "PARTITION",
];

/// The words that end a column's type.
const AFTER_TYPE: &[&str] = &[
    "NOT",
    "NULL",
    "DEFAULT",
    "PRIMARY",
    "UNIQUE",
    "KEY",
    "CHECK",
    "REFERENCES",
    "COMMENT",
    "COLLATE",
    "CHARACTER",
    "CHARSET",
    "GENERATED",
    "AS",
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "FIRST",
    "AFTER",
    "CONSTRAINT",
    "ON",
    "USING",
    "INVISIBLE",
    "VISIBLE",
    "STORAGE",
    "COMPRESSED",
    "COMPRESSION",
    "WITHOUT",
];

/// The table that a CREATE creates. Without columns, the words are read up to its name.
pub(super) fn create(words: &mut Cursor<'_>, detail: Detail) -> Option<NewTable> {
    const MODIFIERS: &[&str] = &[
        "OR",
        "REPLACE",
        "GLOBAL",
        "LOCAL",
        "TEMPORARY",
        "TEMP",
        "UNLOGGED",
        "VIRTUAL",
    ];
    words.next();
    let head = Head::read(words)?;
    if head.kind != DdlObject::Table || !head.has_only(MODIFIERS) {
        return None;
    }
    let if_not_exists = words.eat_if_exists();
    let temporary = head.has("TEMPORARY") || head.has("TEMP");
    let mut table = NewTable {
        name: words.name()?,
        temporary,
        or_replace: head.has("REPLACE") && !temporary,
        if_not_exists,
        columns: None,
        like: None,
    };
    if detail == Detail::Columns {
        definition(words, &mut table);
    }
    Some(table)
}

/// Reads the columns of a table, or the table that it copies, from behind its name.
fn definition(words: &mut Cursor<'_>, table: &mut NewTable) {
    table.like = like(words);
    let columns = words.group().map(|mut group| {
        table.like = table.like.take().or_else(|| like(&mut group));
        let clauses = group.clauses().into_iter();
        clauses
            .filter_map(|mut clause| column(&mut clause))
            .collect::<Vec<_>>()
    });
    // A query adds columns that its text does not show.
    let queried = words.has("SELECT") || columns.as_ref().is_some_and(Vec::is_empty);
    table.columns = columns.filter(|_| !queried && table.like.is_none());
}

fn like(words: &mut Cursor<'_>) -> Option<Name> {
    words.eat("LIKE").then(|| words.name()).flatten()
}

/// The column that a clause of a table's definition adds.
pub(super) fn column(clause: &mut Cursor<'_>) -> Option<Column> {
    let first = clause.peek()?;
    if first.kind == Kind::Word && first.is_one_of(NO_COLUMN) {
        return None;
    }
    named_column(clause)
}

/// The column that stands here, whatever its name.
pub(super) fn named_column(clause: &mut Cursor<'_>) -> Option<Column> {
    let name = clause.any_case()?;
    let sql = column_type(clause);
    Some(Column { name, sql })
}

/// The type that stands here, without blanks and in lower case.
pub(super) fn column_type(clause: &mut Cursor<'_>) -> String {
    let (mut sql, mut depth) = (String::new(), 0_usize);
    while let Some(word) = clause.peek() {
        match word.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if depth == 0 && word.is_one_of(AFTER_TYPE) => break,
            _ => {}
        }
        if depth == 0 && !sql.is_empty() && word.kind == Kind::Word {
            sql.push(' ');
        }
        sql.push_str(&word.text.to_lowercase());
        clause.next();
    }
    sql
}

/// The effects of a DROP, from its verb on.
pub(super) fn drop(words: &mut Cursor<'_>) -> Vec<StatementEffect> {
    let cascade = words.has("CASCADE");
    if words.eat_all(&["DROP", "OWNED", "BY"]) {
        let lose = |name| lose(format!("drops everything that {name} owns"));
        return words.names().into_iter().map(lose).collect();
    }
    words.next();
    let Some(head) = Head::read(words).filter(|head| head.has_only(&[])) else {
        return Vec::new();
    };
    words.eat_if_exists();
    let schema_is_database = words.grammar().schema_is_database;
    let dependent = match head.kind {
        DdlObject::Table => {
            let names = words.names().into_iter();
            return names.map(StatementEffect::DropTable).collect();
        }
        DdlObject::Database => return drop_databases(words, "database"),
        DdlObject::Schema if schema_is_database => return drop_databases(words, "database"),
        DdlObject::Schema if cascade => return drop_databases(words, "schema"),
        DdlObject::Type => "type",
        DdlObject::Domain => "domain",
        DdlObject::Collation => "collation",
        DdlObject::Extension => "extension",
        _ => return Vec::new(),
    };
    if !cascade {
        return Vec::new();
    }
    let lose = |name| {
        lose(format!(
            "drops the {dependent} {name} and every column that uses it"
        ))
    };
    words.names().into_iter().map(lose).collect()
}

fn drop_databases(words: &mut Cursor<'_>, kind: &'static str) -> Vec<StatementEffect> {
    let names = words.names().into_iter();
    names
        .map(|name| StatementEffect::DropDatabase { name, kind })
        .collect()
}

fn lose(what: String) -> StatementEffect {
    StatementEffect::LoseData { table: None, what }
}
