//! Turns what SHOW CREATE TABLE prints into a table of the schema model.

use super::server_defaults::ServerDefaults;
use super::{column, key};
use crate::dialect::catalog::has_bytes;
use crate::dialect::mysql::SYNTAX;
use crate::dialect::mysql::ddl::partition;
use crate::dialect::mysql::ddl::table::{Element, TableClause};
use crate::model::schema::{Column, Id, Kind, NotCompared, Partition, Partitions, Table};
use crate::sql::cursor::Cursor;

/// Options of a table with the values that the server assumes anyway.
const USUAL: &[(&str, &str)] = &[
    ("encryption", "N"),
    ("compression", "NONE"),
    ("tablespace", "innodb_file_per_table"),
];

/// Reads what the server prints. What the schema model has no place for goes into `opaque_clauses`.
pub fn table(name: &str, printed: &str, defaults: &ServerDefaults<'_>) -> Table {
    let mut table = Table {
        name: name.to_owned(),
        create_statement: NotCompared(printed.to_owned()),
        ..Table::default()
    };
    let mut cursor = Cursor::new(&SYNTAX, printed);
    let begun = cursor.eat_all(&["CREATE", "TABLE"]) && cursor.part().is_some();
    let Some(elements) = begun.then(|| cursor.group()).flatten() else {
        table.opaque_clauses.push(printed.to_owned());
        return table;
    };
    clauses(&mut cursor, &mut table, defaults);
    let collation = table.options.get("collation").cloned().unwrap_or_default();
    for element in elements.clauses() {
        let added = Element::parse(element.clone())
            .and_then(|element| add(&mut table, element, defaults, &collation));
        let is_bytes = |column: &Column| {
            let default = column.default.as_deref();
            default.is_some_and(|default| default.starts_with("0x"))
        };
        let readable = !has_bytes(element.source()) || table.columns.last().is_some_and(is_bytes);
        if added.is_none() || !readable {
            table.opaque_clauses.push(element.flat());
        }
    }
    forget_usual_methods(&mut table);
    table.needs = NotCompared(sequences(&table));
    table
}

/// Removes the methods of indexes that the engine uses anyway.
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

fn add(
    table: &mut Table,
    element: Element,
    defaults: &ServerDefaults<'_>,
    collation: &str,
) -> Option<()> {
    match element {
        Element::Column(definition) => {
            let column = column::column(&definition, defaults, collation)?;
            table.columns.push(column);
        }
        Element::Key(definition) => table.keys.push(key::key(&definition, defaults)?),
        Element::ForeignKey(definition) => {
            let foreign_key = key::foreign_key(&definition, &table.name)?;
            table.foreign_keys.push(foreign_key);
        }
        Element::Check(definition) => {
            let check = key::check(&definition, &table.name, defaults)?;
            table.checks.push(check);
        }
        Element::Period(period) => {
            let name = format!("period {}", period.name);
            let columns = format!("({})", period.columns.text());
            table.options.insert(name, columns);
        }
    }
    Some(())
}

/// Reads what stands behind the parentheses.
fn clauses(cursor: &mut Cursor<'_>, table: &mut Table, defaults: &ServerDefaults<'_>) {
    while !cursor.is_over() {
        let mark = cursor.mark();
        match TableClause::parse(cursor) {
            Some(TableClause::Partitions(definition)) => {
                table.partitions = Some(Partitions {
                    by: definition.by.text(),
                    parts: definition.list.into_iter().map(partition).collect(),
                });
            }
            Some(TableClause::Option(option)) => {
                let value = option.value();
                match option.name.as_str() {
                    name if option.quoted => drop(table.options.insert(format!("`{name}`"), value)),
                    "comment" => table.comment = Some(value),
                    "collate" => drop(table.options.insert("collation".to_owned(), value)),
                    _ => drop(table.options.insert(option.name, value)),
                }
            }
            None => {
                cursor.next();
                table.opaque_clauses.push(cursor.since(mark).flat());
            }
        }
    }
    let charset = table.options.remove("charset");
    if !table.options.contains_key("collation") {
        let collation = defaults.usual_collation(&charset.unwrap_or_default());
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

fn partition(definition: partition::Partition) -> Partition {
    Partition {
        sql: definition.without_engine().text(),
        name: definition.name,
    }
}

/// The sequences from which columns take their defaults.
fn sequences(table: &Table) -> Vec<Id> {
    let defaults = table
        .columns
        .iter()
        .filter_map(|column| column.default.as_deref());
    let named = defaults.filter_map(|default| {
        let mut cursor = Cursor::new(&SYNTAX, default);
        while !cursor.is_over() {
            if cursor.eat_any(&["nextval", "lastval"]) {
                return cursor.group()?.part();
            }
            cursor.next();
        }
        None
    });
    named.map(|name| Id::new(Kind::Sequence, &name)).collect()
}
