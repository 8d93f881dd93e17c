//! The constraints of CREATE TABLE. A constraint of a column and one of the table give the same model
//! if they mean the same.

use super::table::{Definition, parts};
use super::tokens::{ColumnNames, canonical, code, name as read_name, name_of};
use crate::model::schema::{
    Check, Column, ForeignKey, Generated, Key, KeyKind, KeyPart, Options, Table,
};
use crate::sql::Cursor;
use crate::sql::lex::Kind;

/// The words that begin a constraint of a column and so end a type.
pub const BEGINS: &[&str] = &[
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
    "DEFERRABLE",
];
pub const CONFLICT: &str = "on conflict";
/// The option of a key whose single INTEGER column is not an alias of the rowid.
pub const NO_ALIAS: &str = "rowid";
pub const DEFERRED: &str = "deferrable";
pub const AUTOINCREMENT: &str = "AUTOINCREMENT";

/// A constraint with its name.
pub struct Clause<'a> {
    name: Option<String>,
    rule: Rule<'a>,
}

/// The rule of a constraint.
pub enum Rule<'a> {
    /// A name without a constraint, or `NULL`.
    Nothing,
    NotNull(Option<String>),
    Default(Cursor<'a>),
    Collate(String),
    Generated(Cursor<'a>, bool),
    /// Kind, parts, conflict, AUTOINCREMENT. A constraint of a column has no parts.
    Key(KeyKind, Option<Cursor<'a>>, Option<String>, bool),
    /// `PRIMARY KEY DESC` of a column.
    Descending(Option<String>, bool),
    Check(Cursor<'a>),
    References(Vec<String>, ForeignKey),
    /// Whether the last foreign key is checked at the end of the transaction.
    Deferred(bool),
}

/// Parses a constraint of the table, if one begins here.
pub fn of_table<'a>(cursor: &mut Cursor<'a>) -> Option<Option<Clause<'a>>> {
    let begins = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    if !begins.iter().any(|word| cursor.sees(word)) {
        return Some(None);
    }
    let name = named(cursor)?;
    let rule = if cursor.eat_all(&["PRIMARY", "KEY"]) {
        let mut inside = cursor.group()?;
        let mut counts = false;
        if let Some((rest, last)) = inside.split_last()
            && last.is(AUTOINCREMENT)
        {
            (inside, counts) = (rest, true);
        }
        Rule::Key(KeyKind::Primary, Some(inside), conflict(cursor)?, counts)
    } else if cursor.eat("UNIQUE") {
        let inside = cursor.group()?;
        Rule::Key(KeyKind::Unique, Some(inside), conflict(cursor)?, false)
    } else if cursor.eat("CHECK") {
        let inside = cursor.group()?;
        conflict(cursor)?;
        Rule::Check(inside)
    } else if cursor.eat_all(&["FOREIGN", "KEY"]) {
        let columns = names(cursor)?;
        if !cursor.eat("REFERENCES") {
            return None;
        }
        let mut key = references(cursor)?;
        if let Some(waits) = deferred(cursor)? {
            wait(&mut key, waits);
        }
        Rule::References(columns, key)
    } else {
        return None;
    };
    Some(Some(Clause { name, rule }))
}

/// Parses a constraint of a column, if one begins here.
pub fn of_column<'a>(cursor: &mut Cursor<'a>) -> Option<Option<Clause<'a>>> {
    let name = named(cursor)?;
    let rule = if cursor.eat("DEFAULT") {
        Rule::Default(default(cursor)?)
    } else if let Some(waits) = deferred(cursor)? {
        Rule::Deferred(waits)
    } else if cursor.eat_all(&["NOT", "NULL"]) {
        Rule::NotNull(conflict(cursor)?)
    } else if cursor.eat("NULL") {
        conflict(cursor)?;
        Rule::Nothing
    } else if cursor.eat_all(&["PRIMARY", "KEY"]) {
        let descends = cursor.eat_one(&["ASC", "DESC"]) == Some("DESC");
        let conflict = conflict(cursor)?;
        let counts = cursor.eat(AUTOINCREMENT);
        if descends {
            Rule::Descending(conflict, counts)
        } else {
            Rule::Key(KeyKind::Primary, None, conflict, counts)
        }
    } else if cursor.eat("UNIQUE") {
        Rule::Key(KeyKind::Unique, None, conflict(cursor)?, false)
    } else if cursor.eat("CHECK") {
        Rule::Check(cursor.group()?)
    } else if cursor.eat("REFERENCES") {
        Rule::References(Vec::new(), references(cursor)?)
    } else if cursor.eat("COLLATE") {
        Rule::Collate(read_name(cursor)?.to_ascii_uppercase())
    } else if cursor.eat_all(&["GENERATED", "ALWAYS", "AS"]) || cursor.eat("AS") {
        let expression = cursor.group()?;
        let stored = cursor.eat_one(&["STORED", "VIRTUAL"]) == Some("STORED");
        Rule::Generated(expression, stored)
    } else if name.is_some() {
        Rule::Nothing
    } else {
        return Some(None);
    };
    Some(Some(Clause { name, rule }))
}

