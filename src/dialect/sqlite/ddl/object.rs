//! The parser of CREATE INDEX, VIEW, TRIGGER and VIRTUAL TABLE, as the engine stores them.

use super::table::parts;
use super::tokens::{ColumnNames, canonical, code, name as read_name, name_of, plain, tokens};
use crate::model::schema::{Id, Key, KeyKind, Kind, Object, Table};

/// The option for the module of a virtual table with its arguments.
pub const USING: &str = "using";

/// Parses an index on columns of `known`.
pub fn index(sql: &str, name: &str, known: &ColumnNames) -> Option<Key> {
    let mut cursor = code(sql)?;
    cursor.eat("CREATE").then_some(())?;
    let kind = if cursor.eat("UNIQUE") {
        KeyKind::Unique
    } else {
        KeyKind::Index
    };
    cursor.eat("INDEX").then_some(())?;
    read_name(&mut cursor)?;
    cursor.eat("ON").then_some(())?;
    read_name(&mut cursor)?;
    let parts = parts(&cursor.group()?, known)?;
    let mut filter = None;
    if cursor.eat("WHERE") {
        filter = Some(canonical(&cursor.bare(), Some(known)));
    } else if !cursor.is_over() {
        return None;
    }
    Some(Key {
        name: name.to_owned(),
        named: true,
        kind,
        parts,
        filter,
        ..Key::default()
    })
}

/// Parses a view: its named columns and its query.
pub fn view(sql: &str, name: &str) -> Option<Object> {
    let mut cursor = code(sql)?;
    cursor.eat_all(&["CREATE", "VIEW"]).then_some(())?;
    read_name(&mut cursor)?;
    let columns = if cursor.sees("(") {
        let clauses = cursor.group()?.clauses();
        let columns = clauses.iter().map(|clause| name_of(&clause.only()?));
        let columns: Vec<String> = columns
            .map(|name| Some(plain(&name?)))
            .collect::<Option<_>>()?;
        format!(" ({})", columns.join(", "))
    } else {
        String::new()
    };
    cursor.eat("AS").then_some(())?;
    let query = canonical(&cursor, None);
    Some(Object {
        kind: Kind::View,
        name: name.to_owned(),
        sql: format!("CREATE VIEW {}{columns} AS {query}", plain(name)),
        ..Object::default()
    })
}

/// Parses a trigger of the table or view `on`.
pub fn trigger(sql: &str, name: &str, on: &str) -> Option<Object> {
    let mut cursor = code(sql)?;
    cursor.eat_all(&["CREATE", "TRIGGER"]).then_some(())?;
    read_name(&mut cursor)?;
    let time = if cursor.eat("AFTER") {
        "AFTER"
    } else if cursor.eat_all(&["INSTEAD", "OF"]) {
        "INSTEAD OF"
    } else {
        cursor.eat("BEFORE");
        "BEFORE"
    };
    let mut event = cursor.eat_one(&["DELETE", "INSERT", "UPDATE"])?.to_owned();
    if event == "UPDATE" && cursor.eat("OF") {
        let mut columns = vec![read_name(&mut cursor)?];
        while cursor.eat(",") {
            columns.push(read_name(&mut cursor)?);
        }
        let columns: Vec<String> = columns.iter().map(|name| plain(name)).collect();
        event = format!("UPDATE OF {}", columns.join(", "));
    }
    cursor.eat("ON").then_some(())?;
    read_name(&mut cursor)?;
    cursor.eat_all(&["FOR", "EACH", "ROW"]);
    let body = canonical(&cursor, None);
    Some(Object {
        kind: Kind::Trigger,
        name: name.to_owned(),
        table: Some(on.to_owned()),
        sql: format!(
            "CREATE TRIGGER {} {time} {event} ON {} {body}",
            plain(name),
            plain(on)
        ),
        ..Object::default()
    })
}

/// Parses a virtual table. Only its module knows the meaning of the arguments.
pub fn virtual_table(sql: &str, name: &str) -> Option<Table> {
    let (module, arguments) = module(sql)?;
    let using = if arguments.is_empty() {
        module
    } else {
        format!("{module}({})", arguments.join(", "))
    };
    let mut table = Table {
        name: name.to_owned(),
        ..Table::default()
    };
    table.options.insert(USING.to_owned(), using);
    Some(table)
}

/// The module of a virtual table and its arguments.
pub fn module(sql: &str) -> Option<(String, Vec<String>)> {
    let mut cursor = code(sql)?;
    cursor
        .eat_all(&["CREATE", "VIRTUAL", "TABLE"])
        .then_some(())?;
    read_name(&mut cursor)?;
    cursor.eat("USING").then_some(())?;
    let module = read_name(&mut cursor)?.to_ascii_lowercase();
    let arguments = if cursor.sees("(") {
        cursor.group()?.clauses()
    } else {
        Vec::new()
    };
    cursor.is_over().then_some(())?;
    // Modules parse their arguments themselves: only blanks between tokens are normalized.
    let arguments = arguments.iter().map(|clause| clause.texts().join(" "));
    Some((
        module,
        arguments.filter(|argument| !argument.is_empty()).collect(),
    ))
}

/// The tables and views that a text mentions. `exists` finds them by names in lower case.
pub fn mentions(sql: &str, exists: &dyn Fn(&str) -> Option<Id>, own: &Id) -> Vec<Id> {
    let mut found: Vec<Id> = tokens(sql)
        .iter()
        .filter_map(|token| exists(&name_of(token)?.to_lowercase()))
        .filter(|id| id != own)
        .collect();
    found.sort();
    found.dedup();
    found
}
