//! Reads CREATE INDEX, VIEW, TRIGGER and VIRTUAL TABLE as the engine keeps them.

use super::table::parts;
use super::tokens::{Cursor, Known, Token, canonical, clauses, plain, tokens};
use crate::model::schema::{Id, Key, KeyKind, Kind, Object, Table};

/// The module of a virtual table with its arguments.
pub const USING: &str = "using";

/// An index; its columns are those of `known`.
pub fn index(sql: &str, name: &str, known: &Known) -> Option<Key> {
    let all = tokens(sql)?;
    let mut cursor = Cursor::new(&all);
    cursor.eat("CREATE").then_some(())?;
    let kind = if cursor.eat("UNIQUE") {
        KeyKind::Unique
    } else {
        KeyKind::Index
    };
    cursor.eat("INDEX").then_some(())?;
    cursor.name()?;
    cursor.eat("ON").then_some(())?;
    cursor.name()?;
    let parts = parts(cursor.group()?, known)?;
    let mut filter = None;
    if cursor.eat("WHERE") {
        filter = Some(canonical(super::tokens::bare(cursor.rest()), Some(known)));
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

/// A view: its columns, where they are named, and its query.
pub fn view(sql: &str, name: &str) -> Option<Object> {
    let all = tokens(sql)?;
    let mut cursor = Cursor::new(&all);
    cursor.eat_all(&["CREATE", "VIEW"]).then_some(())?;
    cursor.name()?;
    let columns = if cursor.sees("(") {
        let columns = clauses(cursor.group()?)
            .into_iter()
            .map(|clause| match clause {
                [one] => one.name().map(|name| plain(&name)),
                _ => None,
            });
        let columns = columns.collect::<Option<Vec<_>>>()?;
        format!(" ({})", columns.join(", "))
    } else {
        String::new()
    };
    cursor.eat("AS").then_some(())?;
    let query = canonical(cursor.rest(), None);
    Some(Object {
        kind: Kind::View,
        name: name.to_owned(),
        sql: format!("CREATE VIEW {}{columns} AS {query}", plain(name)),
        ..Object::default()
    })
}

/// A trigger of the table or view `on`.
pub fn trigger(sql: &str, name: &str, on: &str) -> Option<Object> {
    let all = tokens(sql)?;
    let mut cursor = Cursor::new(&all);
    cursor.eat_all(&["CREATE", "TRIGGER"]).then_some(())?;
    cursor.name()?;
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
        let mut columns = vec![cursor.name()?];
        while cursor.eat(",") {
            columns.push(cursor.name()?);
        }
        let columns: Vec<String> = columns.iter().map(|name| plain(name)).collect();
        event = format!("UPDATE OF {}", columns.join(", "));
    }
    cursor.eat("ON").then_some(())?;
    cursor.name()?;
    cursor.eat_all(&["FOR", "EACH", "ROW"]);
    let body = canonical(cursor.rest(), None);
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

/// A virtual table: what its module makes of the arguments, only the module knows.
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
    let all = tokens(sql)?;
    let mut cursor = Cursor::new(&all);
    cursor
        .eat_all(&["CREATE", "VIRTUAL", "TABLE"])
        .then_some(())?;
    cursor.name()?;
    cursor.eat("USING").then_some(())?;
    let module = cursor.name()?.to_ascii_lowercase();
    let arguments = if cursor.sees("(") {
        clauses(cursor.group()?)
    } else {
        Vec::new()
    };
    cursor.is_over().then_some(())?;
    let text = |clause: &[Token<'_>]| {
        // Modules read their arguments by themselves: only the blanks between tokens go.
        let words: Vec<&str> = clause.iter().map(|token| token.text).collect();
        words.join(" ")
    };
    let arguments = arguments.into_iter().map(text);
    Some((
        module,
        arguments.filter(|argument| !argument.is_empty()).collect(),
    ))
}

/// The tables and views that a text mentions, by their names in lower case.
pub fn mentions(sql: &str, exists: &dyn Fn(&str) -> Option<Id>, own: &Id) -> Vec<Id> {
    let all = tokens(sql).unwrap_or_default();
    let mut found: Vec<Id> = all
        .iter()
        .filter_map(|token| exists(&token.name()?.to_lowercase()))
        .filter(|id| id != own)
        .collect();
    found.sort();
    found.dedup();
    found
}