fn named(cursor: &mut Cursor<'_>) -> Option<Option<String>> {
    if cursor.eat("CONSTRAINT") {
        read_name(cursor).map(Some)
    } else {
        Some(None)
    }
}

/// Parses `ON CONFLICT …`. ABORT is the default.
fn conflict(cursor: &mut Cursor<'_>) -> Option<Option<String>> {
    if !cursor.eat_all(&["ON", "CONFLICT"]) {
        return Some(None);
    }
    let word = cursor.eat_one(&["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"])?;
    Some((word != "ABORT").then(|| word.to_owned()))
}

fn default<'a>(cursor: &mut Cursor<'a>) -> Option<Cursor<'a>> {
    if let Some(inside) = cursor.group() {
        return Some(inside);
    }
    let begin = cursor.mark();
    cursor.eat_any(&["+", "-"]);
    cursor.next()?;
    Some(cursor.since(begin))
}

fn names(cursor: &mut Cursor<'_>) -> Option<Vec<String>> {
    let mut inside = cursor.group()?;
    let mut names = vec![read_name(&mut inside)?];
    while inside.eat(",") {
        names.push(read_name(&mut inside)?);
    }
    inside.is_over().then_some(names)
}

fn references(cursor: &mut Cursor<'_>) -> Option<ForeignKey> {
    let mut key = ForeignKey {
        to: read_name(cursor)?,
        on_delete: "NO ACTION".to_owned(),
        on_update: "NO ACTION".to_owned(),
        ..ForeignKey::default()
    };
    if cursor.sees("(") {
        key.to_columns = names(cursor)?;
    }
    loop {
        if cursor.eat_all(&["ON", "DELETE"]) {
            key.on_delete = action(cursor)?;
        } else if cursor.eat_all(&["ON", "UPDATE"]) {
            key.on_update = action(cursor)?;
        } else if cursor.eat_all(&["ON", "INSERT"]) {
            // The engine accepts it, and it has no effect.
            action(cursor)?;
        } else if cursor.eat("MATCH") {
            // The engine treats all of them as SIMPLE.
            read_name(cursor)?;
        } else {
            return Some(key);
        }
    }
}

fn action(cursor: &mut Cursor<'_>) -> Option<String> {
    let actions: [&[&str]; 5] = [
        &["SET", "NULL"],
        &["SET", "DEFAULT"],
        &["CASCADE"],
        &["RESTRICT"],
        &["NO", "ACTION"],
    ];
    let action = actions.into_iter().find(|action| cursor.eat_all(action))?;
    Some(action.join(" "))
}

/// Parses a DEFERRABLE clause: whether the key is checked at the end of the transaction.
fn deferred(cursor: &mut Cursor<'_>) -> Option<Option<bool>> {
    let not = cursor.eat_all(&["NOT", "DEFERRABLE"]);
    if !not && !cursor.eat("DEFERRABLE") {
        return Some(None);
    }
    let mut waits = false;
    if cursor.eat("INITIALLY") {
        waits = cursor.eat_one(&["DEFERRED", "IMMEDIATE"])? == "DEFERRED";
    }
    Some(Some(waits && !not))
}

fn wait(key: &mut ForeignKey, waits: bool) {
    if waits {
        let how = "INITIALLY DEFERRED".to_owned();
        key.options.insert(DEFERRED.to_owned(), how);
    } else {
        key.options.remove(DEFERRED);
    }
}

/// Applies a constraint of a column to the column or to the table.
pub fn apply(
    clause: Clause<'_>,
    column: &mut Column,
    definition: &mut Definition,
    table: &mut Table,
    known: &ColumnNames,
) -> Option<()> {
    match clause.rule {
        Rule::Nothing => {}
        Rule::NotNull(conflict) => {
            column.nullable = false;
            column.options = options(conflict);
        }
        Rule::Default(code) => column.default = default_value(&code, known),
        Rule::Collate(name) => column.collation = (name != "BINARY").then_some(name),
        Rule::Generated(code, stored) => {
            let expression = canonical(&code.bare(), Some(known));
            column.generated = Some(Generated { expression, stored });
        }
        Rule::Deferred(waits) => wait(table.foreign_keys.last_mut()?, waits),
        Rule::Key(_, _, _, counts) | Rule::Descending(_, counts) if counts => {
            column.identity = Some(AUTOINCREMENT.to_owned());
            definition.has_key = true;
            add(clause, Some(column), table, known)?;
        }
        _ => {
            let has = |table: &Table| {
                (
                    table.keys.len(),
                    table.foreign_keys.len(),
                    table.checks.len(),
                )
            };
            let before = has(table);
            add(clause, Some(column), table, known)?;
            let after = has(table);
            definition.has_key |= after.0 > before.0;
            definition.foreign_keys += after.1 - before.1;
            definition.checks += after.2 - before.2;
        }
    }
    Some(())
}

