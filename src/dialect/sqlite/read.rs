//! The reader of schemas: parses the statements that `sqlite_schema` keeps.

use std::collections::HashMap;

use super::ddl::object;
use super::ddl::table;
use super::ddl::table::Parsed;
use super::ddl::tokens::{ColumnNames, canonical, code, tokens};
use super::write::clause;
use crate::dialect::bookkeeping::not_own;
use crate::dialect::catalog::{Query, Rows};
use crate::model::schema::{Id, Kind, NotCompared, OpaqueObject, Schema, Table};
use crate::sql::lex;

/// The query for the statements, and for the shadow tables of virtual tables, which are created and
/// dropped with them.
pub fn queries() -> Vec<Query> {
    let sql = format!(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema \
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND {} \
         AND NOT (type = 'table' AND rootpage <> 0 AND name IN \
         (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow')) \
         ORDER BY rowid",
        not_own("tbl_name")
    );
    vec![Query { sql, columns: 4 }]
}

/// One row of `sqlite_schema`.
struct Entry<'a> {
    kind: &'a str,
    name: &'a str,
    table: &'a str,
    sql: &'a str,
}

pub fn read(answers: &[Rows]) -> Result<Schema, String> {
    let rows = answers.first().map_or(&[][..], Vec::as_slice);
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let [Some(kind), Some(name), Some(table), Some(sql)] = row.as_slice() else {
            return Err("sqlite_schema holds a row without a name or a text".to_owned());
        };
        entries.push(Entry {
            kind,
            name,
            table,
            sql,
        });
    }
    let mut schema = Schema::default();
    for entry in entries.iter().filter(|entry| entry.kind == "table") {
        schema.tables.push(table(entry));
    }
    resolve(&mut schema);
    let by_name: HashMap<String, usize> = schema
        .tables
        .iter()
        .enumerate()
        .map(|(at, table)| (table.name.to_lowercase(), at))
        .collect();
    for entry in entries.iter().filter(|entry| entry.kind == "index") {
        let at = by_name.get(&entry.table.to_lowercase()).copied();
        let on = at.and_then(|at| schema.tables.get_mut(at));
        match on.and_then(|on| Some((index(entry, on)?, on))) {
            Some((key, on)) => table::add_index(on, key),
            None => schema.opaque_objects.push(opaque_object(entry)),
        }
    }
    for entry in &entries {
        let object = match entry.kind {
            "view" => object::view(entry.sql, entry.name),
            "trigger" => object::trigger(entry.sql, entry.name, &spelled(&by_name, &schema, entry)),
            _ => continue,
        };
        match object {
            Some(mut object) => {
                object.create_statement = NotCompared(trimmed(entry.sql).to_owned());
                schema.objects.push(object);
            }
            None => schema.opaque_objects.push(opaque_object(entry)),
        }
    }
    needs(&mut schema);
    Ok(schema)
}

/// The name of a trigger's table, spelled as the table is.
fn spelled(tables: &HashMap<String, usize>, schema: &Schema, entry: &Entry<'_>) -> String {
    let at = tables.get(&entry.table.to_lowercase());
    let table = at.and_then(|at| schema.tables.get(*at));
    table.map_or_else(|| entry.table.to_owned(), |table| table.name.clone())
}

fn opaque_object(entry: &Entry<'_>) -> OpaqueObject {
    OpaqueObject {
        what: format!("{} {}", entry.kind, entry.name),
        definition: canonical_text(entry.sql),
    }
}

/// A statement that cannot be parsed, in a spelling without its layout.
fn canonical_text(sql: &str) -> String {
    match code(sql) {
        Some(code) => canonical(&code, None),
        None => sql.to_owned(),
    }
}

/// The text without the comments behind its last token, which would hide a terminator.
fn trimmed(sql: &str) -> &str {
    let code = |token: &lex::Token| !matches!(token.kind, lex::Kind::Blank | lex::Kind::Comment);
    let all = lex::tokens(&crate::dialect::sqlite::SYNTAX, sql).unwrap_or_default();
    let last = all.iter().rev().find(|token| code(token));
    last.and_then(|last| sql.get(..last.end)).unwrap_or(sql)
}

