//! A table, as SHOW CREATE TABLE prints it.

use super::cursor::Cursor;
use super::{column, key};
use crate::dialect::catalog::has_bytes;
use crate::dialect::mysql::read::server_defaults::Words;
use crate::model::schema::{Aside, Column, Id, Kind as Object, Partition, Partitions, Table};
use crate::sql::lex::Kind;

/// What says of a table what is so anyway.
const USUAL: &[(&str, &str)] = &[
    ("encryption", "N"),
    ("compression", "NONE"),
    ("tablespace", "innodb_file_per_table"),
];

/// Reads what the server prints. What is not understood stands in `strange`.
pub fn read(name: &str, printed: &str, words: &Words<'_>) -> Table {
    let mut table = Table {
        name: name.to_owned(),
        printed: Aside(printed.to_owned()),
        ..Table::default()
    };
    let mut cursor = Cursor::new(printed);
    let begun = cursor.eat(&["CREATE", "TABLE"]) && cursor.name().is_some();
    let Some(elements) = begun.then(|| cursor.group()).flatten() else {
        table.strange.push(printed.to_owned());
        return table;
    };
    tail(&mut cursor, &mut table, words);
    let collation = table.options.get("collation").cloned().unwrap_or_default();
    for element in elements.clauses() {
        let read = read_element(element.clone(), &mut table, words, &collation);
        let is_bytes = |column: &Column| {
            let default = column.default.as_deref();
            default.is_some_and(|default| default.starts_with("0x"))
        };
        let told = !has_bytes(element.source()) || table.columns.last().is_some_and(is_bytes);
        if read.is_none() || !told {
            table.strange.push(element.flat());
        }
    }
    forget_usual_methods(&mut table);
    table.needs = Aside(sequences(&table));
    table
}

/// The way of an index that the engine takes anyway says nothing.
fn forget_usual_methods(table: &mut Table) {
    let engine = table
        .options
        .get("engine")
        .map(|engine| engine.to_lowercase());
    let usual = match engine.as_deref() {
        Some("memory") => "HASH",
        _ => "BTREE",
    };
    for key in &mut table.keys {
        key.method = key.method.take().filter(|method| method != usual);
    }
}

fn read_element(
    mut cursor: Cursor<'_>,
    table: &mut Table,
    words: &Words<'_>,
    collation: &str,
) -> Option<()> {
    if cursor.eat(&["CONSTRAINT"]) {
        let name = cursor.name()?;
        if cursor.eat(&["FOREIGN", "KEY"]) {
            let foreign = key::foreign(&mut cursor, name, &table.name)?;
            table.foreign_keys.push(foreign);
        } else {
            cursor.eat(&["CHECK"]).then_some(())?;
            let check = key::check(&mut cursor, name, &table.name, words)?;
            table.checks.push(check);
        }
    } else if cursor.eat(&["PERIOD", "FOR"]) {
        let name = cursor.name()?;
        let columns = cursor.group()?;
        let columns = format!("({})", columns.flat());
        table.options.insert(format!("period {name}"), columns);
    } else if let Some(kind) = key::kind(&mut cursor) {
        table.keys.push(key::read(&mut cursor, kind, words)?);
    } else {
        table
            .columns
            .push(column::read(&mut cursor, words, collation)?);
    }
    cursor.is_over().then_some(())
}

/// What stands behind the parentheses.
fn tail(cursor: &mut Cursor<'_>, table: &mut Table, words: &Words<'_>) {
    while !cursor.is_over() {
        let mark = cursor.mark();
        let read = if cursor.eat(&["PARTITION", "BY"]) {
            partitions(cursor).map(|partitions| table.partitions = Some(partitions))
        } else {
            option(cursor, table, words)
        };
        if read.is_none() {
            cursor.next();
            table.strange.push(cursor.since(mark).flat());
        }
    }
    let charset = table.options.remove("charset");
    if !table.options.contains_key("collation") {
        let collation = words.usual_collation(&charset.unwrap_or_default());
        table.options.insert("collation".to_owned(), collation);
    }
    // The next number is data.
    table.options.remove("auto_increment");
    for (name, value) in USUAL {
        if table
            .options
            .get(*name)
            .is_some_and(|is| is.eq_ignore_ascii_case(value))
        {
            table.options.remove(*name);
        }
    }
}