/// Adds a constraint to the table. `column` is set for a constraint of a column.
pub fn add(
    clause: Clause<'_>,
    column: Option<&Column>,
    table: &mut Table,
    known: &ColumnNames,
) -> Option<()> {
    let named = clause.name.is_some();
    let name = clause.name.unwrap_or_default();
    let own = |column: &Column| KeyPart {
        column: Some(column.name.clone()),
        ..KeyPart::default()
    };
    match clause.rule {
        Rule::Key(kind, code, conflict, counts) => {
            let parts = match (code, column) {
                (Some(code), _) => parts(&code, known)?,
                (None, column) => vec![own(column?)],
            };
            if counts
                && column.is_none()
                && let Some(name) = parts.first().and_then(|part| part.column.clone())
            {
                let counted = table.columns.iter_mut().find(|column| column.name == name);
                counted?.identity = Some(AUTOINCREMENT.to_owned());
            }
            table.keys.push(Key {
                name,
                named,
                kind,
                constraint: true,
                parts,
                options: options(conflict),
                ..Key::default()
            });
        }
        Rule::Descending(conflict, _) => {
            let part = KeyPart {
                descending: true,
                ..own(column?)
            };
            let mut options = options(conflict);
            if column?.sql == "INTEGER" {
                options.insert(NO_ALIAS.to_owned(), "apart".to_owned());
            }
            table.keys.push(Key {
                name,
                named,
                kind: KeyKind::Primary,
                constraint: true,
                parts: vec![part],
                options,
                ..Key::default()
            });
        }
        Rule::Check(code) => table.checks.push(Check {
            name,
            named,
            expression: canonical(&code.bare(), Some(known)),
            ..Check::default()
        }),
        Rule::References(columns, mut key) => {
            let columns = match column {
                Some(column) => vec![column.name.clone()],
                None => columns,
            };
            let declared = columns
                .iter()
                .map(|name| known.resolve(name).map(str::to_owned));
            key.columns = declared.collect::<Option<_>>()?;
            (key.name, key.named) = (name, named);
            table.foreign_keys.push(key);
        }
        _ => return None,
    }
    Some(())
}

fn options(conflict: Option<String>) -> Options {
    conflict
        .map(|word| (CONFLICT.to_owned(), word))
        .into_iter()
        .collect()
}

/// The default of a column: a literal without parentheses. `NULL` is no default, and a bare word is a
/// string.
fn default_value(code: &Cursor<'_>, known: &ColumnNames) -> Option<String> {
    let code = code.bare();
    if let Some(one) = code.only() {
        if one.is("NULL") {
            return None;
        }
        let literal = [
            "CURRENT_TIME",
            "CURRENT_DATE",
            "CURRENT_TIMESTAMP",
            "TRUE",
            "FALSE",
        ];
        if one.is_one_of(&literal) {
            return Some(one.text.to_ascii_uppercase());
        }
        if matches!(one.kind, Kind::Word | Kind::QuotedName) {
            return Some(format!("'{}'", name_of(&one)?.replace('\'', "''")));
        }
    }
    Some(canonical(&code, Some(known)))
}

/// Whether a default is one literal, and therefore the same for all rows.
pub fn is_literal(default: &str) -> bool {
    let Some(mut code) = code(default) else {
        return false;
    };
    code.eat_any(&["+", "-"]);
    code.only().is_some_and(|one| {
        matches!(one.kind, Kind::Number | Kind::Text) || one.is_one_of(&["TRUE", "FALSE"])
    })
}

/// The expressions of a table: in checks, generated columns, defaults and indexes.
pub fn expressions(table: &Table) -> impl Iterator<Item = &str> {
    let columns = table.columns.iter().flat_map(|column| {
        let generated = column.generated.as_ref();
        generated
            .map(|generated| generated.expression.as_str())
            .into_iter()
            .chain(column.default.as_deref())
    });
    let checks = table.checks.iter().map(|check| check.expression.as_str());
    let keys = table.keys.iter().flat_map(|key| {
        let parts = key
            .parts
            .iter()
            .filter_map(|part| part.expression.as_deref());
        parts.chain(key.filter.as_deref())
    });
    columns.chain(checks).chain(keys)
}