fn table(entry: &Entry<'_>) -> Table {
    let plain = table::read(entry.sql).map(|parsed| parsed.table);
    let table = plain.or_else(|| object::virtual_table(entry.sql, entry.name));
    let mut table = table.unwrap_or_else(|| Table {
        opaque_clauses: vec![canonical_text(entry.sql)],
        ..Table::default()
    });
    entry.name.clone_into(&mut table.name);
    table.create_statement = NotCompared(trimmed(entry.sql).to_owned());
    table
}

/// Spells the names in foreign keys as their tables and columns do, and names unnamed constraints.
/// Then every table is rendered and parsed again, which must give the same table.
fn resolve(schema: &mut Schema) {
    let parents: HashMap<String, Parent> = schema
        .tables
        .iter()
        .map(|table| (table.name.to_lowercase(), Parent::of(table)))
        .collect();
    for table in &mut schema.tables {
        let lossless = survives(table);
        for key in &mut table.foreign_keys {
            point(key, &parents);
        }
        table::name(table);
        if !lossless {
            table.opaque_clauses = vec![canonical_text(&table.create_statement.0)];
        }
    }
}

/// The names of a table to which a foreign key may refer.
struct Parent {
    name: String,
    columns: ColumnNames,
    key: Vec<String>,
}

impl Parent {
    fn of(table: &Table) -> Parent {
        let key = table.primary_key().into_iter();
        Parent {
            name: table.name.clone(),
            columns: ColumnNames::new(table.columns.iter().map(|column| column.name.as_str())),
            key: key.map(|column| column.name.clone()).collect(),
        }
    }
}

fn point(key: &mut crate::model::schema::ForeignKey, parents: &HashMap<String, Parent>) {
    let Some(parent) = parents.get(&key.to.to_lowercase()) else {
        return;
    };
    parent.name.clone_into(&mut key.to);
    if key.to_columns.is_empty() && parent.key.len() == key.columns.len() {
        key.to_columns.clone_from(&parent.key);
    }
    for column in &mut key.to_columns {
        if let Some(declared) = parent.columns.resolve(column) {
            *column = declared.to_owned();
        }
    }
}

/// Whether a rendered table is parsed as the same table, without a lost literal.
fn survives(table: &Table) -> bool {
    if table.options.contains_key(object::USING) || !table.opaque_clauses.is_empty() {
        return true;
    }
    let written = clause::table(table);
    let again = table::read(&written).map(|parsed: Parsed| Table {
        create_statement: NotCompared::default(),
        ..parsed.table
    });
    let same = again.is_some_and(|again| same(&again, table));
    same && literals(&written) == literals(&table.create_statement.0)
}

fn same(one: &Table, other: &Table) -> bool {
    let sorted = |table: &Table| {
        let mut table = table.clone();
        table.name.clear();
        table
            .keys
            .sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
        table
            .foreign_keys
            .sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
        table
            .checks
            .sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
        table
    };
    one == other || sorted(one) == sorted(other)
}

/// The numbers of a text, sorted.
fn literals(sql: &str) -> Vec<String> {
    let mut literals: Vec<String> = tokens(sql)
        .iter()
        .filter(|token| token.kind == lex::Kind::Number)
        .map(|token| token.text.to_lowercase())
        .collect();
    literals.sort();
    literals
}

fn index(entry: &Entry<'_>, on: &Table) -> Option<crate::model::schema::Key> {
    if on.options.contains_key(object::USING) || !on.opaque_clauses.is_empty() {
        return None;
    }
    let known = ColumnNames::new(on.columns.iter().map(|column| column.name.as_str()));
    let read = |sql: &str| {
        let mut key = object::index(sql, entry.name, &known)?;
        table::usual_collations(&mut key, on);
        Some(key)
    };
    let mut key = read(entry.sql)?;
    let same = read(&clause::index(&on.name, &key))? == key;
    key.create_statement = NotCompared(trimmed(entry.sql).to_owned());
    same.then_some(key)
}

/// Sets the dependencies of views and triggers: the tables and views that their texts mention.
fn needs(schema: &mut Schema) {
    let tables = schema.tables.iter().map(Table::id);
    let views = schema
        .objects
        .iter()
        .filter(|object| object.kind == Kind::View);
    let all: HashMap<String, Id> = tables
        .chain(views.map(crate::model::schema::Object::id))
        .map(|id| (id.name.to_lowercase(), id))
        .collect();
    for object in &mut schema.objects {
        let own = object.id();
        let exists = |name: &str| all.get(name).cloned();
        object.needs = NotCompared(object::mentions(&object.create_statement.0, &exists, &own));
    }
}