fn option(cursor: &mut Cursor<'_>, table: &mut Table, words: &Words<'_>) -> Option<()> {
    cursor.eat(&[","]);
    if cursor.eat(&["WITH", "SYSTEM", "VERSIONING"]) {
        table.options.insert("versioning".into(), "with".into());
        return Some(());
    }
    cursor.eat(&["DEFAULT"]);
    let quoted = cursor.peek()?.kind == Kind::QuotedName;
    let mut name = cursor.name()?.to_lowercase();
    if cursor.eat(&["DIRECTORY"]) {
        name.push_str(" directory");
    }
    if quoted {
        name = format!("`{name}`");
    }
    cursor.eat(&["="]);
    let value = match cursor.peek()?.kind {
        Kind::Text => cursor.string()?,
        Kind::QuotedName => cursor.name()?,
        _ => match cursor.group() {
            Some(inside) => format!("({})", inside.flat()),
            None => {
                let value = cursor.next()?;
                cursor.word(value).to_owned()
            }
        },
    };
    match name.as_str() {
        "comment" => table.comment = Some(value),
        "charset" => drop(table.options.insert(name, words.charset(&value))),
        "collate" => {
            let collation = words.collation(&value);
            table.options.insert("collation".to_owned(), collation);
        }
        _ => drop(table.options.insert(name, value)),
    }
    Some(())
}

/// Reads partitions from behind `PARTITION BY` on.
fn partitions(cursor: &mut Cursor<'_>) -> Option<Partitions> {
    let mark = cursor.mark();
    while !cursor.is_over() {
        let by = cursor.since(mark).flat();
        let Some(inside) = cursor.group() else {
            cursor.next();
            continue;
        };
        if !inside.sees(&["PARTITION"]) {
            continue;
        }
        let parts = inside.clauses().into_iter().map(part);
        return Some(Partitions {
            by,
            parts: parts.collect::<Option<_>>()?,
        });
    }
    Some(Partitions {
        by: cursor.since(mark).flat(),
        parts: Vec::new(),
    })
}

fn part(mut cursor: Cursor<'_>) -> Option<Partition> {
    cursor.eat(&["PARTITION"]).then_some(())?;
    let name = cursor.name()?;
    Some(Partition {
        name,
        sql: without_engine(&cursor),
    })
}

/// Partitions share the table's engine, and that is always shown.
fn without_engine(cursor: &Cursor<'_>) -> String {
    let (mut cursor, mut sql, mut end) = (cursor.clone(), String::new(), None);
    while let Some(token) = cursor.peek() {
        if cursor.eat(&["ENGINE", "="]) {
            cursor.next();
            continue;
        }
        cursor.next();
        let word = cursor.word(token);
        if end.is_some_and(|end| end < token.start) && !matches!(word, ")" | ",") {
            sql.push(' ');
        }
        sql.push_str(word);
        end = Some(token.end);
    }
    sql
}

/// The sequences from which columns take their defaults.
fn sequences(table: &Table) -> Vec<Id> {
    let defaults = table
        .columns
        .iter()
        .filter_map(|column| column.default.as_deref());
    let named = defaults.filter_map(|default| {
        let mut cursor = Cursor::new(default);
        while !cursor.is_over() {
            if cursor.eat(&["nextval"]) || cursor.eat(&["lastval"]) {
                return cursor.group()?.name();
            }
            cursor.next();
        }
        None
    });
    named.map(|name| Id::new(Object::Sequence, &name)).collect()
}
